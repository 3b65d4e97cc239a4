// Over 300 lines because every way in which a provider may differ is a member with a docstring and a check.
import { KeyObject } from 'node:crypto'
import { configError } from '../errors'
import { lookUp } from '../json'
import type { OptionReader } from '../options'
import { type HostRules, hostNamed } from './host'
import type { IdTokenRules } from './id-token'
import type { SignedQuery } from './signed-query'

/** How a provider differs from RFC 6749, as data. What needs code is a method of the strategy. */
export interface Dialect {
  /**
   * Absolute http(s) URLs: those of OAuth, and the provider's own (BBScloud's `codeURL`, AIHubMix's `topupURL`, QQ's
   * `openIDURL`). An option of the same name replaces each.
   */
  endpoints: Endpoints
  /** The scopes to request if the app names none. */
  scope: readonly string[]
  /**
   * The separator of scopes. Default: a space (RFC 6749 §3.3). A comma: TikTok, Douyin, WeChat, QQ, Weibo, Alipay,
   * Kakao, Shopify, and apps installed in Slack.
   */
  scopeSeparator?: ' ' | ','
  /**
   * The parameter name of the client id. Default `client_id`. TikTok and Douyin: `client_key`. WeChat and WeCom:
   * `appid`. Alipay: `app_id`.
   */
  clientIDName?: string
  /**
   * Whether the app has a `clientSecret`. By default it is required. `optional`: Kakao. `none`: VK (only PKCE), Apple and
   * Alipay (a private key instead). If there is none, `this.clientSecret` is empty.
   */
  clientSecret?: 'optional' | 'none'
  /**
   * The app's private key, if it has one instead of a secret (Apple, Alipay). It authenticates pending logins and
   * derives nonces. It is never sent.
   */
  privateKey?: KeyObject
  /**
   * The names of the authorization request's other parameters, if they differ from RFC 6749 and RFC 7636. `false`
   * leaves a parameter out: WeCom, Alipay and Shopify take no `response_type`. The callback has the state under the
   * same name.
   */
  authorizationNames?: {
    readonly response_type?: string | false
    readonly redirect_uri?: string
    readonly scope?: string | false
    readonly state?: string
    readonly code_challenge?: string
    readonly code_challenge_method?: string
  }
  /**
   * Parameter names in the order in which the authorization request sends them; all others follow. WeChat's official
   * accounts require the order; WeChat, WeCom and Alipay document one.
   */
  authorizationOrder?: readonly string[]
  /** The fragment of the authorization URL, without `#`: `wechat_redirect` for WeChat, and inside WeCom. */
  authorizationFragment?: string
  /** Whether PKCE is on by default. Default off. `required`: X and VK refuse a login without it. */
  pkce?: boolean | 'required'
  /** The value of `code_challenge_method`. Default `S256` (RFC 7636 §4.3). VK uses `s256`. */
  pkceMethod?: string
  /**
   * The callback parameters that may contain the credential; the first one present counts. Default `code`. DingTalk has
   * two, Alipay `auth_code`, BBScloud `token`.
   */
  credentials?: readonly string[]
  /** How a callback says that the user refused, besides `error=access_denied`. */
  denial?: {
    /** Values of `error`, compared without case. LinkedIn and Apple have their own. */
    readonly errors?: readonly string[]
    /** Values of the credential: WeChat's `authdeny`. */
    readonly credentials?: readonly string[]
    /** Whether a state without a credential or error is a refusal: WeChat, WeCom, QQ and Alipay. */
    readonly bareState?: boolean
  }
  /**
   * How the callback arrives. Default: by a redirect. `form_post`: by a POST from the provider's site (OAuth 2.0 Form Post
   * Response Mode), as at Apple; the engine sends it as `response_mode` in the authorization request.
   */
  callback?: 'form_post'
  /**
   * More parameters of the callback, such as VK's `device_id` or Apple's `user`. `exchange` finds them in
   * `transaction.callback`, and `tokenContext` may keep them. Values of more than 2,048 characters are left out.
   */
  callbackParameters?: readonly string[]
  /**
   * For a provider without one fixed host (Shopify). The start of a login names the host, such as a shop, and `{shop}` in
   * `endpoints` stands for it. A name that does not match is `request_invalid`, and no request is made to it. The host is
   * bound to the login: a callback that names another one is `state_mismatch`. It is kept in `transaction.about` and
   * `tokens.context`, and every call with these tokens goes to it.
   */
  host?: HostRules
  /**
   * For a provider that signs the query of its callbacks, and of a start that it links to (Shopify). The signature is
   * checked after the state and before anything else is read. It is `signature_invalid` if it is wrong or missing, or
   * its time is too far off. Only a start may be unsigned.
   */
  signedQuery?: SignedQuery
  /** The expected `iss` of the callback (RFC 9207); not checked if absent. Tailchat. */
  issuer?: string | undefined
  /** Whether the router's entry route accepts codes that the provider sends unsolicited. TAPD. */
  unsolicited?: boolean
  /**
   * Whether a page of the app may begin a login. The page gets a state from the router's `POST …/entry` and a code from the
   * provider's script, and sends both to the callback. `only`: there is no authorization address (inside DingTalk).
   * `also`: there is one too (the panels of WeChat and WeCom). Default: no page may.
   */
  inPage?: 'only' | 'also'
  /** Other values of `token_type` that mean a bearer token: Slack's `bot` and `user`. Compared without case. */
  tokenTypes?: readonly string[]
  /**
   * The rules for the id_token that comes with the tokens. Every id_token is verified before anything else of the login is
   * used; its claims are `tokens.claims`. Apple, LINE, Slack, Kakao, HUAWEI, LinkedIn.
   */
  idToken?: IdTokenRules
  /**
   * The token response contains the user, and no profile request is possible: Notion, and Shopify's users. With
   * `idToken`, the claims contain the user: Apple.
   */
  profileFromTokens?: true
  /**
   * `none`: the provider issues no user token. `profileOfCode` exchanges the code for the user: WeCom, and DingTalk
   * inside its app. After the login, no call can be made in the user's name.
   */
  userToken?: 'none'
  /**
   * The application has its own token, issued at `appTokenURL`, for calls by `askAsApp`: WeCom, and DingTalk inside its
   * app. One token serves all logins. It is renewed before it expires, and when `refusal` says `token_rejected` of such
   * a call.
   */
  appToken?: {
    /** The lifetime in seconds, if the provider does not say. */
    readonly lifetime: number
  }
  /** HTTP statuses of an API call that mean that the access token is refused. Default 401 (RFC 6750 §3.1). TAPD: also 422. */
  tokenRefused?: readonly number[]
  /**
   * HTTP statuses that may mean it: then the body is read, and the dialect's `refusal` decides. 200: Alipay, Douyin,
   * Feishu, HUAWEI, QQ, Slack, VK and WeChat. 400: DingTalk, Feishu, LINE and Weibo (also 403). 401: Kakao and TikTok.
   * Only JSON and text of at most 64 KiB are read; anything else is not a refusal.
   */
  tokenMayBeRefused?: readonly number[]
  /**
   * The query parameter for the access token, if the provider takes no Bearer header. Alipay, BBScloud, QQ, VK, WeChat.
   */
  tokenParameter?: string
  /**
   * The header for the access token, if it is not `Authorization: Bearer`. DingTalk, Douyin, Shopify and Weibo have
   * their own.
   */
  tokenHeader?: { readonly name: string; readonly scheme?: string }
}

/** A provider's endpoints by name. */
export interface Endpoints {
  /** Where users log in (RFC 6749 §3.1). */
  authorizationURL: string
  /** Issues tokens (RFC 6749 §3.2). Absent if the callback brings the token itself: BBScloud. */
  tokenURL?: string | undefined
  /** Returns the user. */
  userProfileURL: string
  /** Refreshes tokens, if the token endpoint does not. */
  refreshURL?: string | undefined
  /** Revokes tokens (RFC 7009), if the provider has it. */
  revokeURL?: string | undefined
  /** The public keys for id_tokens (RFC 7517 §5). */
  jwksURL?: string | undefined
  /** Issues application tokens. */
  appTokenURL?: string | undefined
  /** Other endpoints of the provider. */
  [name: string]: string | undefined
}

/** A grant for the token endpoint, with the names of RFC 6749 §4.1.3 and §6. */
export type TokenGrant = { grant_type: 'authorization_code' | 'refresh_token' } & Record<string, string | undefined>

/**
 * Checks a dialect when its strategy is built, so that a mistake does not appear only during a login.
 * @throws OAuthError `config_invalid`, naming the member
 */
export function checkDialect(dialect: Dialect, provider: string): void {
  const fail = (rule: string): never => {
    throw configError(provider, `${rule} of the dialect.`)
  }
  for (const name of Object.keys(dialect)) {
    if (name !== 'endpoints' && !Object.hasOwn(MEMBERS, name)) fail(`\`${name}\` is no member`)
  }
  for (const [name, [rule, fits]] of Object.entries(MEMBERS)) {
    const value: unknown = Reflect.get(dialect, name)
    if (value !== undefined && !fits(value)) throw configError(provider, `\`${name}\` of the dialect must be ${rule}.`)
  }
  if (dialect.tokenParameter !== undefined && dialect.tokenHeader !== undefined) {
    fail('Only one of `tokenParameter` and `tokenHeader` can be a member')
  }
  const { endpoints, idToken, clientSecret, signedQuery, appToken, inPage, host, pkce } = dialect
  if (inPage && (host || signedQuery || idToken?.nonce || pkce === true || pkce === 'required')) {
    fail('`inPage` gives a page the state alone: `host`, `signedQuery`, `pkce` and a nonce can be no members')
  }
  if (signedQuery && clientSecret !== undefined) {
    fail('`signedQuery` needs an app that must have a secret: `clientSecret` must be no member')
  }
  if (appToken && endpoints.appTokenURL === undefined) {
    fail('`appToken` needs an address: `appTokenURL` must be one of `endpoints`')
  }
  if (idToken?.algorithms.includes('HS256') && clientSecret !== undefined) {
    fail('HS256 in `idToken` needs an app that must have a secret: `clientSecret` must be no member')
  }
  if (idToken?.algorithms.some((name) => name !== 'HS256') && endpoints.jwksURL === undefined) {
    fail('The keys of `idToken` are missing: `jwksURL` must be one of `endpoints`')
  }
}

/** The key that authenticates pending logins, if the app has a private key instead of a secret. */
export function sealKeyOf({ privateKey }: Dialect): string | undefined {
  return privateKey && String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 599
const isFlag = (value: unknown) => typeof value === 'boolean'
const isToken = (value: unknown) => typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value) // RFC 9110 §5.6.2
const listOf =
  (fits: (value: unknown) => boolean) =>
  (value: unknown): value is unknown[] =>
    Array.isArray(value) && value.every(fits)
const isFullList = (value: unknown, fits: (value: unknown) => boolean) => listOf(fits)(value) && value.length > 0
const oneOf =
  (...values: unknown[]) =>
  (value: unknown) =>
    values.includes(value)
const namesOf = (value: unknown) => listOf(isText)(value) && new Set(value).size === value.length

/** An object with no other members than these. */
const shaped = (shape: Record<string, (value: unknown) => boolean>, needed: readonly string[] = []) => {
  return (value: unknown) => {
    if (typeof value !== 'object' || value === null || !needed.every((name) => Object.hasOwn(value, name))) return false
    return Object.entries(value).every(([name, item]) => item === undefined || lookUp(shape, name)?.(item) === true)
  }
}

const isTextOrFalse = (value: unknown) => value === false || isText(value)
/** A further parameter of a callback: none that has a meaning for the login itself. */
const isFurther = (value: unknown) => isText(value) && !['state', 'code', 'error', 'iss'].includes(String(value))

const isSeconds = (value: unknown) => typeof value === 'number' && value > 0 && Number.isFinite(value)
const HOST_SHAPE = shaped(
  {
    parameter: (value) => typeof value === 'string' && /^\w+$/.test(value),
    pattern: (value) => value instanceof RegExp && /^[iuv]*$/.test(value.flags), // no flag that keeps state or matches parts
    fixed: isText,
  },
  ['parameter', 'pattern'],
)
const isFixedHost = (host: HostRules) => host.fixed === undefined || hostNamed(host, host.fixed) !== undefined

const MEMBERS: Readonly<
  Record<Exclude<keyof Dialect, 'endpoints'>, [rule: string, fits: (value: unknown) => boolean]>
> = {
  scope: ['a list of texts', listOf((value) => typeof value === 'string')],
  scopeSeparator: ['a text', isText],
  clientIDName: ['a text', isText],
  clientSecret: ["'optional' or 'none'", oneOf('optional', 'none')],
  privateKey: ['a private KeyObject', (value) => value instanceof KeyObject && value.type === 'private'],
  authorizationNames: [
    'names by the names of RFC 6749 and 7636; only `response_type` and `scope` may be false',
    shaped({
      response_type: isTextOrFalse,
      redirect_uri: isText,
      scope: isTextOrFalse,
      state: isText,
      code_challenge: isText,
      code_challenge_method: isText,
    }),
  ],
  authorizationOrder: ['a list of names, each once', namesOf],
  authorizationFragment: ['a text without #', (value) => typeof value === 'string' && /^[\w.~-]+$/.test(value)],
  pkce: ["true, false or 'required'", oneOf(true, false, 'required')],
  pkceMethod: ['a text', isText],
  credentials: ['a list of names', listOf(isText)],
  denial: [
    'an object of `errors`, `credentials` and `bareState`',
    shaped({ errors: listOf(isText), credentials: listOf(isText), bareState: isFlag }),
  ],
  callback: ["'form_post' where it is there", oneOf('form_post')],
  callbackParameters: ['a list of names, none of them state, code, error or iss', listOf(isFurther)],
  host: [
    'an object of `parameter`, `pattern` (without flags but i, u or v) and `fixed`, which matches it',
    (value) => HOST_SHAPE(value) && isFixedHost(value as HostRules), // just seen
  ],
  signedQuery: [
    'an object of `parameter`, `timestamp`, `tolerance` (seconds) and `unsigned`',
    shaped({ parameter: isText, timestamp: isText, tolerance: isSeconds, unsigned: listOf(isText) }, [
      'parameter',
      'timestamp',
      'tolerance',
    ]),
  ],
  issuer: ['a text', isText],
  unsolicited: ['true or false', isFlag],
  inPage: ["'only' or 'also'", oneOf('only', 'also')],
  tokenTypes: ['a list of texts', listOf(isText)],
  idToken: [
    'an object of `issuer`, `algorithms` (RS256, PS256, ES256, HS256), and `audience`, `nonce`, `required`, `subject`',
    shaped(
      {
        issuer: (value) => isText(value) || isFullList(value, isText),
        algorithms: (value) => isFullList(value, oneOf('RS256', 'PS256', 'ES256', 'HS256')),
        audience: listOf(isText),
        nonce: isFlag,
        required: oneOf(true, 'openid'),
        subject: oneOf('id'),
      },
      ['issuer', 'algorithms'],
    ),
  ],
  profileFromTokens: ['true where it is there', oneOf(true)],
  userToken: ["'none' where it is there", oneOf('none')],
  appToken: [
    'an object of `lifetime`, in seconds',
    shaped({ lifetime: (value) => typeof value === 'number' && value > 0 }, ['lifetime']),
  ],
  tokenRefused: ['a list of HTTP statuses', listOf(isStatus)],
  tokenMayBeRefused: ['a list of HTTP statuses', listOf(isStatus)],
  tokenParameter: ['a text', isText],
  tokenHeader: [
    'an object of `name` and `scheme`, tokens of HTTP',
    shaped({ name: isToken, scheme: isToken }, ['name']),
  ],
}

/** A dialect's endpoints, with the app's own in their place. @throws OAuthError `config_invalid`, naming the option */
export function readEndpoints(dialect: Dialect, options: object, read: OptionReader): Endpoints {
  const endpoints: Endpoints = { ...dialect.endpoints }
  for (const name of new Set([...Object.keys(endpoints), ...REPLACEABLE])) {
    const given = endpoints[name]
    if (given !== undefined || Reflect.get(options, name) !== undefined) endpoints[name] = read.address(name, given)
  }
  return endpoints
}

/** Endpoints that an app may set even if the dialect has none. */
const REPLACEABLE = ['tokenURL', 'refreshURL', 'revokeURL']
