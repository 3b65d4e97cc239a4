import { consentRoutes, isRegistered, isSecure, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { IdTokenKeys } from './id-token'
import { type Grant, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { s256 } from './pkce'
import { type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'
import { namesOf, vkUser } from './vk-user'
import { apiRefused, apiWords, statusOf, words } from './vk-words'

/** The options of the VK ID emulator besides the shared ones. */
export interface VkEmulatorOptions {
  /** Whether the callback has separate parameters, or everything as JSON in one parameter, `payload`. Default `plain`. */
  callback?: 'plain' | 'payload'
  /** What the token response does with the state of the token request. Default `echoed`. */
  echo?: 'echoed' | 'other' | 'missing'
  /** The HTTP status of VK ID's refusals; those of its API always have 200. Default `200`. */
  refusalStatus?: '200' | '4xx'
}

/**
 * VK ID, from id.vk.com/about/business/go/docs (api-integration/api-description, tokens/access-token) and from what
 * VKCOM/vkid-web-sdk sends (read 2026-11-25). `id.vk.com` and `api.vk.com` on one origin. VK documents neither the words
 * of its refusals nor their status, nor the claims of its id_token: inferred, as are that a mistake of the app stays on
 * VK's page, that a person may untick scopes, and that both `logout` and `revoke` end every token of the login.
 * `public_info` is not played.
 */
const USERS: EmulatorUser[] = [
  {
    id: '700000001',
    name: '张三',
    email: 'zhangsan@example.com',
    mobile: '79990000001',
    avatar: 'https://sun1.userapi.example/zhangsan.jpg',
  },
  { id: '700000002', name: 'Ada Lovelace' },
  { id: '700000003', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: '1', name: '欧阳若曦', email: 'ouyang@example.com', mobile: '79990000004' },
]

const AUTHORIZE = '/authorize'
const TOKEN = '/oauth2/auth'
const USER_INFO = '/oauth2/user_info'
const REVOKE = '/oauth2/revoke'

function options(origin: string, { clientID }: Settings) {
  return {
    clientID,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    revokeURL: origin + REVOKE,
    userProfileURL: origin + USER_INFO,
  }
}

/** The scopes of VK ID, and the rights of VK's API that an app can have. */
const SCOPES = [
  ...['vkid.personal_info', 'email', 'phone', 'friends', 'wall', 'groups', 'photos', 'video', 'docs', 'notes', 'pages'],
  ...['status', 'stories', 'notifications', 'stats', 'ads', 'market'],
]
const BASIC = 'vkid.personal_info'

/** The allowed values of `response_type`, `prompt` and the like. */
const VALUES: Record<string, RegExp> = {
  response_type: /^code$/,
  code_challenge: /^[\w-]{43}$/,
  prompt: /^(none|login|consent)$/,
  provider: /^(vkid|ok_ru|mail_ru)$/,
  lang_id: /^\d+$/,
  scheme: /^(light|dark)$/,
}
const REQUIRED = ['response_type', 'code_challenge']
const VERIFIER = /^[\w-]{43,128}$/
/** As observed (VKCOM/vkid-web-sdk#34). */
const BAD_VERIFIER = 'verifier is missing or invalid'
const DAY = 24 * 3600

function provider(_origin: string, settings: Settings & VkEmulatorOptions): Provider {
  const { clientID, callback = 'plain', echo = 'echoed', refusalStatus = '200' } = settings
  const ledger = new Ledger(settings, { code: 600, access: 3600, refresh: 180 * DAY })
  const keys = new IdTokenKeys()

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? ''
    const challenge = query.get('code_challenge') ?? ''
    const wrong = (error: string, what: string) => errorPage(400, 'VK ID', error, what)
    const twice = repeated(query)
    if (twice) return wrong('invalid_request', twice)
    if (query.get('client_id') !== clientID) return wrong('invalid_client', 'client_id')
    if (!isRegistered(settings, redirectURI) || !isSecure(redirectURI)) return wrong('invalid_request', 'redirect_uri')
    const bad = Object.keys(VALUES).find((name) => {
      const value = query.get(name)
      return value === null ? REQUIRED.includes(name) : !VALUES[name]?.test(value)
    })
    if (bad) return wrong('invalid_request', bad)
    if (!['s256', 'S256'].includes(query.get('code_challenge_method') ?? '')) {
      return wrong('invalid_request', 'Code challenge method is unsupported')
    }
    if (state.length < 32) return wrong('invalid_request', 'state')
    const asked = (query.get('scope') ?? BASIC).split(' ')
    if (!asked.every((name) => SCOPES.includes(name))) return wrong('invalid_scope', 'scope')
    const back = (params: Record<string, string>) => withParams(redirectURI, { ...params, state })
    // Nobody is logged in at an emulator.
    if (query.get('prompt') === 'none') return { location: back(words('login_required', 'User is not logged in')) }
    const scope = SCOPES.filter((name) => name === BASIC || asked.includes(name))
    return {
      provider: 'VK ID',
      accent: '#0062d6',
      clientID,
      scope,
      ticked: scope,
      agree: (user, chosen) => {
        // A user cannot untick what every app gets.
        const agreedTo = scope.filter((name) => name === BASIC || chosen.scope.includes(name))
        const device = secret(64)
        const grant = { user, scope: agreedTo, redirectURI, challenge, device }
        return calledBack(redirectURI, {
          code: ledger.issueCode(grant, token64()),
          expires_in: '600',
          device_id: device,
          state,
          ext_id: secret(48),
          type: 'code_v2',
        })
      },
      deny: () => back(words('access_denied', 'User denied access')),
    }
  })

  function calledBack(redirectURI: string, params: Record<string, string>): string {
    return withParams(redirectURI, callback === 'plain' ? params : { payload: JSON.stringify(params) })
  }

  function token(call: Call): Reply {
    const params = paramsOf(call)
    const grantType = params?.get('grant_type')
    if (!params || !grantType) return refused('invalid_request')
    if (!['authorization_code', 'refresh_token'].includes(grantType)) return refused('unsupported_grant_type')
    const isRefresh = grantType === 'refresh_token'
    const own = isRefresh ? ['refresh_token'] : ['code', 'code_verifier', 'redirect_uri']
    const absent = ['client_id', 'device_id', 'state', ...own].find((name) => !params.get(name))
    if (absent === 'code_verifier') return refused('invalid_request', BAD_VERIFIER)
    if (absent) return refused('invalid_request', `${absent} is missing`)
    if (params.get('client_id') !== clientID) return refused('invalid_client')
    return isRefresh ? refreshed(params) : exchanged(params)
  }

  /** Its state is the app's own text and comes back; it is not compared with that of the start. */
  function exchanged(params: URLSearchParams): Reply {
    const verifier = params.get('code_verifier') ?? ''
    if (!VERIFIER.test(verifier)) return refused('invalid_request', BAD_VERIFIER)
    const code = params.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('invalid_grant')
    const { grant } = found
    if (params.get('device_id') !== grant.device) return refused('invalid_grant', 'device_id is incorrect')
    if (params.get('redirect_uri') !== grant.redirectURI) return refused('invalid_grant', 'redirect_uri is incorrect')
    const challenge = s256(verifier)
    if (challenge !== grant.challenge) return refused('invalid_request', BAD_VERIFIER)
    ledger.useCode(code)
    const { id } = grant.user
    const id_token = keys.issue({ iss: 'VK', aud: clientID, sub: id, jti: secret(12) }, ledger.accessSeconds)
    return { json: { ...issued(grant, params), id_token } }
  }

  function refreshed(params: URLSearchParams): Reply {
    const old = params.get('refresh_token') ?? ''
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused('invalid_grant', 'refresh_token is invalid or expired')
    if (params.get('device_id') !== grant.device) return refused('invalid_grant', 'device_id is incorrect')
    ledger.dropRefresh(old)
    return { json: issued(grant, params) }
  }

  function issued(grant: Grant, params: URLSearchParams) {
    const state = { echoed: params.get('state'), other: secret(32), missing: undefined }[echo]
    return {
      access_token: ledger.issueAccess(grant, token64()),
      refresh_token: ledger.issueRefresh(grant, token64()),
      token_type: 'Bearer',
      expires_in: ledger.accessSeconds,
      user_id: Number(grant.user.id),
      state: state ?? undefined,
      scope: grant.scope.join(' '),
    }
  }

  /** The grant of the form's token, or the refusal; a header is ignored. */
  function grantOf(call: Call): Grant | Reply {
    const params = paramsOf(call)
    const absent = ['client_id', 'access_token'].find((name) => !params?.get(name))
    if (!params || absent) return refused('invalid_request', `${absent ?? 'a form'} is missing`)
    if (params.get('client_id') !== clientID) return refused('invalid_client')
    return ledger.accessGrant(params.get('access_token') ?? undefined) ?? refused('invalid_token')
  }

  function userInfo(call: Call): Reply {
    const grant = grantOf(call)
    return 'user' in grant ? { json: { user: vkUser(grant) } } : grant
  }

  function end(call: Call): Reply {
    const grant = grantOf(call)
    if (!('user' in grant)) return grant
    grant.revoked = true
    return { json: { response: 1 } }
  }

  function refused(error: string, description?: string): Reply {
    return { status: refusalStatus === '200' ? 200 : statusOf(error), json: words(error, description) }
  }

  /** VK's API, whose refusals have numbers. */
  function usersGet(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (!/^5\.\d+$/.test(apiParam(call, 'v') ?? '')) return apiRefused(8)
    const { id, name } = grant.user
    return { json: { response: [{ id: Number(id), ...namesOf(name) }] } }
  }

  function holder(call: Call): Grant | Reply {
    const token = apiParam(call, 'access_token')
    if (!token) return apiRefused(5, 'User authorization failed: no access_token passed.')
    return ledger.accessGrant(token) ?? apiRefused(5)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'POST', path: USER_INFO, endpoint: 'profile', handle: userInfo },
      { method: 'POST', path: '/oauth2/logout', endpoint: 'revoke', handle: end },
      { method: 'POST', path: REVOKE, endpoint: 'revoke', handle: end },
      { method: '*', path: '/method/users.get', endpoint: 'request', handle: usersGet },
    ],
    ledgers: [ledger],
    holder,
    refuse: (endpoint, status, code) => {
      if (endpoint === 'request') return apiWords(Number(code ?? API_FAULTS[status] ?? (status >= 500 ? 10 : 5)))
      if (code !== undefined || status >= 500) return words(code ?? 'server_error')
      if (status === 429) return words('slow_down')
      if (endpoint === 'refresh') return words('invalid_grant', 'refresh_token is invalid or expired')
      if (endpoint === 'token') return words('invalid_client')
      return words(status === 403 ? 'invalid_scope' : 'invalid_token')
    },
  }
}

const API_FAULTS: Record<number, number> = { 403: 7, 429: 6 }

/** From query and body together, as VK's SDK uses both; `undefined` if one is repeated or the body is not a form. */
function paramsOf(call: Call): URLSearchParams | undefined {
  if (call.body !== '' && mediaType(call) !== FORM) return undefined
  const params = new URLSearchParams([...call.query, ...formOf(call)])
  return repeated(params) ? undefined : params
}

function apiParam(call: Call, name: string): string | null {
  return call.query.get(name) ?? (mediaType(call) === FORM ? formOf(call).get(name) : null)
}

function token64(): string {
  return `vk2.a.${secret(96)}`
}

export const vk = {
  title: 'VK ID',
  users: USERS,
  own: {
    callback: ['plain', 'payload'],
    echo: ['echoed', 'other', 'missing'],
    refusalStatus: ['200', '4xx'],
  },
  options,
  provider,
} satisfies EmulatorKind<VkEmulatorOptions>
