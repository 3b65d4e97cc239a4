/**
 * Stores tokens outside the session, one string for each login. `RedisTokenStore` is one; an app may write its own.
 * In every process, `get` must return what the last `set` that resolved to `true` has stored.
 */
export interface TokenStore {
  /** The entry that was last stored under `key`; `undefined` if there is none. */
  get(key: string): Promise<string | undefined>
  /**
   * Stores `value`. With `expected`, stores it only if `expected` is the current value; comparing and storing must be one
   * atomic step. Resolves to whether `value` was stored.
   */
  set(key: string, value: string, expected?: string): Promise<boolean>
  /** Deletes `key`. With `expected`, only if that is the current value. Resolves to whether anything was deleted. */
  delete(key: string, expected?: string): Promise<boolean>
  /**
   * Waits until no process holds the lock of `key`, then takes it. Resolves to a function that releases it.
   * The lock of a process that dies must be released by itself. Without this method, each process refreshes on its own.
   *
   * @param patience milliseconds to wait; after that the promise must reject
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
