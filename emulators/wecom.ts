import { AppToken } from './app-token'
import { type Asked, consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { Ledger, secret } from './ledger'
import { errorPage } from './page'
import { type Call, jsonOf, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'
import { refused, shortWords, wordsOf } from './wecom-words'

/** The options of the WeCom emulator besides the shared ones. `accessTokenLifetime` is the application token's. */
export interface WecomEmulatorOptions {
  /** The login that `options` point to; both are served. Default `web`. */
  kind?: 'web' | 'in-app'
  /** The application's id. Default `1000002`. */
  agentId?: string
  /** How often per minute the application token may be requested; more calls get 45009. Default 10. */
  appTokenLimit?: number
  /** The lifetime of a `user_ticket`, in seconds. Default 1800. */
  ticketLifetime?: number
  /**
   * What `user/get` returns. `names`: only names, as for new applications. `private`: private data too, as for older ones.
   * `hidden`: the userid instead of the name. `60011`, `48002` and `60111`: that error; the last may be the answer about
   * a member of a linked corp. Default `names`.
   */
  directory?: 'names' | 'private' | 'hidden' | '60011' | '48002' | '60111'
  /** The ids of the members within the application's visible range; others get no ticket. Default: all members. */
  visibleRange?: readonly string[]
  /** Where a host that is not in `redirectURIs` is refused. Default `page`. */
  untrustedHost?: 'page' | 'getuserinfo'
  /** `snsapi_base` agrees as the first user without a page, as inside WeCom. Without it, a person can choose. */
  silent?: boolean
  /** Refuse the in-app login to browsers whose `User-Agent` has no `wxwork`. */
  insideOnly?: boolean
  /** The callback also has `appid`, as in some versions. */
  callbackAppid?: boolean
}

/**
 * WeCom, an application of the corp's own, from its pages below developer.work.weixin.qq.com/document/path (read
 * 2026-11-25): 98171 (web login), 96441 (inside WeCom), 91039 (application token), 96442 and 98177 (code to user),
 * 91122 (private details), 90313 (errors). A redirect URI is registered by its host, port included. A user with the id
 * `CorpId/userid` is a member of a linked corp.
 */
const USERS: EmulatorUser[] = [
  {
    id: 'zhangsan01',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://wework.qpic.example/zhangsan/0',
  },
  { id: 'AdaLovelace', name: 'Ada Lovelace' },
  { id: 'obrien@acme', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  {
    id: 'ouyang.ruo-xi',
    name: '欧阳若曦',
    email: 'ouyang@example.com',
    avatar: 'https://wework.qpic.example/ouyang/0',
  },
]

const WEB = '/wwlogin/sso/login'
const IN_APP = '/connect/oauth2/authorize'
const AGENT_ID = '1000002'

function options(origin: string, settings: Settings & WecomEmulatorOptions) {
  const { clientID, clientSecret, agentId = AGENT_ID, kind = 'web' } = settings
  return {
    clientID,
    clientSecret,
    agentId,
    kind,
    baseURL: origin,
    authorizationURL: origin + (kind === 'web' ? WEB : IN_APP),
    appTokenURL: `${origin}/cgi-bin/gettoken`,
    userProfileURL: `${origin}/cgi-bin/auth/getuserinfo`,
  }
}

/** In the documented order. */
const IN_APP_ORDER = ['appid', 'redirect_uri', 'response_type', 'scope', 'state', 'agentid']

/** What a user may tick on the page of `snsapi_privateinfo`. */
const DETAILS = ['gender', 'avatar', 'qr_code', 'mobile', 'email', 'biz_mail', 'address']

function provider(_origin: string, settings: Settings & WecomEmulatorOptions): Provider {
  const { clientID, agentId = AGENT_ID, directory = 'names', visibleRange } = settings
  const codes = new Ledger(settings, { code: 300, access: 0 })
  const tickets = new Ledger({ ...settings, codeLifetime: settings.ticketLifetime ?? 1800 }, { code: 1800, access: 0 })
  const appToken = new AppToken(settings.accessTokenLifetime ?? 7200, settings.appTokenLimit ?? 10)
  const trustedHosts = settings.redirectURIs
    ?.filter((address) => URL.canParse(address))
    .map((address) => new URL(address).host)

  const wrong = (errcode: number) => errorPage(400, 'WeCom', String(errcode), shortWords(errcode))
  const isTrusted = (redirectURI: string) => trustedHosts?.includes(new URL(redirectURI).host) ?? true
  const isInRange = ({ id }: EmulatorUser) => visibleRange?.includes(id) ?? true

  /** What both logins check; returns the redirect URI if all is right. */
  function redirectOf({ query }: Call): string | Reply {
    const redirectURI = query.get('redirect_uri')
    if (repeated(query)) return wrong(40035)
    if (query.get('appid') !== clientID) return wrong(40013)
    if (query.has('agentid') && query.get('agentid') !== agentId) return wrong(40056)
    if (!isRegistered({ ...settings, redirectURIs: undefined }, redirectURI)) return wrong(50001)
    return isTrusted(redirectURI) || settings.untrustedHost === 'getuserinfo' ? redirectURI : wrong(50001)
  }

  /** Where the browser goes; a refusal returns only the state. */
  function ways(query: URLSearchParams, redirectURI: string, scope: readonly string[]): Pick<Asked, 'agree' | 'deny'> {
    const state = query.get('state') ?? undefined
    const appid = settings.callbackAppid ? clientID : undefined
    return {
      agree: (user, chosen) => {
        const code = codes.issueCode({ user, scope: [...scope, ...chosen.scope], redirectURI }, secret(48))
        return withParams(redirectURI, { code, state, appid })
      },
      deny: () => withParams(redirectURI, { state, appid }),
    }
  }

  const web = consentRoutes(WEB, settings, (call) => {
    const { query } = call
    const redirectURI = redirectOf(call)
    if (typeof redirectURI !== 'string') return redirectURI
    if (query.get('login_type') !== 'CorpApp') return wrong(40035)
    if (!query.get('agentid')) return wrong(41011)
    if (!['zh', 'en'].includes(query.get('lang') ?? 'zh')) return wrong(40035)
    return { ...LOOKS, clientID, scope: [], scan: true, ...ways(query, redirectURI, []) }
  })

  const inApp = consentRoutes(IN_APP, settings, (call) => {
    const { query } = call
    const scope = query.get('scope') ?? ''
    const redirectURI = redirectOf(call)
    if (settings.insideOnly && !/wxwork/i.test(call.headers['user-agent'] ?? '')) {
      return errorPage(400, 'WeCom', 'User-Agent', '请在企业微信客户端打开链接')
    }
    if (typeof redirectURI !== 'string') return redirectURI
    if (query.get('response_type') !== 'code') return wrong(40035)
    if (!['snsapi_base', 'snsapi_privateinfo'].includes(scope)) return wrong(40035)
    if (!/^[a-zA-Z0-9]{0,128}$/.test(query.get('state') ?? '')) return wrong(84025)
    if (!isInOrder([...query.keys()])) return wrong(40035)
    // Without `agentid`, the wider scope counts as the narrower one.
    if (scope === 'snsapi_base' || !query.get('agentid')) {
      return {
        ...LOOKS,
        clientID,
        scope: ['snsapi_base'],
        silent: settings.silent ?? false,
        ...ways(query, redirectURI, []),
      }
    }
    return { ...LOOKS, clientID, scope: DETAILS, ticked: DETAILS, ...ways(query, redirectURI, ['snsapi_privateinfo']) }
  })

  function getToken({ query }: Call): Reply {
    if (repeated(query)) return refused(40035)
    if (!query.get('corpid')) return refused(41002)
    if (!query.get('corpsecret')) return refused(41004)
    if (query.get('corpid') !== clientID) return refused(40013)
    if (query.get('corpsecret') !== settings.clientSecret) return refused(40001)
    const response = appToken.ask()
    if (!response) return refused(45009)
    return ok({ access_token: response.token, expires_in: response.seconds })
  }

  /** Every call except `gettoken` needs the application token, which is checked first. */
  function asApp(handle: (call: Call) => Reply): (call: Call) => Reply {
    return (call) => {
      const token = call.query.get('access_token')
      if (repeated(call.query)) return refused(40035)
      if (!token) return refused(41001)
      const state = appToken.stateOf(token)
      if (state !== 'live') return refused(state === 'expired' ? 42001 : 40014)
      return handle(call)
    }
  }

  function getUserInfo({ query }: Call): Reply {
    const code = query.get('code')
    if (!code) return refused(41008)
    const found = codes.lookUpCode(code)
    if (found?.state !== 'fresh') return refused(40029)
    codes.useCode(code)
    const { grant } = found
    const { user, scope, redirectURI } = grant
    if (redirectURI !== undefined && !isTrusted(redirectURI)) return refused(50001)
    if (user.external)
      return ok(user.id.startsWith('wm') ? { openid: openidOf(user), external_userid: user.id } : { openid: user.id })
    const hasTicket = scope.includes('snsapi_privateinfo') && isInRange(user)
    return ok({ userid: user.id, user_ticket: hasTicket ? tickets.issueCode(grant, secret(96)) : undefined })
  }

  /** A ticket may be used again until it expires. */
  function getUserDetail(call: Call): Reply {
    const { user_ticket } = jsonOf(call)
    const found = typeof user_ticket === 'string' ? tickets.lookUpCode(user_ticket) : undefined
    if (!found) return refused(84015)
    if (found.state === 'expired') return refused(84014)
    const { user, scope } = found.grant
    const told = Object.entries(detailsOf(user)).filter(([name]) => scope.includes(name))
    return ok({ userid: user.id, ...Object.fromEntries(told) })
  }

  function userGet({ query }: Call): Reply {
    if (directory === '60011' || directory === '48002' || directory === '60111') return refused(Number(directory))
    const userid = query.get('userid')
    if (!userid) return refused(40058)
    const user = settings.users.find(({ id, external }) => id === userid && !external)
    if (!user) return refused(60111)
    if (!isInRange(user)) return refused(60011)
    const name = directory === 'hidden' ? userid : user.name
    const { avatar, gender, mobile, email } = detailsOf(user)
    const known = { userid, name, department: [1], position: '', alias: user.username ?? '', status: 1 }
    return ok(directory === 'private' ? { ...known, avatar, gender, mobile, email } : known)
  }

  return {
    routes: [
      ...web,
      ...inApp,
      { method: 'GET', path: '/cgi-bin/gettoken', endpoint: 'appToken', handle: getToken },
      { method: 'GET', path: '/cgi-bin/auth/getuserinfo', endpoint: 'profile', handle: asApp(getUserInfo) },
      { method: 'POST', path: '/cgi-bin/auth/getuserdetail', endpoint: 'profile', handle: asApp(getUserDetail) },
      { method: 'GET', path: '/cgi-bin/user/get', endpoint: 'profile', handle: asApp(userGet) },
    ],
    expireAppTokens: () => appToken.expire(),
    essential: ['userid', 'openid', 'external_userid'],
    refuse: (endpoint, status, code) => {
      const byStatus = status >= 500 ? -1 : status === 429 ? 45009 : endpoint === 'appToken' ? 40001 : 40029
      return wordsOf(Number(code ?? byStatus))
    },
  }
}

const LOOKS = { provider: 'WeCom', accent: '#0068c4' }

function ok(members: object): Reply {
  return { json: { errcode: 0, errmsg: 'ok', ...members } }
}

function isInOrder(names: readonly string[]): boolean {
  const known = names.filter((name) => IN_APP_ORDER.includes(name))
  return IN_APP_ORDER.filter((name) => known.includes(name)).join() === known.join()
}

/** The details that a user has filled in, all as text. */
function detailsOf({ id, avatar, mobile, email }: EmulatorUser): Record<string, string | undefined> {
  const qr_code = `https://wework.qpic.example/qr/${encodeURIComponent(id)}`
  return { gender: '0', avatar, qr_code, mobile, email, biz_mail: email && `${id.split('@')[0]}@biz.example.com` }
}

function openidOf({ id }: EmulatorUser): string {
  return `oE${id.slice(2)}`
}

export const wecom = {
  title: 'WeCom',
  chineseTitle: '企业微信',
  users: USERS,
  own: {
    kind: ['web', 'in-app'],
    agentId: 'text',
    appTokenLimit: 'count',
    ticketLifetime: 'count',
    directory: ['names', 'private', 'hidden', '60011', '48002', '60111'],
    visibleRange: 'list',
    untrustedHost: ['page', 'getuserinfo'],
    silent: 'flag',
    insideOnly: 'flag',
    callbackAppid: 'flag',
  },
  options,
  provider,
} satisfies EmulatorKind<WecomEmulatorOptions>
