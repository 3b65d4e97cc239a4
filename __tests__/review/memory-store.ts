import type { TokenStore } from 'passport-dialects'

/** A token store of one process, whose calls can be made to fail. */
export class MemoryTokenStore implements TokenStore {
  readonly entries = new Map<string, string>()
  /** Called before each call; what it throws is the call's failure. */
  before: (call: 'get' | 'set' | 'delete', key: string) => void = () => {}

  async get(key: string): Promise<string | undefined> {
    this.before('get', key)
    return this.entries.get(key)
  }

  async set(key: string, value: string, expected?: string): Promise<boolean> {
    this.before('set', key)
    if (expected !== undefined && this.entries.get(key) !== expected) return false
    this.entries.set(key, value)
    return true
  }

  async delete(key: string, expected?: string): Promise<boolean> {
    this.before('delete', key)
    if (expected !== undefined && this.entries.get(key) !== expected) return false
    return this.entries.delete(key)
  }
}
