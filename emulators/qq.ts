import { createHash } from 'node:crypto'
import { consentRoutes, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { apiReply, apiWords, HTML, Speaker, shortWords, wordsOf } from './qq-words'
import { type Call, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the QQ emulator besides the shared ones. */
export interface QqEmulatorOptions {
  /**
   * Whether `fmt=json` is honoured. If `ignored`, tokens are form text, and everything else below `/oauth2.0/` is JSONP.
   * Default `honoured`.
   */
  fmt?: 'honoured' | 'ignored'
  /** Whether the token response has the openid if `need_openid=1` asks for it. Default true. */
  needOpenID?: boolean
  /** Whether the app may get a `unionid`. If false, `unionid=1` gets 100048. Default true. */
  unionIDs?: boolean
  /** The client that `me` names as the token's. Default: the app's own. */
  openIDClient?: string
  /** The type of `expires_in` in JSON. Default `text`. */
  expiresIn?: 'text' | 'number'
  /** What happens when a person refuses: `stays` is a page without a callback; `usercancel` is a callback with `usercancel=1`. Default `stays`. */
  refusal?: 'stays' | 'usercancel'
}

/**
 * QQ, from its pages below wiki.connect.qq.com (read 2026-11-25): 使用authorization_code获取access_token,
 * 获取用户openid_oauth2-0, unionid介绍, openapi调用说明_oauth2-0 and 公共返回码说明. A redirect URI is registered by its
 * host, port included.
 */
const USERS: EmulatorUser[] = [
  { id: 'A1B2C3D4E5F60718293A4B5C6D7E8F90', name: '张三', avatar: 'http://thirdqq.qlogo.example/ek/zhangsan' },
  { id: '0F1E2D3C4B5A69788796A5B4C3D2E1F0', name: 'Ada Lovelace' },
  { id: '7C6B5A49382716050413223140F5E6D7', name: "O'Brien <script>alert(1)</script>" },
  { id: '9E8D7C6B5A4F3E2D1C0B1A2938475665', name: '欧阳若曦', avatar: 'http://thirdqq.qlogo.example/ek/ouyang' },
]

const AUTHORIZE = '/oauth2.0/authorize'
const TOKEN = '/oauth2.0/token'
const ME = '/oauth2.0/me'
const USER = '/user/get_user_info'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    openIDURL: origin + ME,
    userProfileURL: origin + USER,
  }
}

const DAY = 24 * 3600

function provider(origin: string, settings: Settings & QqEmulatorOptions): Provider {
  const { clientID, clientSecret, needOpenID = true, unionIDs = true, refusal = 'stays' } = settings
  const ledger = new Ledger(settings, { code: 600, access: 60 * DAY, refresh: 90 * DAY })
  const speaker = new Speaker(settings.fmt === 'ignored')
  const hosts = settings.redirectURIs
    ?.filter((address) => URL.canParse(address))
    .map((address) => new URL(address).host)

  function isAllowed(redirectURI: string | null): redirectURI is string {
    if (redirectURI === null || !/^https?:\/\/[^#]*$/.test(redirectURI) || !URL.canParse(redirectURI)) return false
    return hosts?.includes(new URL(redirectURI).host) ?? true
  }

  const authorize = consentRoutes(AUTHORIZE, settings, ({ path, query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const scope = (query.get('scope') ?? 'get_user_info').split(',')
    const wrong = (code: number, why = shortWords(code)) => errorPage(400, 'QQ', String(code), why)
    const twice = repeated(query)
    if (twice) return wrong(100029, twice)
    if (!query.get('client_id')) return wrong(100001)
    if (query.get('client_id') !== clientID) return wrong(100008)
    if (!isAllowed(redirectURI)) return wrong(100010)
    if (query.get('response_type') !== 'code') return wrong(100000)
    if (!state) return wrong(100029, 'state')
    if (!scope.every((name) => /^[a-z_]+$/.test(name))) return wrong(100031)
    const back = (params: Record<string, string>) => withParams(redirectURI, { ...params, state })
    return {
      provider: 'QQ',
      accent: '#0b6bc2',
      clientID,
      scope,
      ticked: scope,
      agree: (user, chosen) =>
        back({ code: ledger.issueCode({ user, scope: chosen.scope, redirectURI }, hex(16).toUpperCase()) }),
      deny: () => (refusal === 'stays' ? `${origin}${path}?${query}` : back({ usercancel: '1' })),
      refuse: (error) => back({ error, error_description: shortWords(Number(error)) }),
    }
  })

  function token(call: Call): Reply {
    const { query } = call
    const refused = (error: number) => speaker.refused(call, error)
    if (call.method !== 'GET' || repeated(query)) return refused(100029)
    const grantType = query.get('grant_type') ?? ''
    if (!['authorization_code', 'refresh_token'].includes(grantType)) return refused(100004)
    if (!query.get('client_id')) return refused(100001)
    if (!query.get('client_secret')) return refused(100002)
    if (query.get('client_id') !== clientID) return refused(100008)
    if (query.get('client_secret') !== clientSecret) return refused(100009)
    return grantType === 'refresh_token' ? refreshed(call) : exchanged(call)
  }

  function exchanged(call: Call): Reply {
    const { query } = call
    const code = query.get('code')
    if (!code) return speaker.refused(call, 100005)
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return speaker.refused(call, found?.state === 'used' ? 100020 : 100019)
    const { grant } = found
    if (query.get('redirect_uri') !== grant.redirectURI) return speaker.refused(call, 100010)
    ledger.useCode(code)
    return issued(call, grant, ledger.refreshSeconds)
  }

  /** A refresh token works once; the last one expires three months after the login. */
  function refreshed(call: Call): Reply {
    const old = call.query.get('refresh_token')
    if (!old) return speaker.refused(call, 100006)
    const grant = ledger.refreshGrant(old)
    if (!grant) return speaker.refused(call, 100022)
    const seconds = ledger.refreshSecondsLeft(old)
    ledger.dropRefresh(old)
    return issued(call, grant, seconds)
  }

  function issued(call: Call, grant: Grant, refreshSeconds: number): Reply {
    const { accessSeconds } = ledger
    return speaker.tokens(call, {
      access_token: ledger.issueAccess(grant, hex(16).toUpperCase()),
      expires_in: settings.expiresIn === 'number' ? accessSeconds : String(accessSeconds),
      refresh_token: ledger.issueRefresh(grant, hex(16).toUpperCase(), refreshSeconds),
      openid: needOpenID && call.query.get('need_openid') === '1' ? grant.user.id : undefined,
    })
  }

  function me(call: Call): Reply {
    const { query } = call
    if (call.method !== 'GET' || repeated(query)) return speaker.refused(call, 100029)
    const grant = grantOf(query)
    if (typeof grant === 'number') return speaker.refused(call, grant)
    const asksUnionID = query.get('unionid') === '1'
    if (asksUnionID && !unionIDs) return speaker.refused(call, 100048)
    const { id } = grant.user
    const unionid = asksUnionID ? unionIDOf(id) : undefined
    return speaker.object(call, { client_id: settings.openIDClient ?? clientID, openid: id, unionid })
  }

  /** The token's grant, or the number of the error. */
  function grantOf(query: URLSearchParams): Grant | number {
    const given = query.get('access_token')
    if (!given) return 100007
    return ledger.accessGrant(given) ?? (ledger.isExpiredAccess(given) ? 100014 : 100013)
  }

  /** The user object has no id. */
  function userInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (!grant.scope.includes('get_user_info')) return apiReply(apiWords(100030))
    const { name, avatar } = grant.user
    const [small = '', large = '', whole = ''] = ['40', '100', '640'].map((size) => pictureOf(avatar, size))
    const old = 'http://qzapp.qlogo.example/qzapp'
    return apiReply({
      ret: 0,
      msg: '',
      is_lost: 0,
      nickname: name,
      gender: '男',
      gender_type: 2,
      province: '',
      city: '',
      year: '0',
      figureurl: `${old}/30`,
      figureurl_1: `${old}/50`,
      figureurl_2: `${old}/100`,
      figureurl_qq_1: small || 'http://thirdqq.qlogo.example/ek/default?s=40',
      figureurl_qq_2: large,
      figureurl_qq: whole,
    })
  }

  /** Every API call has the app's id and the user's beside the token. */
  function holder(call: Call): Grant | Reply {
    const { query } = call
    if (repeated(query)) return apiReply(apiWords(100029))
    if (query.get('oauth_consumer_key') !== clientID) return apiReply(apiWords(100008))
    const grant = grantOf(query)
    if (typeof grant === 'number') return apiReply(apiWords(grant))
    return query.get('openid') === grant.user.id ? grant : apiReply(apiWords(1002))
  }

  return {
    routes: [
      ...authorize,
      { method: '*', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: '*', path: ME, endpoint: 'profile', handle: me },
      { method: 'GET', path: USER, endpoint: 'profile', handle: userInfo },
    ],
    ledgers: [ledger],
    holder,
    essential: ['openid', 'unionid'],
    refuse: (endpoint, status, code, { path }) => {
      const atTheAPI = endpoint === 'profile' || endpoint === 'request'
      const byCall = atTheAPI ? (status === 403 ? 100030 : 100013) : endpoint === 'refresh' ? 100022 : 100009
      const number = Number(code ?? (status >= 500 ? 100017 : byCall))
      return path.startsWith('/oauth2.0/') ? wordsOf(number) : apiWords(number)
    },
    refuseHeaders: () => HTML,
  }
}

function unionIDOf(id: string): string {
  return `UID_${createHash('sha256').update(id).digest('hex').slice(0, 32).toUpperCase()}`
}

/** Empty if there is no picture of that size. */
function pictureOf(avatar: string | undefined, size: string): string {
  return avatar === undefined ? '' : withParams(avatar, { s: size })
}

export const qq = {
  title: 'QQ',
  users: USERS,
  own: {
    fmt: ['honoured', 'ignored'],
    needOpenID: 'flag',
    unionIDs: 'flag',
    openIDClient: 'text',
    expiresIn: ['text', 'number'],
    refusal: ['stays', 'usercancel'],
  },
  options,
  provider,
} satisfies EmulatorKind<QqEmulatorOptions>
