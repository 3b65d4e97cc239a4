import type { Request } from 'express'
import { OAuthError } from '../errors'
import type { Login } from '../login/conversation'
import type { DialectProfile } from '../provider/profile'
import type { OAuthRouterConfig } from './config'
import { defaultUser } from './default-user'

/**
 * The app's user for a login: what `verify` returns, or a user made from the profile.
 * @throws OAuthError `verify_failed`; `config_invalid` if there is neither a `verify` nor a profile
 */
export async function verified(
  verify: OAuthRouterConfig['verify'],
  { profile, tokens }: Login,
  req: Request,
  context: { provider: string; phase: 'callback' },
) {
  if (!verify && profile) return defaultUser(profile)
  if (!verify) throw new OAuthError('config_invalid', { ...context, message: NO_PROFILE })
  try {
    // With `skipUserProfile` there is none, as the type's own comment says.
    return await verify({ provider: context.provider, profile: profile as DialectProfile, tokens, req })
  } catch (cause) {
    throw OAuthError.is(cause) ? cause : new OAuthError('verify_failed', { ...context, cause })
  }
}

const NO_PROFILE = '`skipUserProfile` leaves no profile: give `oauthRouter` a `verify` of your own.'
