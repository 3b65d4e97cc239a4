// Over 120 lines because of QQ's table of numbers.
import type {
  DialectOptions,
  DialectProfile,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Phase,
  ProfileFields,
  ProviderRequest,
  RawResponse,
  Refusal,
  TokenGrant,
  TokenSet,
  Transaction,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, decodeForm, decodeJson, decodeJsonp, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of QQ (wiki.connect.qq.com: 使用authorization_code获取access_token, 获取用户openid_oauth2-0, unionid介绍,
 * openapi调用说明_oauth2-0, 公共返回码说明; read 2026-11-25). Every call is a GET with all parameters in the query. The token
 * response does not name the user; a separate call does.
 */
export interface QqOptions extends DialectOptions {
  /** `unionid` is the same in all apps of one developer, who must apply for it at QQ. Default `openid`. */
  idSource?: 'openid' | 'unionid' | undefined
  /** The address that returns the user's id. Default: QQ's, under `baseURL`. */
  openIDURL?: string | undefined
}

/** 公共返回码说明 */
const CODES: Record<string, ErrorCode> = {
  100000: 'provider_error', // malformed
  100004: 'provider_error',
  100012: 'provider_error',
  100028: 'provider_error',
  100029: 'provider_error',
  100001: 'client_rejected', // appid or key: missing, wrong; the app is not online
  100002: 'client_rejected',
  100008: 'client_rejected',
  100009: 'client_rejected',
  100011: 'client_rejected',
  100005: 'grant_rejected', // code: missing, unusable, used
  100018: 'grant_rejected',
  100019: 'grant_rejected',
  100020: 'grant_rejected',
  100006: 'grant_rejected', // refresh token: missing, unusable
  100021: 'grant_rejected',
  100022: 'grant_rejected',
  100010: 'grant_rejected', // another redirect URI
  100007: 'token_rejected', // access token: missing, illegal, too old, withdrawn, not to be verified
  100013: 'token_rejected',
  100014: 'token_rejected',
  100015: 'token_rejected',
  100016: 'token_rejected',
  100030: 'scope_insufficient',
  100031: 'scope_insufficient',
  100048: 'scope_insufficient', // no unionid for this app
  100017: 'provider_unavailable',
  100023: 'provider_unavailable',
  100024: 'provider_unavailable',
  100025: 'provider_unavailable',
  100026: 'provider_unavailable',
  100027: 'provider_unavailable',
}
/** Values of the API's `ret` that the table lacks: not logged in (inferred). */
const DEAD_TOKEN = /^(?:1002|-22|-23|100\d{3})$/

/** The strategy of QQ. The constructor throws `config_invalid`, naming the option. See {@link QqOptions}. */
export class QqStrategy extends DialectStrategy {
  static options = { idSource: 'text', openIDURL: 'text' } satisfies OwnOptions<QqOptions>
  private readonly idSource: 'openid' | 'unionid'

  constructor(...withRequest: WithRequest<QqOptions>)
  constructor(options: QqOptions, verify: VerifyFunction)
  constructor(options: QqOptions, verify: VerifyFunction) {
    const read = new OptionReader('qq', options)
    const site = read.base('baseURL', 'https://graph.qq.com')
    super('qq', options, verify, {
      endpoints: {
        authorizationURL: `${site}/oauth2.0/authorize`,
        tokenURL: `${site}/oauth2.0/token`,
        openIDURL: `${site}/oauth2.0/me`,
        userProfileURL: `${site}/user/get_user_info`,
      },
      scope: ['get_user_info'],
      scopeSeparator: ',',
      // Older SDKs returned `usercancel=1`, with neither code nor error.
      denial: { bareState: true },
      tokenParameter: 'access_token',
      tokenMayBeRefused: [200],
    })
    this.idSource = read.oneOf('idSource', ['openid', 'unionid'], 'openid')
  }

  /** Without `fmt=json`, a success is form text and a refusal is JSONP. */
  protected override tokenRequest({ code_verifier: _, ...grant }: TokenGrant): ProviderRequest {
    const { clientID: client_id, clientSecret: client_secret } = this
    const query = { ...grant, client_id, client_secret, fmt: 'json' }
    return { method: 'GET', url: this.tokenEndpoint(grant), query }
  }

  /** Reads all three formats, in case `fmt` is ignored. */
  override readBody({ text }: RawResponse, phase: Phase): Json | undefined {
    const isToken = phase === 'token' || phase === 'refresh'
    return decodeJson(text) ?? decodeJsonp(text) ?? (isToken ? decodeForm(text) : undefined)
  }

  /** The OAuth endpoints have `error`, the API has `ret`; 0 is success. */
  override refusal({ error, ret, error_description, msg }: JsonObject): Refusal | undefined {
    const providerCode = [error, ret].map(textOf).find((number = '0') => number !== '0')
    if (providerCode === undefined) return undefined
    const isDead = providerCode === textOf(ret) && DEAD_TOKEN.test(providerCode)
    const code = lookUp(CODES, providerCode) ?? (isDead ? 'token_rejected' : 'provider_error')
    return { code, providerCode, providerMessage: textOf(error_description) ?? textOf(msg) }
  }

  protected override async exchange(code: string, transaction: Transaction, options: object): Promise<TokenSet> {
    return this.withUser(await super.exchange(code, transaction, options))
  }

  /** Requests the token's user and client; nothing else shows that it was issued to this app (RFC 6819 §4.4.2.6). */
  private async withUser(tokens: TokenSet): Promise<TokenSet> {
    const { accessToken: access_token } = tokens
    const query = { access_token, fmt: 'json', unionid: this.idSource === 'unionid' ? '1' : undefined }
    const { payload } = await this.ask({ method: 'GET', url: this.endpoint('openIDURL'), query }, 'profile')
    if (textOf(payload.client_id) !== this.clientID) {
      throw this.failure('response_invalid', 'profile', 'The token of QQ belongs to another app.')
    }
    const { openid, [this.idSource]: id } = payload
    if (textOf(openid) === undefined || textOf(id) === undefined) {
      throw this.failure('response_invalid', 'profile', `QQ sent no ${this.idSource} of the user.`)
    }
    return { ...tokens, context: { ...tokens.context, openid, [this.idSource]: id } }
  }

  override apiParameters({ context }: TokenSet) {
    return { query: { oauth_consumer_key: this.clientID, openid: textOf(context?.openid) } }
  }

  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    return super.fetchProfile(tokens.context ? tokens : await this.withUser(tokens))
  }

  /** The user object has no id. `figureurl_qq_2` may be empty. */
  protected profileFields(user: JsonObject, { context }: TokenSet): ProfileFields {
    const photo = textOf(user.figureurl_qq_2) ?? user.figureurl_qq_1
    return { id: context?.[this.idSource], displayName: user.nickname, photo }
  }
}
