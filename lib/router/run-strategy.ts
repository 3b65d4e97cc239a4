import { createHash } from 'node:crypto'
import type { SessionRequest } from '../session/request'
import { type AuthenticateOptions, DialectStrategy, type LoginResult } from '../strategy'
import type { TokenStore } from '../tokens/token-store'

/**
 * Runs one request of a login with a strategy. As under Passport, each request gets its own strategy object; Passport's
 * actions are added only if a subclass overrides `authenticate`, which may call them.
 *
 * @throws whatever the strategy fails with
 */
export function runStrategy(
  strategy: DialectStrategy,
  req: SessionRequest,
  options: AuthenticateOptions,
): Promise<LoginResult | { kind: 'passed' } | { kind: 'refused'; info: unknown }> {
  const attempt: DialectStrategy = Object.create(strategy)
  if (strategy.authenticate === DialectStrategy.prototype.authenticate) return attempt.converse(req, options)
  return new Promise((resolve, reject) => {
    attempt.hosted = resolve
    attempt.success = () => reject(new Error('An `authenticate` of its own must leave the success to `super`.'))
    attempt.fail = (info: unknown) => resolve({ kind: 'refused', info })
    attempt.error = reject
    attempt.pass = () => resolve({ kind: 'passed' })
    attempt.redirect = (location) => resolve({ kind: 'redirect', location })
    attempt.authenticate(req, options)
  })
}

/**
 * Keeps two processes from calling the provider for the same callback, with the lock of the app's token store;
 * `undefined` if it has none.
 */
export function callbackLock(
  store: TokenStore | undefined,
): ((state: string, patience: number) => Promise<() => Promise<void>>) | undefined {
  const lock = store?.lock?.bind(store)
  return lock && ((state, patience) => lock(`callback:${createHash('sha256').update(state).digest('hex')}`, patience))
}
