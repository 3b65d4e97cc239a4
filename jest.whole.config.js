const usual = require('./jest.config')

process.env.PASSPORT_DIALECTS_TESTS = 'whole'

/**
 * What `npm test` does by its kinds, in full: `npm run test:whole`. Each provider meets each fault, each pair of requests
 * each place of sessions, 1,000 logins at once share one application token, the first six providers and Apple log in by
 * redirect and in a window, pages are looked at in each light and width, the examples start as a person starts them, and
 * what else has many rows of a kind has them all.
 */
/** @type {import('jest').Config} */
module.exports = {
  ...usual,
  testMatch: [
    'conformance/providers-*',
    'faults/matrix',
    'faults/fetch',
    'faults/network',
    'faults/network-later',
    'attacks/script',
    'attacks/open-redirect',
    'sessions/pairs',
    'sessions/delaying-store',
    'sessions/cookie-session',
    'sessions/memory',
    'sessions/redis',
    'sessions/postgres',
    'secrets/secrets',
    'emulators/tokens-live-on',
    'tokens/app-token',
    'tokens/processes',
    'browser/logins',
    'browser/looks',
    'browser/apple',
    'browser/form-post',
    'browser/examples',
    'example-app/start',
    'emulators/consent-in-browser',
    'faults/split-body',
    'conformance/kit-signed',
    'conformance/seventh-provider',
    'bin/new',
    'conformance/camel-case',
    'docs/code-blocks',
    'emulators/emulate',
    'house/repeat-tests',
    'strategies/apple',
    'strategies/huawei',
    'strategies/kakao',
    'strategies/line',
    'strategies/linkedin',
    'strategies/slack',
  ].map((files) => `<rootDir>/__tests__/${files}.test.ts`),
}
