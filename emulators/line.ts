import { consentRoutes, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { IdTokenKeys } from './id-token'
import { type Grant, hex, Ledger } from './ledger'
import { ISSUER, idTokenCheck, requestId, requestProblem } from './line-checks'
import { refusalPage } from './page'
import { s256 } from './pkce'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, type Route, repeated } from './server'
import type { Settings } from './settings'
import type { Why } from './texts'
import type { EmulatorUser } from './types'

/** The options of the LINE emulator besides the shared ones. */
export interface LineEmulatorOptions {
  /**
   * How id_tokens are signed: `HS256` with the channel secret, as for web logins, or `ES256` with a key of the key set, as
   * for native apps. Default `HS256`.
   */
  idTokenAlg?: 'HS256' | 'ES256'
  /** Whether error codes at the callback are in lower or upper case; the documentation has both. Default `small`. */
  denialCase?: 'small' | 'capitals'
  /** The value of `friendship_status_changed` in the callback after `bot_prompt`. Default `true`. */
  friendshipChanged?: 'true' | 'false' | 'none'
  /** The channel has no permission for e-mail addresses: none is sent, without an error. */
  withoutEmailPermission?: boolean
  /** Without it, each JSON response has one undocumented member, because LINE says that responses may get new ones. */
  exactMembers?: boolean
}

/**
 * LINE Login v2.1 on the web, from developers.line.biz/en/reference/line-login and
 * developers.line.biz/en/docs/line-login/integrate-line-login (read 2026-11-25).
 */
const USERS: EmulatorUser[] = [
  {
    id: 'U4af4980629b1c7e1a2d3f5b6c7d8e9f0',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://profile.line-scdn.example/zhangsan',
  },
  { id: 'U00112233445566778899aabbccddeeff', name: 'Ada Lovelace' },
  { id: 'U8189cf6745fc0d808977bdb0b9f22995', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  {
    id: 'Udeadbeef0123456789abcdef01234567',
    name: '欧阳若曦',
    email: 'ouyang@example.com',
    avatar: 'https://profile.line-scdn.example/ouyang',
  },
]

const TOKEN = '/oauth2/v2.1/token'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/oauth2/v2.1/authorize`,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    userProfileURL: `${origin}/v2/profile`,
    revokeURL: `${origin}/oauth2/v2.1/revoke`,
    jwksURL: `${origin}/oauth2/v2.1/certs`,
  }
}

const DAY = 24 * 3600

function provider(_origin: string, settings: Settings & LineEmulatorOptions): Provider {
  const { clientID, clientSecret, idTokenAlg = 'HS256', friendshipChanged = 'true', denialCase } = settings
  const ledger = new Ledger(settings, { code: 600, access: 30 * DAY, refresh: 90 * DAY })
  const keys = new IdTokenKeys('ES256')

  const authorize = consentRoutes('/oauth2/v2.1/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const wrong = (why: Why) => refusalPage(400, 'LINE', '400 Bad Request', why)
    const twice = repeated(query)
    if (twice) return wrong((texts) => texts.wrong.repeated(twice))
    if (query.get('client_id') !== clientID) return wrong('Invalid client_id value.')
    if (!redirectURI || !isCallbackURL(redirectURI, settings)) {
      return wrong('Invalid redirect_uri value. Check if it is registered in a LINE developers site.')
    }
    if (!state || !/^[A-Za-z0-9_-]+$/.test(state)) return wrong('Invalid state value.')
    const back = (params: Record<string, string | undefined>) => withParams(redirectURI, { ...params, state })
    const refuse = (error: string, error_description: string) => ({
      location: back({ error: denialCase === 'capitals' ? error.toUpperCase() : error, error_description }),
    })
    const problem = requestProblem(query)
    if (problem) return refuse(...problem)
    const scope = (query.get('scope') ?? '').split(' ')
    const changed = query.has('bot_prompt') && friendshipChanged !== 'none' ? friendshipChanged : undefined
    const challenge = query.get('code_challenge') ?? undefined
    const nonce = query.get('nonce') ?? undefined
    return {
      provider: 'LINE',
      accent: '#057a3f',
      clientID,
      scope,
      agree: (user) => {
        const code = ledger.issueCode({ user, scope, redirectURI, challenge, nonce }, hex(10))
        return back({ code, friendship_status_changed: changed })
      },
      deny: () => refuse('access_denied', 'The resource owner denied the request.').location,
    }
  })

  function token(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM) return refused('invalid_request', 'content type must be a form')
    const twice = repeated(form)
    if (twice) return refused('invalid_request', `${twice} is repeated`)
    const problem = clientProblem(call, form)
    if (problem) return problem
    const grantType = form.get('grant_type')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    if (grantType === 'authorization_code') return exchanged(form)
    return refused('unsupported_grant_type', 'unsupported grant_type')
  }

  /** The secret is accepted only in the body; Basic is not documented. */
  function clientProblem({ headers }: Call, form: URLSearchParams): Reply | undefined {
    if (!form.get('client_id')) return refused('invalid_request', 'client_id is missing')
    if (headers.authorization !== undefined || form.get('client_id') !== clientID) {
      return refused('invalid_client', 'invalid client_id')
    }
    return form.get('client_secret') === clientSecret ? undefined : refused('invalid_client', 'invalid client_secret')
  }

  function exchanged(form: URLSearchParams): Reply {
    const code = form.get('code')
    const redirectURI = form.get('redirect_uri')
    if (!code || !redirectURI) return refused('invalid_request', 'code and redirect_uri are required')
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('invalid_grant', 'invalid authorization code')
    const { grant } = found
    if (redirectURI !== grant.redirectURI) return refused('invalid_grant', 'redirect_uri does not match')
    const verifier = form.get('code_verifier')
    if (verifier !== null && !/^[\w.~-]{43,128}$/.test(verifier)) {
      return refused('invalid_request', 'code_verifier must have 43 to 128 characters')
    }
    const proof = verifier === null ? undefined : s256(verifier)
    if (proof !== grant.challenge) return refused('invalid_grant', 'code_verifier does not match')
    ledger.useCode(code)
    const refresh_token = ledger.issueRefresh(grant, tokenOf(20))
    const id_token = grant.scope.includes('openid') ? idToken(grant) : undefined
    return granted(grant, { refresh_token, id_token })
  }

  /** The refresh token stays the same, with its first expiry; a refresh returns no id_token. */
  function refreshed(refresh_token: string | null): Reply {
    const grant = ledger.refreshGrant(refresh_token ?? undefined)
    return grant ? granted(grant, { refresh_token }) : refused('invalid_grant', 'invalid refresh token')
  }

  /** `scope` never has `email`, granted or not. */
  function granted(grant: Grant, more: object): Reply {
    const scope = grant.scope.filter((name) => name !== 'email').join(' ')
    const access_token = ledger.issueAccess(grant, tokenOf(160))
    return { json: { access_token, expires_in: ledger.accessSeconds, token_type: 'Bearer', scope, ...more } }
  }

  function idToken({ user: { id, name, avatar, email }, scope, nonce }: Grant): string | undefined {
    const claims = { iss: ISSUER, sub: id, aud: clientID, nonce, amr: ['linesso'] }
    const shown = scope.includes('profile') ? { name, picture: avatar } : {}
    const mail = scope.includes('email') && !settings.withoutEmailPermission ? { email } : {}
    return keys.issue({ ...claims, ...shown, ...mail }, 3600, idTokenAlg === 'HS256' ? clientSecret : undefined)
  }

  /** An API call that requires a scope. */
  function api(scope: string, show: (user: EmulatorUser) => object): (call: Call) => Reply {
    return (call) => {
      const grant = holder(call)
      if (!('user' in grant)) return grant
      if (grant.scope.includes(scope)) return { json: show(grant.user) }
      return { status: 403, json: { message: `The access token lacks the scope ${scope}` } }
    }
  }

  function holder(call: Call): Grant | Reply {
    const token = bearerOf(call)
    if (token === undefined) return { status: 401, json: { message: 'Authentication failed' } }
    return ledger.accessGrant(token) ?? { status: 401, json: { message: 'The access token is invalid or expired' } }
  }

  function checkAccessToken({ query }: Call): Reply {
    const grant = ledger.accessGrant(query.get('access_token') ?? undefined)
    if (!grant) return refused('invalid_request', 'access token expired')
    return { json: { scope: grant.scope.join(' '), client_id: clientID, expires_in: ledger.accessSeconds } }
  }

  /** The token is called `access_token` here. */
  function revoke(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM || repeated(form)) return refused('invalid_request', 'content type must be a form')
    const problem = clientProblem(call, form)
    if (problem) return problem
    const token = form.get('access_token')
    if (!token) return refused('invalid_request', 'access_token is missing')
    const grant = ledger.accessGrant(token)
    if (grant) grant.revoked = true
    return { status: 200 }
  }

  /** Adds what every response of LINE has. */
  function asEver(route: Route): Route {
    const handle = (call: Call): Reply | undefined => {
      const reply = route.handle(call)
      if (!reply || reply.html) return reply
      const grown = settings.exactMembers || route.endpoint === 'keys' ? {} : { emulator_extra: 'ignore me' }
      const json = reply.json === undefined ? {} : { json: { ...Object(reply.json), ...grown } }
      return { ...reply, headers: { ...reply.headers, 'x-line-request-id': requestId() }, ...json }
    }
    return { ...route, handle }
  }

  const userInfo = api('openid', ({ id, name, avatar }) => ({ sub: id, name, picture: avatar }))
  const routes: Route[] = [
    ...authorize,
    { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
    { method: 'GET', path: '/oauth2/v2.1/certs', endpoint: 'keys', handle: () => keys.keySet() },
    {
      method: 'GET',
      path: '/v2/profile',
      endpoint: 'profile',
      handle: api('profile', ({ id, name, avatar }) => ({ userId: id, displayName: name, pictureUrl: avatar })),
    },
    { method: 'GET', path: '/oauth2/v2.1/userinfo', endpoint: 'profile', handle: userInfo },
    { method: 'POST', path: '/oauth2/v2.1/userinfo', endpoint: 'profile', handle: userInfo },
    {
      method: 'GET',
      path: '/friendship/v1/status',
      endpoint: 'request',
      handle: api('profile', () => ({ friendFlag: true })),
    },
    { method: 'GET', path: '/oauth2/v2.1/verify', endpoint: 'request', handle: checkAccessToken },
    {
      method: 'POST',
      path: '/oauth2/v2.1/verify',
      endpoint: 'request',
      handle: (call) => idTokenCheck(formOf(call), settings, keys),
    },
    { method: 'POST', path: '/oauth2/v2.1/revoke', endpoint: 'revoke', handle: revoke },
  ]
  return {
    routes: routes.map(asEver),
    ledgers: [ledger],
    idTokenKeys: keys,
    holder,
    essential: ['id_token', 'keys', 'userId'],
    refuse: (endpoint, status, code) => {
      if (endpoint === 'profile' || endpoint === 'request' || endpoint === 'keys') {
        return { message: code ?? (status >= 500 ? 'Internal server error' : 'The access token is invalid or expired') }
      }
      const usual = endpoint === 'refresh' ? 'invalid_grant' : 'invalid_client'
      const error = code ?? (status >= 500 ? 'server_error' : usual)
      return { error, error_description: 'refused by the emulator' }
    },
    refuseHeaders: () => ({ 'x-line-request-id': requestId() }),
  }
}

function refused(error: string, error_description: string): Reply {
  return { status: 400, json: { error, error_description } }
}

/** A registered URI, possibly with its own query. */
function isCallbackURL(redirectURI: string, { redirectURIs }: Settings): boolean {
  if (!/^https?:\/\//.test(redirectURI) || !URL.canParse(redirectURI) || redirectURI.includes('#')) return false
  const without = redirectURI.split('?', 1)[0]
  return redirectURIs?.some((known) => known === redirectURI || known === without) ?? true
}

/** With characters that a form must encode and a header must not contain. */
function tokenOf(bytes: number): string {
  return `${hex(bytes / 2)}+at/${hex(bytes / 2)}==`
}

export const line = {
  title: 'LINE',
  users: USERS,
  own: {
    idTokenAlg: ['HS256', 'ES256'],
    denialCase: ['small', 'capitals'],
    friendshipChanged: ['true', 'false', 'none'],
    withoutEmailPermission: 'flag',
    exactMembers: 'flag',
  },
  options,
  provider,
} satisfies EmulatorKind<LineEmulatorOptions>
