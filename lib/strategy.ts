import { createHash } from 'node:crypto'
import { callbackParams, refuseMalformed } from './callback-params'
import { absoluteCallbackURL, requestPath } from './callback-url'
import { type StateMeta, storeState, verifyState } from './custom-state-store'
import { type ErrorCode, OAuthError } from './errors'
import { type CustomStateStore, type DialectOptions, OptionReader } from './options'
import type { DialectProfile } from './profile'
import type { Params } from './provider-call'
import { type Dialect, type Grant, ProviderClient } from './provider-client'
import { hasSession, noSession, type SessionRequest } from './session'
import { scopeList, type TokenSet } from './tokens/token-set'
import {
  beginTransaction,
  finishTransaction,
  newState,
  newVerifier,
  type Transaction,
  takeTransaction,
} from './transactions'
import { runVerify, type VerifyFunction } from './verify'

/** What a dialect reads out of a callback. */
export interface CallbackReading {
  state: string | undefined
  /** The code, or whatever stands for it. */
  credential: string | undefined
}

/** A finished conversation with the provider, before `verify` has spoken. */
export interface Login {
  transaction: Transaction
  tokens: TokenSet
  profile: DialectProfile | undefined
}

/** @internal How the router runs a strategy; nothing of it comes from the browser unchecked. */
export interface Flow {
  leg: 'begin' | 'callback'
  returnTo?: string | undefined
  /** Takes the place of the strategy's own `verify`, and settles the transaction itself. */
  conclude?(login: Login): Promise<unknown>
}

type Outcome =
  | { kind: 'redirect'; location: string }
  | { kind: 'success'; user: unknown; info: object | undefined }
  | { kind: 'refused'; info: object }

/** The part of passport's augmentation that a strategy calls. */
interface AuthenticateOptions {
  callbackURL?: string
  scope?: string | string[]
  state?: unknown
  flow?: Flow
}

/**
 * A login provider that speaks its own dialect of OAuth 2.0: the two legs of a login, on passport-oauth2's
 * `OAuth2Strategy`. A subclass overrides what differs, and nothing else.
 */
export abstract class DialectStrategy extends ProviderClient {
  private readonly verify: VerifyFunction
  private readonly callbackURL: string
  private readonly pkce: boolean
  private readonly sessionKey: string
  private readonly stateLifetime: number
  private readonly client: string
  private readonly customStore: CustomStateStore | undefined

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(name: string, options: DialectOptions, verify: VerifyFunction, dialect: Dialect) {
    super(name, options, verify, dialect)
    const read = new OptionReader(name, options)
    this.verify = verify
    this.callbackURL = readCallbackURL(read)
    this.pkce = readPkce(read, options, dialect.pkce ?? false)
    this.sessionKey = read.optionalText('sessionKey') ?? 'passport-dialects'
    this.stateLifetime = read.positive('stateLifetime', 600, 'seconds') * 1000
    this.client = fingerprint(this.clientID, this.endpoints)
    this.customStore = typeof options.store === 'object' ? options.store : undefined
  }

  /** Passport's entry: begins a login, or finishes one where the request looks like a callback. */
  override authenticate(req: object, options: AuthenticateOptions = {}): void {
    // express-session and cookie-session type `req.session` each in their own way; session.ts asks for what it needs.
    const request = req as SessionRequest
    const finishing = options.flow?.leg === 'callback' || this.looksLikeCallback(request)
    const outcome = finishing ? this.finish(request, options) : this.begin(request, options)
    outcome.then((done) => this.act(done)).catch((error) => this.report(error))
  }

  // ---- what a dialect may override ------------------------------------------------------------

  /** Extra parameters of the authorization request; they can't replace those of the protocol. */
  override authorizationParams(_options: object): Params {
    return {}
  }

  /** What happens before the redirect; returns further parameters of the authorization request. */
  protected async prepare(): Promise<Params> {
    return {}
  }

  /** The redirect address, for a provider that is not known to echo `state`. */
  protected redirectURI(callbackURL: string, _state: string): string {
    return callbackURL
  }

  /** How the callback's state and credential are read. */
  protected readCallback(params: URLSearchParams): CallbackReading {
    return { state: params.get('state') ?? undefined, credential: params.get('code') ?? undefined }
  }

  /** The challenge of a PKCE verifier; default S256 in base64url (RFC 7636 §4.2). */
  protected challenge(verifier: string): string {
    return createHash('sha256').update(verifier).digest('base64url')
  }

  /** The token set of a callback's credential; default the token endpoint's answer. */
  protected async exchange(credential: string, transaction: Transaction): Promise<TokenSet> {
    const { redirectURI: redirect_uri, verifier: code_verifier } = transaction
    const extra = this.tokenParams({})
    const grant: Grant = {
      ...extra,
      grant_type: 'authorization_code',
      code: credential,
      redirect_uri,
      code_verifier,
    }
    return this.grant(grant, this.scope)
  }

  // ---- the two legs ---------------------------------------------------------------------------

  private async begin(req: SessionRequest, options: AuthenticateOptions): Promise<Outcome> {
    if (!hasSession(req) && !this.customStore) throw noSession(this.at('authorize'))
    const callbackURL = this.callbackAddress(req, options)
    const prepared = await this.prepare()
    const verifier = this.pkce ? newVerifier() : undefined
    const state = await this.rememberLogin(req, options, callbackURL, verifier)
    const scope = options.scope === undefined ? this.scope : scopeList(options.scope)
    const { clientIDName = 'client_id', scopeSeparator = ' ' } = this.dialect
    const params: Params = {
      ...this.authorizationParams(options),
      ...prepared,
      response_type: 'code',
      [clientIDName]: this.clientID,
      redirect_uri: this.redirectURI(callbackURL, state),
      scope: scope.length > 0 ? scope.join(scopeSeparator) : undefined,
      state,
      code_challenge: verifier && this.challenge(verifier),
      code_challenge_method: verifier && 'S256',
    }
    const address = new URL(this.endpoints.authorizationURL)
    for (const [name, value] of Object.entries(params)) {
      if (value !== undefined) address.searchParams.set(name, value)
    }
    return { kind: 'redirect', location: address.href }
  }

  private async finish(req: SessionRequest, options: AuthenticateOptions): Promise<Outcome> {
    const where = this.at('callback')
    const params = callbackParams(req)
    const credentials = this.dialect.credentials ?? ['code']
    refuseMalformed(params, ['state', 'error', 'iss', ...credentials], where)
    const { state, credential } = this.readCallback(params)
    const denied = params.get('error')
    if (credential === undefined && denied === null) throw new OAuthError('callback_invalid', where)
    const transaction = await this.recallLogin(req, options, state)
    try {
      this.checkIssuer(params.get('iss'))
      if (denied !== null) throw this.authorizationError(denied, params.get('error_description'))
      if (credential === undefined) throw new OAuthError('callback_invalid', where)
      const tokens = await this.exchange(credential, transaction)
      const profile = await this.loadProfile(tokens)
      return await this.conclude(req, options, { transaction, tokens, profile })
    } catch (error) {
      await this.settle(req, transaction, { ok: false, error }).catch(() => {}) // the first failure is the one to report
      throw error
    }
  }

  /** `verify` speaks; then the login is marked as used. */
  private async conclude(req: SessionRequest, options: AuthenticateOptions, login: Login): Promise<Outcome> {
    if (options.flow?.conclude) {
      const user = await options.flow.conclude(login)
      return { kind: 'success', user, info: undefined }
    }
    const { transaction, tokens, profile } = login
    const passReq = this.options.passReqToCallback === true
    const { user, info } = await runVerify(this.verify, passReq ? req : undefined, tokens, profile, this.name)
    if (!user) {
      await this.settle(req, transaction, { ok: false })
      return { kind: 'refused', info: info ?? this.failure('verify_refused', 'callback') }
    }
    await this.settle(req, transaction, { ok: true })
    const { appState } = transaction
    return { kind: 'success', user, info: appState === undefined ? info : { ...info, state: appState } }
  }

  private act(outcome: Outcome): void {
    if (outcome.kind === 'redirect') this.redirect(outcome.location)
    else if (outcome.kind === 'success')
      this.success(outcome.user as Express.User, outcome.info) // whatever `verify` gave
    else this.fail(challenge(outcome.info), 403)
  }

  /** What the user or the browser did wrong is Passport's `fail`; everything else its `error`. */
  private report(error: unknown): void {
    if (!OAuthError.is(error) || !FAILURES.has(error.code) || error.status >= 500) this.error(error)
    else this.fail(challenge(error), error.status)
  }

  private async rememberLogin(
    req: SessionRequest,
    options: AuthenticateOptions,
    callbackURL: string,
    verifier: string | undefined,
  ): Promise<string> {
    const where = this.at('authorize')
    if (this.customStore) {
      const login = { verifier, appState: options.state, meta: this.meta(callbackURL) }
      const state = await storeState(this.customStore, req, login)
      if (state === '') throw this.failure('config_invalid', 'authorize', 'The `store` of the strategy gave no state.')
      return state
    }
    const state = newState()
    await beginTransaction(req, this.sessionKey, where, {
      state,
      provider: this.name,
      client: this.client,
      redirectURI: this.redirectURI(callbackURL, state),
      ...(verifier !== undefined && { verifier }),
      ...(options.flow?.returnTo !== undefined && { returnTo: options.flow.returnTo }),
      ...(options.state !== undefined && { appState: options.state }),
    })
    return state
  }

  private async recallLogin(
    req: SessionRequest,
    options: AuthenticateOptions,
    state: string | undefined,
  ): Promise<Transaction> {
    const where = this.at('callback')
    if (!this.customStore) {
      const expected = { client: this.client, lifetime: this.stateLifetime }
      const transaction = await takeTransaction(req, this.sessionKey, where, state, expected)
      if (this.pkce && transaction.verifier === undefined) {
        await this.settle(req, transaction, { ok: false })
        throw new OAuthError('state_mismatch', where) // RFC 9700 §4.8.2: no downgrade
      }
      return transaction
    }
    if (state === undefined) throw new OAuthError('state_missing', where)
    const callbackURL = this.callbackAddress(req, options)
    const known = await verifyState(this.customStore, req, state, this.meta(callbackURL))
    if (!known.ok || (this.pkce && known.verifier === undefined)) throw new OAuthError('state_unknown', where)
    return {
      state,
      provider: this.name,
      client: this.client,
      begunAt: Date.now(),
      redirectURI: this.redirectURI(callbackURL, state),
      ...(known.verifier !== undefined && { verifier: known.verifier }),
      ...(known.appState !== undefined && { appState: known.appState }),
    }
  }

  private async settle(req: SessionRequest, login: Transaction, finished: { ok: boolean; error?: unknown }) {
    if (this.customStore) return
    await finishTransaction(req, this.sessionKey, this.at('callback'), login, finished)
  }

  private looksLikeCallback(req: SessionRequest): boolean {
    const params = callbackParams(req)
    const telling = ['code', 'error', 'state', ...(this.dialect.credentials ?? [])]
    if (telling.some((name) => params.has(name))) return true
    if (this.readCallback(params).state !== undefined) return true
    return requestPath(req) === new URL(this.callbackURL, 'http://localhost').pathname
  }

  private callbackAddress(req: SessionRequest, options: AuthenticateOptions): string {
    return absoluteCallbackURL(req, options.callbackURL ?? this.callbackURL, this.options.proxy === true)
  }

  private checkIssuer(iss: string | null): void {
    const { issuer } = this.dialect
    // RFC 9207 §2.4: compared letter by letter, and refused where a configured issuer does not send it.
    if (issuer !== undefined && iss !== issuer) throw this.failure('issuer_mismatch', 'callback')
  }

  private authorizationError(error: string, description: string | null): OAuthError {
    return new OAuthError(error === 'access_denied' ? 'access_denied' : 'authorization_failed', {
      ...this.at('callback'),
      providerCode: error,
      ...(description && { providerMessage: description }),
    })
  }

  private meta(callbackURL: string): StateMeta {
    const { authorizationURL, tokenURL } = this.endpoints
    return { authorizationURL, tokenURL, clientID: this.clientID, callbackURL }
  }
}

const FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'access_denied',
  'session_missing',
  'state_missing',
  'state_unknown',
  'state_expired',
  'state_used',
  'state_mismatch',
  'callback_invalid',
  'issuer_mismatch',
])

/**
 * Tells two clients of one name apart: tenants of one process share names and maybe a session. Every endpoint
 * counts, for a code or token must not go to another than those its login was begun with.
 */
function fingerprint(clientID: string, endpoints: Dialect['endpoints']): string {
  const text = [clientID, ...Object.values(endpoints)].join('\n')
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}

/** Passport takes any value as a challenge and hands it on as `info`; its types know strings and numbers only. */
function challenge(info: object): string {
  return info as unknown as string
}

function readCallbackURL(read: OptionReader): string {
  const value = read.text('callbackURL')
  if (value.startsWith('/') && !value.startsWith('//')) return value
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value) || value.includes('#')) {
    read.fail('callbackURL', 'must be an absolute http(s) address without a fragment, or a path that begins with /')
  }
  return value
}

function readPkce(read: OptionReader, options: DialectOptions, fallback: boolean): boolean {
  const { pkce } = options
  if (pkce === undefined) return fallback
  if (pkce === true || pkce === 'S256') return true
  return pkce === false ? false : read.fail('pkce', "must be true, false or 'S256' (RFC 7636 §7.2 warns of plain)")
}
