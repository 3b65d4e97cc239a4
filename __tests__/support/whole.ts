/**
 * Whether this is the run of everything (`npm run test:whole`): there each provider meets each fault, each pair of requests
 * each place of sessions, and an application token 1,000 logins at once. `npm test` has of these products what differs in
 * kind.
 */
export const IS_WHOLE = process.env.PASSPORT_DIALECTS_TESTS === 'whole'
