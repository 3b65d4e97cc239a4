import type { Request } from 'express'
import { OAuthError } from './errors'
import type { JsonObject } from './json'
import type { DialectProfile } from './provider/profile'
import type { TokenSet } from './provider/token-set'

/** What `verify` calls when it is done, as in passport-oauth2. */
export type VerifyCallback = (error?: unknown, user?: unknown, info?: object) => void

/**
 * `verify` in the forms of passport-oauth2. The number of parameters selects the form:
 * `(accessToken, refreshToken, profile, done)` or `(accessToken, refreshToken, params, profile, done)`,
 * each with a leading `req` under `passReqToCallback`. `params` is the provider's token object, without its envelope.
 * If the provider issues no user token (WeCom), `accessToken` is undefined and `params` is empty.
 */
export type VerifyFunction = Form<Plain> | LongForm<Plain, Full> | Accepted<[req: Request, ...Plain]> | LongWithRequest

/** {@link VerifyFunction} under `passReqToCallback: true`: both forms with a leading `req`. */
export type VerifyFunctionWithRequest = Form<[req: Request, ...Plain]> | LongWithRequest

/**
 * The arguments of a strategy's constructor under `passReqToCallback: true`. The overload
 * `constructor(...withRequest: WithRequest<Options>)` types `verify` with its leading `req`.
 */
export type WithRequest<Options> = [options: Options & { passReqToCallback: true }, verify: VerifyFunctionWithRequest]

type LongWithRequest = LongForm<[req: Request, ...Plain], [req: Request, ...Full]>

type Plain = [accessToken: string, refreshToken: string | undefined, profile: DialectProfile, done: VerifyCallback]
type Full = [
  accessToken: string,
  refreshToken: string | undefined,
  params: JsonObject,
  profile: DialectProfile,
  done: VerifyCallback,
]

// When a function is written in place, TypeScript infers the types of its parameters from the only signature of the
// expected type that has room for them. A shorter function would also fit the longer form, and then get no types at
// all. Two signatures that differ in their type parameters are never used for inference: so `Accepted` only accepts,
// and `LongForm` has a usable signature only for a function that is too long for the shorter form. Methods, so that a
// parameter with a narrower annotation (`refreshToken: string`) is accepted.

type Form<Args extends unknown[]> = { verify(...args: Args): unknown }['verify']
type Accepted<Args extends unknown[]> = { verify(...args: Args): unknown; verify<_>(...args: Args): unknown }['verify']
type LongForm<Short extends unknown[], Long extends unknown[]> =
  | Accepted<Long>
  | { verify(...args: Long): unknown; verify<_>(...args: Short): unknown }['verify']

/** What `verify` decided: `user` is falsy if it refused. */
export interface Verified {
  user: unknown
  info: object | undefined
}

/**
 * Calls `verify` in the form that its number of parameters selects.
 *
 * @param req given under `passReqToCallback`
 * @throws OAuthError `verify_failed`: it threw, rejected, or passed an error to `done`
 */
export async function runVerify(
  verify: VerifyFunction,
  req: object | undefined,
  tokens: TokenSet | undefined,
  profile: DialectProfile | undefined,
  provider: string,
): Promise<Verified> {
  const { accessToken, refreshToken, raw = {} }: Partial<TokenSet> = tokens ?? {}
  const leading = req === undefined ? [] : [req]
  const withParams = verify.length >= leading.length + 5
  try {
    return await new Promise<Verified>((resolve, reject) => {
      const done: VerifyCallback = (error, user, info) => (error ? reject(error) : resolve({ user, info }))
      const args = [...leading, accessToken, refreshToken, ...(withParams ? [raw] : []), profile, done]
      const call = verify as (...args: unknown[]) => unknown // any of the forms
      const returned = call(...args)
      // Otherwise an async `verify` that throws would leave the browser waiting forever.
      if (returned instanceof Promise) returned.catch(reject)
    })
  } catch (cause) {
    throw OAuthError.is(cause) ? cause : new OAuthError('verify_failed', { provider, phase: 'callback', cause })
  }
}
