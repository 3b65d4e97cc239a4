// Over 300 lines because what its library checks is written out, in the library's order and words.
import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { halfHash } from './id-token'
import { type Grant, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { s256 } from './pkce'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the Tailchat emulator besides the shared ones. */
export interface TailchatEmulatorOptions {
  /** The `iss` of its callbacks. Default: the emulator's origin. */
  issuer?: string
  /**
   * The lines of the app's callback list. One bad line disables the whole app: an empty one, a fragment, no URL, a scheme
   * other than http and https. Default: any address is taken.
   */
  redirectURIs?: readonly string[]
}

/** Tailchat's open platform: oidc-provider 7.11.5 as Tailchat configures it, behind `/open`. */
const USERS: EmulatorUser[] = [
  { id: '64a0f00d5e97b8b3b2d1aaaa', name: '张三', avatar: '{BACKEND}/static/files/avatar.png' },
  { id: '64a0f00d5e97b8b3b2d1bbbb', name: 'Ada Lovelace' },
  { id: '64a0f00d5e97b8b3b2d1cccc', name: "O'Brien <script>alert(1)</script>", discriminator: '0001' },
  { id: '64a0f00d5e97b8b3b2d1dddd', name: '欧阳若曦', avatar: '{BACKEND}/static/files/ouyang.png' },
]

function options(origin: string, { clientID, clientSecret, issuer }: Settings & TailchatEmulatorOptions) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/open/auth`,
    tokenURL: `${origin}/open/token`,
    refreshURL: `${origin}/open/token`,
    userProfileURL: `${origin}/open/me`,
    issuer: issuer ?? origin,
  }
}

const SCOPES = ['openid', 'profile', 'offline_access']
const TWO_WEEKS = 14 * 24 * 3600

function provider(origin: string, settings: Settings & TailchatEmulatorOptions): Provider {
  const ledger = new Ledger(settings, { code: 600, access: 3600, refresh: TWO_WEEKS })
  const { clientID, clientSecret } = settings
  const iss = settings.issuer ?? origin
  const badList = listProblem(settings.redirectURIs ?? [])

  const authorize = consentRoutes('/open/auth', settings, ({ query }) => {
    const only = (name: string) => (query.getAll(name).length === 1 ? query.get(name) : null)
    const redirectURI = only('redirect_uri')
    if (only('client_id') !== clientID) return errorPage(400, 'Tailchat', 'invalid_client', 'client is invalid')
    if (badList) return errorPage(400, 'Tailchat', 'invalid_redirect_uri', badList)
    if (!isRegistered(settings, redirectURI)) {
      const why = "redirect_uri did not match any of the client's registered redirect_uris"
      return errorPage(400, 'Tailchat', 'invalid_redirect_uri', why)
    }
    const state = only('state') || undefined
    const back = (params: Record<string, string | undefined>) => withParams(redirectURI, { ...params, state, iss })
    const refuse = (error: string, error_description?: string): Reply => ({
      status: 303,
      location: back({ error, error_description }),
    })

    const twice = repeated(query)
    if (twice) return refuse('invalid_request', `'${twice}' parameter must not be provided twice`)
    const type = query.get('response_type')
    if (!type) return refuse('invalid_request', "missing required parameter 'response_type'")
    if (type !== 'code') {
      const [error, why] = type.includes('id_token')
        ? ['unauthorized_client', 'requested response_type is not allowed for this client']
        : ['unsupported_response_type', 'unsupported response_type requested']
      const { search } = new URL(withParams('http://x', { error, error_description: why, state, iss }))
      return { status: 303, location: `${redirectURI}#${search.slice(1)}` }
    }
    const challenge = query.get('code_challenge') || undefined
    const method = query.get('code_challenge_method') || undefined
    if (!challenge && method) {
      return refuse('invalid_request', 'code_challenge must be provided with code_challenge_method')
    }
    if (challenge && method !== 'S256') return refuse('invalid_request', 'not supported value of code_challenge_method')
    if (challenge && !/^[\w.~-]{43,128}$/.test(challenge)) {
      return refuse('invalid_request', 'code_challenge must be a string with a minimum length of 43 characters')
    }
    const prompt = query.get('prompt')
    if (prompt === 'none') return refuse('login_required', 'End-User authentication is required')
    // Unknown scopes are silently dropped, and so is offline_access without prompt=consent.
    const asked = (query.get('scope') ?? '').split(' ').filter((name) => SCOPES.includes(name))
    const scope = asked.filter(
      (name) => name !== 'offline_access' || (asked.includes('openid') && prompt === 'consent'),
    )
    const grant = { scope, redirectURI, challenge, nonce: query.get('nonce') ?? undefined }
    return {
      provider: 'Tailchat',
      clientID,
      scope,
      agree: (user) =>
        scope.length > 0 ? back({ code: ledger.issueCode({ user, ...grant }) }) : back({ error: 'access_denied' }),
      // The real page has no such button; this is the error of the library beneath it.
      deny: () => back({ error: 'access_denied', error_description: 'End-User aborted interaction' }),
    }
  })

  function token(call: Call): Reply {
    if (mediaType(call) !== FORM) return wrongBody('/token')
    const form = formOf(call)
    const twice = repeated(form)
    if (twice) return refused(400, 'invalid_request', `'${twice}' parameter must not be provided twice`)
    const problem = clientProblem(call, form)
    if (problem) return problem
    const grantType = form.get('grant_type')
    if (!grantType) return missing('grant_type')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    if (grantType !== 'authorization_code') {
      return refused(400, 'unsupported_grant_type', 'unsupported grant_type requested')
    }
    const code = form.get('code')
    if (!code) return missing('code')
    if (!form.get('redirect_uri')) return missing('redirect_uri')
    const verifier = form.get('code_verifier') ?? undefined
    if (verifier !== undefined && verifier.length < 43) {
      return refused(400, 'invalid_request', 'code_verifier must be a string with a minimum length of 43 characters')
    }
    const found = ledger.lookUpCode(code)
    if (!found || found.state === 'expired') return invalidGrant()
    const { grant } = found
    // The code has leaked: everything that it issued dies.
    if (found.state === 'used') grant.revoked = true
    if (found.state === 'used' || grant.redirectURI !== form.get('redirect_uri')) return invalidGrant()
    const challenge = verifier && s256(verifier)
    if (challenge !== grant.challenge) return invalidGrant()
    ledger.useCode(code)
    const offline = grant.scope.includes('offline_access')
    return issued(grant, offline ? ledger.issueRefresh(grant) : undefined)
  }

  /** Credentials in the form or by HTTP Basic, never both. */
  function clientProblem(call: Call, form: URLSearchParams): Reply | undefined {
    const basic = /^basic +(.+)$/i.exec(call.headers.authorization ?? '')?.[1]
    const challenge = { 'www-authenticate': `Basic realm="${iss}", error="invalid_client"` }
    if (basic === undefined && !form.has('client_id')) {
      return refused(400, 'invalid_request', 'no client authentication mechanism provided')
    }
    if (basic !== undefined && form.has('client_secret')) {
      return refused(400, 'invalid_request', 'client authentication must only be provided using one mechanism')
    }
    const [id, given] = basic === undefined ? [form.get('client_id'), form.get('client_secret')] : basicPair(basic)
    if (basic !== undefined && form.has('client_id') && form.get('client_id') !== id) {
      return refused(400, 'invalid_request', 'mismatch in body and authorization client ids')
    }
    // The library checks the app's settings when it looks the app up, before it checks the secret.
    if (id === clientID && badList) return refused(400, 'invalid_redirect_uri', badList)
    if (id !== clientID || given !== clientSecret) {
      return refused(401, 'invalid_client', 'client authentication failed', basic === undefined ? {} : challenge)
    }
    return originProblem(call)
  }

  function originProblem({ headers }: Call): Reply | undefined {
    if (headers.origin === undefined) return undefined
    return refused(400, 'invalid_request', `origin ${headers.origin} not allowed for client: ${clientID}`)
  }

  /** Returns the same refresh token: it rotates only after 70 % of its lifetime. */
  function refreshed(refreshToken: string | null): Reply {
    if (!refreshToken) return missing('refresh_token')
    const grant = ledger.refreshGrant(refreshToken)
    return grant ? issued(grant, refreshToken) : invalidGrant()
  }

  function issued(grant: Grant, refresh_token: string | undefined): Reply {
    const access_token = ledger.issueAccess(grant)
    const scope = grant.scope.join(' ')
    const id_token = grant.scope.includes('openid') ? idToken(grant, access_token) : undefined
    const json = {
      access_token,
      expires_in: ledger.accessSeconds,
      id_token,
      refresh_token,
      scope,
      token_type: 'Bearer',
    }
    return { headers: { 'cache-control': 'no-store' }, json }
  }

  /** The real one is signed with a published key, so it proves nothing; this one is not signed at all. */
  function idToken({ user, nonce }: Grant, accessToken: string): string {
    const iat = Math.floor(Date.now() / 1000)
    const at_hash = halfHash(accessToken)
    const claims = { sub: user.id, nonce, at_hash, aud: clientID, exp: iat + 3600, iat, iss }
    return `${base64({ alg: 'RS256', typ: 'JWT', kid: 'keystore-CHANGE-ME' })}.${base64(claims)}.${secret(256)}`
  }

  function me(call: Call): Reply {
    // A JSON content type is refused even when a valid bearer header is there.
    if (call.headers['content-type'] !== undefined && mediaType(call) !== FORM) return wrongBody('/me')
    const twice = repeated(call.query) ?? repeated(formOf(call))
    if (twice) return refused(400, 'invalid_request', `'${twice}' parameter must not be provided twice`)
    const fields = [formOf(call).get('access_token'), call.query.get('access_token')]
    const given = [bearerOf(call), ...fields].filter((token) => typeof token === 'string')
    if (given.length > 1) {
      return refused(400, 'invalid_request', 'access token must only be provided using one mechanism')
    }
    const grant = holderOf(given[0])
    if (!('user' in grant)) return grant
    const { id: sub, name: nickname, discriminator = '0042', avatar } = grant.user
    if (!grant.scope.includes('openid')) return refused(403, 'insufficient_scope', 'access token missing openid scope')
    const claims = grant.scope.includes('profile') ? { nickname, discriminator, avatar } : {}
    return originProblem(call) ?? { json: { sub, ...claims } }
  }

  function holderOf(accessToken: string | undefined): Grant | Reply {
    const realm = `Bearer realm="${iss}"`
    if (!accessToken) {
      return refused(400, 'invalid_request', 'no access token provided', { 'www-authenticate': realm })
    }
    const challenge = { 'www-authenticate': `${realm}, error="invalid_token"` }
    return ledger.accessGrant(accessToken) ?? refused(401, 'invalid_token', 'invalid token provided', challenge)
  }

  return {
    ledgers: [ledger],
    holder: (call) => holderOf(bearerOf(call)),
    routes: [
      ...authorize,
      {
        method: 'POST',
        path: '/open/token',
        endpoint: 'token',
        refreshes: true,
        handle: (call) => asAccepted(call, token(call)),
      },
      { method: 'GET', path: '/open/me', endpoint: 'profile', handle: (call) => asAccepted(call, me(call)) },
      { method: 'POST', path: '/open/me', endpoint: 'profile', handle: (call) => asAccepted(call, me(call)) },
    ],
    refuse: (endpoint, status, code) => {
      const ofCall = endpoint === 'profile' ? 'invalid_token' : status === 401 ? 'invalid_client' : 'invalid_grant'
      const ofStatus: Record<number, string> = { 403: 'insufficient_scope', 429: 'temporarily_unavailable' }
      const error = code ?? ofStatus[status] ?? (status >= 500 ? 'server_error' : ofCall)
      return { error, error_description: 'refused by the emulator' }
    },
    notFound: () => ({
      status: 404,
      json: { name: 'NotFoundError', message: 'Not found', code: 404, type: 'NOT_FOUND' },
    }),
  }
}

/** What is wrong with a callback list, in the words of the library. */
function listProblem(lines: readonly string[]): string | undefined {
  if (lines.some((line) => typeof line !== 'string' || line === '')) return 'redirect_uris must only contain strings'
  for (const line of lines) {
    if (!URL.canParse(line)) return 'redirect_uris must only contain valid uris'
    if (line.includes('#')) return 'redirect_uris must not contain fragments'
    if (!/^https?:$/.test(new URL(line).protocol)) return 'redirect_uris must only contain web uris'
  }
  return undefined
}

function refused(status: number, error: string, error_description: string, headers = {}): Reply {
  return { status, headers, json: { error, error_description } }
}

function invalidGrant(): Reply {
  return refused(400, 'invalid_grant', 'grant request is invalid')
}

function missing(name: string): Reply {
  return refused(400, 'invalid_request', `missing required parameter '${name}'`)
}

/** The message has the address without its prefix. */
function wrongBody(path: string): Reply {
  const why = `only ${FORM} content-type bodies are supported on POST ${path}`
  return refused(400, 'invalid_request', why)
}

/** Errors are a page for clients that prefer HTML. */
function asAccepted({ headers }: Call, reply: Reply): Reply {
  if ((reply.status ?? 200) < 400 || !headers.accept?.includes('text/html')) return reply
  return errorPage(reply.status ?? 400, 'Tailchat', 'error', 'oops! something went wrong')
}

/** Both halves are form-encoded before Base64 (RFC 6749, section 2.3.1). */
function basicPair(basic: string): (string | undefined)[] {
  const [id = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':')
  return [id, rest.join(':')].map((half) => {
    try {
      return decodeURIComponent(half.replaceAll('+', ' '))
    } catch {
      return undefined
    }
  })
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export const tailchat = {
  title: 'Tailchat',
  users: USERS,
  own: {
    issuer: 'text',
    redirectURIs: 'list',
  },
  options,
  provider,
} satisfies EmulatorKind<TailchatEmulatorOptions>
