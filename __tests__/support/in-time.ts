import type { ProviderConfig } from 'passport-dialects'

const TRIES = 10

/**
 * Expects one of ten tries to take at most `limit` ms: the machine has other work too, but a broken deadline fails all
 * of them.
 * @param timed a try with its own expectations; resolves to its time in ms
 */
export async function expectInTime(limit: number, timed: () => Promise<number>): Promise<void> {
  let fastest = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < TRIES && fastest >= limit; tries++) fastest = Math.min(fastest, await timed())
  expect(fastest).toBeLessThan(limit)
}

/**
 * For a short deadline that must not end the work, though it may if the machine pauses: one of ten tries must succeed.
 */
export async function inOneOfTenTries<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (problem) {
      if (tries === TRIES) throw problem
    }
  }
}

/** The time that the work takes, in ms. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/**
 * One provider without a short deadline, except where a test needs it: on a busy machine, everything else takes time.
 */
export class Paced {
  private readonly patient: Record<string, ProviderConfig>
  private readonly hasty: Record<string, ProviderConfig>
  private hurried = false

  /** @param deadline in milliseconds */
  constructor(name: string, options: ProviderConfig, deadline: number) {
    this.patient = { [name]: { ...options, timeout: 10_000 } }
    this.hasty = { [name]: { ...options, timeout: deadline } }
  }

  /** The `providers` of a router. */
  readonly providers = () => (this.hurried ? this.hasty : this.patient)

  /** Runs `work` with the short deadline. */
  async hastily<T>(work: () => Promise<T>): Promise<T> {
    this.hurried = true
    try {
      return await work()
    } finally {
      this.hurried = false
    }
  }
}
