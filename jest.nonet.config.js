module.exports={...require('./jest.config'),setupFilesAfterEnv:[]}
