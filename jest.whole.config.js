const usual = require('./jest.config')

process.env.PASSPORT_DIALECTS_TESTS = 'whole'

/**
 * What `npm test` does by its kinds, in full: `npm run test:whole`. Each provider meets each fault, each pair of requests
 * each place of sessions, and 1,000 logins at once share one application token.
 */
/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  testMatch: ['conformance/providers-*', 'sessions/pairs', 'tokens/app-token', 'tokens/processes'].map(
    (files) => `<rootDir>/__tests__/${files}.test.ts`,
  ),
}
