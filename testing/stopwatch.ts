/** In ms. */
const TICK = 50
const MOST = 2 * TICK

/**
 * Milliseconds in which this process ran: on a machine that stands still for seconds, neither the app nor its deadlines
 * get on, and nothing is late.
 */
export class Stopwatch {
  private readonly over = new AbortController()
  private readonly timer: NodeJS.Timeout
  private at = performance.now()
  private cpu = process.cpuUsage()
  private counted = 0

  /** @param limit in ms, after which `signal` aborts */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.timer = setInterval(() => {
      if (this.count() >= limit) this.over.abort(new Error(`no answer within ${limit} ms`))
    }, TICK)
  }

  get signal(): AbortSignal {
    return this.over.signal
  }

  /** Ends it. @returns what it counted, in ms */
  stop(): number {
    clearInterval(this.timer)
    return this.count()
  }

  private count(): number {
    const now = performance.now()
    const { user, system } = process.cpuUsage(this.cpu)
    // A strategy that keeps the event loop busy lets no tick through, and did run.
    this.counted += Math.min(now - this.at, Math.max(MOST, (user + system) / 1000))
    this.at = now
    this.cpu = process.cpuUsage()
    return this.counted
  }
}
