import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { entryRoute } from './entry'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorProject, EmulatorUser } from './types'

/** The options of the TAPD emulator besides the shared ones. */
export interface TapdEmulatorOptions {
  /** The site, which `options` pass on to the strategy; `cloud` has no refresh path. Default `internal`. */
  site?: 'internal' | 'cloud'
  /** Issue refresh tokens, as for an app where they are switched on. */
  refresh?: boolean
  /** What the `resource` of the token and the callback names. Default `user`. */
  resource?: 'user' | 'workspace'
  /** The projects to choose from on the consent page; with the site `cloud`, they are companies. */
  projects?: readonly EmulatorProject[]
  /** Send the stray quote that the documentation shows after the callback's `resource`. */
  strayQuote?: boolean
  /** How `users/info` wraps the user. Default `object`. */
  userInfoShape?: 'object' | 'wrapped' | 'array'
}

/** TAPD, user authorization: the document's pages and API on one origin. */
const USERS: EmulatorUser[] = [
  { id: '6081', name: '张三', username: 'zhangsan', avatar: 'https://file.tapd.example/zhangsan.png' },
  { id: '6082', name: 'Ada Lovelace', username: 'ada' },
  { id: '6083', name: "O'Brien <script>alert(1)</script>", username: "o'brien" },
  { id: '6084', name: '欧阳若曦', username: 'ouyang', avatar: 'https://file.tapd.example/ouyang.png' },
]

const PROJECTS = [
  { id: '10104801', name: '星火计划' },
  { id: '10104802', name: 'Website relaunch' },
  { id: '10104803', name: "R&D <b>'24</b>" },
]
/** The cloud has companies instead of projects. */
const COMPANIES = [
  { id: '20003271', name: '云启科技' },
  { id: '20003272', name: 'Acme Ltd' },
]

function options(origin: string, { clientID, clientSecret, site }: Settings & TapdEmulatorOptions) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/oauth/`,
    tokenURL: `${origin}/tokens/request_token`,
    refreshURL: `${origin}/tokens/refresh_token`,
    userProfileURL: `${origin}/users/info`,
    ...(site && { site }),
  }
}

const SCOPE = /^[a-z_]+(#[a-z_]+)?$/
const TWO_WEEKS = 14 * 24 * 3600

function provider(_origin: string, settings: Settings & TapdEmulatorOptions): Provider {
  const ledger = new Ledger(settings, { code: 300, access: 7200, refresh: TWO_WEEKS })
  const inCompanies = settings.site === 'cloud' && settings.resource !== 'workspace'
  const places = settings.projects ?? (inCompanies ? COMPANIES : PROJECTS)
  // The plain id and secret: they are not percent-encoded before Base64.
  const basic = Buffer.from(`${settings.clientID}:${settings.clientSecret}`).toString('base64')

  /** TAPD shows errors of the authorization request on its own page. */
  const authorize = consentRoutes('/oauth/', settings, ({ query }) => {
    const wrong = (error: string, why: string) => errorPage(400, 'TAPD', error, why)
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const twice = repeated(query)
    if (twice) return wrong('invalid_request', `参数 ${twice} 重复`)
    if (query.get('client_id') !== settings.clientID) return wrong('invalid_client', '应用不存在')
    if (!isRegistered(settings, redirectURI)) return wrong('redirect_uri_mismatch', 'redirect_uri 不匹配')
    if (query.get('response_type') !== 'code') return wrong('unsupported_response_type', 'response_type 必须为 code')
    if (!state) return wrong('invalid_request', '参数 state 不能为空')
    if (query.get('auth_by') !== 'user') return wrong('invalid_request', 'auth_by 目前支持 user')
    const scope = (query.get('scope') ?? '').split(' ').filter((name) => name !== '')
    if (scope.length === 0 || !scope.every((name) => SCOPE.test(name))) return wrong('invalid_scope', 'scope 无效')
    return {
      provider: 'TAPD',
      clientID: settings.clientID,
      scope,
      place: inCompanies
        ? { kind: 'company', options: places, first: places[0]?.id }
        : { kind: 'project', options: places, first: settings.resource === 'workspace' ? places[0]?.id : undefined },
      agree: (user, { place }) => {
        const code = ledger.issueCode({ user, scope, redirectURI, place }, hex(20))
        const resource = JSON.stringify(resourceOf({ user, place })) + (settings.strayQuote ? "'" : '')
        return withParams(redirectURI, { code, state, resource })
      },
      // Undocumented: the simplest that TAPD could do.
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  /** JSON text in the callback, an object with the token. Its user id differs from that of users/info. */
  function resourceOf({ user, place }: Pick<Grant, 'user' | 'place'>): object {
    if (place !== undefined && !inCompanies) return { type: 'workspace', workspace_id: Number(place) }
    return { type: 'user', user_id: `1000${user.id}`, company_id: place ?? COMPANIES[0]?.id, nick: user.username }
  }

  function clientProblem(call: Call, params: readonly string[]): Reply | undefined {
    const { authorization } = call.headers
    if (!authorization?.startsWith('Basic ')) return refused(422, 'basic auth info is required')
    if (authorization !== `Basic ${basic}`) return unauthorized('invalid_client: 401 Unauthorized')
    if (mediaType(call) !== FORM) return refused(422, 'grant_type is required')
    const form = formOf(call)
    const twice = repeated(form)
    if (twice) return refused(422, `${twice} is repeated`)
    const extra = [...form.keys()].find((name) => !params.includes(name))
    if (extra) return refused(422, `unknown parameter ${extra}`)
    const missing = params.find((name) => !form.get(name))
    return missing ? refused(422, `${missing} is required`) : undefined
  }

  function requestToken(call: Call): Reply {
    const form = formOf(call)
    const grantType = form.get('grant_type')
    const problem = clientProblem(call, ['grant_type', 'code', 'redirect_uri'])
    if (problem) return problem
    if (grantType !== 'authorization_code') return refused(422, 'grant_type is invalid')
    const code = form.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (!found || found.state === 'used') {
      return refused(422, "The authorization code doesn't exist or is invalid for the client")
    }
    if (found.state === 'expired') return refused(-1, 'The authorization code has expired')
    const { redirectURI } = found.grant
    const given = form.get('redirect_uri')
    if (redirectURI === undefined ? !isRegistered(settings, given) : redirectURI !== given) {
      return refused(422, 'The redirect URI is missing or do not match')
    }
    ledger.useCode(code)
    return issued(found.grant, settings.refresh ? ledger.issueRefresh(found.grant, hex(20)) : undefined)
  }

  /** For apps with refresh switched on, at its own path. */
  function refreshToken(call: Call): Reply {
    const problem = clientProblem(call, ['grant_type', 'refresh_token'])
    if (problem) return problem
    const form = formOf(call)
    if (form.get('grant_type') !== 'refresh_token') return refused(422, 'grant_type is invalid')
    const old = form.get('refresh_token') ?? ''
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(422, 'Invalid refresh token')
    if (settings.refreshStyle === 'omit') return issued(grant, undefined)
    if (settings.refreshStyle === 'repeat') return issued(grant, old)
    ledger.dropRefresh(old)
    return issued(grant, ledger.issueRefresh(grant, hex(20)))
  }

  function issued(grant: Grant, refresh_token: string | undefined): Reply {
    const data = {
      access_token: ledger.issueAccess(grant, hex(20)),
      expires_in: ledger.accessSeconds,
      token_type: 'Bearer',
      // In another order, one twice, with a trailing space: all this was observed.
      scope: `${[...grant.scope].reverse().join(' ')} ${grant.scope[0]} `,
      refresh_token,
      resource: resourceOf(grant),
      now: '2019-06-04 16:07:51',
    }
    return { json: { status: 1, data, info: 'success' } }
  }

  function usersInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (!grant.scope.includes('user')) return refused(403, 'scope limited')
    const { id, name, username, avatar = '' } = grant.user
    const user = { id, nick: username ?? name, name, avatar, enabled: '1', status_id: '1', status_name: '在职' }
    const shapes = { object: user, wrapped: { User: user }, array: [user] }
    return { json: { status: 1, data: shapes[settings.userInfoShape ?? 'object'], info: 'success' } }
  }

  /** 422 where others have 401, unless there is no token at all. */
  function holder(call: Call): Grant | Reply {
    if (call.headers.authorization === undefined) return unauthorized('401 Unauthorized')
    return ledger.accessGrant(bearerOf(call)) ?? refused(422, 'The access token provided is invalid')
  }

  /**
   * The silent login: a user who opens the app inside TAPD arrives with an unsolicited code. The redirect URI for its
   * exchange is undocumented: here the registered one, or any if none is registered.
   */
  function entryCode(user: EmulatorUser): string {
    return ledger.issueCode({ user, scope: ['user'] }, hex(20))
  }

  const refresh = { method: 'POST', path: '/tokens/refresh_token', endpoint: 'refresh', handle: refreshToken } as const
  return {
    ledgers: [ledger],
    holder,
    entryCode,
    routes: [
      ...authorize,
      entryRoute('TAPD', settings, entryCode),
      { method: 'POST', path: '/tokens/request_token', endpoint: 'token', handle: requestToken },
      ...(settings.site === 'cloud' ? [] : [refresh]),
      { method: 'GET', path: '/users/info', endpoint: 'profile', handle: usersInfo },
    ],
    refuse: (_endpoint, status, code) => ({
      status: Number(code ?? (status === 200 ? 422 : status)),
      data: '',
      info: 'refused by the emulator',
      meta: { request_id: hex(8) },
    }),
    // By its status, this is not an error.
    notFound: () => ({ json: { status: 1, data: 'Welcome to TAPD API', info: 'success' } }),
  }
}

function unauthorized(info: string): Reply {
  return { ...refused(401, info), headers: { 'www-authenticate': "Basic realm='TAPD API'" } }
}

/** The envelope's status is usually the response's own. */
function refused(status: number, info: string): Reply {
  return { status: Math.max(status, 200), json: { status, data: '', info, meta: { request_id: hex(8) } } }
}

export const tapd = {
  title: 'TAPD',
  users: USERS,
  own: {
    site: ['internal', 'cloud'],
    refresh: 'flag',
    resource: ['user', 'workspace'],
    projects: 'list',
    strayQuote: 'flag',
    userInfoShape: ['object', 'wrapped', 'array'],
  },
  options,
  provider,
} satisfies EmulatorKind<TapdEmulatorOptions>
