import { createHash } from 'node:crypto'
import { consentRoutes, isRegistered, type Settings, withParams } from './authorize'
import { errorPage } from './consent-page'
import { Ledger, secret } from './ledger'
import { type Call, contentType, formOf, type Provider, type Reply, repeated } from './server'
import type { ClientOptions, EmulatorUser } from './types'

/** Tailchat's open platform: oidc-provider 7.11.5 as Tailchat configures it, behind `/open`. */
export const TAILCHAT_USERS: EmulatorUser[] = [
  { id: '64a0f00d5e97b8b3b2d1aaaa', name: '张三', avatar: '{BACKEND}/static/files/avatar.png' },
  { id: '64a0f00d5e97b8b3b2d1bbbb', name: 'Ada Lovelace' },
]

export function tailchatOptions(origin: string, { clientID, clientSecret, issuer }: Settings): ClientOptions {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/open/auth`,
    tokenURL: `${origin}/open/token`,
    userProfileURL: `${origin}/open/me`,
    issuer: issuer ?? origin,
  }
}

export function tailchat(origin: string, settings: Settings): Provider {
  const ledger = new Ledger(settings.codeLifetime ?? 600, settings.accessTokenLifetime ?? 3600)
  const iss = settings.issuer ?? origin

  const authorize = consentRoutes('/open/auth', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    if (query.get('client_id') !== settings.clientID) return oops('invalid_client', 'client is invalid')
    if (!isRegistered(settings, redirectURI)) {
      return oops('invalid_redirect_uri', "redirect_uri did not match any of the client's registered redirect_uris")
    }
    const back = (params: Record<string, string | undefined>) => withParams(redirectURI, { ...params, iss })
    const refuse = (error: string, error_description: string) =>
      ({ status: 303, location: back({ error, error_description, state }) }) satisfies Reply
    const twice = repeated(query)
    if (twice)
      return {
        status: 303,
        location: back({
          error: 'invalid_request',
          error_description: `'${twice}' parameter must not be provided twice`,
        }),
      }
    if (query.get('response_type') !== 'code')
      return refuse('unsupported_response_type', 'unsupported response_type requested')
    const challenge = query.get('code_challenge') ?? undefined
    if (challenge !== undefined && query.get('code_challenge_method') !== 'S256') {
      return refuse('invalid_request', 'not supported value of code_challenge_method')
    }
    const asked = (query.get('scope') ?? '').split(' ')
    const offline = query.get('prompt') === 'consent' && asked.includes('offline_access')
    const scope = asked.filter(
      (name) => name === 'openid' || name === 'profile' || (offline && name === 'offline_access'),
    )
    return {
      provider: 'Tailchat',
      scope,
      agree: (user) => back({ code: ledger.issueCode({ user, scope, redirectURI, challenge, offline }), state }),
      deny: () => back({ error: 'access_denied', error_description: 'End-User aborted interaction', state }),
    }
  })

  function token(call: Call): Reply {
    if (call.headers.origin !== undefined)
      return refused(
        400,
        'invalid_request',
        `origin ${call.headers.origin} not allowed for client: ${settings.clientID}`,
      )
    if (!contentType(call).startsWith('application/x-www-form-urlencoded')) return wrongBody('/token')
    const form = formOf(call)
    const twice = repeated(form)
    if (twice) return refused(400, 'invalid_request', `'${twice}' parameter must not be provided twice`)
    const basic = /^basic (.+)$/i.exec(call.headers.authorization ?? '')?.[1]
    if (basic !== undefined && form.has('client_secret')) {
      return refused(400, 'invalid_request', 'client authentication must only be provided using one mechanism')
    }
    if (basic === undefined && !form.has('client_id'))
      return refused(400, 'invalid_request', 'no client authentication mechanism provided')
    const pair = basic === undefined ? [form.get('client_id'), form.get('client_secret')] : basicPair(basic)
    if (pair[0] !== settings.clientID || pair[1] !== settings.clientSecret)
      return refused(401, 'invalid_client', 'client authentication failed')
    const grantType = form.get('grant_type')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    if (grantType !== 'authorization_code') {
      return grantType
        ? refused(400, 'unsupported_grant_type', 'unsupported grant_type requested')
        : missing('grant_type')
    }
    const code = form.get('code')
    if (!code) return missing('code')
    if (!form.get('redirect_uri')) return missing('redirect_uri')
    const verifier = form.get('code_verifier') ?? undefined
    if (verifier !== undefined && verifier.length < 43) {
      return refused(400, 'invalid_request', 'code_verifier must be a string with a minimum length of 43 characters')
    }
    const grant = ledger.lookUpCode(code)
    if (grant?.state === 'used') ledger.revokeTokenOf(code)
    if (grant?.state !== 'fresh' || grant.redirectURI !== form.get('redirect_uri')) return invalidGrant()
    const challenge = verifier && createHash('sha256').update(verifier).digest('base64url')
    if (challenge !== grant.challenge) return invalidGrant()
    const accessToken = ledger.issueAccess(grant)
    ledger.useCode(code, accessToken)
    return issued(accessToken, grant.scope, grant.offline ? ledger.issueRefresh(grant) : undefined)
  }

  function refreshed(refreshToken: string | null): Reply {
    const grant = ledger.refreshGrant(refreshToken)
    if (!grant || refreshToken === null) return invalidGrant()
    return issued(ledger.issueAccess(grant), grant.scope, refreshToken)
  }

  function issued(access_token: string, scope: string[], refresh_token: string | undefined): Reply {
    // Signed with a published key in the real thing; here it is not even that.
    const id_token = `${base64({ alg: 'RS256', typ: 'JWT', kid: 'keystore-CHANGE-ME' })}.${base64({ iss, aud: settings.clientID })}.${secret(64)}`
    const json = {
      access_token,
      expires_in: ledger.accessSeconds,
      id_token,
      refresh_token,
      scope: scope.join(' '),
      token_type: 'Bearer',
    }
    return { headers: { 'cache-control': 'no-store' }, json }
  }

  function me(call: Call): Reply {
    if (call.headers.origin !== undefined)
      return refused(400, 'invalid_request', `origin ${call.headers.origin} not allowed`)
    const type = contentType(call)
    if (type !== '' && !type.startsWith('application/x-www-form-urlencoded')) return wrongBody('/me')
    const header = /^bearer (.+)$/i.exec(call.headers.authorization ?? '')?.[1]
    const given = [header, formOf(call).get('access_token'), call.query.get('access_token')].filter((token) => token)
    if (given.length > 1)
      return refused(400, 'invalid_request', 'access token must only be provided using one mechanism')
    const [accessToken] = given
    if (!accessToken) return refused(400, 'invalid_request', 'no access token provided')
    const grant = ledger.accessGrant(accessToken)
    if (!grant) return refused(401, 'invalid_token', 'invalid token provided')
    if (!grant.scope.includes('openid')) return refused(403, 'insufficient_scope', 'access token missing openid scope')
    const { id, name, avatar } = grant.user
    if (!grant.scope.includes('profile')) return { json: { sub: id } }
    return { json: { sub: id, nickname: name, discriminator: '0042', avatar } }
  }

  return {
    routes: [
      ...authorize,
      {
        method: 'POST',
        path: '/open/token',
        endpoint: (call) => (formOf(call).get('grant_type') === 'refresh_token' ? 'refresh' : 'token'),
        handle: token,
      },
      { method: 'GET', path: '/open/me', endpoint: 'profile', handle: me },
      { method: 'POST', path: '/open/me', endpoint: 'profile', handle: me },
    ],
    refuse: (endpoint, status, code) => {
      const byStatus =
        status >= 500
          ? 'server_error'
          : endpoint === 'profile'
            ? 'invalid_token'
            : status === 401
              ? 'invalid_client'
              : 'invalid_grant'
      const error =
        code ?? (status === 403 ? 'insufficient_scope' : status === 429 ? 'temporarily_unavailable' : byStatus)
      return { error, error_description: 'refused by the emulator' }
    },
    notFound: () => ({
      status: 404,
      json: { name: 'NotFoundError', message: 'Not found', code: 404, type: 'NOT_FOUND' },
    }),
  }
}

function oops(error: string, description: string): Reply {
  return errorPage(400, 'Tailchat', error, description)
}

function refused(status: number, error: string, error_description: string): Reply {
  return { status, json: { error, error_description } }
}

function invalidGrant(): Reply {
  return refused(400, 'invalid_grant', 'grant request is invalid')
}

function missing(name: string): Reply {
  return refused(400, 'invalid_request', `missing required parameter '${name}'`)
}

function wrongBody(path: string): Reply {
  return refused(
    400,
    'invalid_request',
    `only application/x-www-form-urlencoded content-type bodies are supported on POST ${path}`,
  )
}

function basicPair(basic: string): [string | undefined, string | undefined] {
  const [id, ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':')
  return [id && decodeURIComponent(id), decodeURIComponent(rest.join(':'))]
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
