import { consentRoutes, isRegistered, type Settings, withParams } from './authorize'
import { errorPage } from './consent-page'
import { type Grant, hex, Ledger } from './ledger'
import { type Call, contentType, formOf, type Provider, type Reply, repeated } from './server'
import type { ClientOptions, EmulatorUser } from './types'

/** AIHubMix: the page at docs.aihubmix.com/cn/api/Auth, on one origin. */
export const AIHUBMIX_USERS: EmulatorUser[] = [
  { id: '12345', name: '张三', username: '张三', email: 'zhangsan@example.com' },
  { id: '12346', name: 'Ada Lovelace', username: 'ada' },
]

export function aihubmixOptions(origin: string, { clientID, clientSecret }: Settings): ClientOptions {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/api/oauth2/authorize`,
    tokenURL: `${origin}/api/oauth2/token`,
    refreshURL: `${origin}/api/oauth2/token`,
    userProfileURL: `${origin}/api/oauth2/userinfo`,
    topupURL: `${origin}/api/oauth2/topup`,
  }
}

const SCOPES = ['profile', 'balance']

export function aihubmix(origin: string, settings: Settings): Provider {
  const ledger = new Ledger(settings.codeLifetime ?? 600, settings.accessTokenLifetime ?? 7200)
  let applications = 0

  const authorize = consentRoutes('/api/oauth2/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const wrong = (error: string, what: string) => errorPage(400, 'AIHubMix', error, what)
    if (query.get('client_id') !== settings.clientID) return wrong('invalid_client', 'client_id')
    if (!isRegistered(settings, redirectURI)) return wrong('invalid_request', 'redirect_uri')
    if (repeated(query)) return wrong('invalid_request', '参数重复')
    if (!state) return wrong('invalid_request', 'state')
    const back = (params: Record<string, string>) => withParams(redirectURI, { ...params, state })
    if (query.get('response_type') !== 'code') return { location: back({ error: 'unsupported_response_type' }) }
    const scope = (query.get('scope') ?? 'profile').split(' ')
    if (!scope.every((name) => SCOPES.includes(name))) return { location: back({ error: 'invalid_scope' }) }
    return {
      provider: 'AIHubMix',
      scope,
      silent: query.get('auto_authorize') === 'true',
      agree: (user) => back({ code: ledger.issueCode({ user, scope, redirectURI }) }),
      deny: () => back({ error: 'access_denied' }),
    }
  })

  function token(call: Call): Reply {
    if (!contentType(call).startsWith('application/x-www-form-urlencoded')) return refused(400, 'invalid_request')
    const form = formOf(call)
    if (repeated(form)) return refused(400, 'invalid_request')
    if (form.get('client_id') !== settings.clientID || form.get('client_secret') !== settings.clientSecret)
      return refused(401, 'invalid_client')
    if (form.get('grant_type') === 'refresh_token') {
      const old = form.get('refresh_token') ?? ''
      const grant = ledger.refreshGrant(old)
      if (!grant) return refused(400, 'invalid_grant')
      ledger.dropRefresh(old)
      return issued(ledger.issueAccess(grant), grant)
    }
    if (form.get('grant_type') !== 'authorization_code') return refused(400, 'unsupported_grant_type')
    const code = form.get('code') ?? ''
    const grant = ledger.lookUpCode(code)
    if (grant?.state !== 'fresh' || form.get('redirect_uri') !== grant.redirectURI) return refused(400, 'invalid_grant')
    const accessToken = ledger.issueAccess(grant)
    ledger.useCode(code, accessToken)
    return issued(accessToken, grant)
  }

  function issued(access_token: string, grant: Grant): Reply {
    const refresh_token = ledger.issueRefresh(grant, `refresh_${hex(16)}`)
    return {
      json: {
        access_token,
        token_type: 'Bearer',
        expires_in: ledger.accessSeconds,
        refresh_token,
        scope: grant.scope.join(' '),
      },
    }
  }

  function bearer(call: Call): Grant | undefined {
    return ledger.accessGrant(/^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1])
  }

  function userInfo(call: Call): Reply {
    const grant = bearer(call)
    if (!grant) return refused(401, 'invalid_token')
    const { id, name, username = name, email } = grant.user
    const user = {
      id: /^\d{1,15}$/.test(id) ? Number(id) : id,
      username,
      email,
      created_time: 1_640_995_200,
      status: 1,
    }
    if (!grant.scope.includes('balance')) return { json: user }
    return { json: { ...user, quota: 1_000_000, used_quota: 250_000, balance_formatted: '750.00' } }
  }

  function topup(call: Call): Reply {
    const grant = bearer(call)
    return grant ? { json: { topup_url: `${origin}/topup?user=${grant.user.id}` } } : refused(401, 'invalid_token')
  }

  function registerApp(call: Call): Reply {
    const expected = `Bearer ${settings.developerToken ?? 'developer-token'}`
    if (call.headers.authorization !== expected)
      return { status: 401, json: { success: false, message: '无权进行此操作' } }
    const { name, description, redirect_uri } = parse(call.body)
    if (typeof name !== 'string' || typeof redirect_uri !== 'string' || !URL.canParse(redirect_uri)) {
      return { json: { success: false, message: '参数错误' } }
    }
    applications++
    const data = {
      id: applications,
      name,
      description,
      client_id: `client_${hex(12)}`,
      client_secret: `secret_${hex(16)}`,
      redirect_uri,
      created_time: Math.floor(Date.now() / 1000),
    }
    return { json: { success: true, message: '应用创建成功', data } }
  }

  return {
    routes: [
      ...authorize,
      {
        method: 'POST',
        path: '/api/oauth2/token',
        endpoint: (call) => (formOf(call).get('grant_type') === 'refresh_token' ? 'refresh' : 'token'),
        handle: token,
      },
      { method: 'GET', path: '/api/oauth2/userinfo', endpoint: 'profile', handle: userInfo },
      { method: 'GET', path: '/api/oauth2/topup', endpoint: 'request', handle: topup },
      { method: 'POST', path: '/api/oauth_apps', endpoint: 'request', handle: registerApp },
    ],
    refuse: (endpoint, status, code) => {
      if (status === 200 && code === undefined) return { success: false, message: '模拟器拒绝' }
      const byCall = endpoint === 'profile' || endpoint === 'request' ? 'invalid_token' : 'invalid_client'
      return { error: code ?? (status >= 500 ? 'server_error' : byCall) }
    },
  }
}

function refused(status: number, error: string): Reply {
  return { status, json: { error } }
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
