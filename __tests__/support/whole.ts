/**
 * Whether this is the complete run (`npm run test:whole`): each provider with each fault, each pair of requests of a
 * session at each place, and 1,000 logins at once for an application token. `npm test` has only the combinations that
 * differ in kind.
 */
export const IS_WHOLE = process.env.PASSPORT_DIALECTS_TESTS === 'whole'
