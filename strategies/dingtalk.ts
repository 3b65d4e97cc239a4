// Over 120 lines because it has two logins, and refuses with words whose meaning depends on the call, or with numbers.
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
  Transaction,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of DingTalk (钉钉): the OAuth 2.0 login in a browser, and the silent login (免登) inside its app. Written from
 * its API description as third parties quote it (pages below open.dingtalk.com/document:
 * orgapp/obtain-identity-credentials, orgapp/obtain-user-token, isvapp/dingtalk-retrieve-user-information; read 2026-11-25).
 * In a browser, bodies are JSON in camel case, and the token has its own header. Inside the app there is no user token,
 * but an application token.
 */
export interface DingtalkOptions extends DialectOptions {
  /**
   * `browser`: the user agrees on DingTalk's page. `in-app`: a page inside DingTalk gets the code from DingTalk's script
   * and the state from the router's `POST …/entry`. Default `browser`.
   */
  kind?: 'browser' | 'in-app' | undefined
  /**
   * `unionId` is the same in all applications of one developer organisation, and in both kinds of login. `openId` belongs
   * to this application, and exists only in a browser. Default `unionId`.
   */
  idSource?: 'unionId' | 'openId' | undefined
  /**
   * In a browser, admits only members of this organisation. It needs the scope `corpid`, which it adds to the default.
   * Inside the app it has no effect: only members can log in there, and the page passes the id to DingTalk's script.
   */
  corpId?: string | undefined
  /** In a browser. `none`: users who agreed before see no page, and new permissions are not granted. Default `consent`. */
  prompt?: 'consent' | 'none' | undefined
  /** Inside the app, the address that issues the application token. Default: DingTalk's, under `baseURL`. */
  appTokenURL?: string | undefined
}

/** The strategy of DingTalk. The constructor throws `config_invalid`, naming the option. See {@link DingtalkOptions}. */
export class DingtalkStrategy extends DialectStrategy {
  static options = {
    kind: 'text',
    idSource: 'text',
    corpId: 'text',
    prompt: 'text',
    appTokenURL: 'text',
  } satisfies OwnOptions<DingtalkOptions>
  private readonly kind: 'browser' | 'in-app'
  private readonly idSource: 'unionId' | 'openId'
  private readonly corpId: string | undefined
  private readonly prompt: string | undefined

  constructor(...withRequest: WithRequest<DingtalkOptions>)
  constructor(options: DingtalkOptions, verify: VerifyFunction)
  constructor(options: DingtalkOptions, verify: VerifyFunction) {
    const read = new OptionReader('dingtalk', options)
    const kind = read.oneOf('kind', ['browser', 'in-app'], 'browser')
    const api = read.base('baseURL', 'https://api.dingtalk.com')
    const corpId = read.optionalText('corpId')
    const authorizationURL = `${read.base('baseURL', 'https://login.dingtalk.com')}/oauth2/auth`
    const appTokenURL = `${api}/v1.0/oauth2/accessToken`
    super(
      'dingtalk',
      options,
      verify,
      kind === 'browser'
        ? {
            endpoints: {
              authorizationURL,
              tokenURL: `${api}/v1.0/oauth2/userAccessToken`,
              userProfileURL: `${api}/v1.0/contact/users/me`,
              appTokenURL,
            },
            scope: corpId === undefined ? ['openid'] : ['openid', 'corpid'],
            credentials: CODES,
            tokenHeader: { name: 'x-acs-dingtalk-access-token' },
            tokenMayBeRefused: [400],
          }
        : {
            endpoints: {
              authorizationURL,
              userProfileURL: `${read.base('baseURL', 'https://oapi.dingtalk.com')}/topapi/v2/user/getuserinfo`,
              appTokenURL,
            },
            scope: [],
            credentials: CODES,
            inPage: 'only',
            userToken: 'none',
            appToken: { lifetime: 7200 },
          },
    )
    this.kind = kind
    this.idSource = read.oneOf('idSource', ['unionId', 'openId'], 'unionId')
    if (kind === 'browser' && corpId !== undefined && !this.scope.includes('corpid')) {
      read.fail('corpId', 'needs the scope `corpid`')
    }
    if (kind === 'in-app' && this.idSource === 'openId') {
      read.fail('idSource', 'must be unionId with `kind: in-app`: inside its app DingTalk tells no openId')
    }
    this.corpId = corpId
    this.prompt = read.oneOf('prompt', ['consent', 'none'], 'consent')
  }

  override authorizationParams(): Params {
    const { corpId, prompt } = this
    return { prompt: prompt === 'none' ? undefined : prompt, corpId }
  }

  /** The token request has no redirect URI. */
  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const { clientID: clientId, clientSecret } = this
    const { grant_type: grantType, code, refresh_token: refreshToken } = grant
    const json = { clientId, clientSecret, code, refreshToken, grantType }
    return { method: 'POST', url: this.tokenEndpoint(grant), json }
  }

  /** The browser could have changed the organisation; the token response has the chosen one. */
  protected override async exchange(code: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const tokens = await super.exchange(code, transaction, options)
    if (this.corpId === undefined || tokens.context?.corpId === this.corpId) return tokens
    throw this.failure('user_unknown', 'token', 'The user did not log in to the organisation of option `corpId`.')
  }

  protected override tokenContext({ corpId }: JsonObject): JsonObject | undefined {
    return textOf(corpId) === undefined ? undefined : { corpId }
  }

  /** Requests the application token, which only the login inside the app uses. */
  protected override appTokenRequest(): ProviderRequest {
    const { clientID: appKey, clientSecret: appSecret } = this
    return { method: 'POST', url: this.endpoint('appTokenURL'), json: { appKey, appSecret } }
  }

  protected override async profileOfCode(code: string): Promise<DialectProfile> {
    const url = this.endpoints.userProfileURL
    const { payload, text } = await this.askAsApp(
      (access_token) => ({ method: 'POST', url, query: { access_token }, json: { code } }),
      'profile',
    )
    return this.toProfile(payload, text)
  }

  override refusal(body: JsonObject, phase: Phase, status: number): Refusal | undefined {
    if (body.errcode !== undefined) return numbered(body)
    const providerCode = textOf(body.code)
    if (providerCode === undefined) return undefined
    const requestId = textOf(body.requestid)
    return {
      code: meaning(providerCode, phase, status),
      message: lookUp(ADVICE, providerCode),
      providerCode,
      providerMessage: textOf(body.message),
      requestId,
    }
  }

  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (!isObject(body)) return body
    if (phase === 'profile') return this.kind === 'in-app' ? body.result : body
    const { accessToken: access_token, refreshToken: refresh_token, expireIn: expires_in } = body
    return { ...body, access_token, refresh_token, expires_in }
  }

  /** Which members are present depends on the application's permissions; `avatarUrl` may be empty. */
  protected profileFields(user: JsonObject): ProfileFields {
    if (this.kind === 'in-app') return { id: user.unionid, displayName: user.name }
    return { id: user[this.idSource], displayName: user.nick, email: user.email, photo: user.avatarUrl }
  }
}

/** `authCode` is documented; live callbacks had `code`, or both. Inside the app, the page chooses the name. */
const CODES = ['authCode', 'code']

const API_WORDS: Record<string, ErrorCode> = {
  InvalidAuthentication: 'token_rejected',
  'Forbidden.AccessDenied.AccessTokenPermissionDenied': 'scope_insufficient',
}

/** Scopes do not help: DingTalk has two, and neither grants a permission. */
const ADVICE: Record<string, string> = {
  'Forbidden.AccessDenied.AccessTokenPermissionDenied':
    'The application lacks a permission: apply for it in the console under 权限管理 (Permission Management); a login needs `Contact.User.Read`.',
}

/** For unknown words the HTTP status decides: 400 for a dead token of either kind. */
function meaning(word: string, phase: Phase, status: number): ErrorCode | undefined {
  if (/QpsLimit/i.test(word)) return 'rate_limited'
  if (word === 'ServiceUnavailable') return 'provider_unavailable'
  if (phase === 'profile' && status === 400) return 'token_rejected'
  if (phase === 'profile' || phase === 'request') return lookUp(API_WORDS, word)
  if (word === 'invalidParameter.authCode.notFound') return 'grant_rejected'
  if (/client|secret/i.test(word)) return 'client_rejected'
  return phase === 'refresh' && status === 400 ? 'grant_rejected' : undefined
}

/** The numbers of `oapi.dingtalk.com`, always on HTTP 200. */
const NUMBERS: Record<string, ErrorCode> = {
  '-1': 'provider_unavailable',
  40014: 'token_rejected', // the application token: invalid, expired
  42001: 'token_rejected',
  40078: 'grant_rejected', // code: unknown, used or too old; missing
  41026: 'grant_rejected',
  60121: 'user_unknown',
  60011: 'scope_insufficient',
  50002: 'scope_insufficient',
  90018: 'rate_limited',
}

/** 88 also concerns the application token, unless its sub code says otherwise. */
function numbered({ errcode, errmsg, sub_code, request_id }: JsonObject): Refusal | undefined {
  const providerCode = textOf(errcode) ?? ''
  if (providerCode === '0') return undefined
  const code =
    providerCode === '88'
      ? (lookUp(NUMBERS, textOf(sub_code) ?? '') ?? 'token_rejected')
      : lookUp(NUMBERS, providerCode)
  const [providerMessage, requestId] = [textOf(errmsg), textOf(request_id)]
  return { code: code ?? 'provider_error', providerCode, providerMessage, requestId }
}
