// Over 300 lines because it serves two hosts, Passport and the router, and declares what a subclass may override.

import { createHash } from 'node:crypto'
import { meaningOf } from './error-codes'
import { OAuthError } from './errors'
import { isForm, type PostedForm, readForm } from './form-post/form'
import { type PostingPage, postingPage, sendPostingPage } from './form-post/page'
import type { Params } from './http/request'
import { logFailure } from './log'
import { readCallbackURL, readPKCE, requestPath } from './login/authorization-request'
import { callbackParams, readCallback, stateAndCredential, tellingParameters } from './login/callback'
import {
  beginInPage,
  beginLogin,
  enterLogin,
  failLogin,
  finishLogin,
  type InPageRequest,
  type Login,
  type LoginParty,
  type LoginRequest,
} from './login/conversation'
import { readSessionKey } from './login/session-key'
import { type AlreadyFinished, type CallbackReading, type FailedLogin, LoginState } from './login/state'
import { OptionReader, type StrategyOptions, warnOfUnknownOptions } from './options'
import { ProviderClient } from './provider/client'
import { type Dialect, sealKeyOf, type TokenGrant } from './provider/definition'
import type { TokenSet } from './provider/token-set'
import { leaveNoNewSession } from './session/leave-no-new-session'
import { type SessionRequest, sessionRequest } from './session/request'
import type { Transaction } from './session/slot'
import { runVerify, type VerifyFunction } from './verify'

/** The options of one login, for `passport.authenticate(name, options)`. */
export interface AuthenticateOptions {
  /** Replaces the strategy's own. */
  callbackURL?: string
  /** Replaces the strategy's own. */
  scope?: string | string[]
  /** Any value; it comes back as `info.state`. */
  state?: unknown
  /** @internal What the router knows of the request. */
  login?: RouterLogin
}

/** @internal A login that the router begins or finishes. What comes from the browser has been checked. */
export interface RouterLogin {
  /** `entry`: the provider began the login, by sending an unsolicited code. */
  leg: 'begin' | 'callback' | 'entry'
  returnTo?: string | undefined
  popup?: boolean | undefined
  /** A page of another site sent the browser here. */
  fromElsewhere?: boolean | undefined
  lock?: LoginRequest['lock']
}

/** @internal The result of a request of a login; the host acts on it. */
export type LoginResult = { kind: 'redirect'; location: string } | PostingPage | Login | FailedLogin | AlreadyFinished

/**
 * The base class of every strategy: a provider with its own dialect of OAuth 2.0, as a Passport strategy that extends
 * passport-oauth2's `OAuth2Strategy`. A subclass overrides only what differs.
 *
 * @example
 * ```ts
 * class LanternStrategy extends DialectStrategy {
 *   constructor(options: DialectOptions, verify: VerifyFunction) {
 *     const base = new OptionReader('lantern', options).base('baseURL', 'https://lantern.example')
 *     super('lantern', options, verify, {
 *       endpoints: {
 *         authorizationURL: `${base}/authorize`,
 *         tokenURL: `${base}/token`,
 *         userProfileURL: `${base}/me`,
 *       },
 *       scope: ['profile'],
 *     })
 *   }
 *
 *   protected profileFields(user: JsonObject) {
 *     return { id: user.id, displayName: user.name }
 *   }
 * }
 * ```
 */
export abstract class DialectStrategy extends ProviderClient {
  private readonly verify: VerifyFunction
  private readonly callbackURL: string
  private readonly callbackPath: string
  private readonly pkce: boolean
  private readonly logins: LoginState

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(name: string, options: StrategyOptions, verify: VerifyFunction, dialect: Dialect) {
    super(name, options, verify, dialect)
    const read = new OptionReader(name, options)
    this.verify = verify
    this.callbackURL = readCallbackURL(read)
    this.callbackPath = new URL(this.callbackURL, 'http://localhost').pathname
    this.pkce = readPKCE(read, options, dialect)
    if (dialect.inPage && this.pkce) read.fail('pkce', 'must be off: a page that begins a login is given no challenge')
    const { clientID, clientSecret, endpoints, fingerprint } = this
    this.logins = new LoginState({
      key: readSessionKey(read),
      lifetime: read.positive('stateLifetime', 600, 'seconds', 86_400) * 1000,
      pkce: this.pkce,
      nonce: dialect.idToken?.nonce === true,
      store: typeof options.store === 'object' ? options.store : undefined,
      client: { clientID, clientSecret: sealKeyOf(dialect) ?? clientSecret, endpoints, fingerprint },
    })
    warnOfUnknownOptions(this, options, [...Object.keys(endpoints), ...(dialect.idToken ? ['issuer'] : [])])
  }

  /** Called by Passport. Begins a login, or finishes one if the request looks like a callback. */
  override authenticate(req: object, options: AuthenticateOptions = {}): void {
    const request = sessionRequest(req)
    const { hosted } = this
    this.converse(request, options)
      .then((result) => (hosted ? () => hosted(result) : this.actionFor(request, result)))
      .catch((error) => {
        if (!hosted && OAuthError.is(error)) logFailure(error, this.name)
        return () => this.report(error)
      })
      .then((act) => act())
      // The app's code threw, such as its callback of `passport.authenticate`: it is not called a second time.
      .catch((thrown) => (typeof request.next === 'function' ? request.next(thrown) : this.error(thrown)))
  }

  /**
   * @internal Set by a host other than Passport on the strategy object of a request, in addition to Passport's five
   * actions. It receives the result of the login before `verify` is called.
   */
  hosted?: (result: LoginResult) => void

  // ---- what a dialect may override ------------------------------------------------------------

  /** Extra parameters of the authorization request; they cannot replace those of the protocol. */
  override authorizationParams(_options: object): Params {
    return {}
  }

  /** Runs before the redirect. Returns more parameters of the authorization request. */
  protected async prepare(): Promise<Params> {
    return {}
  }

  /** The redirect URI. Override it for a provider that may not echo `state`. */
  protected redirectURI(callbackURL: string, _state: string): string {
    return callbackURL
  }

  /** Reads the callback's state and credential. Default: `state` and the first of the dialect's `credentials`. */
  protected readCallback(params: URLSearchParams): CallbackReading {
    return stateAndCredential(params, this.dialect)
  }

  /** The challenge of a PKCE verifier. Default: S256 in base64url (RFC 7636 §4.2). */
  protected challenge(verifier: string): string {
    return createHash('sha256').update(verifier).digest('base64url')
  }

  /** Exchanges a callback's credential for a token set. Default: at the token endpoint. */
  protected async exchange(credential: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const { redirectURI: redirect_uri, verifier: code_verifier, nonce } = transaction
    const extra = this.tokenParams(options)
    const grant: TokenGrant = {
      ...extra,
      grant_type: 'authorization_code',
      code: credential,
      redirect_uri,
      code_verifier,
    }
    return this.grant(grant, this.scope, { ...transaction.callback, ...transaction.about }, { nonce })
  }

  /** Whether the strategy accepts codes that the provider sends unsolicited. */
  get takesUnsolicited(): boolean {
    return this.dialect.unsolicited === true
  }

  /** @internal Whether its start address needs nothing else, such as the name of a shop, to begin a login. */
  get startsAlone(): boolean {
    const { inPage, host } = this.dialect
    return inPage !== 'only' && (host === undefined || host.fixed !== undefined)
  }

  /** @internal Whether the callback may come by POST. */
  get takesPost(): boolean {
    return this.dialect.callback === 'form_post'
  }

  /** @internal Whether a page of the app may begin a login. */
  get beginsInPage(): boolean {
    return this.dialect.inPage !== undefined
  }

  // ---- the two requests of a login ------------------------------------------------------------

  /** @internal Handles one request of a login. @throws OAuthError if the request belongs to no login of this session */
  async converse(req: SessionRequest, options: AuthenticateOptions): Promise<LoginResult> {
    const { login } = options
    const posted = await this.postedCallback(req, login?.leg === 'callback')
    if (posted && !posted.isAgain) return this.postAgain(req, posted)
    const request: LoginRequest = {
      req,
      params: posted?.params ?? callbackParams(req),
      callbackURL: options.callbackURL ?? this.callbackURL,
      scope: options.scope,
      appState: options.state,
      returnTo: login?.returnTo,
      popup: login?.popup,
      fromElsewhere: login?.fromElsewhere,
      byRouter: login !== undefined,
      options,
      lock: login?.lock,
    }
    if (login?.leg === 'entry') return enterLogin(this.party(), request)
    if (login?.leg === 'callback' || this.looksLikeCallback(req, request.params))
      return finishLogin(this.party(), request)
    return { kind: 'redirect', ...(await beginLogin(this.party(), request)) }
  }

  /**
   * @internal Begins a login for a page of the app; resolves to the state that the page sends back with the code.
   * @throws OAuthError
   */
  beginInPage(request: InPageRequest): Promise<{ state: string }> {
    return beginInPage(this.party(), request)
  }

  /** The form of a callback that came by POST; `undefined` if this is none. @throws OAuthError `callback_invalid` */
  private async postedCallback(req: SessionRequest, isCallback: boolean): Promise<PostedForm | undefined> {
    if (!this.takesPost || req.method !== 'POST') return undefined
    const isHere = isCallback || requestPath(req) === this.callbackPath
    if (!isHere && !isForm(req)) return undefined // perhaps a button of the app
    const form = await readForm(req, this.at('callback'))
    return isHere || this.looksLikeCallback(req, form.params) ? form : undefined
  }

  /** The first post comes from the provider's site: nothing of it is used or stored until this site posts it again. */
  private postAgain(req: SessionRequest, { params }: PostedForm): PostingPage {
    readCallback(params, this.readCallback(params), this.dialect, this.at('callback'))
    leaveNoNewSession(req)
    return postingPage(req, tellingParameters(params, this.dialect))
  }

  /** @internal Ends a login that the host refuses. */
  refuse(req: SessionRequest, login: Login, error: unknown): Promise<FailedLogin> {
    return failLogin({ name: this.name, state: this.logins }, req, login, error)
  }

  /** This request's strategy object, for a login's steps. Closures, because a subclass may keep values on `this`. */
  private party(): LoginParty {
    const { name, dialect, endpoints, clientID, clientSecret, scope, pkce } = this
    return {
      name,
      dialect,
      endpoints,
      clientID,
      clientSecret,
      scope,
      pkce,
      proxy: this.options.proxy === true,
      state: this.logins,
      authorizationParams: (options) => this.authorizationParams(options),
      prepare: () => this.prepare(),
      redirectURI: (callbackURL, state) => this.redirectURI(callbackURL, state),
      readCallback: (params) => this.readCallback(params),
      challenge: (verifier) => this.challenge(verifier),
      exchange: (credential, transaction, options) => this.exchange(credential, transaction, options),
      loadProfile: (tokens) => this.loadProfile(tokens),
      profileOfCode: (code) => this.profileOfCode(code),
    }
  }

  /** Passport's action for the result, once `verify` and the session have had their say. */
  private async actionFor(req: SessionRequest, result: LoginResult): Promise<() => void> {
    if (result.kind === 'redirect') return () => this.redirect(result.location)
    if (result.kind === 'page') return this.pageSender(req, result)
    if (result.kind === 'failed') throw result.error
    if (result.kind === 'already finished') throw this.failure('state_used', 'callback')
    const { transaction, tokens, profile, credential } = result
    const passReq = this.options.passReqToCallback === true
    let verified: Awaited<ReturnType<typeof runVerify>>
    try {
      verified = await runVerify(this.verify, passReq ? req : undefined, tokens, profile, this.name)
    } catch (error) {
      throw (await this.refuse(req, result, error)).error
    }
    const { user, info } = verified
    if (!user) {
      const refusal = info ?? this.failure('verify_refused', 'callback')
      await this.refuse(req, result, refusal)
      return () => this.fail(refusal, 403)
    }
    await this.logins.settle(req, this.at('callback'), transaction, credential, { ok: true })
    const { appState } = transaction
    const told = appState ? { ...info, state: appState } : (info ?? {})
    return () => this.success(user as Express.User, told) // from `verify`
  }

  /** Passport has no action that sends a page. */
  private pageSender({ res }: SessionRequest, page: PostingPage): () => void {
    const message = 'A callback by POST needs Express: there is no `req.res`.'
    if (!res) throw this.failure('config_invalid', 'callback', message)
    return () => sendPostingPage(res, page)
  }

  /** Passport's `fail` if the user or the browser caused the error; otherwise its `error`. */
  private report(error: unknown): void {
    const isFailure = OAuthError.is(error) && meaningOf(error.code).passport === 'fail' && error.status < 500
    if (isFailure) this.fail(error, error.status)
    else this.error(error)
  }

  private looksLikeCallback(req: SessionRequest, params: URLSearchParams): boolean {
    const telling = ['code', 'error', 'state', ...(this.dialect.credentials ?? [])]
    if (telling.some((name) => params.has(name))) return true
    if (this.readCallback(params).state !== undefined) return true
    return requestPath(req) === this.callbackPath
  }
}
