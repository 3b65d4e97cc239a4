import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { inAppLogin } from './dingtalk-in-app'
import { MAY_READ, oldWords, refused, words } from './dingtalk-words'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { type Call, jsonOf, mediaType, type Provider, type Reply, type Route, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the DingTalk emulator besides the shared ones. */
export interface DingtalkEmulatorOptions {
  /** The registered addresses, or domains with or without a port. */
  redirectURIs?: readonly string[]
  /** The login that `options` point to; both are served. Default `browser`. */
  kind?: 'browser' | 'in-app'
  /** The application's organisation. Default `ding0a1b2c3d4e5f6a7b8c9d`. `options` contain it only if it is given, or inside the app. */
  corpId?: string
  /** The name of the code in the callback: `authCode` as documented, `code` as observed, or both. Default `both`. */
  callbackNames?: 'both' | 'authCode' | 'code'
  /**
   * The application's permissions. Default `Contact.User.Read` (without it, no user is returned), `Contact.User.mobile` and
   * `fieldEmail`.
   */
  permissions?: readonly string[]
  /** A request without `prompt=consent` agrees as the first user without a page, as for a user who agreed before. */
  silentWithoutPrompt?: boolean
  /** Whether a refresh returns a valid access token again, with a new lifetime. Default true. */
  sameToken?: boolean
  /** How a dead application token is refused; 88 has the reason in a sub code. Default 42001 if it has expired, else 40014. */
  deadAppToken?: '40014' | '42001' | '88'
  /** The lifetime of the application token, in seconds. Default 7200. */
  appTokenLifetime?: number
  /** How often per minute the application token may be requested; more calls are refused. Default 10. */
  appTokenLimit?: number
}

/**
 * DingTalk: its OAuth 2 login in a browser and the free login inside its app, from its API description as third
 * parties quote it in 2026 (read 2026-11-25); pages below open.dingtalk.com/document:
 * orgapp/obtain-identity-credentials, orgapp/obtain-user-token, isvapp/dingtalk-retrieve-user-information,
 * isvapp/tutorial-enabling-login-to-third-party-websites. `login`, `api` and `oapi` on one origin. A user's id is the
 * union id.
 */
const USERS: EmulatorUser[] = [
  {
    id: 'zX9mKq1LpT7vRn3WbYc2sQiEiE',
    name: '张三',
    username: 'staff0007',
    email: 'zhangsan@example.com',
    mobile: '13800000000',
    avatar: 'https://static-legacy.dingtalk.example/zhangsan.png',
  },
  { id: 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE', name: 'Ada Lovelace', username: 'ada' },
  {
    id: 'zX9oBr3Nt5Yu7Io9Pa1SdFiEiE',
    name: "O'Brien <script>alert(1)</script>",
    username: 'staff0009',
    email: 'obrien@example.com',
  },
  { id: 'zX9oUy4Xv6Cb8Nm0Qw2ErTiEiE', name: '欧阳若曦', username: 'manager4220', email: 'ouyang@example.com' },
]

const TOKEN = '/v1.0/oauth2/userAccessToken'
const APP_TOKEN = '/v1.0/oauth2/accessToken'
const ME = '/v1.0/contact/users/me'
const GET_USER_INFO = '/topapi/v2/user/getuserinfo'
const CORP_ID = 'ding0a1b2c3d4e5f6a7b8c9d'

function options(origin: string, settings: Settings & DingtalkEmulatorOptions) {
  const { clientID, clientSecret, kind = 'browser' } = settings
  const named = settings.corpId ?? (kind === 'in-app' ? CORP_ID : undefined)
  return {
    clientID,
    clientSecret,
    kind,
    ...(named !== undefined && { corpId: named }),
    baseURL: origin,
    authorizationURL: `${origin}/oauth2/auth`,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    userProfileURL: origin + (kind === 'browser' ? ME : GET_USER_INFO),
    appTokenURL: origin + APP_TOKEN,
  }
}

const PERMISSIONS = [MAY_READ, 'Contact.User.mobile', 'fieldEmail']
const SCOPES = ['openid', 'corpid']

function provider(_origin: string, settings: Settings & DingtalkEmulatorOptions): Provider {
  const { clientID, clientSecret, corpId = CORP_ID, permissions = PERMISSIONS, callbackNames = 'both' } = settings
  const ledger = new Ledger(settings, { code: 300, access: 7200, refresh: 30 * 24 * 3600 })
  const inApp = inAppLogin(settings, corpId)
  const corps = [
    { id: corpId, name: '云启科技' },
    { id: 'ding9f8e7d6c5b4a39281706', name: 'Acme Ltd' },
  ]

  function authorizeAt(path: string): Route[] {
    return consentRoutes(path, settings, ({ query }) => {
      const redirectURI = query.get('redirect_uri')
      const state = query.get('state') ?? undefined
      const scope = (query.get('scope') ?? '').split(' ')
      const wrong = (what: string) => errorPage(400, 'DingTalk', `invalidParameter.${what}`, `${what} 参数错误`)
      const twice = repeated(query)
      if (twice) return wrong(twice)
      if (query.get('client_id') !== clientID) return wrong('clientId')
      if (!isRegisteredHere(settings, redirectURI)) return wrong('redirectUri')
      if (query.get('response_type') !== 'code') return wrong('responseType')
      if (!scope.includes('openid') || !scope.every((name) => SCOPES.includes(name))) return wrong('scope')
      if ((query.get('prompt') ?? 'consent') !== 'consent') return wrong('prompt')
      const wanted = query.get('corpId')
      const open = corps.filter(({ id }) => wanted === null || id === wanted)
      if (open.length === 0) return wrong('corpId')
      return {
        provider: 'DingTalk',
        accent: '#0c63ce',
        scan: true,
        clientID,
        scope,
        silent: settings.silentWithoutPrompt === true && !query.has('prompt'),
        ...(scope.includes('corpid') && { place: { kind: 'company' as const, options: open, first: open[0]?.id } }),
        agree: (user, { place }) => {
          const code = ledger.issueCode({ user, scope, redirectURI, place }, hex(16))
          const authCode = callbackNames === 'code' ? undefined : code
          return withParams(redirectURI, { authCode, code: callbackNames === 'authCode' ? undefined : code, state })
        },
        // The values are not documented: RFC 6749 §4.1.2.1.
        deny: () => withParams(redirectURI, { error: 'access_denied', state }),
      }
    })
  }

  /** JSON both ways, in camel case; without the redirect URI. */
  function token(call: Call): Reply {
    const params = jsonOf(call)
    if (mediaType(call) !== 'application/json') return refused(400, 'InvalidParameter')
    const { clientId, clientSecret: given, grantType, code, refreshToken } = params
    const lacking = firstLacking(params, ['clientId', 'clientSecret', 'grantType'])
    if (lacking) return refused(400, `Missing${lacking}`)
    if (clientId !== clientID || given !== clientSecret) return refused(400, 'invalidClientIdOrSecret')
    if (grantType === 'refresh_token') return refreshed(refreshToken)
    return grantType === 'authorization_code' ? exchanged(code) : refused(400, 'invalidParameter.grantType')
  }

  function exchanged(code: unknown): Reply {
    if (typeof code !== 'string' || code === '') return refused(400, 'Missingcode')
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused(400, 'invalidParameter.authCode.notFound')
    ledger.useCode(code)
    return issued(found.grant)
  }

  /** A refresh returns a new refresh token, which works once. */
  function refreshed(old: unknown): Reply {
    if (typeof old !== 'string' || old === '') return refused(400, 'MissingrefreshToken')
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(400, 'invalidParameter.refreshToken.notFound')
    ledger.dropRefresh(old)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    const json = {
      accessToken: ledger.issueAccess(grant, accessTokenOf(grant)),
      refreshToken: ledger.issueRefresh(grant, hex(16)),
      expireIn: ledger.accessSeconds,
      corpId: grant.place,
    }
    return { json }
  }

  const issuedBefore = new Map<string, string>()

  function accessTokenOf({ user, scope, place }: Grant): string {
    const whose = JSON.stringify([user.id, scope, place])
    const before = issuedBefore.get(whose)
    const again = settings.sameToken !== false && ledger.accessGrant(before) ? before : undefined
    const token = again ?? hex(16)
    issuedBefore.set(whose, token)
    return token
  }

  function me(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (!permissions.includes(MAY_READ)) return refused(403, 'Forbidden.AccessDenied.AccessTokenPermissionDenied')
    const { id, name, avatar, mobile, email, external } = grant.user
    const phone = permissions.includes('Contact.User.mobile') && mobile ? { mobile, stateCode: '86' } : {}
    const ids = { openId: openIdOf(id), unionId: id }
    const shown = { nick: name, avatarUrl: avatar ?? '', ...phone, ...ids }
    return {
      json: { ...shown, email: permissions.includes('fieldEmail') ? email : undefined, visitor: external ?? false },
    }
  }

  /** The token has its own header; a dead one is HTTP 400. */
  function holder(call: Call): Grant | Reply {
    const token = call.headers['x-acs-dingtalk-access-token']
    return ledger.accessGrant(String(token)) ?? refused(400, 'InvalidAuthentication')
  }

  return {
    routes: [
      ...authorizeAt('/oauth2/auth'),
      ...authorizeAt('/oauth2/challenge.htm'),
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: 'grantType', handle: token },
      { method: 'GET', path: ME, endpoint: 'profile', handle: me },
      ...inApp.routes,
    ],
    ledgers: [ledger],
    holder,
    entryCode: inApp.entryCode,
    expireAppTokens: inApp.expireAppTokens,
    essential: ['openId', 'unionId', 'unionid', 'userid'],
    tokenNames: { access_token: 'accessToken', expires_in: 'expireIn' },
    refuse: (endpoint, status, code) => {
      const isOld = endpoint === 'profile' && settings.kind === 'in-app'
      if (isOld || /^\d+$/.test(code ?? '')) return oldWords(Number(code ?? (status >= 500 ? -1 : 40078)))
      if (code !== undefined) return words(code)
      if (status >= 500) return words('ServiceUnavailable')
      if (status === 429) return words('Forbidden.AccessDenied.QpsLimitForApi')
      if (status === 403) return words('Forbidden.AccessDenied.AccessTokenPermissionDenied')
      if (endpoint === 'refresh') return words('invalidParameter.refreshToken.notFound')
      const isClient = endpoint === 'token' || endpoint === 'appToken'
      return words(isClient ? 'invalidClientIdOrSecret' : 'InvalidAuthentication')
    },
  }
}

function firstLacking(params: Record<string, unknown>, names: readonly string[]): string | undefined {
  return names.find((name) => typeof params[name] !== 'string' || params[name] === '')
}

/** A redirect URI is registered whole, or by its host. */
function isRegisteredHere(settings: Settings, redirectURI: string | null): redirectURI is string {
  if (!isRegistered({ ...settings, redirectURIs: undefined }, redirectURI)) return false
  const { host, hostname } = new URL(redirectURI)
  return settings.redirectURIs?.some((known) => [redirectURI, host, hostname].includes(known)) ?? true
}

/** Belongs to one application; the union id belongs to one developer. */
function openIdOf(unionId: string): string {
  return `kPq${unionId.slice(3)}`
}

export const dingtalk = {
  title: 'DingTalk',
  chineseTitle: '钉钉',
  users: USERS,
  own: {
    redirectURIs: 'list',
    kind: ['browser', 'in-app'],
    corpId: 'text',
    callbackNames: ['both', 'authCode', 'code'],
    permissions: 'list',
    silentWithoutPrompt: 'flag',
    sameToken: 'flag',
    deadAppToken: ['40014', '42001', '88'],
    appTokenLifetime: 'count',
    appTokenLimit: 'count',
  },
  options,
  provider,
} satisfies EmulatorKind<DingtalkEmulatorOptions>
