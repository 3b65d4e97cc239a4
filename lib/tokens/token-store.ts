/**
 * A place for tokens outside of the session: one text a login. `RedisTokenStore` is one; an app may bring its own.
 * What it promises: `get` returns what the last `set` that resolved to `true` stored, in every process.
 */
export interface TokenStore {
  /** The entry that was last stored under `key`; `undefined` where there is none. */
  get(key: string): Promise<string | undefined>
  /**
   * Stores `value`; with `expected`, only where that is what is stored now, in one indivisible step.
   * Resolves to whether `value` is stored.
   */
  set(key: string, value: string, expected?: string): Promise<boolean>
  /** Removes `key`; with `expected`, only where that is what is stored now. Resolves to whether it removed anything. */
  delete(key: string, expected?: string): Promise<boolean>
  /**
   * Waits until nobody else holds the lock of `key`, in any process, and takes it; resolves to what lets go of it.
   * The lock of a process that dies must fall free by itself. Without this method, each process refreshes by itself.
   *
   * @param patience milliseconds to wait; rejects when they are over
   */
  lock?(key: string, patience: number): Promise<() => Promise<void>>
}

/** Checks that `store` has what a token store needs. */
export function isTokenStore(store: unknown): store is TokenStore {
  return typeof store === 'object' && store !== null && ['get', 'set', 'delete'].every((name) => hasMethod(store, name))
}

function hasMethod(object: object, name: string): boolean {
  return typeof Reflect.get(object, name) === 'function'
}
