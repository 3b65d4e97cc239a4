/**
 * Tests that need a service or a program. Where it is missing they are skipped, and named as such; CI has them all,
 * so there a missing one is a failure.
 */
export function ifPresent(what: string, present: boolean, title: string, tests: () => void): void {
  if (present) {
    describe(title, tests)
    return
  }
  if (process.env.CI) {
    test(`${title}: ${what} is missing`, () => {
      throw new Error(`${what} is missing, and CI must have it`)
    })
    return
  }
  test.skip(`${title} (missing: ${what})`, () => {})
}
