// Over 300 lines because it holds every call to a provider: what a dialect may override, and what it may call.
import type { IncomingHttpHeaders } from 'node:http'
import { inspect } from 'node:util'
import OAuth2Strategy from 'passport-oauth2'
import type { ErrorCode } from '../error-codes'
import { type ErrorContext, OAuthError, type Phase } from '../errors'
import { callProvider, type RawResponse } from '../http/call'
import { type CallLimits, readLimits } from '../http/limits'
import type { Params, ProviderRequest } from '../http/request'
import { isObject, type Json, type JsonObject } from '../json'
import { OptionReader, type StrategyOptions } from '../options'
import type { VerifyFunction } from '../verify'
import {
  type ApiBase,
  type ApiCall,
  type ApiCallInit,
  type ApiDialect,
  type ApiParameters,
  apiBase,
  tokenPlacement,
} from './api-call'
import { AppToken, type AppTokenHome, deadAppToken } from './app-token'
import { checkDialect, type Dialect, type Endpoints, readEndpoints, type TokenGrant } from './definition'
import { fingerprint } from './fingerprint'
import { atHost, hostFact } from './host'
import { type ExpectedClaims, IdTokenVerifier } from './id-token'
import { KeySet } from './key-set'
import { bindOAuth2Client } from './legacy-oauth2'
import { type DialectProfile, normaliseProfile, type ProfileFields } from './profile'
import { decodeJson } from './read-body'
import { type Refusal, type ResponseDialect, readResponse, standardRefusal } from './read-response'
import { secretsOf } from './request-secrets'
import { skipsProfile } from './skip-profile'
import { readTokenSet, type TokenSet, TokenSetProblem } from './token-set'

/**
 * The steps that involve only the server and the provider: token, profile, refresh, revocation. Each thing that a provider
 * may do in its own way is a method here, which its strategy overrides.
 */
export abstract class ProviderClient extends OAuth2Strategy implements ApiDialect {
  /** The name by which Passport and the router know the strategy. */
  override name: string
  /** The option `clientID`. */
  protected readonly clientID: string
  /** The option `clientSecret`; empty if the dialect allows that and it is absent. */
  protected readonly clientSecret: string
  /** The dialect's endpoints, or the options that replace them. */
  protected readonly endpoints: Endpoints
  /** The dialect that the subclass passed to the constructor. */
  protected readonly dialect: Dialect
  /** The options as given, all checked. */
  protected readonly options: StrategyOptions
  /** The scopes to request: the option `scope`, else the dialect's. */
  protected readonly scope: readonly string[]
  private readonly api: ApiBase
  /** @internal Identifies this client: it does not use what was issued to another client of the same name. */
  readonly fingerprint: string
  private readonly limits: CallLimits
  private readonly idTokens: IdTokenVerifier | undefined
  private readonly appToken: AppToken | undefined

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(name: string, options: StrategyOptions, verify: VerifyFunction, dialect: Dialect) {
    const read = new OptionReader(name, options)
    checkDialect(dialect, name)
    const { host } = dialect
    const endpoints = atFixedHost(dialect, readEndpoints(dialect, options, read))
    const clientID = read.text('clientID')
    const clientSecret = readSecret(read, dialect)
    if (typeof verify !== 'function') read.fail('verify', 'is required and must be a function')
    // passport-oauth2 keeps the properties that add-ons read; the engine handles state and PKCE.
    const { authorizationURL, tokenURL = authorizationURL } = endpoints // it requires one
    const known = { ...endpoints, tokenURL, clientID, clientSecret, callbackURL: options.callbackURL, state: true }
    super(known, verify as OAuth2Strategy.VerifyFunction) // any of the forms
    this.name = name
    this.clientID = clientID
    this.clientSecret = clientSecret
    this.endpoints = endpoints
    this.api = apiBase((host ? undefined : options.baseURL) ?? new URL(endpoints.userProfileURL).origin)
    this.fingerprint = fingerprint(clientID, endpoints, this.api.url)
    this.dialect = dialect
    this.options = options
    this.scope = read.words('scope') ?? dialect.scope
    this.limits = readLimits(options, read)
    this.idTokens = this.idTokenVerifier(read)
    this.appToken = this.ownToken()
    for (const flag of ['proxy', 'passReqToCallback', 'allowInsecureHttp']) read.flag(flag)
    if (typeof options.skipUserProfile !== 'function') read.flag('skipUserProfile')
    if (dialect.userToken === 'none' && options.skipUserProfile) {
      read.fail('skipUserProfile', 'must not be set: the request for the user is the one that takes the code')
    }
    if (typeof options.store !== 'boolean') read.optionalObject('store', 'store', 'verify')
    if (typeof options.store === 'object' && host && host.fixed === undefined) {
      read.fail('store', `can keep no \`${host.parameter}\` of a login: leave it out, or name one for good`)
    }
    bindOAuth2Client(this._oauth2, {
      grant: (params) => this.grant({ grant_type: 'authorization_code', ...params }, this.scope),
      call: (request) => this.send(request, 'request'),
    })
    for (const holder of SECRET_HOLDERS) hide(this, holder)
  }

  /**
   * Exchanges a refresh token for a new token set (RFC 6749 §6). If none comes back, the old refresh token is kept.
   * @throws OAuthError `refresh_rejected` if it is dead or absent, and the codes of a call to the provider
   */
  async refresh(tokens: Pick<TokenSet, 'refreshToken' | 'scope' | 'context' | 'subject'>): Promise<TokenSet> {
    const { refreshToken, context, subject } = tokens
    if (refreshToken === undefined) {
      throw new OAuthError('refresh_rejected', {
        ...this.at('refresh'),
        message: 'The provider issued no refresh token for this login. The user must log in again.',
      })
    }
    const grant: TokenGrant = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const { claims: _claims, ...renewed } = await this.grant(grant, tokens.scope, context, { subject })
    // RFC 6749 §6: a refresh cannot grant more than the user agreed to.
    const agreed = new Set(tokens.scope)
    const scope = agreed.size > 0 ? renewed.scope.filter((name) => agreed.has(name)) : renewed.scope
    const whole: TokenSet = { ...renewed, scope, refreshToken: renewed.refreshToken ?? refreshToken }
    if (context || renewed.context) whole.context = { ...context, ...renewed.context }
    if (subject !== undefined) whole.subject = subject
    return whole
  }

  /**
   * Revokes a login at the provider. Resolves to whether the provider has a revocation.
   * @throws OAuthError of phase `revoke`
   */
  async revoke(tokens: TokenSet): Promise<boolean> {
    const revocation = await this.revokeRequest(tokens)
    if (!revocation) return false
    const request = this.signed(revocation)
    const response = await this.send(request, 'revoke', tokens.context)
    const saysNothing = response.text.trim() === '' && response.status >= 200 && response.status < 300 // RFC 7009 §2.2
    if (!saysNothing) this.read(response, request, 'revoke')
    return true
  }

  /** Requests the profile of a token's user. @throws OAuthError of phase `profile`; `config_invalid` if no request is possible */
  async profileOf(tokens: TokenSet): Promise<DialectProfile> {
    if (this.dialect.profileFromTokens || !this.issuesUserTokens) {
      const message = `${this.name} tells who the user is at the login alone: there is nothing to ask after it.`
      throw this.failure('config_invalid', 'profile', message)
    }
    const profile = await this.askProfile(tokens)
    if (!profile) throw this.failure('response_invalid', 'profile', 'There is no profile of this user.')
    return profile
  }

  /** The http(s) URL of the page where the user can buy more credit, if the provider has one. @throws OAuthError of phase `request` */
  topup?(tokens: TokenSet): Promise<string>

  /** Milliseconds that one refresh may take, including one by another process. */
  get patience(): number {
    return 2 * this.limits.timeout + 10_000
  }

  /** @internal Whether a login brings a user token. */
  get issuesUserTokens(): boolean {
    return this.dialect.userToken === undefined
  }

  /** @internal Shares the application token, if there is one, with all processes that use the app's token store. */
  shareAppToken(home: AppTokenHome): void {
    this.appToken?.moveTo(home)
  }

  /** @internal A call to the provider's API in the user's name, for `req.oauth.fetch`. */
  openAPI(path: string, init: ApiCallInit): ApiCall {
    const { dialect, limits } = this
    const base = ({ context }: TokenSet) =>
      dialect.host ? apiBase(this.addressOf(this.api.url, context, 'request')) : this.api
    return { path, base, init, speaker: this, dialect, limits, context: this.at('request') }
  }

  /** How a log shows a strategy: without its secret. */
  [inspect.custom](): string {
    return `${this.constructor.name} ${inspect(this.toJSON())}`
  }

  /** Without the secret. */
  toJSON(): { name: string; clientID: string } {
    return { name: this.name, clientID: this.clientID }
  }

  // ---- what a dialect may override ------------------------------------------------------------

  /** Extra parameters of the token request; they cannot replace those of the protocol. */
  override tokenParams(_options: object): Params {
    return {}
  }

  /**
   * As in passport-oauth2, turns a refused token request into an error: the app gets the error that an override returns.
   * If it returns `null` or throws, the engine creates the error.
   */
  override parseErrorResponse(_body: string, _status: number): Error | null {
    return null
  }

  /**
   * The token request. Default: a form that includes the client's credentials (RFC 6749 §2.3.1).
   * @param _context at a login, the callback's `callbackParameters` of the dialect, and the host; at a refresh, the token
   * set's `context`
   */
  protected tokenRequest(grant: TokenGrant, _context: JsonObject): ProviderRequest | Promise<ProviderRequest> {
    const { clientID: client_id, clientSecret } = this
    const client_secret = clientSecret || undefined
    const form = Object.assign({}, grant, { client_id, client_secret }) // a spread takes ten times as long
    return { method: 'POST', url: this.tokenEndpoint(grant), form }
  }

  /**
   * The request for the application token, for a dialect with `appToken`. Default: the client credentials grant
   * (RFC 6749 §4.4). Its response goes through `unwrap` with phase `token`, and must then have `access_token` and `expires_in`.
   */
  protected appTokenRequest(): ProviderRequest | Promise<ProviderRequest> {
    const { clientID: client_id, clientSecret: client_secret } = this
    const form = { grant_type: 'client_credentials', client_id, client_secret }
    return { method: 'POST', url: this.endpoint('appTokenURL'), form }
  }

  /** The revocation request. Default: a form with the client's credentials (RFC 7009 §2.1), if there is a `revokeURL`. */
  protected revokeRequest({ accessToken: token }: TokenSet): ProviderRequest | undefined | Promise<ProviderRequest> {
    const { clientID: client_id, clientSecret } = this
    const url = this.endpoints.revokeURL
    const form = { token, client_id, client_secret: clientSecret || undefined }
    return url === undefined ? undefined : { method: 'POST', url, form }
  }

  /** Parses a body. Default {@link decodeJson}. `decodeForm` and `decodeJsonp` have the same limits. */
  readBody(response: RawResponse, _phase: Phase): Json | undefined {
    return decodeJson(response.text)
  }

  /** Reads a refusal from a response. Default: RFC 6749 §5.2. The names of `_headers` are in lower case. */
  refusal(body: JsonObject, _phase: Phase, _status: number, _headers: IncomingHttpHeaders): Refusal | undefined {
    return standardRefusal(body)
  }

  /** Takes a response out of its envelope. Default: no envelope. The response may be an array. */
  unwrap(body: JsonObject | Json[], _phase: Phase): Json | undefined {
    return body
  }

  /**
   * Facts to keep with the tokens, as `tokens.context`: from the token object and, at a login, from the callback. At a
   * refresh, they replace earlier facts of the same name. Default: none.
   */
  protected tokenContext(_raw: JsonObject, _callback: JsonObject): JsonObject | undefined {
    return undefined
  }

  /** What the API requires in every call besides the token. Default: nothing. */
  apiParameters(_tokens: TokenSet): ApiParameters {
    return {}
  }

  /**
   * Signs a request, as the last step before it is sent, for a provider that requires it: Alipay.
   * @param parameters all parameters of its query and form, before they are encoded
   * @returns the parameters to add to the query, including the signature
   */
  signRequest?(parameters: Params): Params

  /** The profile request. Default: a GET, with the token where the provider's API expects it. */
  protected profileRequest(tokens: TokenSet): ProviderRequest | Promise<ProviderRequest> {
    const placed = tokenPlacement(this.dialect, tokens.accessToken, this.apiParameters(tokens))
    return { method: 'GET', url: this.endpoints.userProfileURL, ...placed }
  }

  /** Maps the provider's user object, and the tokens, to the fields of a profile. */
  protected abstract profileFields(user: JsonObject, tokens: TokenSet): ProfileFields

  /**
   * The profile of a token's user. Default: the response to {@link profileRequest}, unwrapped, through
   * {@link profileFields}. For a dialect with `profileFromTokens`: {@link profileFromTokens}.
   */
  protected async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    if (this.dialect.profileFromTokens) return this.profileFromTokens(tokens)
    const { payload, text } = await this.ask(await this.profileRequest(tokens), 'profile', tokens)
    return this.toProfile(payload, text, tokens)
  }

  /**
   * The profile of the user to whom a code belongs, for a dialect whose `userToken` is `none`. An override calls
   * {@link askAsApp}, or whatever the provider requires.
   */
  protected async profileOfCode(_code: string): Promise<DialectProfile> {
    throw this.failure('config_invalid', 'profile', `${this.name} has no \`profileOfCode\`.`)
  }

  /** passport-oauth2's method for the profile; a subclass may override it as there. */
  override userProfile(accessToken: string, done: (error?: unknown, profile?: DialectProfile) => void): void {
    const tokens: TokenSet = { accessToken, tokenType: 'Bearer', scope: [...this.scope], raw: {} }
    this.fetchProfile(tokens).then((profile) => done(null, profile), done)
  }

  // ---- what a dialect may call ----------------------------------------------------------------

  /**
   * Makes one call to the provider. Resolves to the unwrapped payload and the text of the response.
   * @param tokens the tokens whose `context` names the host, if the provider has several
   * @throws OAuthError with the code of {@link refusal} or of the HTTP status, or `provider_unreachable`,
   *   `provider_timeout`, `provider_redirected`, `response_too_large`, `response_invalid`
   */
  protected async ask(
    request: ProviderRequest,
    phase: Phase,
    tokens?: Pick<TokenSet, 'context'>,
  ): Promise<{ payload: JsonObject; text: string }> {
    const signed = this.signed(request)
    const response = await this.send(signed, phase, tokens?.context)
    return { payload: this.read(response, signed, phase), text: response.text }
  }

  /**
   * Makes one call with the application token. If the provider calls the token dead (`token_rejected`), repeats the call
   * once with a new one.
   * @param request makes the request, with the token where the provider's API expects it
   * @throws OAuthError as {@link ask}; of phase `token` if no token can be obtained; `client_rejected` if the provider
   *   refuses the new token too
   */
  protected async askAsApp(
    request: (appToken: string) => ProviderRequest,
    phase: Phase,
  ): Promise<{ payload: JsonObject; text: string }> {
    const { appToken } = this
    if (!appToken) throw this.failure('config_invalid', phase, `${this.name} has no \`appToken\` in its dialect.`)
    const token = await appToken.current()
    try {
      return await this.ask(request(token), phase)
    } catch (error) {
      if (!isDead(error)) throw error
      const other = await appToken.instead(token)
      if (other === token) throw deadAppToken(error)
      return await this.ask(request(other), phase).catch((again) => {
        throw isDead(again) ? deadAppToken(again) : again
      })
    }
  }

  /** The normalised profile of a user object. @throws OAuthError `response_invalid` if it has no id, `signature_invalid` if the id_token has a different one */
  protected toProfile(user: JsonObject, raw: string, tokens: TokenSet = NO_TOKENS): DialectProfile {
    const profile = normaliseProfile(this.name, this.profileFields(user, tokens), user, raw)
    if (!profile) throw this.failure('response_invalid', 'profile', 'The user that the provider returned has no id.')
    const { subject = profile.id } = this.dialect.idToken?.subject === 'id' ? tokens : {}
    if (subject === profile.id) return profile
    throw this.failure(
      'signature_invalid',
      'profile',
      'The `sub` of the id_token is not the user that the provider returned.',
    )
  }

  /** The profile of the user that the id_token, or the unwrapped token object, contains. @throws OAuthError `response_invalid` */
  protected profileFromTokens(tokens: TokenSet): DialectProfile {
    const user = this.dialect.idToken ? tokens.claims : this.unwrap(tokens.raw, 'profile')
    if (isObject(user)) return this.toProfile(user, JSON.stringify(user), tokens)
    throw this.failure('response_invalid', 'profile', 'The token response of the provider has no user.')
  }

  /** Reads a token set from a provider's token object. @throws OAuthError `response_invalid`, or `callback_invalid` */
  protected toTokenSet(raw: JsonObject, requestedScope: readonly string[], phase: Phase): TokenSet {
    try {
      return readTokenSet(raw, requestedScope, this.dialect.tokenTypes)
    } catch (error) {
      if (!(error instanceof TokenSetProblem)) throw error
      if (phase === 'callback') throw this.failure('callback_invalid', phase)
      throw this.failure('response_invalid', phase, `The token response of the provider is unusable: ${error.message}.`)
    }
  }

  /** Creates an error of this provider, for a dialect to throw. */
  protected failure(code: ErrorCode, phase: Phase, message?: string): OAuthError {
    return new OAuthError(code, { ...this.at(phase), ...(message !== undefined && { message }) })
  }

  /** One of the dialect's endpoints. @throws OAuthError `config_invalid` if there is none with that name */
  protected endpoint(name: string): string {
    const url = this.endpoints[name]
    if (url !== undefined) return url
    throw new OAuthError('config_invalid', { ...this.at('request'), message: `${this.name} has no \`${name}\`.` })
  }

  /** The URL for a grant: the token endpoint, or `refreshURL`. */
  protected tokenEndpoint(grant: TokenGrant): string {
    const { refreshURL } = this.endpoints
    return (grant.grant_type === 'refresh_token' ? refreshURL : undefined) ?? this.endpoint('tokenURL')
  }

  /**
   * Sends a grant and reads the token set from the response, including its id_token.
   * @throws OAuthError as {@link ask} and {@link toTokenSet}; `signature_invalid`
   */
  protected async grant(
    grant: TokenGrant,
    requestedScope: readonly string[],
    context: JsonObject = {},
    expected: ExpectedClaims = {},
  ): Promise<TokenSet> {
    const phase = grant.grant_type === 'refresh_token' ? 'refresh' : 'token'
    const request = this.signed(await this.tokenRequest(grant, context))
    const response = await this.send(request, phase, context)
    const worded = phase === 'token' && (response.status < 200 || response.status > 299) && this.wordedError(response)
    if (worded) throw worded
    const tokens = this.toTokenSet(this.read(response, request, phase), requestedScope, phase)
    const claims = await this.claimsOf(tokens, expected, phase)
    const told = this.tokenContext(tokens.raw, phase === 'token' ? context : {})
    const host = this.dialect.host && hostFact(this.dialect.host, context)
    const facts = host ? { ...told, ...host } : told
    return { ...tokens, ...(claims && { claims, subject: String(claims.sub) }), ...(facts && { context: facts }) }
  }

  /** The verified claims of the id_token in a token object; `undefined` if there is none. */
  private async claimsOf({ raw, scope }: TokenSet, expected: ExpectedClaims, phase: Phase) {
    const { id_token } = raw
    if (!this.idTokens) return undefined
    if (id_token !== undefined && id_token !== null && id_token !== '') {
      return this.idTokens.verify(id_token, expected, this.at(phase))
    }
    if (phase === 'refresh' || !this.idTokens.isRequiredWith(scope)) return undefined // OpenID Connect Core §12.2
    throw this.failure('response_invalid', phase, 'The token response of the provider has no id_token.')
  }

  private ownToken(): AppToken | undefined {
    const { fingerprint, clientSecret } = this
    const { appToken } = this.dialect
    if (!appToken) return undefined
    const ask = async () => {
      const { payload } = await this.ask(await this.appTokenRequest(), 'token')
      const { accessToken: token, expiresAt } = this.toTokenSet(payload, [], 'token')
      return { token, life: expiresAt ? expiresAt.getTime() - Date.now() : appToken.lifetime * 1000 }
    }
    return new AppToken({ ask, name: () => this.name, patience: () => this.patience }, { fingerprint, clientSecret })
  }

  private idTokenVerifier(read: OptionReader): IdTokenVerifier | undefined {
    const { clientID, clientSecret, dialect, endpoints, limits } = this
    const { jwksURL: url = '' } = endpoints // present if the dialect uses keys
    if (!dialect.idToken) return undefined
    const keys = new KeySet(async (context) =>
      readResponse(await callProvider({ method: 'GET', url }, limits, context), PLAIN_ANSWER, context),
    )
    return new IdTokenVerifier(dialect.idToken, { clientID, clientSecret, issuer: read.optionalText('issuer'), keys })
  }

  private wordedError({ text, status }: RawResponse): Error | null {
    try {
      return this.parseErrorResponse(text, status)
    } catch {
      return null // the override cannot read this body, such as a gateway's page
    }
  }

  /** The profile of a login, unless it is skipped. Uses `userProfile` if a subclass overrides it. */
  protected async loadProfile(tokens: TokenSet): Promise<DialectProfile | undefined> {
    const { skipUserProfile } = this.options
    if (skipUserProfile !== undefined && (await skipsProfile(skipUserProfile, tokens.accessToken))) return undefined
    return this.askProfile(tokens)
  }

  /** Uses {@link fetchProfile}, or a subclass's own `userProfile`. */
  private askProfile(tokens: TokenSet): Promise<DialectProfile | undefined> {
    if (this.userProfile === ProviderClient.prototype.userProfile) return this.fetchProfile(tokens)
    return new Promise((resolve, reject) => {
      this.userProfile(tokens.accessToken, (error, profile) => (error ? reject(error) : resolve(profile)))
    })
  }

  /** This provider and a step, for an error. */
  protected at(phase: Phase): ErrorContext {
    return { provider: this.name, phase }
  }

  private signed(request: ProviderRequest): ProviderRequest {
    const { query, form } = request
    return this.signRequest ? { ...request, query: { ...query, ...this.signRequest({ ...query, ...form }) } } : request
  }

  /** @param facts the facts that name the host */
  private async send(request: ProviderRequest, phase: Phase, facts?: JsonObject): Promise<RawResponse> {
    const sent = this.dialect.host ? { ...request, url: this.addressOf(request.url, facts, phase) } : request
    return callProvider(sent, this.limits, this.at(phase))
  }

  /** @throws OAuthError `config_invalid`, at a refresh `refresh_rejected`, if the host is not known */
  private addressOf(url: string, facts: JsonObject = {}, phase: Phase): string {
    const { host } = this.dialect
    const address = atHost(host, url, facts)
    if (address !== undefined) return address
    const message = `The \`${host?.parameter}\` of this login is unknown: it belongs to the context of its tokens. Log in again.`
    throw this.failure(phase === 'refresh' ? 'refresh_rejected' : 'config_invalid', phase, message)
  }

  private read(response: RawResponse, request: ProviderRequest, phase: Phase): JsonObject {
    return readResponse(response, this, this.at(phase), () => secretsOf(request, this.limits.customHeaders))
  }
}

function isDead(error: unknown): error is OAuthError {
  return OAuthError.is(error) && error.code === 'token_rejected'
}

/** Stands in for the tokens in a profile, if a login brings no user token. */
const NO_TOKENS: TokenSet = { accessToken: '', tokenType: 'Bearer', scope: [], raw: {} }

/** A key set has no envelope, and fails by its status. */
const PLAIN_ANSWER: ResponseDialect = { refusal: () => undefined, unwrap: (body) => body }

/** The properties with a secret: the client's, or one in `customHeaders`. */
const SECRET_HOLDERS = ['clientSecret', 'options', 'limits', '_oauth2', 'idTokens', 'appToken']

/**
 * Hides a property behind an accessor: `console.dir` ignores custom inspection and can show hidden properties, but
 * calls no accessor. (Private fields do not exist on the objects that Passport creates from a strategy.)
 */
function hide(strategy: object, name: string): void {
  let value: unknown = Reflect.get(strategy, name)
  const accessor = {
    get: () => value,
    set(given: unknown) {
      value = given
    },
  }
  Object.defineProperty(strategy, name, { ...accessor, enumerable: false, configurable: true })
}

/** The endpoints with the host filled in, if the app sets a fixed one. */
function atFixedHost({ host }: Dialect, endpoints: Endpoints): Endpoints {
  if (host?.fixed === undefined) return endpoints
  const placed = Object.entries(endpoints).map(([name, url]) => [name, url && atHost(host, url, {})])
  return { ...endpoints, ...Object.fromEntries(placed) }
}

function readSecret(read: OptionReader, { clientSecret }: Dialect): string {
  if (clientSecret === 'none') return ''
  return clientSecret === 'optional' ? (read.optionalText('clientSecret') ?? '') : read.text('clientSecret')
}
