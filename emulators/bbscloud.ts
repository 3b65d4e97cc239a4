import { consentRoutes, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the BBScloud emulator besides the shared ones. */
export interface BbscloudEmulatorOptions {
  /** The registered addresses, or domains with or without a port. */
  redirectURIs?: readonly string[]
  /** How the site puts `token` into the redirect URI. Default `merge`. */
  callbackStyle?: 'merge' | 'append' | 'echo' | 'append-echo' | 'drop' | 'drop-echo'
  /** The type of `error` and `type`. Default `number`. */
  errorType?: 'number' | 'string'
}

/** BBScloud: a code before the redirect, the token in the callback. */
const USERS: EmulatorUser[] = [
  { id: 'c306ffce817b495684db86b0993462cd', name: '张三', email: 'aaa@zzz.com', avatar: '377609792979603456.png' },
  { id: 'd417aadf928c5a6795ec97c1aa4573de', name: 'Ada Lovelace' },
  { id: 'e528bbe0a39d6b78a6fda8d2bb5684ef', name: "O'Brien <script>alert(1)</script>", email: "o'brien@example.com" },
  { id: 'f639ccf1b4ae7c89b70eb9e3cc6795f0', name: '欧阳若曦', email: 'ouyang@example.com', mobile: '13800138000' },
]

function options(origin: string, { clientID, clientSecret }: Settings & BbscloudEmulatorOptions) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    codeURL: `${origin}/api/sso/oauth_code`,
    authorizationURL: `${origin}/loginAuth`,
    tokenURL: `${origin}/api/sso/oauth_code`,
    userProfileURL: `${origin}/api/sso/userInfo`,
  }
}

/** A code of step 1 belongs to the app, and to no user yet. */
const NOBODY = { user: { id: '', name: '' }, scope: [], redirectURI: '' }

function provider(_origin: string, settings: Settings & BbscloudEmulatorOptions): Provider {
  const ledger = new Ledger(settings, { code: 600, access: 300 })
  const typed = (value: number) => (settings.errorType === 'string' ? String(value) : value)

  function oauthCode(call: Call): Reply {
    if (mediaType(call) !== 'application/json') return noCode('请求的编码格式不正确')
    const { client_id, client_secret, response_type } = jsonOf(call)
    if (client_id !== settings.clientID || client_secret !== settings.clientSecret) {
      return noCode('client_id或client_secret不正确')
    }
    if (response_type !== 'code') return noCode('response_type不正确')
    return { json: { type: typed(1), data: ledger.issueCode({ ...NOBODY }, hex(16)), description: '' } }
  }

  function noCode(description: string): Reply {
    return { json: { type: typed(0), data: null, description } }
  }

  const authorize = consentRoutes('/loginAuth', settings, ({ query }) => {
    const wrong = (why: string) => errorPage(400, 'BBScloud', 'error', why)
    const redirectURI = query.get('redirect_uri') ?? ''
    const code = query.get('code') ?? ''
    const state = query.get('state') ?? undefined
    if (repeated(query)) return wrong('参数重复')
    if (query.get('client_id') !== settings.clientID) return wrong('应用不存在')
    if (query.get('response_type') !== 'code') return wrong('response_type 错误')
    if (ledger.lookUpCode(code)?.state !== 'fresh') return wrong('code 无效')
    if (!isSafeDomain(redirectURI)) return wrong('回调域名不在安全域名内')
    return {
      provider: 'BBScloud',
      clientID: settings.clientID,
      scope: [],
      agree: (user) => {
        ledger.useCode(code)
        return deliver(redirectURI, ledger.issueAccess({ user, scope: [], redirectURI }, hex(24).toUpperCase()), state)
      },
      // Undocumented: the simplest that a site could do.
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  /** Only the domain is registered; scheme, path and query are free. */
  function isSafeDomain(redirectURI: string): boolean {
    if (!/^https?:\/\//.test(redirectURI) || !URL.canParse(redirectURI)) return false
    const { host, hostname } = new URL(redirectURI)
    const domain = (known: string) => (URL.canParse(known) && known.includes('://') ? new URL(known).host : known)
    return settings.redirectURIs?.some((known) => [host, hostname].includes(domain(known))) ?? true
  }

  function deliver(redirectURI: string, token: string, state: string | undefined): string {
    const bare = redirectURI.split('?', 1)[0] ?? redirectURI
    switch (settings.callbackStyle ?? 'merge') {
      case 'merge':
        return withParams(redirectURI, { token })
      case 'echo':
        return withParams(redirectURI, { token, state })
      case 'append':
        return `${redirectURI}?token=${token}`
      case 'append-echo':
        return `${redirectURI}?token=${token}&state=${encodeURIComponent(state ?? '')}`
      case 'drop':
        return withParams(bare, { token })
      case 'drop-echo':
        return withParams(bare, { token, state })
    }
  }

  /** Takes the token in the query: it is unknown how a GET could carry the documented multipart form. */
  function userInfo(call: Call): Reply {
    const grant = holderOf(repeated(call.query) ? null : call.query.get('access_token'))
    if (!('user' in grant)) return grant
    const { id, name, email = '', mobile = '18888888888', avatar } = grant.user
    return { json: { error: typed(0), id, userName: name, accountEmail: email, accountMobile: mobile, avatar } }
  }

  function holderOf(token: string | null | undefined): Grant | Reply {
    const refusal = { json: { error: typed(-2), error_description: '调用接口凭证无效' } }
    return ledger.accessGrant(token ?? undefined) ?? refusal
  }

  return {
    ledgers: [ledger],
    holder: (call) => holderOf(call.query.get('access_token') ?? bearerOf(call)),
    routes: [
      ...authorize,
      { method: 'POST', path: '/api/sso/oauth_code', endpoint: 'code', handle: oauthCode },
      { method: 'GET', path: '/api/sso/userInfo', endpoint: 'profile', handle: userInfo },
    ],
    refuse: (endpoint, _status, code) =>
      endpoint === 'code'
        ? { type: typed(Number(code ?? 0)), data: null, description: '模拟器拒绝' }
        : { error: typed(Number(code ?? -2)), error_description: '模拟器拒绝' },
  }
}

export const bbscloud = {
  title: 'BBScloud',
  users: USERS,
  own: {
    redirectURIs: 'list',
    callbackStyle: ['merge', 'append', 'echo', 'append-echo', 'drop', 'drop-echo'],
    errorType: ['number', 'string'],
  },
  options,
  provider,
} satisfies EmulatorKind<BbscloudEmulatorOptions>
