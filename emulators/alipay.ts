import { createHash } from 'node:crypto'
import { gatewayProblem, paramsOf } from './alipay-gateway'
import { type AlipayKeyForm, keysOf, privateKeyAs, publicKeyAs } from './alipay-keys'
import { Known } from './alipay-known'
import { type AlipayForgery, responseText } from './alipay-response'
import { wordsOf } from './alipay-words'
import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { type Call, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the Alipay emulator besides the shared ones. */
export interface AlipayEmulatorOptions {
  /**
   * The id that the app gets of a user. A user's `id` is the `open_id`. The `user_id` is derived from it, unless it already
   * is one (`2088` and twelve digits). `options` tell the strategy the same. Default `open_id`.
   */
  idSource?: 'open_id' | 'user_id'
  /** The format of the keys in `options`. Default `pkcs8`. */
  keyForm?: AlipayKeyForm
  /** Send `expires_in` and `re_expires_in` as strings, as documented. Without it they are numbers, as observed. */
  lifetimesAsText?: boolean
  /** `auth_base` agrees as the first user without a page, as inside Alipay. Without it, a person can choose. */
  silent?: boolean
  /** Refuse `localhost` and `127.0.0.1` as redirect URIs, as Alipay does. */
  refuseLoopback?: boolean
  /** Called for every response that would be signed; if it returns a name, the response is forged that way. Gateway failures are never signed. */
  forge?(response: { method: string; failed: boolean }): AlipayForgery | undefined
}

/**
 * Alipay, login on a website by the signed gateway, from opendocs.alipay.com (read 2026-11-25):
 * alipay.system.oauth.token, alipay.user.info.share, common/02km9f (failures) and common/02kf5q (signing).
 */
const USERS: EmulatorUser[] = [
  {
    id: '061a7KdRq2ZsW0vXnT4hB9yLmE3cJ8uGpF5oA6iQzSxYtHw',
    name: '张三',
    avatar: 'https://tfs.alipayobjects.example/images/partner/zhangsan',
  },
  { id: '074bUe1MgC5tPzH8nYxW3vLkQ6jR0sDfA9oI2mB7rNcKyTq', name: 'Ada Lovelace' },
  { id: '058cXo4LrV9bNfT1kZyJ6hQmS2wGuE8pD3aC7iH0xRsPvYe', name: "O'Brien <script>alert(1)</script>" },
  {
    id: '093dJw6TnB2yQkF8sXpM4vRgL1zHcU7eA0oK5iD9tVrYmSa',
    name: '欧阳若曦',
    avatar: 'https://tfs.alipayobjects.example/images/partner/ouyang',
  },
]

const AUTHORIZE = '/oauth2/publicAppAuthorize.htm'
const GATEWAY = '/gateway.do'
const TOKEN = 'alipay.system.oauth.token'
const USER = 'alipay.user.info.share'

function options(origin: string, settings: Settings & AlipayEmulatorOptions) {
  const { clientID, idSource = 'open_id', keyForm = 'pkcs8' } = settings
  const { app, alipay } = keysOf(settings)
  return {
    clientID,
    privateKey: privateKeyAs(keyForm, app.privateKey),
    alipayPublicKey: publicKeyAs(keyForm, alipay.publicKey),
    idSource,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + GATEWAY,
    userProfileURL: origin + GATEWAY,
  }
}

function provider(_origin: string, settings: Settings & AlipayEmulatorOptions): Provider {
  const { clientID, idSource = 'open_id' } = settings
  const ledger = new Ledger(settings, { code: 86_400, access: 1_296_000, refresh: 2_592_000 })
  const keys = keysOf(settings)
  /** Issued refresh tokens, and whether each was used: one that was never issued gets another refusal. */
  const refresh = new Known()

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const scope = (query.get('scope') ?? '').split(',')
    const wrong = (what: string, why: string) => errorPage(400, 'Alipay', what, why)
    const twice = repeated(query)
    if (twice) return wrong(twice, '参数重复')
    if (query.get('app_id') !== clientID) return wrong('app_id', '应用不存在')
    if (!isRegistered(settings, redirectURI)) return wrong('redirect_uri', '授权回调地址错误')
    if (settings.refuseLoopback && isLoopback(redirectURI)) return wrong('redirect_uri', '授权回调地址错误')
    if (!scope.every((name) => ['auth_user', 'auth_base'].includes(name))) return wrong('scope', '授权范围错误')
    if (/\p{Script=Han}/u.test(state ?? '')) return wrong('state', '参数不能包含中文')
    if (query.has('response_type') && query.get('response_type') !== 'code') return wrong('response_type', '参数错误')
    const back = { app_id: clientID, source: 'alipay_wallet' }
    return {
      provider: 'Alipay',
      accent: '#0e5fd8',
      scan: true,
      clientID,
      scope,
      silent: (settings.silent ?? false) && !scope.includes('auth_user'),
      agree: (user) => {
        const auth_code = ledger.issueCode({ user, scope, redirectURI }, hex(16))
        return withParams(redirectURI, { ...back, scope: scope.join(','), auth_code, state })
      },
      // Undocumented: the simplest that Alipay could do.
      deny: () => withParams(redirectURI, { ...back, state }),
    }
  })

  function gateway(call: Call): Reply {
    const params = paramsOf(call)
    const method = params.get('method') ?? ''
    const problem = gatewayProblem(params, clientID, keys.app.publicKey)
    if (problem) return unsigned(method, ...problem)
    if (method === TOKEN) return token(params)
    return method === USER ? userInfo(params) : unsigned(method, 'isv.invalid-method')
  }

  function token(params: URLSearchParams): Reply {
    const grantType = params.get('grant_type')
    if (grantType === 'refresh_token') return refreshed(params.get('refresh_token') ?? '')
    if (grantType !== 'authorization_code') return refused(TOKEN, 'isv.grant-type-invalid')
    const code = params.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused(TOKEN, 'isv.code-invalid')
    ledger.useCode(code)
    return issued(found.grant)
  }

  /** A refresh token works once. */
  function refreshed(old: string): Reply {
    const grant = ledger.refreshGrant(old)
    if (!refresh.has(old)) return refused(TOKEN, 'isv.refresh-token-invalid')
    if (refresh.isUsed(old)) return refused(TOKEN, 'isv.refreshed-token-invalid')
    if (!grant) return refused(TOKEN, 'isv.refresh-token-time-out')
    ledger.dropRefresh(old)
    refresh.use(old)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    const seconds = (value: number) => (settings.lifetimesAsText ? String(value) : value)
    return respond(TOKEN, {
      access_token: ledger.issueAccess(grant, `composeB${hex(16)}`),
      // A leftover of an older API, and no user's id.
      alipay_user_id: `2021${digitsOf(grant.user.id, 28)}`,
      auth_start: new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' '),
      expires_in: seconds(ledger.accessSeconds),
      [idSource]: idOf(grant.user),
      re_expires_in: seconds(ledger.refreshSeconds),
      refresh_token: refresh.add(ledger.issueRefresh(grant, `composeB${hex(16)}`)),
    })
  }

  function userInfo(params: URLSearchParams): Reply {
    const grant = grantOf(params)
    if (!('user' in grant)) return grant
    if (!grant.scope.includes('auth_user')) return refused(USER, 'isv.insufficient-user-permissions')
    const { name, avatar } = grant.user
    return respond(USER, {
      code: '10000',
      msg: 'Success',
      [idSource]: idOf(grant.user),
      avatar,
      nick_name: name,
      ...(avatar && { province: '浙江省', city: '杭州市', gender: 'F' }),
      // A trap for clients that search for the end of the signed text.
      sign: '"},"sign":"}{',
    })
  }

  function grantOf(params: URLSearchParams): Grant | Reply {
    const token = params.get('auth_token') ?? ''
    const dead = ledger.isExpiredAccess(token) ? 'aop.auth-token-time-out' : 'aop.invalid-auth-token'
    return ledger.accessGrant(token) ?? refused(USER, dead)
  }

  /** A signed call, like any other. One with only the token is accepted too: this resource exists only in the emulator. */
  function holder(call: Call): Grant | Reply {
    const params = paramsOf(call)
    const problem = params.has('sign') ? gatewayProblem(params, clientID, keys.app.publicKey) : undefined
    return problem ? unsigned(USER, ...problem) : grantOf(params)
  }

  function idOf({ id }: EmulatorUser): string {
    return idSource === 'open_id' || /^2088\d{12}$/.test(id) ? id : `2088${digitsOf(id, 12)}`
  }

  function respond(method: string, members: object, failed = false): Reply {
    const key = failed ? failureKey(method) : keyOf(method)
    const forgery = settings.forge?.({ method, failed })
    return {
      headers: HTML,
      json: members,
      write: (json) => responseText(key, Object(json), keys, forgery),
    }
  }

  function refused(method: string, code: string): Reply {
    return respond(method, wordsOf(code), true)
  }

  return {
    routes: [
      ...authorize,
      { method: '*', path: GATEWAY, when: asksFor(TOKEN), endpoint: 'token', refreshes: isRefresh, handle: gateway },
      { method: '*', path: GATEWAY, when: asksFor(USER), endpoint: 'profile', handle: gateway },
      { method: '*', path: GATEWAY, endpoint: 'request', handle: gateway },
    ],
    ledgers: [ledger],
    holder,
    refuseHeaders: () => HTML,
    refuse: (endpoint, status, code) => {
      const atUser = endpoint === 'profile' || endpoint === 'request'
      const dead = endpoint === 'refresh' ? 'isv.refresh-token-invalid' : 'isv.code-invalid'
      const byStatus =
        status === 200 ? dead : status === 403 ? 'isv.insufficient-isv-permissions' : 'isv.invalid-app-id'
      const usual = atUser && [200, 401].includes(status) ? 'aop.invalid-auth-token' : byStatus
      const busy = status >= 500 ? 'isp.unknow-error' : status === 429 ? 'isv.app-call-limited' : usual
      return { [atUser ? keyOf(USER) : 'error_response']: wordsOf(code ?? busy) }
    },
  }
}

const HTML = { 'content-type': 'text/html;charset=utf-8' }

/** Failures of the gateway itself are not signed. */
function unsigned(method: string, code: string, detail?: string): Reply {
  const failure = { [failureKey(method)]: wordsOf(code, detail) }
  return { headers: HTML, json: failure }
}

function asksFor(method: string): (call: Call) => boolean {
  return (call) => paramsOf(call).get('method') === method
}

function isRefresh(call: Call): boolean {
  return paramsOf(call).get('grant_type') === 'refresh_token'
}

function keyOf(method: string): string {
  return `${method.replaceAll('.', '_')}_response`
}

/** Only failures of the token, and of no method, have their own key. */
function failureKey(method: string): string {
  return method === USER ? keyOf(USER) : 'error_response'
}

function isLoopback(address: string): boolean {
  return ['localhost', '127.0.0.1'].includes(new URL(address).hostname)
}

/** Digits derived from a text. */
function digitsOf(text: string, count: number): string {
  const number = BigInt(`0x${createHash('sha256').update(text).digest('hex')}`)
  return number.toString().slice(-count)
}

export const alipay = {
  title: 'Alipay',
  chineseTitle: '支付宝',
  users: USERS,
  own: {
    idSource: ['open_id', 'user_id'],
    keyForm: ['pkcs8', 'pkcs1', 'pkcs8-pem', 'pkcs1-pem'],
    lifetimesAsText: 'flag',
    silent: 'flag',
    refuseLoopback: 'flag',
    forge: 'function',
  },
  options,
  provider,
} satisfies EmulatorKind<AlipayEmulatorOptions>
