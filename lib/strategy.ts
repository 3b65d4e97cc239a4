import { createHash } from 'node:crypto'
import { onTheWire, withParams } from './authorization-address'
import { callbackParams, refuseMalformed } from './callback-params'
import { absoluteCallbackURL, readCallbackURL, requestPath } from './callback-url'
import { type ErrorCode, OAuthError } from './errors'
import { warnOfUnknownOptions } from './known-options'
import type { AuthenticateOptions, Login, Outcome } from './legs'
import { log, logFailure } from './log'
import { type CallbackReading, LoginState } from './login-state'
import { type DialectOptions, OptionReader } from './options'
import type { Params } from './provider-call'
import { type Dialect, type Grant, ProviderClient } from './provider-client'
import { bareAddress, printable } from './redact'
import { hasSession, noSession, type SessionRequest } from './session'
import { scopeList, type TokenSet } from './tokens/token-set'
import { newVerifier, type Transaction } from './transactions'
import { runVerify, type VerifyFunction } from './verify'

export type { AuthenticateOptions, Login }

/**
 * A login provider that speaks its own dialect of OAuth 2.0: the two legs of a login, on passport-oauth2's
 * `OAuth2Strategy`. A subclass overrides what differs, and nothing else.
 */
export abstract class DialectStrategy extends ProviderClient {
  private readonly verify: VerifyFunction
  private readonly callbackURL: string
  private readonly callbackPath: string
  private readonly pkce: boolean
  private readonly logins: LoginState

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(name: string, options: DialectOptions, verify: VerifyFunction, dialect: Dialect) {
    super(name, options, verify, dialect)
    const read = new OptionReader(name, options)
    this.verify = verify
    this.callbackURL = readCallbackURL(read)
    this.callbackPath = new URL(this.callbackURL, 'http://localhost').pathname
    this.pkce = readPkce(read, options, dialect.pkce ?? false)
    const { clientID, clientSecret, endpoints, fingerprint } = this
    this.logins = new LoginState({
      key: read.optionalText('sessionKey') ?? 'passport-dialects',
      lifetime: read.positive('stateLifetime', 600, 'seconds') * 1000,
      pkce: this.pkce,
      store: typeof options.store === 'object' ? options.store : undefined,
      client: { clientID, clientSecret, endpoints, fingerprint },
    })
    warnOfUnknownOptions(this, options)
  }

  /** Passport's entry: begins a login, or finishes one where the request looks like a callback. */
  override authenticate(req: object, options: AuthenticateOptions = {}): void {
    // express-session and cookie-session type `req.session` each in their own way; session.ts asks for what it needs.
    const request = req as SessionRequest
    this.converse(request, options)
      .then((done) => this.act(done))
      .catch((error) => {
        if (!options.flow && OAuthError.is(error)) logFailure(error, this.name)
        this.report(error)
      })
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

  /** How the callback's state and credential are read; default `state` and the first of the dialect's `credentials`. */
  protected readCallback(params: URLSearchParams): CallbackReading {
    const [credential = 'code'] = this.dialect.credentials ?? []
    return { state: params.get('state') ?? undefined, credential: params.get(credential) ?? undefined }
  }

  /** The challenge of a PKCE verifier; default S256 in base64url (RFC 7636 §4.2). */
  protected challenge(verifier: string): string {
    return createHash('sha256').update(verifier).digest('base64url')
  }

  /** The token set of a callback's credential; default the token endpoint's answer. */
  protected async exchange(credential: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const { redirectURI: redirect_uri, verifier: code_verifier } = transaction
    const extra = this.tokenParams(options)
    const grant: Grant = {
      ...extra,
      grant_type: 'authorization_code',
      code: credential,
      redirect_uri,
      code_verifier,
    }
    return this.grant(grant, this.scope)
  }

  /** Whether codes are taken that the provider sends unasked. */
  get takesUnsolicited(): boolean {
    return this.dialect.unsolicited === true
  }

  // ---- the two legs ---------------------------------------------------------------------------

  /** @internal One leg, without Passport: what {@link authenticate} tells it by its actions. */
  converse(req: SessionRequest, options: AuthenticateOptions): Promise<Outcome> {
    if (options.flow?.leg === 'entry') return this.enter(req, options)
    const finishing = options.flow?.leg === 'callback' || this.looksLikeCallback(req)
    return finishing ? this.finish(req, options) : this.begin(req, options)
  }

  private async begin(req: SessionRequest, options: AuthenticateOptions): Promise<Outcome> {
    const where = this.at('authorize')
    if (this.logins.needsSession && !hasSession(req)) throw noSession(where)
    const callbackURL = this.callbackAddress(req, options)
    const prepared = await this.prepare()
    const verifier = this.pkce ? newVerifier() : undefined
    const state = await this.logins.remember(req, where, {
      callbackURL,
      redirectURI: (value) => this.redirectURI(callbackURL, value),
      verifier,
      appState: options.state,
      returnTo: options.flow?.returnTo,
      popup: options.flow?.popup,
    })
    const scope = options.scope === undefined ? this.scope : scopeList(options.scope)
    const { scopeSeparator = ' ' } = this.dialect
    const protocol = onTheWire(this.dialect, {
      response_type: 'code',
      client_id: this.clientID,
      redirect_uri: this.redirectURI(callbackURL, state),
      scope: scope.length > 0 ? scope.join(scopeSeparator) : undefined,
      state,
      code_challenge: verifier && this.challenge(verifier),
      code_challenge_method: verifier && 'S256',
    })
    const { authorizationURL } = this.endpoints
    const location = withParams(authorizationURL, protocol, this.authorizationParams(options), prepared)
    if (log.login.enabled) {
      log.login('%s: begun, sent to %s, to come back to %s', this.name, bareAddress(location), bareAddress(callbackURL))
    }
    return { kind: 'redirect', location }
  }

  private async finish(req: SessionRequest, options: AuthenticateOptions): Promise<Outcome> {
    const where = this.at('callback')
    const params = callbackParams(req)
    const credentials = this.dialect.credentials ?? ['code']
    refuseMalformed(params, ['state', 'error', 'iss', ...credentials], where)
    const { state, credential } = this.readCallback(params)
    const denied = params.get('error')
    if (credential === undefined && denied === null) throw new OAuthError('callback_invalid', where)
    const transaction = await this.logins.recall(req, where, { state, credential }, () => {
      const callbackURL = this.callbackAddress(req, options)
      return { callbackURL, redirectURI: (value) => this.redirectURI(callbackURL, value) }
    })
    if (options.flow) options.flow.popup = transaction.popup === true
    return this.settled(req, transaction, async () => {
      this.checkIssuer(params.get('iss'))
      if (denied !== null) throw this.authorizationError(denied, params, [transaction.state, credential ?? ''])
      if (credential === undefined) throw new OAuthError('callback_invalid', where)
      return this.complete(req, options, transaction, credential)
    })
  }

  /** A code that the provider sent unasked: no state, so nothing shows whose browser asked for it. */
  private async enter(req: SessionRequest, options: AuthenticateOptions): Promise<Outcome> {
    const where = this.at('callback')
    const params = callbackParams(req)
    const credentials = this.dialect.credentials ?? ['code']
    refuseMalformed(params, credentials, where)
    const { credential } = this.readCallback(params)
    if (!this.takesUnsolicited || credential === undefined) throw new OAuthError('callback_invalid', where)
    if (!hasSession(req)) throw noSession(where)
    const redirectURI = this.callbackAddress(req, options)
    const transaction: Transaction = {
      ...this.logins.unsolicited(req, where, credential, redirectURI),
      ...(options.flow?.returnTo !== undefined && { returnTo: options.flow.returnTo }),
    }
    return this.settled(req, transaction, () => this.complete(req, options, transaction, credential))
  }

  private async complete(
    req: SessionRequest,
    options: AuthenticateOptions,
    transaction: Transaction,
    credential: string,
  ): Promise<Outcome> {
    const tokens = await this.exchange(credential, transaction, options)
    const profile = await this.loadProfile(tokens)
    return this.conclude(req, options, { transaction, tokens, profile })
  }

  /** Runs the rest of a login; where it fails, the login is used up all the same. */
  private async settled(req: SessionRequest, login: Transaction, work: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await work()
    } catch (error) {
      // The first failure is the one to report.
      await this.logins.settle(req, this.at('callback'), login, { ok: false, error }).catch(() => {})
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
      await this.logins.settle(req, this.at('callback'), transaction, { ok: false })
      return { kind: 'refused', info: info ?? this.failure('verify_refused', 'callback') }
    }
    await this.logins.settle(req, this.at('callback'), transaction, { ok: true })
    const { appState } = transaction
    return { kind: 'success', user, info: appState ? { ...info, state: appState } : (info ?? {}) }
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

  private looksLikeCallback(req: SessionRequest): boolean {
    const params = callbackParams(req)
    const telling = ['code', 'error', 'state', ...(this.dialect.credentials ?? [])]
    if (telling.some((name) => params.has(name))) return true
    if (this.readCallback(params).state !== undefined) return true
    return requestPath(req) === this.callbackPath
  }

  private callbackAddress(req: SessionRequest, options: AuthenticateOptions): string {
    return absoluteCallbackURL(req, options.callbackURL ?? this.callbackURL, this.options.proxy === true)
  }

  private checkIssuer(iss: string | null): void {
    const { issuer } = this.dialect
    // RFC 9207 §2.4: compared letter by letter, and refused where a configured issuer does not send it.
    if (issuer !== undefined && iss !== issuer) throw this.failure('issuer_mismatch', 'callback')
  }

  private authorizationError(error: string, params: URLSearchParams, secrets: readonly string[]): OAuthError {
    const description = params.get('error_description')
    return new OAuthError(error === 'access_denied' ? 'access_denied' : 'authorization_failed', {
      ...this.at('callback'),
      providerCode: printable(error, secrets),
      ...(description && { providerMessage: printable(description, secrets) }),
    })
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

/** Passport takes any value as a challenge and hands it on as `info`; its types know strings and numbers only. */
function challenge(info: unknown): string {
  return info as unknown as string
}

function readPkce(read: OptionReader, options: DialectOptions, fallback: boolean): boolean {
  const { pkce } = options
  if (pkce === undefined) return fallback
  if (pkce === true || pkce === 'S256') return true
  return pkce === false ? false : read.fail('pkce', "must be true, false or 'S256' (RFC 7636 §7.2 warns of plain)")
}
