const usual = require('./jest.config')

/** The long runs, apart from `npm test`: `npm run test:soak`. One after the other, for each wants the machine to itself. */
/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  testMatch: ['<rootDir>/__tests__/soak/**/*.soak.ts'],
  // What is remembered of every secret would grow with 100,000 logins.
  setupFilesAfterEnv: [],
  testTimeout: 1_500_000,
  maxWorkers: 1,
}
