import type { Authenticator } from 'passport'
import { fitIntoCookie } from './cookie-room'
import { OAuthError } from './errors'
import { identityOf } from './identity'
import type { DialectProfile } from './profile'
import { endSession, glance, renewSession, roomInCookie, type SessionRequest, type Slot, type Where } from './session'
import type { Login } from './strategy'
import type { TokenDesk } from './tokens/desk'
import { tokenStoreFailure } from './tokens/place'
import { tokensOf } from './tokens/session-place'
import type { TokenSet } from './tokens/token-set'
import { markFinished, pendingElsewhere, release } from './transactions'

/** The user that the router makes of a profile where the app gives no `verify`. */
export interface DefaultUser {
  /** The name of the provider in `providers`. */
  provider: string
  /** The provider's id of the user; unique together with `provider`. */
  id: string
  /** The name to show; may be empty. */
  displayName: string
  username?: string
  email?: string
  /** An http(s) address. */
  photo?: string
}

/** One provider that the session is logged in at, as `GET /auth/session` tells it. */
export interface SessionLogin {
  /** The name of the provider in `providers`. */
  name: string
  /** The scopes that were granted. */
  scope: string[]
  /** When the access token ends: ISO 8601; absent where the provider does not say. */
  expiresAt?: string
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

/** What the router asks of a Passport. The whole `Authenticator` of @types/passport would refuse the `passport` that apps import. */
export type AppPassport = Pick<Authenticator, 'authenticate' | 'serializeUser'>

/** The router's part of a login: where it is kept, and by whose Passport. */
export interface SignInPlace {
  authenticator: AppPassport
  key: string
  where: Where
  desk: TokenDesk
}

/**
 * Logs `user` in: a new session id, the login noted, the session stored. A second provider links: the user
 * of the first one stays, unless `verify` returned a newer copy of that same user.
 */
export async function signIn(req: SessionRequest, place: SignInPlace, login: Login, user: unknown): Promise<void> {
  const { authenticator, key, where, desk } = place
  const { transaction, tokens } = login
  const same = isSignedIn(req) && identityOf(req.user) === identityOf(user)
  // The provider that logged the user in may be logged in at anew, as somebody else; any other one links.
  const links = isSignedIn(req) && (same || glance(req, key)?.owner !== where.provider)
  const stays = links && !same
  const signedIn = stays ? req.user : user
  const serialised = stays ? undefined : await serialise(authenticator, req, user, where)
  const mine = loginOf(where.provider, tokens)
  const entry = await desk.keep(where.provider, tokens, transaction.client)
  const replaced: Slot = { version: 0 }
  await renewSession(
    req,
    key,
    where,
    (slot, session) => {
      markFinished(slot, transaction, true)
      const known = tokensOf(slot)
      replaced.tokens = links ? pick(known, where.provider) : known
      slot.tokens = { ...(links && known), [where.provider]: entry }
      slot.logins = withLogin(links ? loginsIn(slot) : [], mine)
      if (!links) slot.owner = where.provider
      if (!stays) session.passport = { user: serialised }
      fitIntoCookie(slot, roomInCookie(req, key))
    },
    (slot) => pendingElsewhere(slot, transaction),
  ).catch(async (error) => {
    await desk.forget({ version: 0, tokens: { [where.provider]: entry } }).catch(() => {}) // no session leads to them
    throw error
  })
  if (Object.keys(tokensOf(replaced)).length > 0) {
    await desk.forget(replaced).catch(() => {}) // the login is made; what is left over in a store expires there
  }
  req.user = signedIn
  const { state, returnTo, popup } = transaction
  release(state, { ok: true, returnTo, popup, sessionID: req.sessionID })
}

/**
 * Ends every login of the session, and the session with them: whatever fails, no login is left.
 * @param revoke ends a login at its provider
 */
export async function signOut(
  req: SessionRequest,
  place: Pick<SignInPlace, 'key' | 'where' | 'desk'>,
  revoke?: (provider: string) => Promise<unknown>,
): Promise<void> {
  const slot = glance(req, place.key)
  if (revoke) await Promise.allSettled(Object.keys(tokensOf(slot)).map(revoke))
  const [forgotten] = await Promise.allSettled([place.desk.forget(slot)])
  await endSession(req, place.where)
  req.user = undefined
  // Nobody can reach those tokens any more; they expire in the store.
  if (forgotten.status === 'rejected') process.emitWarning(tokenStoreFailure(place.where, forgotten.reason))
}

/** The providers that the session is logged in at, the first one first. */
function loginsOf(req: SessionRequest, key: string): SessionLogin[] {
  return loginsIn(glance(req, key))
}

function loginsIn(slot: Readonly<Slot> | undefined): SessionLogin[] {
  const logins = slot?.logins
  if (!Array.isArray(logins)) return []
  return logins.filter((login): login is SessionLogin => typeof login?.name === 'string' && Array.isArray(login.scope))
}

/** {@link loginsOf}, with the scopes and the end of the tokens as they are now; a login whose tokens died is none. */
export async function loginsNow(req: SessionRequest, key: string, desk: TokenDesk): Promise<SessionLogin[]> {
  const logins = loginsOf(req, key).map(async (login) => {
    if (desk.keyIn(req, login.name) === undefined) return login
    const kept = await desk.look(req, login.name)
    return kept && loginOf(login.name, kept.tokens)
  })
  return (await Promise.all(logins)).filter((login) => login !== undefined)
}

function loginOf(name: string, { scope, expiresAt }: TokenSet): SessionLogin {
  return { name, scope, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) }
}

function pick(tokens: Record<string, unknown>, provider: string): Record<string, unknown> {
  return Object.hasOwn(tokens, provider) ? { [provider]: tokens[provider] } : {}
}

function withLogin(logins: SessionLogin[], mine: SessionLogin): SessionLogin[] {
  const known = logins.some(({ name }) => name === mine.name)
  return known ? logins.map((login) => (login.name === mine.name ? mine : login)) : [...logins, mine]
}

function isSignedIn(req: SessionRequest): boolean {
  return req.user !== undefined && req.user !== null
}

async function serialise(authenticator: AppPassport, req: object, user: unknown, where: Where): Promise<unknown> {
  // Passport's serializeUser both registers and, called with a user, serialises; its types know the first use only.
  const serializer = authenticator as unknown as {
    serializeUser(user: unknown, req: object, done: (error: unknown, serialised?: unknown) => void): void
  }
  try {
    return await new Promise((resolve, reject) => {
      serializer.serializeUser(user, req, (error, serialised) => (error ? reject(error) : resolve(serialised)))
    })
  } catch (cause) {
    const message = 'Passport could not serialise the user: give your Authenticator its two serialisers.'
    throw new OAuthError('config_invalid', { ...where, message, cause })
  }
}
