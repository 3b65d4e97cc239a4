// Over 120 lines because WeChat has two kinds of apps, and a table of numbers with two meanings.
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
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of WeChat: the QR code for websites
 * (developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html) and official accounts inside WeChat's
 * browser (…/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html), read 2026-11-25. Every call is a GET with all
 * parameters in the query, every refusal an `errcode` on HTTP 200.
 */
export interface WechatOptions extends DialectOptions {
  /** `website`: an app of the open platform, with a QR code. `official-account`: a login inside WeChat. Default `website`. */
  kind?: 'website' | 'official-account' | undefined
  /** `unionid` is the same in all apps of one open platform account; if it is missing, the login fails. Default `openid`. */
  idSource?: 'openid' | 'unionid' | undefined
  /** The language of the QR code's page and of the user's region. Default: WeChat's. */
  lang?: 'zh_CN' | 'zh_TW' | 'en' | undefined
  /**
   * Whether a page of the website may show the QR code itself (`wxLogin.js`). It gets the state from the router's
   * `POST …/entry`. Default true for `website`, unless `pkce` is on.
   */
  panel?: boolean | undefined
  /** Also log in the invented users of WeChat's snapshot pages; each visit has a new one. Default false. */
  allowSnapshotUser?: boolean | undefined
}

const KINDS = {
  website: { path: '/connect/qrconnect', scope: 'snsapi_login' },
  'official-account': { path: '/connect/oauth2/authorize', scope: 'snsapi_userinfo' },
}

/**
 * Public tables of return codes; some numbers mean something else for the app's credentials than for the user's token.
 */
const CODES: Record<string, ErrorCode> = {
  '-1': 'provider_unavailable',
  40013: 'client_rejected', // appid
  40125: 'client_rejected', // secret
  45009: 'rate_limited',
  45011: 'rate_limited',
}
const TOKEN_CODES: Record<string, ErrorCode> = {
  ...CODES,
  40001: 'client_rejected',
  41002: 'client_rejected', // appid, secret missing
  41004: 'client_rejected',
  40029: 'grant_rejected', // code: unknown, used, missing, too old
  40163: 'grant_rejected',
  41008: 'grant_rejected',
  42003: 'grant_rejected',
  40030: 'grant_rejected', // refresh token: invalid, missing, too old; the user's password changed
  41003: 'grant_rejected',
  42002: 'grant_rejected',
  42007: 'grant_rejected',
}
const API_CODES: Record<string, ErrorCode> = {
  ...CODES,
  40001: 'token_rejected',
  40003: 'token_rejected', // the openid belongs to another app or token
  40014: 'token_rejected',
  41001: 'token_rejected',
  42001: 'token_rejected',
  42007: 'token_rejected',
  48001: 'scope_insufficient',
  50001: 'scope_insufficient',
}

/** The strategy of WeChat. The constructor throws `config_invalid`, naming the option. See {@link WechatOptions}. */
export class WechatStrategy extends DialectStrategy {
  static options = {
    kind: 'text',
    idSource: 'text',
    lang: 'text',
    panel: 'flag',
    allowSnapshotUser: 'flag',
  } satisfies OwnOptions<WechatOptions>
  private readonly own: Pick<WechatOptions, 'kind' | 'lang' | 'allowSnapshotUser'> & { idSource: 'openid' | 'unionid' }

  constructor(...withRequest: WithRequest<WechatOptions>)
  constructor(options: WechatOptions, verify: VerifyFunction)
  constructor(options: WechatOptions, verify: VerifyFunction) {
    const read = new OptionReader('wechat', options)
    const kind = read.oneOf('kind', ['website', 'official-account'], 'website')
    const panel = read.flag('panel', kind === 'website' && !options.pkce)
    if (panel && kind !== 'website') read.fail('panel', 'is for `kind: website`: an official account has no QR code')
    const api = read.base('baseURL', 'https://api.weixin.qq.com')
    super('wechat', options, verify, {
      endpoints: {
        authorizationURL: read.base('baseURL', 'https://open.weixin.qq.com') + KINDS[kind].path,
        tokenURL: `${api}/sns/oauth2/access_token`,
        refreshURL: `${api}/sns/oauth2/refresh_token`,
        userProfileURL: `${api}/sns/userinfo`,
      },
      scope: [KINDS[kind].scope],
      scopeSeparator: ',',
      clientIDName: 'appid',
      // An official account's page stays blank if the order differs.
      authorizationOrder: ['appid', 'redirect_uri', 'response_type', 'scope', 'state'],
      authorizationFragment: 'wechat_redirect',
      denial: { credentials: ['authdeny'], bareState: true },
      ...(panel && { inPage: 'also' as const }),
      tokenParameter: 'access_token',
      tokenMayBeRefused: [200],
    })
    this.own = {
      kind,
      idSource: read.oneOf('idSource', ['openid', 'unionid'], 'openid'),
      lang: options.lang === undefined ? undefined : read.oneOf('lang', ['zh_CN', 'zh_TW', 'en'], 'zh_CN'),
      allowSnapshotUser: read.flag('allowSnapshotUser'),
    }
  }

  /** The QR code's page supports two languages; an official account's page has no such parameter. */
  override authorizationParams(): Params {
    const { kind, lang } = this.own
    return kind === 'website' && lang ? { lang: lang === 'en' ? 'en' : 'cn' } : {}
  }

  /** A refresh has no secret; the exchange of a code has no redirect URI. */
  protected override tokenRequest({ grant_type, code, refresh_token }: TokenGrant): ProviderRequest {
    const { clientID: appid, clientSecret: secret } = this
    if (grant_type === 'refresh_token') {
      return { method: 'GET', url: this.tokenEndpoint({ grant_type }), query: { appid, grant_type, refresh_token } }
    }
    return { method: 'GET', url: this.tokenEndpoint({ grant_type }), query: { appid, secret, code, grant_type } }
  }

  override refusal(body: JsonObject, phase: Phase): Refusal | undefined {
    const providerCode = textOf(body.errcode) ?? '0'
    if (providerCode !== '0') {
      const providerMessage = textOf(body.errmsg)
      const [, requestId] = /\b(?:rid|req_id): *([\w@-]+)/.exec(providerMessage ?? '') ?? []
      const codes = phase === 'token' || phase === 'refresh' ? TOKEN_CODES : API_CODES
      return { code: lookUp(codes, providerCode) ?? 'provider_error', providerCode, providerMessage, requestId }
    }
    const { is_snapshotuser: mark = false } = body
    const isSnapshot = mark !== false && mark !== null && textOf(mark) !== '0'
    if (!isSnapshot || phase !== 'token' || this.own.allowSnapshotUser) return undefined
    return { code: 'user_unknown', providerCode: 'is_snapshotuser', providerMessage: 'a snapshot page: no real user' }
  }

  /** A token is useless without the `openid` beside it. */
  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    const isComplete = phase !== 'token' || (isObject(body) && textOf(body.openid) !== undefined)
    return isComplete ? body : undefined
  }

  protected override tokenContext({ openid, unionid }: JsonObject): JsonObject {
    return { ...(openid !== undefined && { openid }), ...(unionid !== undefined && { unionid }) }
  }

  override apiParameters({ context }: TokenSet) {
    return { query: { openid: textOf(context?.openid) } }
  }

  protected override profileRequest(tokens: TokenSet): ProviderRequest {
    const { accessToken: access_token, context } = tokens
    const query = { access_token, openid: textOf(context?.openid), lang: this.own.lang }
    return { method: 'GET', url: this.endpoints.userProfileURL, query }
  }

  /** With only `snsapi_base`, WeChat refuses a profile request, so none is made. */
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const { scope, context } = tokens
    if (!scope.includes('snsapi_base') || scope.includes('snsapi_userinfo')) return super.fetchProfile(tokens)
    const user = { ...context }
    return this.toProfile(user, JSON.stringify(user), tokens)
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const id = user[this.own.idSource]
    if (id === undefined && this.own.idSource === 'unionid') {
      const message =
        'WeChat sent no unionid. Bind the app to an account of the open platform, and request the profile.'
      throw this.failure('response_invalid', 'profile', message)
    }
    return { id, displayName: user.nickname, photo: user.headimgurl }
  }
}
