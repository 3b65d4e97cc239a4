const usual = require('./jest.config')

/** The long runs, apart from `npm test`: `npm run test:soak`. */
/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  testMatch: ['<rootDir>/__tests__/soak/**/*.soak.ts'],
  // What is remembered of every secret would grow with 100,000 logins.
  setupFilesAfterEnv: [],
  testTimeout: 600_000,
  // The load rests for a minute three times; what else there is has ended before its logins are timed.
  maxWorkers: 2,
}
