import type {
  DialectOptions,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Phase,
  ProfileFields,
  ProviderRequest,
  Refusal,
  TokenGrant,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of Feishu, and of Lark, its edition outside China (pages below open.feishu.cn/document, read 2026-11-21):
 * authentication-management/access-token/obtain-oauth-code, …/get-user-access-token, …/refresh-user-access-token,
 * server-docs/authentication-management/login-state-management/get. Bodies are JSON; only `code: 0` is a success.
 */
export interface FeishuOptions extends DialectOptions {
  /** `feishu`: feishu.cn. `lark`: larksuite.com. Default `feishu`. */
  edition?: 'feishu' | 'lark' | undefined
}

/** Feishu marks version 2 of its token address as historical; Lark documents no other. Both accept JSON. */
const EDITIONS = {
  feishu: { accounts: 'https://accounts.feishu.cn', open: 'https://open.feishu.cn' },
  lark: { accounts: 'https://accounts.larksuite.com', open: 'https://open.larksuite.com' },
}

/** The error tables of the four pages, and the general one; the numbers that they lack are in Lark's own command line. */
const CODES: Record<string, ErrorCode> = {
  20002: 'client_rejected', // wrong secret
  20009: 'client_rejected', // the app is not installed
  20048: 'client_rejected', // no such app
  20069: 'client_rejected', // the app is not enabled
  20070: 'client_rejected',
  99991662: 'client_rejected', // not enabled in this tenant
  99991673: 'client_rejected',
  20003: 'grant_rejected', // no such code
  20004: 'grant_rejected', // the code is too old
  20024: 'grant_rejected', // of another app
  20049: 'grant_rejected', // PKCE
  20065: 'grant_rejected', // used
  20071: 'grant_rejected', // another redirect address
  20026: 'grant_rejected', // the refresh token: invalid, too old, revoked, used, or not switched on for this app
  20037: 'grant_rejected',
  20064: 'grant_rejected',
  20073: 'grant_rejected',
  20074: 'grant_rejected',
  20005: 'token_rejected',
  99991661: 'token_rejected',
  99991663: 'token_rejected',
  99991668: 'token_rejected',
  99991671: 'token_rejected', // not in the form of a token
  99991677: 'token_rejected',
  20068: 'scope_insufficient',
  99991672: 'scope_insufficient',
  99991676: 'scope_insufficient',
  99991679: 'scope_insufficient',
  20008: 'user_unknown',
  20010: 'user_unknown', // the app is not open to this user
  20021: 'user_unknown', // has left
  20022: 'user_unknown', // frozen
  20023: 'user_unknown', // not registered
  20066: 'user_unknown',
  20050: 'provider_unavailable',
  20072: 'provider_unavailable',
  99991400: 'rate_limited',
}

export class FeishuStrategy extends DialectStrategy {
  static options = { edition: 'text' } satisfies OwnOptions<FeishuOptions>

  constructor(...withRequest: WithRequest<FeishuOptions>)
  constructor(options: FeishuOptions, verify: VerifyFunction)
  constructor(options: FeishuOptions, verify: VerifyFunction) {
    const read = new OptionReader('feishu', options)
    const edition = read.oneOf('edition', ['feishu', 'lark'], 'feishu')
    const accounts = read.base('baseURL', EDITIONS[edition].accounts)
    const open = read.base('baseURL', EDITIONS[edition].open)
    super('feishu', options, verify, {
      endpoints: {
        authorizationURL: `${accounts}/open-apis/authen/v1/authorize`,
        tokenURL: edition === 'feishu' ? `${accounts}/oauth/v3/token` : `${open}/open-apis/authen/v2/oauth/token`,
        userProfileURL: `${open}/open-apis/authen/v1/user_info`,
      },
      // Name and picture need no scope; `offline_access` brings a refresh token.
      scope: [],
      pkce: true,
      // The gateway answers HTTP 400 to any error, the user endpoint HTTP 200.
      tokenMayBeRefused: [200, 400],
    })
  }

  /** The grant and the app's credentials as JSON, never beside a Basic header (code 20070). */
  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const { clientID: client_id, clientSecret: client_secret } = this
    return { method: 'POST', url: this.tokenEndpoint(grant), json: { ...grant, client_id, client_secret } }
  }

  /** The user endpoint may refuse with HTTP 200. The token endpoint also has OAuth's error code beside its `code`. */
  override refusal(body: JsonObject): Refusal | undefined {
    const providerCode = textOf(body.code)
    if (providerCode === '0' || providerCode === undefined) return undefined
    const code = lookUp(CODES, providerCode) ?? 'provider_error'
    const providerMessage = textOf(body.error_description) ?? textOf(body.msg)
    const { log_id } = isObject(body.error) ? body.error : body
    return { code, providerCode, providerMessage, requestId: textOf(log_id) }
  }

  /** The token is at the top level, everything else in `data`. */
  override unwrap(body: JsonObject, phase: Phase): Json | undefined {
    return phase === 'token' || phase === 'refresh' ? body : body.data
  }

  /** `open_id` belongs to this app only. An administrator entered the e-mail address; it is not verified. */
  protected profileFields(user: JsonObject): ProfileFields {
    return { id: user.open_id, displayName: user.name, email: user.email, photo: user.avatar_url }
  }
}
