import { type ErrorContext, OAuthError } from '../errors'
import type { Login } from '../login/conversation'
import { type Outcome, settleClaim } from '../login/repeats'
import { endTransaction, leftBehind } from '../login/transactions'
import type { TokenSet } from '../provider/token-set'
import { identityOf } from '../session/identity'
import type { SessionRequest } from '../session/request'
import { type Found, SessionSlot } from '../session/session'
import { emptySlot, type Slot, type StoredTokens } from '../session/slot'
import type { SessionTokens } from '../tokens/session-tokens'
import { type AppPassport, isLoggedIn } from './passport-user'

/** One provider that the session is logged in at, as `GET /auth/session` lists it. */
export interface SessionLogin {
  /** The name of the provider in `providers`. */
  name: string
  /** The scopes that were granted. */
  scope: string[]
  /** When the access token expires (ISO 8601); absent if the provider does not say. */
  expiresAt?: string
}

/** Where and how the router stores logins. */
export interface LoginSettings {
  authenticator: AppPassport
  sessionKey: string
  tokens: SessionTokens
  /** Whether a second provider is linked; otherwise it replaces the first. */
  linking: boolean
}

/**
 * Logs `user` in: gives the session a new id (`SessionSlot.renew`), adds the login, and stores it. A second provider is
 * linked: the first one's user stays, unless `verify` returned a newer copy of that same user.
 *
 * @param unsolicited the app did not request the code: such a login never replaces an existing one
 * @throws OAuthError `state_mismatch` or `state_unknown` if the session has ended or now belongs to another user
 */
export async function logIn(
  req: SessionRequest,
  settings: LoginSettings,
  context: ErrorContext,
  login: Login,
  user: unknown,
  { unsolicited = false } = {},
): Promise<void> {
  const { authenticator, sessionKey, tokens: manager, linking } = settings
  const { provider } = context
  const { transaction, credential, tokens } = login
  const session = new SessionSlot(req, sessionKey, context)
  const serialised = await serialise(authenticator, req, user, context)
  const entry = tokens && (await manager.add(provider, tokens, transaction.client))
  const wasLoggedIn = isLoggedIn(req)
  let replaced: Slot = emptySlot()
  let stays = false
  // Decided from the session at the time of the write, not at the time of the callback.
  const plan = ({ slot, user: before }: Found) => {
    const isSecond = before !== undefined
    if (unsolicited && isSecond) throw new OAuthError('state_mismatch', context)
    const same = isSecond && identityOf(before) === identityOf(serialised)
    // A new login at the provider that logged the user in may be somebody else's; at any other provider it links. A
    // start that another site caused must not link an account to a user who logged in meanwhile.
    if (transaction.fromElsewhere && isSecond && !same && transaction.begunBy === undefined) {
      throw new OAuthError('state_mismatch', context)
    }
    const links = isSecond && (same || (linking && slot.owner !== provider))
    stays = links && !same
    const left = leftBehind(slot, transaction)
    replaced = { ...emptySlot(), tokens: links ? pick(slot.tokens, provider) : slot.tokens }
    const keepsContent = links || !isSecond
    const { [provider]: _replaced, ...others } = links ? slot.tokens : {}
    const logins = links ? slot.logins : []
    const next: Slot = {
      version: slot.version,
      pending: slot.pending,
      used: keepsContent ? slot.used : [],
      logins: logins.includes(provider) ? logins : [...logins, provider],
      tokens: entry ? { ...others, [provider]: entry } : others,
      user: stays ? (slot.user ?? identityOf(before)) : identityOf(serialised),
    }
    // A provider that is linked to a user of the app's own did not log that user in.
    const owner = links ? (slot.owner ?? (same ? provider : undefined)) : provider
    if (owner !== undefined) next.owner = owner
    endTransaction(next, transaction, true, credential)
    return { slot: next, keepsContent, left, ...(!stays && { user: { serialised } }) }
  }
  const gone = () => new OAuthError(wasLoggedIn ? 'state_mismatch' : 'state_unknown', context)
  try {
    await session.renew(plan, gone)
  } catch (error) {
    const lost = entry ? { [provider]: entry } : {} // no session refers to them
    await manager.forget({ ...emptySlot(), tokens: lost }).catch(() => {})
    throw error
  }
  await manager.forget(replaced).catch(() => {}) // the login is done; leftovers expire in the store
  const { state, returnTo, popup } = transaction
  const content = session.cookieContent
  const place: Outcome['session'] = content
    ? { content }
    : req.sessionID === undefined
      ? undefined
      : { id: req.sessionID }
  settleClaim(state, { ok: true, returnTo, popup, session: place })
  if (!stays) req.user = user
}

/** The session's logins with the current state of their tokens; without those whose tokens are dead. */
export async function loginsNow(
  req: SessionRequest,
  sessionKey: string,
  tokens: SessionTokens,
  context: ErrorContext,
): Promise<SessionLogin[]> {
  const known = new SessionSlot(req, sessionKey, context).own?.logins ?? []
  const logins = known.map(async (name) => {
    if (tokens.keyIn(req, name) === undefined) return loginOf(name)
    const record = await tokens.recordIn(req, name)
    return record && loginOf(name, record.tokens)
  })
  return (await Promise.all(logins)).filter((login) => login !== undefined)
}

function loginOf(name: string, { scope = [], expiresAt }: Partial<TokenSet> = {}): SessionLogin {
  return { name, scope, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) }
}

function pick(tokens: Slot['tokens'], provider: string): Record<string, StoredTokens> {
  const entry = Object.hasOwn(tokens, provider) ? tokens[provider] : undefined
  return entry ? { [provider]: entry } : {}
}

async function serialise(
  authenticator: AppPassport,
  req: object,
  user: unknown,
  context: ErrorContext,
): Promise<unknown> {
  // Passport's serializeUser both registers a serialiser and, called with a user, serialises; its types have only the
  // first use.
  const serializer = authenticator as {
    serializeUser(user: unknown, req: object, done: (error: unknown, serialised?: unknown) => void): void
  }
  try {
    const serialised = await new Promise((resolve, reject) => {
      serializer.serializeUser(user, req, (error, result) => (error ? reject(error) : resolve(result)))
    })
    if (!isJSON(serialised)) throw new OAuthError('verify_failed', { ...context, message: UNFIT })
    return serialised
  } catch (cause) {
    if (OAuthError.is(cause)) throw cause
    const message = 'Passport could not serialise the user: give your Authenticator its two serialisers.'
    throw new OAuthError('config_invalid', { ...context, message, cause })
  }
}

const UNFIT =
  '`verify` returned a user that JSON cannot hold: a session keeps it as JSON. Return plain data, or give `passport` serialisers.'

function isJSON(value: unknown): boolean {
  try {
    const text = JSON.stringify(value)
    // An instance whose fields are all private becomes `{}`, and would equal any other one.
    return text !== undefined && !['null', '{}', '[]', '""'].includes(text)
  } catch {
    return false // circular, or a BigInt
  }
}
