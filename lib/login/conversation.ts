import { type ErrorContext, OAuthError, type Phase } from '../errors'
import type { Params } from '../http/request'
import { log } from '../log'
import type { Dialect, Endpoints } from '../provider/definition'
import { atHost, checkHost, hostAtStart, hostFact } from '../provider/host'
import type { DialectProfile } from '../provider/profile'
import { checkSignedQuery } from '../provider/signed-query'
import { scopeList, type TokenSet } from '../provider/token-set'
import { bareAddress } from '../redact'
import { hasSession, noSession, type SessionRequest } from '../session/request'
import type { Transaction } from '../session/slot'
import { randomText } from '../util/random'
import { absoluteCallbackURL, authorizationURL } from './authorization-request'
import { callbackError, readCallback } from './callback'

import type { AlreadyFinished, CallbackReading, FailedLogin, LoginState } from './state'

// One login, from the redirect to the profile. It returns data; its two hosts, Passport's `authenticate` and the
// router, act on it: they redirect, call `verify`, and store who is logged in.

/** What a login needs of its strategy. */
export interface LoginParty {
  readonly name: string
  readonly dialect: Dialect
  readonly endpoints: Endpoints
  readonly clientID: string
  readonly clientSecret: string
  readonly scope: readonly string[]
  readonly pkce: boolean
  readonly proxy: boolean
  readonly state: LoginState
  authorizationParams(options: object): Params
  prepare(): Promise<Params>
  redirectURI(callbackURL: string, state: string): string
  readCallback(params: URLSearchParams): CallbackReading
  challenge(verifier: string): string
  exchange(credential: string, transaction: Transaction, options: object): Promise<TokenSet>
  loadProfile(tokens: TokenSet): Promise<DialectProfile | undefined>
  profileOfCode(code: string): Promise<DialectProfile>
}

/** What a host knows of the request. */
export interface LoginRequest {
  req: SessionRequest
  /** The parameters that came with it. */
  params: URLSearchParams
  /** Absolute, or a path of this app. */
  callbackURL: string
  /** Replaces the strategy's own. */
  scope?: string | readonly string[] | undefined
  /** Any value of the app; it comes back with the login. */
  appState?: unknown
  returnTo?: string | undefined
  popup?: boolean | undefined
  /** A page of another site sent the browser here. */
  fromElsewhere?: boolean | undefined
  /** The router begins it and finishes it: a login of another user's session must not link there. */
  byRouter?: boolean | undefined
  /** Passed to `authorizationParams` and `exchange`. */
  options: object
  /** Keeps other processes from finishing the same login; resolves to a function that releases the lock. */
  lock?: ((state: string) => Promise<() => Promise<void>>) | undefined
}

/** The request of a page that begins a login. */
export type InPageRequest = Pick<LoginRequest, 'req' | 'callbackURL' | 'returnTo' | 'popup'>

/** A login that the provider has completed, before `verify` is called. */
export interface Login {
  kind: 'login'
  transaction: Transaction
  /** The callback's credential: a callback with another one is not a repeat. */
  credential: string
  /** `undefined` if the provider issues no user token. */
  tokens: TokenSet | undefined
  profile: DialectProfile | undefined
  /** Releases the lock; called once the login is stored. */
  unlock(): Promise<void>
}

/** Begins a login; resolves to the address to redirect to. @throws OAuthError of phase `authorize` or `code` */
export async function beginLogin(party: LoginParty, request: LoginRequest): Promise<{ location: string }> {
  const { name, dialect, endpoints, clientID, clientSecret, state: logins } = party
  const { req, params } = request
  const context = contextOf(party, 'authorize')
  if (dialect.inPage === 'only') throw new OAuthError('config_invalid', { ...context, message: begunByPage(name) })
  const about = dialect.host && hostAtStart(dialect.host, params, context)
  const { signedQuery } = dialect
  if (signedQuery && params.has(signedQuery.parameter)) {
    checkSignedQuery(signedQuery, params, clientSecret, context)
  }
  if (logins.needsSession && !hasSession(req)) throw noSession(context)
  const callbackURL = absoluteCallbackURL(req, request.callbackURL, party.proxy)
  const prepared = await party.prepare()
  const verifier = party.pkce ? randomText(32) : undefined // 43 unreserved characters (RFC 7636 §4.1)
  const state = await logins.remember(req, context, {
    callbackURL,
    redirectURI: (value) => party.redirectURI(callbackURL, value),
    verifier,
    about,
    appState: request.appState,
    returnTo: request.returnTo,
    popup: request.popup,
    fromElsewhere: request.fromElsewhere,
    byRouter: request.byRouter,
  })
  const scope = request.scope === undefined ? party.scope : scopeList(request.scope)
  const sent = {
    clientID,
    redirectURI: party.redirectURI(callbackURL, state),
    scope,
    state,
    challenge: verifier && party.challenge(verifier),
    nonce: logins.nonceOf(state),
  }
  const own = party.authorizationParams(request.options)
  const endpoint = about ? atHost(dialect.host, endpoints.authorizationURL, about) : endpoints.authorizationURL
  if (endpoint === undefined) throw new OAuthError('request_invalid', context) // cannot happen after hostAtStart
  const location = authorizationURL(endpoint, dialect, sent, own, prepared, unsaid(about, endpoint))
  if (log.login.enabled) {
    log.login('%s: begun, sent to %s, to come back to %s', name, bareAddress(location), bareAddress(callbackURL))
  }
  return { location }
}

/**
 * Begins a login whose code a page of the app receives; resolves to the state for that page.
 * @throws OAuthError of phase `authorize`
 */
export async function beginInPage(party: LoginParty, request: InPageRequest): Promise<{ state: string }> {
  const { req, returnTo, popup } = request
  const context = contextOf(party, 'authorize')
  if (party.state.needsSession && !hasSession(req)) throw noSession(context)
  const callbackURL = absoluteCallbackURL(req, request.callbackURL, party.proxy)
  const redirectURI = (state: string) => party.redirectURI(callbackURL, state)
  const none = { verifier: undefined, about: undefined, appState: undefined, fromElsewhere: undefined }
  const state = await party.state.remember(req, context, {
    callbackURL,
    redirectURI,
    returnTo,
    popup,
    byRouter: true,
    ...none,
  })
  log.login('%s: begun by a page, to come back to %s', party.name, bareAddress(callbackURL))
  return { state }
}

function begunByPage(name: string): string {
  return `A login at ${name} is begun by a page of the app, which oauthRouter gives a state at its \`POST …/${name}/entry\`: there is no address of the provider to send a browser to.`
}

/** An `authorizationURL` of the app may not contain the host; a parameter then carries it. */
function unsaid(about: Transaction['about'], endpoint: string): Params {
  return Object.fromEntries(Object.entries(about ?? {}).filter(([, host]) => !endpoint.includes(host)))
}

/**
 * Finishes a login. The state is checked before anything else in the callback is used; then host, signature, issuer,
 * refusal and credential; then the provider is called.
 *
 * @throws OAuthError if the callback belongs to no login of this session; no login is used up then
 */
export async function finishLogin(
  party: LoginParty,
  request: LoginRequest,
): Promise<Login | FailedLogin | AlreadyFinished> {
  const { dialect } = party
  const { req, params } = request
  const context = contextOf(party, 'callback')
  const reading = party.readCallback(params)
  const { credential, refusal, further } = readCallback(params, reading, dialect, context)
  const recalled = await party.state.recall(req, context, reading, () => {
    const callbackURL = absoluteCallbackURL(req, request.callbackURL, party.proxy)
    const redirectURI = (value: string) => party.redirectURI(callbackURL, value)
    return { callbackURL, redirectURI, byRouter: request.byRouter }
  })
  if ('kind' in recalled) return recalled
  const about = recalled.about ?? (dialect.host && hostFact(dialect.host, {})) // an app's own store may not keep it
  const transaction: Transaction = { ...recalled, callback: further, ...(about && { about }) }
  return settled(party, request, transaction, credential, async () => {
    if (dialect.host) checkHost(dialect.host, params, about, context)
    if (dialect.signedQuery) checkSignedQuery(dialect.signedQuery, params, party.clientSecret, context)
    checkIssuer(dialect, params.get('iss'), context)
    if (refusal) throw callbackError(refusal, context, [transaction.state, credential ?? '', party.clientSecret])
    if (credential === undefined) throw new OAuthError('callback_invalid', context)
    return askProvider(party, request, transaction, credential)
  })
}

/** Accepts an unsolicited code. It has no state, so nothing shows which browser requested it. @throws OAuthError */
export async function enterLogin(
  party: LoginParty,
  request: LoginRequest,
): Promise<Login | FailedLogin | AlreadyFinished> {
  const { dialect } = party
  const { req, params, returnTo } = request
  const context = contextOf(party, 'callback')
  const { credential, refusal } = readCallback(params, party.readCallback(params), dialect, context)
  const isTaken = dialect.unsolicited === true && !refusal
  if (!isTaken || credential === undefined) throw new OAuthError('callback_invalid', context)
  if (!hasSession(req)) throw noSession(context)
  const redirectURI = absoluteCallbackURL(req, request.callbackURL, party.proxy)
  const found = await party.state.unsolicited(req, context, credential, redirectURI)
  if ('kind' in found) return found
  const transaction: Transaction = { ...found, ...(returnTo !== undefined && { returnTo }) }
  return settled(party, request, transaction, credential, () => askProvider(party, request, transaction, credential))
}

/** Ends a login that failed after its state was known. state.ts also ends one, if its PKCE verifier is missing. */
export async function failLogin(
  party: Pick<LoginParty, 'name' | 'state'>,
  req: SessionRequest,
  { transaction, credential }: { transaction: Transaction; credential: string | undefined },
  error: unknown,
): Promise<FailedLogin> {
  // Report the first failure, not one of the store.
  await party.state
    .settle(req, contextOf(party, 'callback'), transaction, credential, { ok: false, error })
    .catch(() => {})
  return { kind: 'failed', transaction, error }
}

async function settled(
  party: LoginParty,
  request: LoginRequest,
  transaction: Transaction,
  credential: string | undefined,
  work: () => Promise<Omit<Login, 'unlock'>>,
): Promise<Login | FailedLogin> {
  const { req } = request
  let unlock = async () => {}
  try {
    // Go on without the lock if it fails: the provider accepts a code only once in any case.
    const release = await request.lock?.(transaction.state).catch(() => undefined)
    if (release) {
      unlock = () => release().catch(() => {}) // it expires anyway
      await party.state.demandPending(req, contextOf(party, 'callback'), transaction)
    }
    return { ...(await work()), unlock }
  } catch (error) {
    const failed = await failLogin(party, req, { transaction, credential }, error)
    await unlock()
    return failed
  }
}

async function askProvider(
  party: LoginParty,
  { options }: LoginRequest,
  transaction: Transaction,
  credential: string,
): Promise<Omit<Login, 'unlock'>> {
  if (party.dialect.userToken === 'none') {
    const profile = await party.profileOfCode(credential)
    return { kind: 'login', transaction, credential, tokens: undefined, profile }
  }
  const tokens = await party.exchange(credential, transaction, options)
  const profile = await party.loadProfile(tokens)
  return { kind: 'login', transaction, credential, tokens, profile }
}

/** RFC 9207 §2.4: compares `iss` letter by letter; with `issuer` set, a missing `iss` is refused. */
function checkIssuer({ issuer }: Dialect, iss: string | null, context: ErrorContext): void {
  if (issuer !== undefined && iss !== issuer) throw new OAuthError('issuer_mismatch', context)
}

function contextOf({ name }: { name: string }, phase: Phase): ErrorContext {
  return { provider: name, phase }
}
