/** The seed of a run: printed, so that a failing run can be run again with `FUZZ_SEED`. */
export function seedOf(what: string): number {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stderr.write(`${what}: FUZZ_SEED=${seed}\n`)
  return seed
}

/** How much is tried; `FUZZ_RUNS` sets it for a longer or a shorter run. */
export function runsOf(usual: number): number {
  return Math.max(1, Number(process.env.FUZZ_RUNS ?? usual))
}
