import { secret } from './ledger'

/** The state of a call's token. */
export type AppTokenState = 'live' | 'expired' | 'unknown'

/** How many expired tokens are remembered. */
const REMEMBERED = 1000

/** The tokens of one application: one at a time, the same for every request while it is valid. */
export class AppToken {
  private current: { token: string; endsAt: number } | undefined
  private readonly over = new Set<string>()
  private calls: number[] = []

  /**
   * @param lifetime seconds
   * @param limit calls a minute
   */
  constructor(
    private readonly lifetime: number,
    private readonly limit: number,
  ) {}

  /** The token and its remaining seconds; `undefined` after too many requests. */
  ask(): { token: string; seconds: number } | undefined {
    const now = Date.now()
    this.calls = this.calls.filter((at) => at > now - 60_000)
    if (this.calls.length >= this.limit) return undefined
    this.calls.push(now)
    const { token, endsAt } = this.live(now) ?? this.renewed(now)
    return { token, seconds: Math.ceil((endsAt - now) / 1000) }
  }

  stateOf(token: string): AppTokenState {
    if (this.live(Date.now())?.token === token) return 'live'
    return this.over.has(token) ? 'expired' : 'unknown'
  }

  /** Expires the token now. */
  expire(): void {
    if (this.current) this.current.endsAt = 0
  }

  private live(now: number) {
    if (!this.current || now < this.current.endsAt) return this.current
    const [oldest] = this.over
    if (this.over.size >= REMEMBERED && oldest !== undefined) this.over.delete(oldest)
    this.over.add(this.current.token)
    this.current = undefined
    return undefined
  }

  private renewed(now: number) {
    this.current = { token: secret(64), endsAt: now + this.lifetime * 1000 }
    return this.current
  }
}
