/**
 * Within so many ms, at one of three tries: the machine has other work too, and a deadline that does not hold is missed by all.
 * @param took what the first try took, in ms
 * @param again tries once more, and resolves to what that took
 */
export async function expectInTime(limit: number, took: number, again: () => Promise<number>): Promise<void> {
  let fastest = took
  for (let tries = 1; tries < 3 && fastest >= limit; tries++) fastest = Math.min(fastest, await again())
  expect(fastest).toBeLessThan(limit)
}
