/**
 * A map whose entries expire. An entry stays for at least `ms` milliseconds after it was last set, and as long as it is
 * `needed`; it is removed within twice that time. One timer serves all entries: with one each, a busy process would
 * hold some ten thousand, and its garbage collector would keep walking them.
 */
export class TtlMap<V> {
  private young = new Map<string, V>()
  private old = new Map<string, V>()
  private sweeping = false

  constructor(
    private readonly ms: number,
    private readonly needed: (value: V) => boolean,
  ) {}

  get(key: string): V | undefined {
    return this.young.get(key) ?? this.old.get(key)
  }

  set(key: string, value: V): void {
    this.young.set(key, value)
    if (!this.sweeping) this.sweepLater()
  }

  private sweepLater(): void {
    this.sweeping = true
    setTimeout(() => this.sweep(), this.ms).unref()
  }

  private sweep(): void {
    for (const [key, value] of this.old) {
      if (this.needed(value) && !this.young.has(key)) this.young.set(key, value)
    }
    this.old = this.young
    this.young = new Map()
    this.sweeping = false
    if (this.old.size > 0) this.sweepLater()
  }
}
