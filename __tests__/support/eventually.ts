import { setTimeout as sleep } from 'node:timers/promises'

/** In ms: on a busy machine a window may take seconds to close. */
const BOUND = 30_000
const PAUSE = 10

/**
 * For what comes about in its own time: looks again and again until a look throws no more.
 * @param look reads what there is now, and throws where that is not yet it; `expect` does
 * @param bound in ms
 * @returns what the last look gave
 * @throws Error after the bound, with what the last look threw: `expect` says there what it saw
 * @example await eventually(() => expect(context.pages()).toEqual([page]))
 */
export async function eventually<T>(look: () => T | Promise<T>, bound = BOUND): Promise<T> {
  const started = performance.now() // tests let the clock of `Date` jump
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

/** What a look came to; nothing where it came to no end in time. */
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
