import type { AuthenticateOptions, Outcome } from './legs'
import type { SessionRequest } from './session'
import { DialectStrategy } from './strategy'

/**
 * Runs one leg of a login at a strategy, for the router. As under Passport each request gets a strategy object of its
 * own; the five actions are put on it only where a subclass has an `authenticate` of its own, which may call them.
 *
 * @throws whatever the strategy fails with
 */
export function runStrategy(
  strategy: DialectStrategy,
  req: SessionRequest,
  options: AuthenticateOptions,
): Promise<Outcome | { kind: 'passed' }> {
  const attempt: DialectStrategy = Object.create(strategy)
  if (strategy.authenticate === DialectStrategy.prototype.authenticate) return attempt.converse(req, options)
  return new Promise((resolve, reject) => {
    attempt.success = (user, info) => resolve({ kind: 'success', user, info })
    attempt.fail = (info: unknown) => resolve({ kind: 'refused', info })
    attempt.error = reject
    attempt.pass = () => resolve({ kind: 'passed' })
    attempt.redirect = (location) => resolve({ kind: 'redirect', location })
    attempt.authenticate(req, options)
  })
}
