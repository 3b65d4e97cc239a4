/**
 * Whether this is the complete run (`npm run test:whole`): each provider with each fault, each pair of requests of a
 * session at each place, 1,000 logins at once for an application token, and each page in each light and width.
 * `npm test` has only the combinations that differ in kind.
 */
export const IS_WHOLE = process.env.PASSPORT_DIALECTS_TESTS === 'whole'

/** The rows of a table that `npm test` runs; `npm run test:whole` runs them all. */
export function usually<Row>(all: readonly Row[], isUsual: (row: Row) => boolean): Row[] {
  return all.filter((row) => IS_WHOLE || isUsual(row))
}

/** A `describe` of `npm run test:whole` only. */
export function describeInWholeRuns(title: string, tests: () => void): void {
  if (IS_WHOLE) describe(title, tests)
}
