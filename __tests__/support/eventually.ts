import { setTimeout as sleep } from 'node:timers/promises'

/** In milliseconds: on a busy machine, a window may take seconds to close. */
const BOUND = 30_000
const PAUSE = 10

/**
 * Waits for something that takes time: calls `look` until it no longer throws.
 * @param look reads the current state, and throws if that is not yet right; `expect` does so
 * @param bound in milliseconds
 * @returns what the last call of `look` returned
 * @throws Error after the bound, with what the last call threw: `expect` says there what it saw
 * @example await eventually(() => expect(context.pages()).toEqual([page]))
 */
export async function eventually<T>(look: () => T | Promise<T>, bound = BOUND): Promise<T> {
  const started = performance.now() // tests move the clock of `Date`
  const left = () => bound - (performance.now() - started)
  let last: unknown = new Error('no look came to an end')
  do {
    const seen = await settled(look, left())
    if ('value' in seen) return seen.value
    if ('failure' in seen) last = seen.failure
    await sleep(PAUSE)
  } while (left() > 0)
  const words = last instanceof Error ? last.message : String(last)
  throw new Error(`Not within ${bound} ms. The last look: ${words}`, { cause: last })
}

type Look<T> = { value: T } | { failure: unknown } | Record<never, never>

/** The result of one call; nothing if it did not end in time. */
async function settled<T>(look: () => T | Promise<T>, limit: number): Promise<Look<T>> {
  const over = new AbortController()
  const late = sleep(Math.max(limit, 1), {}, { signal: over.signal }).catch(() => ({}))
  const looked = (async () => look())().then(
    (value) => ({ value }),
    (failure: unknown) => ({ failure }),
  )
  try {
    return await Promise.race([looked, late])
  } finally {
    over.abort()
  }
}
