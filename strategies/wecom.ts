// Over 120 lines because of WeCom's table of numbers, and up to three calls for one user.
import type {
  DialectOptions,
  DialectProfile,
  ErrorCode,
  JsonObject,
  OwnOptions,
  Params,
  ProfileFields,
  ProviderRequest,
  Refusal,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, lookUp, OAuthError, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of WeCom, for an internal application of a corp (developer.work.weixin.qq.com/document/path: 98171, 96441,
 * 91039, 96442, 98177, 91122, 90313; read 2026-11-25). There is no user token: one call, made with the application token,
 * exchanges the code for the user. `clientID` is the corp id, `clientSecret` the application's secret.
 */
export interface WecomOptions extends DialectOptions {
  /** The application's `AgentId`. */
  agentId: string
  /** `web`: a login in any browser. `in-app`: a login inside WeCom. Default `web`. */
  kind?: 'web' | 'in-app' | undefined
  /**
   * Whether a page of the app may show the QR code itself (`createWWLoginPanel`). It gets the state from the router's
   * `POST …/entry`. Default true for `web`, unless `pkce` is on.
   */
  panel?: boolean | undefined
  /** Also log in people who are not members of the corp, by `external_userid`, else `openid`. Default false. */
  allowExternal?: boolean | undefined
  /** The address that issues the application token. Default: WeCom's, under `baseURL`. */
  appTokenURL?: string | undefined
}

/** 90313, as copied by client libraries. */
const CODES: Record<string, ErrorCode> = {
  '-1': 'provider_unavailable',
  40001: 'client_rejected', // secret
  40091: 'client_rejected',
  41004: 'client_rejected',
  40013: 'client_rejected', // corp id
  41002: 'client_rejected',
  40056: 'client_rejected', // agent id
  41011: 'client_rejected',
  50001: 'client_rejected', // redirect host
  50003: 'client_rejected', // application disabled
  60020: 'client_rejected', // this server's address
  301002: 'client_rejected',
  40014: 'token_rejected', // the application token
  42001: 'token_rejected',
  40029: 'grant_rejected', // code
  40078: 'grant_rejected',
  41008: 'grant_rejected',
  84014: 'grant_rejected', // ticket
  84015: 'grant_rejected',
  45009: 'rate_limited',
  45033: 'rate_limited',
  46004: 'user_unknown',
  60111: 'user_unknown',
  48002: 'scope_insufficient', // no right to this API, member, department
  60011: 'scope_insufficient',
  50002: 'scope_insufficient', // the member is outside the application's range
}

/** The strategy of WeCom. The constructor throws `config_invalid`, naming the option. See {@link WecomOptions}. */
export class WecomStrategy extends DialectStrategy {
  static options = {
    agentId: 'text',
    kind: 'text',
    panel: 'flag',
    allowExternal: 'flag',
    appTokenURL: 'text',
  } satisfies OwnOptions<WecomOptions>
  private readonly own: { agentId: string; kind: 'web' | 'in-app'; allowExternal: boolean }

  constructor(...withRequest: WithRequest<WecomOptions>)
  constructor(options: WecomOptions, verify: VerifyFunction)
  constructor(options: WecomOptions, verify: VerifyFunction) {
    const read = new OptionReader('wecom', options)
    const kind = read.oneOf('kind', ['web', 'in-app'], 'web')
    const panel = read.flag('panel', kind === 'web' && !options.pkce)
    if (panel && kind !== 'web') read.fail('panel', 'is for `kind: web`: inside WeCom there is no QR code')
    const api = `${read.base('baseURL', 'https://qyapi.weixin.qq.com')}/cgi-bin`
    super('wecom', options, verify, {
      endpoints: {
        authorizationURL:
          kind === 'web'
            ? `${read.base('baseURL', 'https://login.work.weixin.qq.com')}/wwlogin/sso/login`
            : `${read.base('baseURL', 'https://open.weixin.qq.com')}/connect/oauth2/authorize`,
        appTokenURL: `${api}/gettoken`,
        userProfileURL: `${api}/auth/getuserinfo`,
        userDetailURL: `${api}/auth/getuserdetail`,
        directoryURL: `${api}/user/get`,
      },
      clientIDName: 'appid',
      denial: { bareState: true },
      userToken: 'none',
      appToken: { lifetime: 7200 },
      ...(panel && { inPage: 'also' as const }),
      ...(kind === 'web' ? WEB : IN_APP),
    })
    this.own = { agentId: read.text('agentId'), kind, allowExternal: read.flag('allowExternal') }
  }

  override authorizationParams(): Params {
    const { kind, agentId: agentid } = this.own
    return kind === 'web' ? { login_type: 'CorpApp', agentid } : { agentid }
  }

  protected override appTokenRequest(): ProviderRequest {
    const query = { corpid: this.clientID, corpsecret: this.clientSecret }
    return { method: 'GET', url: this.endpoint('appTokenURL'), query }
  }

  /** A refusal has HTTP 200. Its message contains the id of the request as a hint. */
  override refusal({ errcode, errmsg }: JsonObject): Refusal | undefined {
    const providerCode = textOf(errcode) ?? '0'
    if (providerCode === '0') return undefined
    const providerMessage = textOf(errmsg)
    const [, requestId] = /\bhint: *\[(\w+)\]/.exec(providerMessage ?? '') ?? []
    return { code: lookUp(CODES, providerCode) ?? 'provider_error', providerCode, providerMessage, requestId }
  }

  protected override async profileOfCode(code: string): Promise<DialectProfile> {
    const url = this.endpoints.userProfileURL
    const { payload } = await this.askAsApp(
      (access_token) => ({ method: 'GET', url, query: { access_token, code } }),
      'profile',
    )
    const { user_ticket, ...named } = payload
    const ticket = textOf(user_ticket)
    const { userid } = named
    if (userid === undefined) return this.external(named)
    const known = this.toProfile(named, JSON.stringify(named))
    const entry = await this.directoryEntry(known.id)
    const detail = ticket === undefined ? undefined : await this.detail(ticket, known.id)
    const profile = detail ?? entry ?? known
    return entry ? { ...profile, displayName: entry.displayName } : profile
  }

  /** A user who is not a member has no `userid`. */
  private external(named: JsonObject): DialectProfile {
    const profile = this.toProfile(named, JSON.stringify(named))
    if (this.own.allowExternal) return profile
    const message = 'This user is not a member of the corp. `allowExternal: true` admits such users.'
    throw this.failure('user_unknown', 'profile', message)
  }

  /** The details that the user agreed to share, with `snsapi_privateinfo`. */
  private async detail(user_ticket: string, userid: string): Promise<DialectProfile> {
    const url = this.endpoint('userDetailURL')
    const { payload, text } = await this.askAsApp(
      (access_token) => ({ method: 'POST', url, query: { access_token }, json: { user_ticket } }),
      'profile',
    )
    return this.sameUser(this.toProfile(payload, text), userid)
  }

  /**
   * The user's name. Many applications may not read it: then the login goes on without it. Any other error fails the
   * login. A member of a linked corp (`CorpId/userid`) is in the directory of that one.
   */
  private async directoryEntry(userid: string): Promise<DialectProfile | undefined> {
    if (userid.includes('/')) return undefined
    const url = this.endpoint('directoryURL')
    try {
      const { payload, text } = await this.askAsApp(
        (access_token) => ({ method: 'GET', url, query: { access_token, userid } }),
        'profile',
      )
      return this.sameUser(this.toProfile(payload, text), userid)
    } catch (error) {
      if (OAuthError.is(error) && error.code === 'scope_insufficient') return undefined
      throw error
    }
  }

  private sameUser(profile: DialectProfile, userid: string): DialectProfile {
    if (profile.id === userid) return profile
    throw this.failure('response_invalid', 'profile', 'WeCom returned a user other than the one who logged in.')
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const { userid, external_userid, openid } = user
    const id = userid === undefined ? (external_userid ?? openid) : userid
    return { id, displayName: user.name, email: user.email, photo: user.avatar }
  }
}

const WEB = {
  scope: [],
  authorizationNames: { response_type: false, scope: false },
  authorizationOrder: ['login_type', 'appid', 'agentid', 'redirect_uri', 'state'],
} as const
const IN_APP = {
  scope: ['snsapi_base'],
  authorizationOrder: ['appid', 'redirect_uri', 'response_type', 'scope', 'state', 'agentid'],
  authorizationFragment: 'wechat_redirect',
} as const
