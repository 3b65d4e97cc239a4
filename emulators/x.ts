import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { s256 } from './pkce'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'
import { profileReply, xFields } from './x-user'
import { apiWords, invalidValue, limitHeaders, NO_HEADER, PROBLEM, problem, tokenWords } from './x-words'

/** The options of the X emulator besides the shared ones. */
export interface XEmulatorOptions {
  /** Whether the app has a secret, which is accepted only by Basic. Default `confidential`. */
  clientType?: 'confidential' | 'public'
  /** Whether the console lets the app request e-mail addresses. If false, `users.email` returns none. Default true. */
  requestEmail?: boolean
  /** How many profile requests are allowed per user and day; then HTTP 429. Default: no limit. */
  profileLimit?: number
  /** Whether `users/me` sends problems in `errors` on HTTP 200: beside the user, or instead of it. Default: none. */
  problems?: 'beside' | 'instead'
  /** The type of the user's id; as a number, it loses its last digits in JavaScript. Default `text`. */
  idType?: 'text' | 'number'
}

/**
 * X with OAuth 2.0, from docs.x.com, fundamentals/authentication/oauth-2-0/authorization-code and user-access-token
 * (read 2026-11-25). `x.com` and `api.x.com` on one origin, and the authorization page of `twitter.com`. Refusals of
 * the token endpoint are those that issues quote. Inferred: the list of fields, the response to an unknown one, and
 * that revoking one token ends the other of its login.
 */
const USERS: EmulatorUser[] = [
  {
    id: '1500000000000000001',
    name: '张三',
    username: 'zhangsan_example',
    email: 'zhangsan@example.com',
    avatar: 'https://pbs.twimg.example/profile_images/1/zhangsan_normal.jpg',
  },
  { id: '1500000000000000003', name: 'Ada Lovelace', username: 'ada_example' },
  {
    id: '1500000000000000005',
    name: "O'Brien <script>alert(1)</script>",
    username: 'obrien_example',
    email: 'obrien@example.com',
  },
  { id: '12', name: '欧阳若曦', username: 'ouyang_example', email: 'ouyang@example.com' },
]

const AUTHORIZE = '/i/oauth2/authorize'
const TOKEN = '/2/oauth2/token'
const REVOKE = '/2/oauth2/revoke'
const ME = '/2/users/me'

function options(origin: string, { clientID, clientSecret, clientType }: Settings & XEmulatorOptions) {
  const confidential = {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    revokeURL: origin + REVOKE,
    userProfileURL: origin + ME,
  }
  if (clientType !== 'public') return confidential
  const { clientSecret: _, ...open } = confidential
  return open as typeof confidential // typed for `XStrategy`, which is no public client
}

const THINGS = ['tweet', 'follows', 'mute', 'like', 'list', 'block', 'bookmark', 'dm']
const SCOPES = new Set([
  ...THINGS.flatMap((thing) => [`${thing}.read`, `${thing}.write`]),
  ...['users.read', 'users.email', 'offline.access', 'space.read', 'tweet.moderate.write', 'media.write'],
])

const DAY = 24 * 3600

function provider(_origin: string, settings: Settings & XEmulatorOptions): Provider {
  const { clientID, clientSecret } = settings
  const isPublic = settings.clientType === 'public'
  const ledger = new Ledger(settings, { code: 30, access: 7200, refresh: 182 * DAY })
  const calls = new Map<string, { left: number; resetsAt: number }>()

  /** X shows the app's mistakes on its own page, and never calls back. */
  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? ''
    const challenge = query.get('code_challenge')
    const method = query.get('code_challenge_method') ?? ''
    const scope = (query.get('scope') ?? '').split(' ')
    const wrong = (what: string) => errorPage(400, 'X', what, 'You weren’t able to give access to the App.')
    const twice = repeated(query)
    if (twice) return wrong(twice)
    if (query.get('response_type') !== 'code') return wrong('response_type')
    if (query.get('client_id') !== clientID) return wrong('client_id')
    if (!isRegistered(settings, redirectURI) || new URL(redirectURI).hostname === 'localhost') {
      return wrong('redirect_uri')
    }
    if (!scope.every((name) => SCOPES.has(name))) return wrong('scope')
    if (state === '' || state.length > 500) return wrong('state')
    if (!challenge) return wrong('code_challenge')
    if (!['S256', 'plain'].includes(method)) return wrong('code_challenge_method')
    return {
      provider: 'X',
      accent: '#0f1419',
      clientID,
      scope,
      agree: (user) => {
        const grant = { user, scope, redirectURI, challenge: `${method} ${challenge}` }
        return withParams(redirectURI, { state, code: ledger.issueCode(grant, secret(66)) })
      },
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  /** A secret is accepted only in the header. */
  function clientProblem(call: Call, form: URLSearchParams): Reply | undefined {
    const { authorization } = call.headers
    const basic = `Basic ${Buffer.from(`${clientID}:${clientSecret}`).toString('base64')}`
    if (isPublic ? authorization !== undefined : authorization !== basic) {
      return refused(401, 'unauthorized_client', NO_HEADER)
    }
    if (mediaType(call) !== FORM) return missing('grant_type')
    const twice = repeated(form)
    if (twice) return refused(400, 'invalid_request', `Parameter [${twice}] was passed more than once.`)
    if (form.has('client_secret')) return refused(400, 'invalid_request', 'Parameter [client_secret] is not allowed.')
    const id = form.get('client_id')
    if (isPublic && !id) return missing('client_id')
    return (id ?? clientID) === clientID ? undefined : refused(400, 'invalid_client', 'Unknown client.')
  }

  function token(call: Call): Reply {
    const form = formOf(call)
    const wrong = clientProblem(call, form)
    if (wrong) return wrong
    const grantType = form.get('grant_type')
    if (!grantType) return missing('grant_type')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    if (grantType !== 'authorization_code') {
      return refused(400, 'unsupported_grant_type', `Grant type [${grantType}] is not supported.`)
    }
    return exchanged(form)
  }

  function exchanged(form: URLSearchParams): Reply {
    const absent = ['code', 'redirect_uri', 'code_verifier'].find((name) => !form.get(name))
    if (absent) return missing(absent)
    const found = ledger.lookUpCode(form.get('code') ?? '')
    const wrong = (description: string) => refused(400, 'invalid_request', description)
    if (found?.state !== 'fresh') return wrong(invalidValue('authorization code'))
    const { grant } = found
    if (form.get('redirect_uri') !== grant.redirectURI) {
      return wrong('Value passed for the redirect uri did not match the uri of the authorization code.')
    }
    const verifier = form.get('code_verifier') ?? ''
    const hash = s256(verifier)
    if (![`S256 ${hash}`, `plain ${verifier}`].includes(grant.challenge ?? '')) {
      return wrong('Value passed for the code verifier did not match the code challenge.')
    }
    ledger.useCode(form.get('code') ?? '')
    return issued(grant)
  }

  function refreshed(old: string | null): Reply {
    if (!old) return missing('refresh_token')
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(400, 'invalid_request', invalidValue('token'))
    ledger.dropRefresh(old)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    return {
      headers: { 'cache-control': 'no-store' },
      json: {
        token_type: 'bearer',
        expires_in: ledger.accessSeconds,
        access_token: ledger.issueAccess(grant, secret(66)),
        scope: grant.scope.join(' '),
        refresh_token: grant.scope.includes('offline.access') ? ledger.issueRefresh(grant, secret(66)) : undefined,
      },
    }
  }

  /** Either token ends the login; an unknown one counts as revoked (RFC 7009 §2.2). */
  function revoke(call: Call): Reply {
    const form = formOf(call)
    const wrong = clientProblem(call, form)
    if (wrong) return wrong
    const token = form.get('token')
    if (!token) return missing('token')
    const grant = ledger.accessGrant(token) ?? ledger.refreshGrant(token)
    if (grant) grant.revoked = true
    return { json: { revoked: true } }
  }

  function me(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (!['users.read', 'tweet.read'].every((name) => grant.scope.includes(name))) return apiRefused(403)
    const limit = limited(grant.user)
    if (limit) return { status: 429, headers: { ...PROBLEM, ...limit }, json: problem(429) }
    const fields = xFields(call.query)
    if (!Array.isArray(fields)) return { status: 400, headers: PROBLEM, json: { ...problem(400), ...fields } }
    return profileReply(grant, fields, settings)
  }

  /** The headers of a 429, if this user was requested too often. */
  function limited({ id }: EmulatorUser): Record<string, string> | undefined {
    const { profileLimit = Number.POSITIVE_INFINITY } = settings
    let window = calls.get(id)
    if (!window || window.resetsAt <= Date.now()) window = { left: profileLimit, resetsAt: Date.now() + DAY * 1000 }
    calls.set(id, window)
    if (window.left === 0) return limitHeaders(window.resetsAt)
    window.left--
    return undefined
  }

  function holder(call: Call): Grant | Reply {
    return ledger.accessGrant(bearerOf(call)) ?? apiRefused(401)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'POST', path: REVOKE, endpoint: 'revoke', handle: revoke },
      { method: 'GET', path: ME, endpoint: 'profile', handle: me },
    ],
    ledgers: [ledger],
    holder,
    refuse: (endpoint, status, code) => (isApi(endpoint) ? apiWords(status, code) : tokenWords(endpoint, status, code)),
    refuseHeaders: (endpoint, status) => ({
      ...(isApi(endpoint) && status >= 400 && PROBLEM),
      ...(status === 429 && limitHeaders(Date.now() + 15 * 60_000)),
    }),
  }
}

function isApi(endpoint: string): boolean {
  return endpoint === 'profile' || endpoint === 'request'
}

function apiRefused(status: number): Reply {
  return { status, headers: PROBLEM, json: problem(status) }
}

function refused(status: number, error: string, error_description: string): Reply {
  return { status, json: { error, error_description } }
}

function missing(name: string): Reply {
  return refused(400, 'invalid_request', `Missing required parameter [${name}].`)
}

export const x = {
  title: 'X',
  users: USERS,
  own: {
    clientType: ['confidential', 'public'],
    requestEmail: 'flag',
    profileLimit: 'count',
    problems: ['beside', 'instead'],
    idType: ['text', 'number'],
  },
  options,
  provider,
} satisfies EmulatorKind<XEmulatorOptions>
