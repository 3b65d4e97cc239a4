/** In milliseconds. */
const TICK = 50
const MOST = 2 * TICK

/**
 * Counts only the time in which this process ran: while a machine pauses for seconds, neither the app nor its deadlines
 * advance, and nothing is late.
 */
export class Stopwatch {
  private readonly over = new AbortController()
  private readonly timer: NodeJS.Timeout
  private at = performance.now()
  private cpu = process.cpuUsage()
  private counted = 0

  /** @param limit when `signal` aborts, in milliseconds */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.timer = setInterval(() => {
      if (this.count() >= limit) this.over.abort(new Error(`no answer within ${limit} ms`))
    }, TICK)
  }

  get signal(): AbortSignal {
    return this.over.signal
  }

  /** Stops it. @returns the counted time in milliseconds */
  stop(): number {
    clearInterval(this.timer)
    return this.count()
  }

  private count(): number {
    const now = performance.now()
    const { user, system } = process.cpuUsage(this.cpu)
    // A strategy that blocks the event loop lets no tick through, but it did run.
    this.counted += Math.min(now - this.at, Math.max(MOST, (user + system) / 1000))
    this.at = now
    this.cpu = process.cpuUsage()
    return this.counted
  }
}

/** How long to wait for a strategy, in milliseconds: less than the five seconds that jest gives a test. */
export const PATIENCE = 4_500

/** Rejects where `work` does not end in time: a method of the strategy may never settle. */
export async function inTime<T>(work: Promise<T>, patience = PATIENCE): Promise<T> {
  const watch = new Stopwatch(patience)
  const { signal } = watch
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(new Error(`The strategy gave no answer within ${patience} ms. A method of it may never settle.`)),
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    watch.stop()
  }
}
