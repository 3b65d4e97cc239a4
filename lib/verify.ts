import { OAuthError } from './errors'
import type { DialectProfile } from './profile'
import type { TokenSet } from './tokens/token-set'

/** What `verify` calls at its end, as in passport-oauth2. */
export type VerifyCallback = (error?: unknown, user?: unknown, info?: object) => void

/**
 * `verify` in passport-oauth2's forms, told apart by the number of parameters:
 * `(accessToken, refreshToken, profile, done)`, `(accessToken, refreshToken, params, profile, done)`,
 * each with a leading `req` under `passReqToCallback`.
 */
// biome-ignore lint/suspicious/noExplicitAny: one type for four forms; the strategy classes' overloads are passport-oauth2's
export type VerifyFunction = (...args: any[]) => unknown

/** The user, or a falsy value where `verify` refused. */
export interface Verified {
  user: unknown
  info: object | undefined
}

/**
 * Calls `verify` in the form it is written in.
 *
 * @param req given under `passReqToCallback`
 * @throws OAuthError `verify_failed`: it threw, rejected, or gave an error
 */
export async function runVerify(
  verify: VerifyFunction,
  req: object | undefined,
  tokens: TokenSet,
  profile: DialectProfile | undefined,
  provider: string,
): Promise<Verified> {
  const { accessToken, refreshToken, raw } = tokens
  const leading = req === undefined ? [] : [req]
  const withParams = verify.length >= leading.length + 5
  try {
    return await new Promise<Verified>((resolve, reject) => {
      const done: VerifyCallback = (error, user, info) => (error ? reject(error) : resolve({ user, info }))
      const args = [...leading, accessToken, refreshToken, ...(withParams ? [raw] : []), profile, done]
      const returned = verify(...args)
      // An async verify that throws would otherwise leave the browser waiting for ever.
      if (returned instanceof Promise) returned.catch(reject)
    })
  } catch (cause) {
    throw OAuthError.is(cause) ? cause : new OAuthError('verify_failed', { provider, phase: 'callback', cause })
  }
}
