const usual = require('./jest.config')

/** The site that `npm run docs:site` has built: `npm run test:site`. */
/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  testMatch: ['<rootDir>/__tests__/site/**/*.site.ts'],
  // There are no secrets in it, and the name of every option.
  setupFilesAfterEnv: [],
}
