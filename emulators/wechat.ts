import type { EmulatorKind } from './definition'
import { type Grant, Ledger, secret } from './ledger'
import { type Call, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'
import { IN_WECHAT, QR_CONNECT, type WechatLogins, wechatPages } from './wechat-authorize'
import { refused, TEXT, text, wordsOf } from './wechat-words'

/** The options of the WeChat emulator besides the shared ones. */
export interface WechatEmulatorOptions extends WechatLogins {
  /** Whether the app is bound to an account of the open platform. If false, there is no `unionid`. Default true. */
  unionIDs?: boolean
  /** The type of `expires_in`. Default `number`. */
  expiresIn?: 'number' | 'text'
}

/**
 * WeChat, two logins with the same tokens, from developers.weixin.qq.com/doc (read 2026-11-25):
 * oplatform/Website_App/WeChat_Login/Wechat_Login, oplatform/Mobile_App/WeChat_Login/Authorized_API_call_UnionID,
 * offiaccount/OA_Web_Apps/Wechat_webpage_authorization and service/api/webdev/access/api_snsuserinfo. `open.weixin` and
 * `api.weixin` on one origin. A user's openid is the same in both kinds here, where WeChat has one for each app.
 */
const USERS: EmulatorUser[] = [
  { id: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n', name: '张三', avatar: 'https://thirdwx.qlogo.example/mmopen/zhangsan/132' },
  { id: 'oA9z8y7x6w5v4u3t2s1r0q9p8o7n', name: 'Ada Lovelace' },
  { id: 'oA-Kd_3fQ0sVx7YtBn2LmRw5ZcHu', name: "O'Brien <script>alert(1)</script>" },
  { id: 'oA5Tq-J_h8WzEr1NvXs4PbGy6KdM', name: '欧阳若曦', avatar: 'https://thirdwx.qlogo.example/mmopen/ouyang/132' },
]

const TOKEN = '/sns/oauth2/access_token'
const REFRESH = '/sns/oauth2/refresh_token'
const USER = '/sns/userinfo'

function options(origin: string, settings: Settings & WechatEmulatorOptions) {
  const { clientID, clientSecret, kind = 'website' } = settings
  return {
    clientID,
    clientSecret,
    kind,
    baseURL: origin,
    authorizationURL: origin + (kind === 'website' ? QR_CONNECT : IN_WECHAT),
    tokenURL: origin + TOKEN,
    refreshURL: origin + REFRESH,
    userProfileURL: origin + USER,
  }
}

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

function provider(origin: string, settings: Settings & WechatEmulatorOptions): Provider {
  const { clientID, clientSecret, kind = 'website', unionIDs = true } = settings
  const code = kind === 'website' ? 10 * MINUTE : 5 * MINUTE
  const ledger = new Ledger(settings, { code, access: 7200, refresh: 30 * DAY })
  /** The access token of each login: a refresh before its expiry returns it again. */
  const latest = new WeakMap<Grant, string>()

  /** Only GET, and no repeated parameter. */
  function byGet(handle: (query: URLSearchParams) => Reply): (call: Call) => Reply {
    return ({ method, query }) => {
      if (method !== 'GET') return refused(43001)
      return repeated(query) ? refused(40035) : handle(query)
    }
  }

  function token(query: URLSearchParams): Reply {
    if (!query.get('appid')) return refused(41002)
    if (query.get('appid') !== clientID) return refused(40013)
    if (!query.get('secret')) return refused(41004)
    if (query.get('secret') !== clientSecret) return refused(40125)
    if (query.get('grant_type') !== 'authorization_code') return refused(40002)
    const given = query.get('code')
    if (!given) return refused(41008)
    const found = ledger.lookUpCode(given)
    if (!found) return refused(40029)
    if (found.state !== 'fresh') return refused(found.state === 'used' ? 40163 : 42003)
    ledger.useCode(given)
    const { grant } = found
    const tokens = issued(grant, ledger.issueRefresh(grant, `61_${secret(64)}`))
    if (grant.scope.includes('snsapi_base')) return text(tokens)
    const is_snapshotuser = grant.user.snapshot ? 1 : undefined
    return text({ ...tokens, is_snapshotuser, unionid: unionIDOf(grant.user) })
  }

  /** Takes only the app's id, not its secret. */
  function refresh(query: URLSearchParams): Reply {
    if (!query.get('appid')) return refused(41002)
    if (query.get('appid') !== clientID) return refused(40013)
    if (query.get('grant_type') !== 'refresh_token') return refused(40002)
    const old = query.get('refresh_token')
    if (!old) return refused(41003)
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(ledger.isExpiredRefresh(old) ? 42002 : 40030)
    if (settings.refreshStyle === 'repeat') return text(issued(grant, old))
    ledger.dropRefresh(old)
    return text(issued(grant, ledger.issueRefresh(grant, `61_${secret(64)}`)))
  }

  /** A valid access token is returned again, with a new lifetime. */
  function issued(grant: Grant, refresh_token: string) {
    const old = latest.get(grant)
    const access_token = ledger.issueAccess(grant, old && ledger.accessGrant(old) ? old : `61_${secret(64)}`)
    latest.set(grant, access_token)
    const { accessSeconds } = ledger
    return {
      access_token,
      expires_in: settings.expiresIn === 'text' ? String(accessSeconds) : accessSeconds,
      refresh_token,
      openid: grant.user.id,
      scope: grant.scope.join(','),
    }
  }

  function userInfo(query: URLSearchParams): Reply {
    const grant = grantOf(query)
    if (!('user' in grant)) return grant
    if (!['zh_CN', 'zh_TW', 'en'].includes(query.get('lang') ?? 'en')) return refused(40035)
    if (grant.scope.includes('snsapi_base')) return refused(48001)
    const { id, name, avatar = '' } = grant.user
    const empty = { sex: 0, language: '', city: '', province: '', country: '' }
    const user = { openid: id, nickname: name, ...empty, headimgurl: avatar, privilege: [] }
    return text({ ...user, unionid: unionIDOf(grant.user) })
  }

  function isAlive(query: URLSearchParams): Reply {
    const grant = grantOf(query)
    return 'user' in grant ? text({ errcode: 0, errmsg: 'ok' }) : grant
  }

  /** A token is useless without the user's openid. */
  function grantOf(query: URLSearchParams): Grant | Reply {
    const given = query.get('access_token')
    if (!given) return refused(41001)
    const grant = ledger.accessGrant(given)
    if (!grant) return refused(ledger.isExpiredAccess(given) ? 42001 : 40001)
    const openid = query.get('openid')
    if (!openid) return refused(41009)
    return openid === grant.user.id ? grant : refused(40003)
  }

  function unionIDOf({ id }: EmulatorUser): string | undefined {
    return unionIDs ? `oU${id.slice(2)}` : undefined
  }

  return {
    routes: [
      ...wechatPages(origin, settings, ledger),
      { method: '*', path: TOKEN, endpoint: 'token', handle: byGet(token) },
      { method: '*', path: REFRESH, endpoint: 'refresh', handle: byGet(refresh) },
      { method: '*', path: USER, endpoint: 'profile', handle: byGet(userInfo) },
      { method: '*', path: '/sns/auth', endpoint: 'request', handle: byGet(isAlive) },
    ],
    ledgers: [ledger],
    holder: ({ query }) => grantOf(query),
    essential: ['openid', 'unionid'],
    refuse: (endpoint, status, code) => {
      const atTheAPI = endpoint === 'profile' || endpoint === 'request'
      const byCall = atTheAPI ? (status === 403 ? 48001 : 40001) : endpoint === 'refresh' ? 40030 : 40125
      return wordsOf(Number(code ?? (status >= 500 ? -1 : status === 429 ? 45011 : byCall)))
    },
    refuseHeaders: () => TEXT,
  }
}

export const wechat = {
  title: 'WeChat',
  chineseTitle: '微信',
  users: USERS,
  own: {
    kind: ['website', 'official-account'],
    refusal: ['state', 'authdeny', 'stays'],
    unionIDs: 'flag',
    expiresIn: ['number', 'text'],
    silent: 'flag',
    insideOnly: 'flag',
  },
  options,
  provider,
} satisfies EmulatorKind<WechatEmulatorOptions>
