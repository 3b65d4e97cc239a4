import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/**
 * Gitee, as four independent clients use it (read 2026-11-25); its own page is gitee.com/api/v5/oauth_doc. Errors
 * follow RFC 6749 §5.2; those of the API are in `message`.
 */
const USERS: EmulatorUser[] = [
  {
    id: '1048576',
    name: '张三',
    username: 'zhangsan',
    email: 'zhangsan@example.com',
    avatar: 'https://gitee.example/zhangsan.png',
  },
  { id: '1048577', name: 'Ada Lovelace', username: 'ada' },
  { id: '1048578', name: "O'Brien <script>alert(1)</script>", username: 'obrien', email: 'obrien@example.com' },
  { id: '1048579', name: '欧阳若曦', username: 'ouyang', email: 'ouyang@example.com' },
]

const TOKEN = '/oauth/token'
const USER = '/api/v5/user'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/oauth/authorize`,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    userProfileURL: origin + USER,
  }
}

/** The scopes that an app can have. */
const SCOPES = [
  'user_info',
  'projects',
  'pull_requests',
  'issues',
  'notes',
  'keys',
  'hook',
  'groups',
  'gists',
  'enterprises',
  'emails',
]

const DAY = 24 * 3600

function provider(_origin: string, settings: Settings): Provider {
  const ledger = new Ledger(settings, { code: 600, access: DAY, refresh: 365 * DAY })

  /** RFC 6749 §4.1.2.1: no redirect for an unknown client or an unregistered redirect URI. */
  const authorize = consentRoutes('/oauth/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const wrong = (status: number, error: string, why: string) => errorPage(status, 'Gitee', error, why)
    const twice = repeated(query)
    if (twice) return wrong(400, 'invalid_request', `参数 ${twice} 重复`)
    if (query.get('client_id') !== settings.clientID) return wrong(401, 'invalid_client', WORDS.invalid_client)
    if (!isRegistered(settings, redirectURI)) return wrong(400, 'invalid_redirect_uri', '无效的登录回调地址')
    const back = (params: Record<string, string>) => withParams(redirectURI, { ...params, state })
    const refuse = (error: keyof typeof WORDS) => ({ location: back({ error, error_description: WORDS[error] }) })
    if (!query.get('response_type')) return refuse('invalid_request')
    if (query.get('response_type') !== 'code') return refuse('unsupported_response_type')
    const scope = (query.get('scope') || 'user_info').split(' ')
    if (!scope.every((name) => SCOPES.includes(name))) return refuse('invalid_scope')
    return {
      provider: 'Gitee',
      accent: '#c71d23',
      clientID: settings.clientID,
      scope,
      agree: (user) => back({ code: ledger.issueCode({ user, scope, redirectURI }, hex(32)) }),
      deny: () => refuse('access_denied').location,
    }
  })

  /** The app's id and secret are accepted only in the form. */
  function token(call: Call): Reply {
    if (mediaType(call) !== FORM) return refused(400, 'invalid_request')
    const form = formOf(call)
    if (repeated(form)) return refused(400, 'invalid_request')
    if (call.headers.authorization !== undefined || form.get('client_id') !== settings.clientID) {
      return refused(401, 'invalid_client')
    }
    if (form.get('client_secret') !== settings.clientSecret) return refused(401, 'invalid_client')
    const grantType = form.get('grant_type')
    if (!grantType) return refused(400, 'invalid_request')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    return grantType === 'authorization_code' ? exchanged(form) : refused(400, 'unsupported_grant_type')
  }

  function exchanged(form: URLSearchParams): Reply {
    const code = form.get('code')
    const redirectURI = form.get('redirect_uri')
    if (!code || !redirectURI) return refused(400, 'invalid_request')
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh' || redirectURI !== found.grant.redirectURI) return refused(400, 'invalid_grant')
    ledger.useCode(code)
    return issued(found.grant, ledger.issueRefresh(found.grant, hex(32)))
  }

  function refreshed(old: string | null): Reply {
    if (!old) return refused(400, 'invalid_request')
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(400, 'invalid_grant')
    if (settings.refreshStyle === 'omit') return issued(grant, undefined)
    if (settings.refreshStyle === 'repeat') return issued(grant, old)
    ledger.dropRefresh(old)
    return issued(grant, ledger.issueRefresh(grant, hex(32)))
  }

  function issued(grant: Grant, refresh_token: string | undefined): Reply {
    return {
      json: {
        access_token: ledger.issueAccess(grant, hex(16)),
        token_type: 'bearer',
        expires_in: ledger.accessSeconds,
        refresh_token,
        scope: grant.scope.join(' '),
        created_at: Math.floor(Date.now() / 1000),
      },
    }
  }

  function userInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (!grant.scope.includes('user_info')) return { status: 403, json: { message: '403 Forbidden' } }
    const { id, name, username, email, avatar } = grant.user
    const login = username ?? `user_${id}`
    return {
      json: {
        id: Number(id),
        login,
        name,
        avatar_url: avatar ?? 'https://gitee.example/no_portrait.png',
        html_url: `https://gitee.example/${login}`,
        type: 'User',
        email: email ?? null,
      },
    }
  }

  function holder(call: Call): Grant | Reply {
    return ledger.accessGrant(bearerOf(call)) ?? { status: 401, json: { message: DEAD } }
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: USER, endpoint: 'profile', handle: userInfo },
    ],
    ledgers: [ledger],
    holder,
    refuse: (endpoint, status, code) => {
      if (endpoint === 'profile' || endpoint === 'request') return { message: code ?? (status >= 500 ? BROKEN : DEAD) }
      const error =
        code ?? (status >= 500 ? 'server_error' : endpoint === 'refresh' ? 'invalid_grant' : 'invalid_client')
      return { error, error_description: 'refused by the emulator' }
    },
  }
}

const DEAD = '401 Unauthorized: Access token does not exist'
const BROKEN = '500 Internal Server Error'

const WORDS = {
  access_denied: '用户或服务器拒绝了请求',
  invalid_client: '客户端身份验证失败',
  invalid_grant: '授权方式无效，或者登录回调地址无效、过期或已被撤销',
  invalid_request: '请求缺少必要的参数，或者参数有误',
  invalid_scope: '请求的权限范围无效或未知',
  unsupported_grant_type: '服务器不支持该授权方式',
  unsupported_response_type: '服务器不支持这种响应类型',
}

function refused(status: number, error: keyof typeof WORDS): Reply {
  return { status, json: { error, error_description: WORDS[error] } }
}

export const gitee = {
  title: 'Gitee',
  users: USERS,
  options,
  provider,
} satisfies EmulatorKind
