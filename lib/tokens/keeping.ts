import { setTimeout as sleep } from 'node:timers/promises'
import { OAuthError } from '../errors'
import { log } from '../log'
import type { ProviderClient } from '../provider-client'
import { type Kept, keepRenewed } from './kept'
import type { Place } from './place'
import type { TokenSet } from './token-set'

/** One login whose tokens are cared for. */
export interface Care {
  client: ProviderClient
  place: Place
  /** Milliseconds to live at which an access token is refreshed ahead. */
  leadTime: number
  /** The provider refuses the refresh token: called once a login. */
  loggedOut(): void
}

/**
 * The tokens of a login, fresh enough to be used; `undefined` where there is none. Any number of callers cause one
 * refresh in a process and, where the place has a lock, across processes. A failed refresh is shared by those who
 * wait for it; the next call tries anew. A token that still lives is used on where its refresh fails.
 *
 * @param refused an access token that the provider has just refused, whatever its age
 * @throws OAuthError of phase `refresh`
 */
export async function freshTokens(care: Care, refused?: string): Promise<TokenSet | undefined> {
  const kept = await care.place.read()
  if (!kept || !mustRenew(kept, care, refused)) return kept?.tokens
  const renewed = await oneFlight(care.place, () => renew(care, refused))
  // A flight that was under way may have been for the age of this very token, not for its refusal.
  if (refused === undefined || renewed?.tokens.accessToken !== refused) return renewed?.tokens
  return (await oneFlight(care.place, () => renew(care, refused)))?.tokens
}

/**
 * Uses a login's tokens, and once more with fresh ones where the provider refuses the access token.
 * @throws OAuthError `token_rejected` where there is no login
 */
export async function withTokens<T>(care: Care, use: (tokens: TokenSet) => Promise<T>): Promise<T> {
  const tokens = await demandTokens(care)
  try {
    return await use(tokens)
  } catch (error) {
    const refused = OAuthError.is(error) && error.code === 'token_rejected'
    if (!refused || tokens.refreshToken === undefined) throw error
    return use((await freshTokens(care, tokens.accessToken)) ?? tokens)
  }
}

/** @throws OAuthError `token_rejected` where there is no login */
export async function demandTokens(care: Care): Promise<TokenSet> {
  const tokens = await freshTokens(care)
  if (tokens) return tokens
  throw noLogin(care.client.name)
}

/** The error of a call for a provider that the app never named. */
export function unknownProvider(where: string, provider: string): OAuthError {
  const message = `${where}: there is no provider named ${JSON.stringify(provider)}.`
  return new OAuthError('config_invalid', { phase: 'request', message })
}

/** The error of a call without a login. */
export function noLogin(provider: string): OAuthError {
  const message = `There is no login at ${provider} here. Let the user log in.`
  return new OAuthError('token_rejected', { provider, phase: 'request', message })
}

/** Whether a token is due: refused, dead, or with no more to live than the lead time. */
function mustRenew(kept: Kept, { leadTime }: Care, refused: string | undefined): boolean {
  const { accessToken, expiresAt, refreshToken } = kept.tokens
  if (accessToken === refused) return true
  if (!expiresAt) return false
  const left = expiresAt.getTime() - Date.now()
  if (refreshToken === undefined) return left <= 0
  if (left > leadTime) return false
  // A provider may issue tokens that never live longer than the lead time: those are renewed at half their life.
  const lifetime = expiresAt.getTime() - kept.issuedAt
  const wasRenewed = kept.version > 1
  return !wasRenewed || lifetime > leadTime || left <= lifetime / 2
}

async function renew(care: Care, refused: string | undefined): Promise<Kept | undefined> {
  const { place, client } = care
  let unlock: (() => Promise<void>) | undefined
  try {
    unlock = await place.lock?.(client.patience)
  } catch (error) {
    const kept = await place.read(true)
    if (kept && isAlive(kept) && kept.tokens.accessToken !== refused) return kept
    throw error
  }
  try {
    const kept = await place.read(true)
    if (!kept || !mustRenew(kept, care, refused)) return kept // another process did it
    return await refreshOnce(care, kept, refused)
  } finally {
    await unlock?.().catch(() => {}) // it falls free by itself
  }
}

async function refreshOnce(care: Care, kept: Kept, refused: string | undefined): Promise<Kept | undefined> {
  const { client, place } = care
  const started = Date.now()
  try {
    const tokens = await client.refresh(kept.tokens)
    log.tokens('%s: refreshed in %d ms', client.name, Date.now() - started)
    // Stored before anyone uses the access token: a rotated refresh token that is lost logs the user out.
    return await place.replace(kept, keepRenewed(kept, tokens))
  } catch (error) {
    const code = OAuthError.is(error) ? error.code : undefined
    log.tokens('%s: refresh failed after %d ms: %s', client.name, Date.now() - started, code ?? error)
    if (code === 'refresh_rejected') {
      const successor = await successorOf(kept, place)
      if (successor) return successor
      if (await place.clear(kept)) care.loggedOut()
      throw error
    }
    if (isAlive(kept) && kept.tokens.accessToken !== refused && code !== 'session_missing') return kept
    throw error
  }
}

/** What another process got for the same refresh token: it may be about to store it. */
async function successorOf(kept: Kept, place: Place): Promise<Kept | undefined> {
  for (let waited = 0; ; waited += 100) {
    const current = await place.read(true)
    if (!current || current.version !== kept.version) return current
    if (waited >= place.grace) return undefined
    await sleep(100)
  }
}

function isAlive({ tokens }: Kept): boolean {
  return !tokens.expiresAt || tokens.expiresAt.getTime() > Date.now()
}

/** Refreshes under way, by the home of their logins and their id. */
const flights = new WeakMap<object, Map<string, Promise<Kept | undefined>>>()

function oneFlight({ home, id }: Place, work: () => Promise<Kept | undefined>): Promise<Kept | undefined> {
  const there = flights.get(home) ?? new Map<string, Promise<Kept | undefined>>()
  flights.set(home, there)
  const flying = there.get(id)
  if (flying) return flying
  const flight = work().finally(() => there.delete(id))
  there.set(id, flight)
  return flight
}
