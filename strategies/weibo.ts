// Over 120 lines because of Weibo's table of numbers, and a separate call for the e-mail address.
import type {
  DialectOptions,
  DialectProfile,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Params,
  Phase,
  ProfileFields,
  ProviderRequest,
  Refusal,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, lookUp, OAuthError, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of Weibo (新浪微博; old copies of pages below open.weibo.com/wiki: Oauth2/authorize, Oauth2/access_token,
 * Oauth2/error, 2/users/show; read 2026-11-25). The profile is public data, requested by the id in the token response.
 */
export interface WeiboOptions extends DialectOptions {
  /** Ask for the password again, even if the user is logged in at Weibo. Default false. */
  forcelogin?: boolean | undefined
  /** The language of Weibo's page, such as `en`. Default: Chinese. */
  language?: string | undefined
  /** The address that returns the user's e-mail address, with the scope `email` or `all`. Default: Weibo's, under `baseURL`. */
  emailURL?: string | undefined
}

/** Oauth2/error, Error_code */
const CODES: Record<string, ErrorCode> = {
  10001: 'provider_unavailable',
  10002: 'provider_unavailable',
  10010: 'provider_unavailable',
  21331: 'provider_unavailable',
  10006: 'client_rejected', // no appkey
  21321: 'client_rejected', // not reviewed: other users than the 15 test accounts
  21324: 'client_rejected',
  21326: 'client_rejected',
  21337: 'client_rejected',
  10014: 'scope_insufficient',
  10022: 'rate_limited', // by IP, user, API
  10023: 'rate_limited',
  10024: 'rate_limited',
  20003: 'user_unknown',
  21322: 'grant_rejected', // another redirect URI
  21325: 'grant_rejected',
  21314: 'token_rejected', // used, too old, illegal, withdrawn, invalid
  21315: 'token_rejected',
  21316: 'token_rejected',
  21317: 'token_rejected',
  21319: 'token_rejected',
  21327: 'token_rejected',
  21332: 'token_rejected',
  21330: 'access_denied',
  21323: 'provider_error',
  21328: 'provider_error',
  21329: 'provider_error',
}

/** The strategy of Weibo. The constructor throws `config_invalid`, naming the option. See {@link WeiboOptions}. */
export class WeiboStrategy extends DialectStrategy {
  static options = { forcelogin: 'flag', language: 'text', emailURL: 'text' } satisfies OwnOptions<WeiboOptions>
  private readonly forcelogin: boolean
  private readonly language: string | undefined

  constructor(...withRequest: WithRequest<WeiboOptions>)
  constructor(options: WeiboOptions, verify: VerifyFunction)
  constructor(options: WeiboOptions, verify: VerifyFunction) {
    const read = new OptionReader('weibo', options)
    const site = read.base('baseURL', 'https://api.weibo.com')
    super('weibo', options, verify, {
      endpoints: {
        authorizationURL: `${site}/oauth2/authorize`,
        tokenURL: `${site}/oauth2/access_token`,
        revokeURL: `${site}/oauth2/revokeoauth2`,
        userProfileURL: `${site}/2/users/show.json`,
        emailURL: `${site}/2/account/profile/email.json`,
      },
      scope: [],
      scopeSeparator: ',',
      tokenHeader: { name: 'authorization', scheme: 'OAuth2' },
      tokenMayBeRefused: [400, 403],
    })
    this.forcelogin = read.flag('forcelogin')
    this.language = read.optionalText('language')
  }

  override authorizationParams(): Params {
    return { forcelogin: this.forcelogin ? 'true' : undefined, language: this.language }
  }

  /** Sends only the token. Its result may be a boolean or a string. */
  protected override revokeRequest({ accessToken: access_token }: TokenSet): ProviderRequest {
    return { method: 'POST', url: this.endpoint('revokeURL'), form: { access_token } }
  }

  /** `error_code` decides, a number or a string; `error` is an OAuth code or a sentence. */
  override refusal(body: JsonObject): Refusal | undefined {
    const providerCode = textOf(body.error_code)
    if (providerCode === undefined || providerCode === '0') return standardRefusal(body)
    const providerMessage = textOf(body.error_description) ?? textOf(body.error)
    return { code: lookUp(CODES, providerCode), providerCode, providerMessage }
  }

  /** A token is useless without the `uid` beside it. One client reports that the e-mail address comes in a list. */
  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (Array.isArray(body)) return phase === 'request' ? body[0] : undefined
    if (phase === 'revoke') return String(body.result) === 'true' ? body : undefined
    return phase === 'token' && textOf(body.uid) === undefined ? undefined : body
  }

  protected override tokenContext({ uid }: JsonObject): JsonObject | undefined {
    return uid === undefined ? undefined : { uid }
  }

  protected override async profileRequest(tokens: TokenSet): Promise<ProviderRequest> {
    return { ...(await super.profileRequest(tokens)), query: { uid: textOf(tokens.context?.uid) } }
  }

  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const profile = await super.fetchProfile(tokens)
    const email = await this.emailOf(tokens)
    return email === undefined ? profile : { ...profile, emails: [{ value: email }] }
  }

  /** The e-mail address, if the user and Weibo allow it; a login does not fail without it. */
  private async emailOf(tokens: TokenSet): Promise<string | undefined> {
    if (!tokens.scope.some((name) => name === 'email' || name === 'all')) return undefined
    const request = await super.profileRequest(tokens)
    try {
      const { payload } = await this.ask({ ...request, url: this.endpoint('emailURL') }, 'request')
      return typeof payload.email === 'string' && payload.email !== '' ? payload.email : undefined
    } catch (error) {
      if (OAuthError.is(error)) return undefined
      throw error
    }
  }

  /** Any token can request any user: only the comparison shows that it is the token's own user (inferred). */
  protected profileFields(user: JsonObject, { context }: TokenSet): ProfileFields {
    const id = textOf(user.idstr) ?? textOf(user.id)
    if (id === undefined || id !== textOf(context?.uid)) {
      const message = 'Weibo returned a user other than that of the token response.'
      throw this.failure('response_invalid', 'profile', message)
    }
    const photo = textOf(user.avatar_large) ?? user.profile_image_url
    return { id, displayName: textOf(user.screen_name) ?? user.name, photo }
  }
}
