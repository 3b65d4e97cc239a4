/** How many tokens are remembered, so that a long run does not fill the memory. */
const ROOM = 20_000

/** Tokens that were issued, and whether each was used up. */
export class Known {
  private readonly used = new Map<string, boolean>()

  add(token: string): string {
    const [oldest] = this.used.keys()
    if (this.used.size >= ROOM && oldest !== undefined) this.used.delete(oldest)
    this.used.set(token, false)
    return token
  }

  has(token: string): boolean {
    return this.used.has(token)
  }

  use(token: string): void {
    this.used.set(token, true)
  }

  isUsed(token: string): boolean {
    return this.used.get(token) === true
  }
}
