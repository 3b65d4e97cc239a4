import {
  AihubmixStrategy,
  type AppleOptions,
  AppleStrategy,
  type CallbackReading,
  type DialectProfile,
  DingtalkStrategy,
  type Json,
  type JsonObject,
  NotionStrategy,
  OAuthError,
  type Params,
  type Phase,
  type ProfileFields,
  type ProviderRequest,
  type RawResponse,
  type Refusal,
  type TokenSet,
  type VerifyFunction,
} from 'passport-dialects'
import OAuth2Strategy from 'passport-oauth2'

/** Strategies that each do one thing wrong. */

export class Plain extends OAuth2Strategy {
  override name = 'aihubmix'
}
export class NotEvenThat {
  name = 'aihubmix'
}
export class Misnamed extends AihubmixStrategy {
  override name = 'aihub'
}
export class TellsSecret extends AihubmixStrategy {
  override authorizationParams(): Params {
    return { app: `id:${this.clientSecret}` }
  }
}
export class ComesBackElsewhere extends AihubmixStrategy {
  protected override redirectURI(): string {
    return 'http://127.0.0.1:9/elsewhere'
  }
}
/** Keeps what belongs to one login where all of them find it (Passport gives each request a strategy object of its own). */
export class RemembersState extends AihubmixStrategy {
  private readonly memory: { latest?: string } = {}
  protected override redirectURI(callbackURL: string, state: string): string {
    this.memory.latest = state
    return callbackURL
  }
  protected override readCallback(params: URLSearchParams): CallbackReading {
    return { state: params.has('code') ? this.memory.latest : undefined, credential: params.get('code') ?? undefined }
  }
}
export class AnswersAnything extends AihubmixStrategy {
  override authenticate(): void {
    this.success({ id: '1' })
  }
}
export class RedirectsForEver extends AihubmixStrategy {
  override authenticate(): void {
    this.redirect(this.endpoints.authorizationURL)
  }
}
export class OwnProfile extends AihubmixStrategy {
  protected override toProfile(user: JsonObject, raw: string, tokens: TokenSet): DialectProfile {
    return { ...super.toProfile(user, raw, tokens), provider: 'someone else' }
  }
}
export class EmptyEmails extends AihubmixStrategy {
  protected override toProfile(user: JsonObject, raw: string, tokens: TokenSet): DialectProfile {
    return { ...super.toProfile(user, raw, tokens), emails: [] }
  }
}
export class OneForAll extends AihubmixStrategy {
  protected override profileFields(user: JsonObject): ProfileFields {
    return { ...super.profileFields(user), id: 'me' }
  }
}
export class WrongMember extends AihubmixStrategy {
  protected override profileFields(user: JsonObject): ProfileFields {
    return { ...super.profileFields(user), id: user.username }
  }
}
/** Goes to the provider past the engine: no deadline, no limits, no typed failure. */
export class OwnFetch extends AihubmixStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const headers = { authorization: `Bearer ${tokens.accessToken}` }
    const answer = await fetch(this.endpoints.userProfileURL, { headers })
    const text = await answer.text()
    return this.toProfile(JSON.parse(text), text, tokens)
  }
}
export class WrongPhase extends AihubmixStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const { payload, text } = await this.ask(await this.profileRequest(tokens), 'token')
    return this.toProfile(payload, text, tokens)
  }
}
export class QuotesToken extends AihubmixStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    return super.fetchProfile(tokens).catch((error: OAuthError) => {
      throw new OAuthError(error.code, { provider: this.name, phase: 'profile', message: `for ${tokens.accessToken}` })
    })
  }
}
export class KeepsTokenInCause extends AihubmixStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    return super.fetchProfile(tokens).catch((error: OAuthError) => {
      const cause = { request: this.profileRequest(tokens) }
      throw new OAuthError(error.code, { provider: this.name, phase: 'profile', cause })
    })
  }
}
/** The token goes in a header of the provider's own. */
export class QuotesHeaderToken extends DingtalkStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    return super.fetchProfile(tokens).catch(() => {
      throw this.failure('response_invalid', 'profile', `for ${tokens.accessToken}`)
    })
  }
}
/** The code is never sent: the callback is refused. */
export class QuotesCallback extends AihubmixStrategy {
  protected override readCallback(params: URLSearchParams): CallbackReading {
    const { state, credential } = super.readCallback(params)
    if (credential && !state) throw this.failure('state_missing', 'callback', `beside ${credential}`)
    return { state, credential }
  }
}
/** The access token is never sent: the user stands in the token response. */
export class QuotesOldToken extends NotionStrategy {
  override async refresh(tokens: TokenSet): Promise<TokenSet> {
    return super.refresh(tokens).catch(() => {
      throw this.failure('response_invalid', 'refresh', `for ${tokens.accessToken}`)
    })
  }
}
export class QuotesForm extends AihubmixStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    return super.fetchProfile(tokens).catch(() => {
      throw this.failure('response_invalid', 'profile', `by ${new URLSearchParams({ app: this.clientSecret })}`)
    })
  }
}
/** The private key signs the client secret, and is never sent. */
export class KeepsKeyInCause extends AppleStrategy {
  private readonly pem: string
  constructor(options: AppleOptions, verify: VerifyFunction) {
    super(options, verify)
    this.pem = options.privateKey
  }
  override readBody(response: RawResponse, phase: Phase): Json | undefined {
    const body = super.readBody(response, phase)
    const cause = { key: this.pem }
    if (body === undefined) throw new OAuthError('response_invalid', { provider: this.name, phase, cause })
    return body
  }
}
export class BelievesHttp200 extends AihubmixStrategy {
  override refusal(): Refusal | undefined {
    return undefined
  }
  override unwrap(body: JsonObject, phase: Phase): Json {
    return phase === 'profile' && body.id === undefined ? { id: 'somebody' } : body
  }
}
export class BreaksOnce extends AihubmixStrategy {
  private readonly memory = { broken: false }
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    if (this.memory.broken) throw this.failure('provider_error', 'profile')
    return super.fetchProfile(tokens).catch((error: unknown) => {
      this.memory.broken = true
      throw error
    })
  }
}
export class Pollutes extends AihubmixStrategy {
  override unwrap(body: JsonObject): Json {
    const target: Record<string, unknown> = {}
    const proto: unknown = Object.getOwnPropertyDescriptor(body, '__proto__')?.value
    Object.assign(Reflect.getPrototypeOf(target) ?? {}, proto)
    return body
  }
}
export class AsksTwice extends AihubmixStrategy {
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    await this.ask({ method: 'GET', url: this.endpoints.topupURL ?? '', bearer: tokens.accessToken }, 'request')
    return super.fetchProfile(tokens)
  }
}
export class TokenEndsInThePast extends AihubmixStrategy {
  override unwrap(body: JsonObject, phase: Phase): Json {
    return phase === 'token' ? { ...body, expires_in: 0 } : body
  }
}
export class RefreshesNothing extends AihubmixStrategy {
  override async refresh(tokens: TokenSet): Promise<TokenSet> {
    return tokens
  }
}
export class NoNewRefreshToken extends AihubmixStrategy {
  override async refresh(tokens: TokenSet): Promise<TokenSet> {
    const { refreshToken: _gone, ...renewed } = await super.refresh(tokens)
    return renewed
  }
}
export class ForgetsRefreshPhase extends AihubmixStrategy {
  override async refresh({ refreshToken }: TokenSet): Promise<TokenSet> {
    const request = await this.tokenRequest({ grant_type: 'refresh_token', refresh_token: refreshToken }, {})
    const { payload } = await this.ask(request, 'token')
    return this.toTokenSet(payload, [], 'token')
  }
}
export class ProfileByQuery extends AihubmixStrategy {
  protected override profileRequest({ accessToken }: TokenSet): ProviderRequest {
    return { method: 'GET', url: this.endpoints.userProfileURL, query: { access_token: accessToken } }
  }
}
