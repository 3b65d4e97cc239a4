import { consentRoutes, isRegistered, type Settings, withParams } from './authorize'
import { errorPage } from './consent-page'
import { type Grant, hex, Ledger } from './ledger'
import { type Call, contentType, formOf, type Provider, type Reply, repeated } from './server'
import type { ClientOptions, EmulatorUser } from './types'

/** TAPD, user authorization: the document's pages and API on one origin. */
export const TAPD_USERS: EmulatorUser[] = [
  { id: '6081', name: '张三', username: 'zhangsan' },
  { id: '6082', name: 'Ada Lovelace', username: 'ada' },
]

export function tapdOptions(origin: string, { clientID, clientSecret }: Settings): ClientOptions {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/oauth/`,
    tokenURL: `${origin}/tokens/request_token`,
    refreshURL: `${origin}/tokens/refresh_token`,
    userProfileURL: `${origin}/users/info`,
  }
}

const SCOPE = /^[a-z_]+(#[a-z_]+)?$/

export function tapd(_origin: string, settings: Settings): Provider {
  const ledger = new Ledger(settings.codeLifetime ?? 300, settings.accessTokenLifetime ?? 7200)
  const basic = `Basic ${Buffer.from(`${settings.clientID}:${settings.clientSecret}`).toString('base64')}`

  /** Faults of the authorization request stay on TAPD's own page. */
  const authorize = consentRoutes('/oauth/', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const twice = repeated(query)
    if (twice) return errorPage(400, 'TAPD', 'invalid_request', `参数 ${twice} 重复`)
    if (query.get('client_id') !== settings.clientID) return errorPage(400, 'TAPD', 'invalid_client', '应用不存在')
    if (!isRegistered(settings, redirectURI))
      return errorPage(400, 'TAPD', 'redirect_uri_mismatch', 'redirect_uri 不匹配')
    if (query.get('response_type') !== 'code')
      return errorPage(400, 'TAPD', 'unsupported_response_type', 'response_type 必须为 code')
    if (!state) return errorPage(400, 'TAPD', 'invalid_request', '参数 state 不能为空')
    if (query.get('auth_by') !== 'user') return errorPage(400, 'TAPD', 'invalid_request', 'auth_by 目前支持 user')
    const scope = (query.get('scope') ?? '').split(' ').filter((name) => name !== '')
    if (scope.length === 0 || !scope.every((name) => SCOPE.test(name)))
      return errorPage(400, 'TAPD', 'invalid_scope', 'scope 无效')
    return {
      provider: 'TAPD',
      scope,
      agree: (user) => {
        const code = ledger.issueCode({ user, scope, redirectURI }, hex(20))
        const resource = JSON.stringify(resourceOf(user)) + (settings.strayQuote ? "'" : '')
        return withParams(redirectURI, { code, state, resource })
      },
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  /** The user's id here is another than the one of users/info. */
  function resourceOf(user: EmulatorUser): object {
    if (settings.resource === 'workspace') return { type: 'workspace', workspace_id: 10104801 }
    return { type: 'user', user_id: `1000${user.id}`, company_id: '20003271', nick: user.username }
  }

  function clientProblem(call: Call): Reply | undefined {
    if (call.headers.authorization === undefined) return refused(422, 'basic auth info is required')
    if (call.headers.authorization !== basic) return refused(401, 'invalid_client: 401 Unauthorized')
    if (!contentType(call).startsWith('application/x-www-form-urlencoded'))
      return refused(422, 'grant_type is required')
    const twice = repeated(formOf(call))
    return twice ? refused(422, `${twice} is repeated`) : undefined
  }

  function requestToken(call: Call): Reply {
    const problem = clientProblem(call)
    if (problem) return problem
    const form = formOf(call)
    const extra = [...form.keys()].find((name) => !['grant_type', 'redirect_uri', 'code'].includes(name))
    if (extra) return refused(422, `unknown parameter ${extra}`)
    if (form.get('grant_type') !== 'authorization_code') return refused(422, 'grant_type is invalid')
    const code = form.get('code') ?? ''
    const grant = ledger.lookUpCode(code)
    if (!grant || grant.state === 'used')
      return refused(422, "The authorization code doesn't exist or is invalid for the client")
    if (grant.state === 'expired') return refused(-1, 'The authorization code has expired')
    if (grant.redirectURI !== form.get('redirect_uri'))
      return refused(422, 'The redirect URI is missing or do not match')
    const accessToken = ledger.issueAccess(grant, hex(20))
    ledger.useCode(code, accessToken)
    return issued(accessToken, grant)
  }

  function refreshToken(call: Call): Reply {
    const problem = clientProblem(call)
    if (problem) return problem
    const form = formOf(call)
    if (form.get('grant_type') !== 'refresh_token') return refused(422, 'grant_type is invalid')
    const old = form.get('refresh_token') ?? ''
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(422, 'Invalid refresh token')
    ledger.dropRefresh(old)
    return issued(ledger.issueAccess(grant, hex(20)), grant)
  }

  function issued(access_token: string, grant: Grant): Reply {
    const scope = `${[...grant.scope].reverse().join(' ')} ${grant.scope[0]} `
    const refresh_token = settings.refresh ? ledger.issueRefresh(grant, hex(20)) : undefined
    const resource = resourceOf(grant.user)
    const data = {
      access_token,
      expires_in: ledger.accessSeconds,
      token_type: 'Bearer',
      scope,
      refresh_token,
      resource,
      now: '2019-06-04 16:07:51',
    }
    return { json: { status: 1, data, info: 'success' } }
  }

  function usersInfo(call: Call): Reply {
    const grant = ledger.accessGrant(/^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1])
    if (call.headers.authorization === undefined) return refused(401, '401 Unauthorized')
    if (!grant) return refused(422, 'The access token provided is invalid')
    if (!grant.scope.includes('user')) return refused(403, 'scope limited')
    const { id, name, username, avatar } = grant.user
    const user = { id, nick: username, name, avatar, enabled: '1', status_id: '1', status_name: '在职' }
    const shapes = { object: user, wrapped: { User: user }, array: [user] }
    return { json: { status: 1, data: shapes[settings.userInfoShape ?? 'object'], info: 'success' } }
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: '/tokens/request_token', endpoint: 'token', handle: requestToken },
      { method: 'POST', path: '/tokens/refresh_token', endpoint: 'refresh', handle: refreshToken },
      { method: 'GET', path: '/users/info', endpoint: 'profile', handle: usersInfo },
    ],
    refuse: (_endpoint, status, code) => ({
      status: Number(code ?? (status === 200 ? 422 : status)),
      data: '',
      info: 'refused by the emulator',
      meta: { request_id: hex(8) },
    }),
    // Not an error, to anyone who looks at the status only.
    notFound: () => ({ json: { status: 1, data: 'Welcome to TAPD API', info: 'success' } }),
  }
}

function refused(status: number, info: string): Reply {
  return { status: Math.max(status, 200), json: { status, data: '', info, meta: { request_id: hex(8) } } }
}
