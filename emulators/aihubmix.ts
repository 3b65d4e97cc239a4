import { consentRoutes, isRegistered, isSecure, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, FORM, formOf, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import { TopupDesk } from './topup'
import type { EmulatorUser } from './types'

/** The options of the AIHubMix emulator besides the shared ones. */
export interface AihubmixEmulatorOptions {
  /** The bearer token of `POST /api/oauth_apps`. Default `developer-token`. */
  developerToken?: string
  /** The address that `topup` returns, to test how a client handles it. */
  topupURL?: string
  /** Leave the state out of a callback with an error; no document says whether it is there. Default false. */
  errorWithoutState?: boolean
}

/** AIHubMix: the page at docs.aihubmix.com/cn/api/Auth, on one origin. */
const USERS: EmulatorUser[] = [
  { id: '12345', name: '张三', username: '张三', email: 'zhangsan@example.com' },
  { id: '12346', name: 'Ada Lovelace', username: 'ada' },
  {
    id: '12347',
    name: "O'Brien <script>alert(1)</script>",
    username: "O'Brien <script>alert(1)</script>",
    email: "o'brien@example.com",
  },
  { id: '12348', name: '欧阳若曦', username: '欧阳若曦', email: 'ouyang@example.com' },
]

function options(origin: string, { clientID, clientSecret }: Settings & AihubmixEmulatorOptions) {
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

interface App {
  clientSecret: string
  /** The only redirect URI of an app that was registered here. */
  redirectURI?: string
}

function provider(origin: string, settings: Settings & AihubmixEmulatorOptions): Provider {
  const ledger = new Ledger(settings, { code: 600, access: 7200, refresh: 30 * 24 * 3600 })
  const topup = new TopupDesk(settings.users)
  const apps = new Map<string, App>([[settings.clientID, { clientSecret: settings.clientSecret }]])

  const authorize = consentRoutes('/api/oauth2/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const clientID = query.get('client_id') ?? ''
    const app = apps.get(clientID)
    const wrong = (error: string, what: string) => errorPage(400, 'AIHubMix', error, what)
    if (repeated(query)) return wrong('invalid_request', '参数重复')
    if (!app) return wrong('invalid_client', 'client_id')
    const registered = app.redirectURI === undefined ? settings : { ...settings, redirectURIs: [app.redirectURI] }
    // The page allows http for `localhost` only; tests and the example app use the loopback addresses.
    if (!isRegistered(registered, redirectURI) || !isSecure(redirectURI))
      return wrong('invalid_request', 'redirect_uri')
    if (!state) return wrong('invalid_request', 'state')
    const failed = (error: string) =>
      withParams(redirectURI, { error, state: settings.errorWithoutState ? undefined : state })
    if (query.get('response_type') !== 'code') return { location: failed('unsupported_response_type') }
    const scope = (query.get('scope') || 'profile').split(' ')
    if (!scope.every((name) => SCOPES.includes(name))) return { location: failed('invalid_scope') }
    return {
      provider: 'AIHubMix',
      clientID,
      scope,
      silent: query.get('auto_authorize') === 'true',
      agree: (user) =>
        withParams(redirectURI, { code: ledger.issueCode({ user, scope, redirectURI, clientID }), state }),
      deny: () => failed('access_denied'),
    }
  })

  /** The app's id and secret are accepted only in the body. */
  function token(call: Call): Reply {
    if (mediaType(call) !== FORM || call.headers.authorization !== undefined) return refused(400, 'invalid_request')
    const form = formOf(call)
    if (repeated(form)) return refused(400, 'invalid_request')
    const clientID = form.get('client_id') ?? ''
    const app = apps.get(clientID)
    if (!app || form.get('client_secret') !== app.clientSecret) return refused(401, 'invalid_client')
    const grantType = form.get('grant_type')
    if (!grantType) return refused(400, 'invalid_request')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'), clientID)
    if (grantType !== 'authorization_code') return refused(400, 'unsupported_grant_type')
    const code = form.get('code')
    const redirectURI = form.get('redirect_uri')
    if (!code || !redirectURI) return refused(400, 'invalid_request')
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh' || found.grant.clientID !== clientID || found.grant.redirectURI !== redirectURI) {
      return refused(400, 'invalid_grant')
    }
    ledger.useCode(code)
    return issued(found.grant, ledger.issueRefresh(found.grant, `refresh_${hex(16)}`))
  }

  function refreshed(old: string | null, clientID: string): Reply {
    if (!old) return refused(400, 'invalid_request')
    const grant = ledger.refreshGrant(old)
    if (grant?.clientID !== clientID) return refused(400, 'invalid_grant')
    if (settings.refreshStyle === 'omit') return issued(grant, undefined)
    if (settings.refreshStyle === 'repeat') return issued(grant, old)
    ledger.dropRefresh(old)
    return issued(grant, ledger.issueRefresh(grant, `refresh_${hex(16)}`))
  }

  function issued(grant: Grant, refresh_token: string | undefined): Reply {
    return {
      json: {
        access_token: ledger.issueAccess(grant),
        token_type: 'Bearer',
        expires_in: ledger.accessSeconds,
        refresh_token,
        scope: grant.scope.join(' '),
      },
    }
  }

  function userInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    const { id, name, username = name, email } = grant.user
    const user = {
      id: /^\d{1,15}$/.test(id) ? Number(id) : id,
      username,
      email,
      created_time: 1_640_995_200,
      status: 1,
    }
    if (!grant.scope.includes('balance')) return { json: user }
    return { json: { ...user, ...topup.balanceOf(grant.user) } }
  }

  function topupAddress(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    return { json: { topup_url: settings.topupURL ?? `${origin}${topup.addressOf(grant.user)}` } }
  }

  function holder(call: Call): Grant | Reply {
    return ledger.accessGrant(bearerOf(call)) ?? refused(401, 'invalid_token')
  }

  /** An app that is registered here can be used here. */
  function registerApp(call: Call): Reply {
    const expected = `Bearer ${settings.developerToken ?? 'developer-token'}`
    if (call.headers.authorization !== expected)
      return { status: 401, json: { success: false, message: '无权进行此操作' } }
    const { name, description, redirect_uri } = jsonOf(call)
    const isWhole = typeof name === 'string' && name !== '' && typeof redirect_uri === 'string'
    const isRight = isWhole && /^https?:/.test(redirect_uri) && URL.canParse(redirect_uri) && isSecure(redirect_uri)
    if (mediaType(call) !== 'application/json' || !isRight) {
      return { json: { success: false, message: '参数错误' } }
    }
    const client_id = `client_${hex(12)}`
    const client_secret = `secret_${hex(16)}`
    apps.set(client_id, { clientSecret: client_secret, redirectURI: redirect_uri })
    const data = {
      id: apps.size - 1,
      name,
      description,
      client_id,
      client_secret,
      redirect_uri,
      created_time: Math.floor(Date.now() / 1000),
    }
    return { json: { success: true, message: '应用创建成功', data } }
  }

  return {
    ledgers: [ledger],
    holder,
    routes: [
      ...authorize,
      {
        method: 'POST',
        path: '/api/oauth2/token',
        endpoint: 'token',
        refreshes: true,
        handle: token,
      },
      { method: 'GET', path: '/api/oauth2/userinfo', endpoint: 'profile', handle: userInfo },
      { method: 'GET', path: '/api/oauth2/topup', endpoint: 'request', handle: topupAddress },
      ...topup.routes,
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

export const aihubmix = {
  title: 'AIHubMix',
  users: USERS,
  own: {
    developerToken: 'text',
    topupURL: 'text',
    errorWithoutState: 'flag',
  },
  options,
  provider,
} satisfies EmulatorKind<AihubmixEmulatorOptions>
