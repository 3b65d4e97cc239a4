import type { DialectProfile } from '../provider/profile'

/** The user that the router makes from a profile if the app gives no `verify`. */
export interface DefaultUser {
  /** The name of the provider in `providers`. */
  provider: string
  /** The provider's id of the user; unique together with `provider`. */
  id: string
  /** The name to show; may be empty. */
  displayName: string
  username?: string
  email?: string
  /** An http(s) URL. */
  photo?: string
}

export function defaultUser(profile: DialectProfile): DefaultUser {
  const { provider, id, displayName, username, emails, photos } = profile
  const email = emails?.[0]?.value
  const photo = photos?.[0]?.value
  return {
    provider,
    id,
    displayName,
    ...(username !== undefined && { username }),
    ...(email !== undefined && { email }),
    ...(photo !== undefined && { photo }),
  }
}
