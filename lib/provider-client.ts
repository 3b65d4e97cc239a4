import { inspect } from 'node:util'
import OAuth2Strategy from 'passport-oauth2'
import { type AnswerDialect, type Refusal, readAnswer, standardRefusal } from './answers'
import { type CallLimits, readLimits } from './call-bounds'
import { type ErrorCode, OAuthError, type Phase } from './errors'
import { fingerprint } from './fingerprint'
import { bindOAuth2Client } from './oauth2-client'
import { type DialectOptions, OptionReader } from './options'
import { type DialectProfile, normaliseProfile, type ProfileFields } from './profile'
import { callProvider, type ProviderAnswer } from './provider-call'
import { checkDialect, type Dialect, type Grant, readEndpoints } from './provider-dialect'
import { type Json, type JsonObject, type Params, type ProviderRequest, secretsOf } from './provider-request'
import type { Where } from './session'
import { skipsProfile } from './skip-profile'
import { type ApiBase, type ApiCall, type ApiCallInit, apiAddress, apiBase } from './tokens/authorised-fetch'
import { readTokenSet, type TokenSet, TokenSetProblem } from './tokens/token-set'
import type { VerifyFunction } from './verify'

export type { Dialect, Grant }

/**
 * The turns of a login that are spoken with the provider alone: token, profile, refresh. What a provider does in
 * its own way is a method here, which its strategy overrides.
 */
export abstract class ProviderClient extends OAuth2Strategy implements AnswerDialect {
  /** The name under which Passport and the router know the strategy. */
  override name: string
  /** Option `clientID`. */
  protected readonly clientID: string
  /** Option `clientSecret`. */
  protected readonly clientSecret: string
  /** The dialect's endpoints, or what the options put in their place. */
  protected readonly endpoints: Dialect['endpoints']
  /** What the subclass gave to the constructor. */
  protected readonly dialect: Dialect
  /** The options as they were given; all of them checked. */
  protected readonly options: DialectOptions
  /** What is asked for: option `scope`, else the dialect's. */
  protected readonly scope: readonly string[]
  private api: ApiBase | undefined
  /** @internal Names this client: what was issued to another one of the same name is not for it. */
  readonly fingerprint: string
  private readonly limits: CallLimits

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(name: string, options: DialectOptions, verify: VerifyFunction, dialect: Dialect) {
    const read = new OptionReader(name, options)
    checkDialect(dialect, name)
    const endpoints = readEndpoints(dialect, options, read)
    const clientID = read.text('clientID')
    const clientSecret = read.text('clientSecret')
    if (typeof verify !== 'function') read.fail('verify', 'is required and must be a function')
    // passport-oauth2 keeps what add-ons look for; state and PKCE are the engine's own.
    const known = { ...endpoints, clientID, clientSecret, callbackURL: options.callbackURL, state: true }
    super(known, verify as OAuth2Strategy.VerifyFunction) // of whichever form
    this.name = name
    this.clientID = clientID
    this.clientSecret = clientSecret
    this.endpoints = endpoints
    this.fingerprint = fingerprint(clientID, endpoints)
    this.dialect = dialect
    this.options = options
    this.scope = read.words('scope') ?? dialect.scope
    this.limits = readLimits(options, read)
    for (const flag of ['proxy', 'passReqToCallback', 'allowInsecureHttp']) read.flag(flag)
    bindOAuth2Client(this._oauth2, {
      grant: (params) => this.grant({ grant_type: 'authorization_code', ...params }, this.scope),
      call: (request) => this.send(request, 'request'),
    })
  }

  /**
   * A new token set for a refresh token (RFC 6749 §6). The old refresh token stays where none comes back.
   * @throws OAuthError `refresh_rejected` where it is dead or there is none, and the codes of a call to the provider
   */
  async refresh(tokens: Pick<TokenSet, 'refreshToken' | 'scope'>): Promise<TokenSet> {
    const { refreshToken } = tokens
    if (refreshToken === undefined) {
      throw new OAuthError('refresh_rejected', {
        ...this.at('refresh'),
        message: 'The provider issued no refresh token for this login. The user must log in again.',
      })
    }
    const renewed = await this.grant({ grant_type: 'refresh_token', refresh_token: refreshToken }, tokens.scope)
    // RFC 6749 §6: a refresh can't bring more than the user agreed to.
    const scope = tokens.scope.length > 0 ? renewed.scope.filter((name) => tokens.scope.includes(name)) : renewed.scope
    return { ...renewed, scope, refreshToken: renewed.refreshToken ?? refreshToken }
  }

  /**
   * Revokes a login at the provider. Resolves to whether the provider has such a thing.
   * @throws OAuthError of phase `revoke`
   */
  async revoke(tokens: TokenSet): Promise<boolean> {
    const request = this.revokeRequest(tokens)
    if (!request) return false
    const answer = await this.send(request, 'revoke')
    const saysNothing = answer.text.trim() === '' && answer.status >= 200 && answer.status < 300 // RFC 7009 §2.2
    if (!saysNothing) readAnswer(answer, this, this.at('revoke'), () => secretsOf(request))
    return true
  }

  /** The profile of a token's user, asked for now. @throws OAuthError of phase `profile` */
  async profileOf(tokens: TokenSet): Promise<DialectProfile> {
    const profile = await this.askProfile(tokens)
    if (!profile) throw this.failure('response_invalid', 'profile', 'There is no profile of this user.')
    return profile
  }

  /** The address where the user can buy more. @throws OAuthError `config_invalid` where the provider has none */
  async topup(_tokens: TokenSet): Promise<string> {
    throw this.failure('config_invalid', 'request', `${this.name} has no top-up address.`)
  }

  /** Whether {@link topup} leads anywhere. */
  get canTopUp(): boolean {
    return this.endpoints.topupURL !== undefined
  }

  /** Milliseconds that one refresh may take, another process's included. */
  get patience(): number {
    return 2 * this.limits.timeout + 10_000
  }

  /** @internal A call to the provider's API in the user's name, for `req.oauth.fetch`. */
  openAPI(path: string, init: ApiCallInit): ApiCall {
    const { tokenRefused = [401], tokenMayBeRefused = [], tokenParameter } = this.dialect
    this.api ??= apiBase(this.options.baseURL ?? new URL(this.endpoints.userProfileURL).origin)
    return {
      url: apiAddress(path, this.api, this.at('request')),
      init,
      tokenRefused,
      tokenMayBeRefused,
      dialect: this,
      tokenParameter,
      limits: this.limits,
      where: this.at('request'),
    }
  }

  /** What a log shows of a strategy: no secret. */
  [inspect.custom](): string {
    return `${this.constructor.name} ${inspect(this.toJSON())}`
  }

  /** Without the secret. */
  toJSON(): { name: string; clientID: string } {
    return { name: this.name, clientID: this.clientID }
  }

  // ---- what a dialect may override ------------------------------------------------------------

  /** Extra parameters of the token request; they can't replace those of the protocol. */
  override tokenParams(_options: object): Params {
    return {}
  }

  /**
   * passport-oauth2's way to word a refused token request: the error that an override returns is the one the app
   * gets. `null`, or an exception, leaves it to the engine.
   */
  override parseErrorResponse(_body: string, _status: number): Error | null {
    return null
  }

  /** The token request's format; default a form with the client's credentials in it (RFC 6749 §2.3.1). */
  protected tokenRequest(grant: Grant): ProviderRequest {
    const { clientID: client_id, clientSecret: client_secret } = this
    const form = Object.assign({}, grant, { client_id, client_secret }) // a spread takes ten times as long
    return { method: 'POST', url: this.tokenEndpoint(grant), form }
  }

  /** The revocation request; default a form with the client's credentials (RFC 7009 §2.1), where there is a `revokeURL`. */
  protected revokeRequest({ accessToken: token }: TokenSet): ProviderRequest | undefined {
    const { clientID: client_id, clientSecret: client_secret } = this
    const url = this.endpoints.revokeURL
    return url === undefined ? undefined : { method: 'POST', url, form: { token, client_id, client_secret } }
  }

  /** How an answer says no; default RFC 6749 §5.2. */
  refusal(body: JsonObject, _phase: Phase, _status: number): Refusal | undefined {
    return standardRefusal(body)
  }

  /** How an answer is unwrapped; default not at all. */
  unwrap(body: JsonObject, _phase: Phase): Json | undefined {
    return body
  }

  /** The request for the user; default GET with a Bearer header (RFC 6750 §2.1). */
  protected profileRequest(tokens: TokenSet): ProviderRequest {
    return { method: 'GET', url: this.endpoints.userProfileURL, bearer: tokens.accessToken }
  }

  /** What stands where in the provider's user object. */
  protected abstract profileFields(user: JsonObject): ProfileFields

  /** The profile of a token's user; default {@link profileRequest}, unwrapped, through {@link profileFields}. */
  protected async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const { payload, text } = await this.ask(this.profileRequest(tokens), 'profile')
    return this.toProfile(payload, text)
  }

  /** passport-oauth2's way to the profile; a subclass may override it as there. */
  override userProfile(accessToken: string, done: (error?: unknown, profile?: DialectProfile) => void): void {
    const tokens: TokenSet = { accessToken, tokenType: 'Bearer', scope: [...this.scope], raw: {} }
    this.fetchProfile(tokens).then((profile) => done(null, profile), done)
  }

  // ---- what a dialect may call ----------------------------------------------------------------

  /**
   * One call to the provider: its payload, unwrapped, and the text it came in.
   * @throws OAuthError what {@link refusal} says, by the status, or `provider_unreachable`, `provider_timeout`,
   *   `provider_redirected`, `response_too_large`, `response_invalid`
   */
  protected async ask(request: ProviderRequest, phase: Phase): Promise<{ payload: JsonObject; text: string }> {
    const answer = await this.send(request, phase)
    const payload = readAnswer(answer, this, this.at(phase), () => secretsOf(request))
    return { payload, text: answer.text }
  }

  /** The normalised profile of a user object. @throws OAuthError `response_invalid` where it has no id */
  protected toProfile(user: JsonObject, raw: string): DialectProfile {
    const profile = normaliseProfile(this.name, this.profileFields(user), user, raw)
    if (!profile) throw this.failure('response_invalid', 'profile', 'The user that the provider returned has no id.')
    return profile
  }

  /** The token set of a provider's token object. @throws OAuthError `response_invalid`, or `callback_invalid` */
  protected toTokenSet(raw: JsonObject, requestedScope: readonly string[], phase: Phase): TokenSet {
    try {
      return readTokenSet(raw, requestedScope)
    } catch (error) {
      if (!(error instanceof TokenSetProblem)) throw error
      if (phase === 'callback') throw this.failure('callback_invalid', phase)
      throw this.failure('response_invalid', phase, `The token answer of the provider is unusable: ${error.message}.`)
    }
  }

  /** An error of this provider, for a dialect to throw. */
  protected failure(code: ErrorCode, phase: Phase, message?: string): OAuthError {
    return new OAuthError(code, { ...this.at(phase), ...(message !== undefined && { message }) })
  }

  /** The address of a grant: the token endpoint, or that of refreshes. */
  protected tokenEndpoint(grant: Grant): string {
    const { tokenURL, refreshURL } = this.endpoints
    return grant.grant_type === 'refresh_token' ? (refreshURL ?? tokenURL) : tokenURL
  }

  /** Sends a grant and reads the token set out of the answer. @throws OAuthError as {@link ask} and {@link toTokenSet} */
  protected async grant(grant: Grant, requestedScope: readonly string[]): Promise<TokenSet> {
    const phase = grant.grant_type === 'refresh_token' ? 'refresh' : 'token'
    const request = this.tokenRequest(grant)
    const answer = await this.send(request, phase)
    const worded = phase === 'token' && (answer.status < 200 || answer.status > 299) && this.wordedError(answer)
    if (worded) throw worded
    const payload = readAnswer(answer, this, this.at(phase), () => secretsOf(request))
    return this.toTokenSet(payload, requestedScope, phase)
  }

  private wordedError({ text, status }: ProviderAnswer): Error | null {
    try {
      return this.parseErrorResponse(text, status)
    } catch {
      return null // an override that can't read this body, as `JSON.parse` of a gateway's page
    }
  }

  /** The profile of a login, unless it is to be skipped; through `userProfile` where a subclass overrides that. */
  protected async loadProfile(tokens: TokenSet): Promise<DialectProfile | undefined> {
    const { skipUserProfile } = this.options
    if (skipUserProfile !== undefined && (await skipsProfile(skipUserProfile, tokens.accessToken))) return undefined
    return this.askProfile(tokens)
  }

  /** By {@link fetchProfile}, or by the `userProfile` that a subclass brings. */
  private askProfile(tokens: TokenSet): Promise<DialectProfile | undefined> {
    if (this.userProfile === ProviderClient.prototype.userProfile) return this.fetchProfile(tokens)
    return new Promise((resolve, reject) => {
      this.userProfile(tokens.accessToken, (error, profile) => (error ? reject(error) : resolve(profile)))
    })
  }

  /** This provider and a turn of the conversation, for an error. */
  protected at(phase: Phase): Where {
    return { provider: this.name, phase }
  }

  private send(request: ProviderRequest, phase: Phase) {
    return callProvider(request, this.limits, this.at(phase))
  }
}
