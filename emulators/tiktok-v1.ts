import { consentRoutes, isRegistered, type Settings, withParams } from './authorize'
import { errorPage } from './consent-page'
import { type Grant, hex, Ledger, secret } from './ledger'
import { type Call, contentType, type Provider, type Reply, repeated } from './server'
import { logId, userFields } from './tiktok'

const FIELDS = [
  'open_id',
  'union_id',
  'avatar_url',
  'avatar_url_100',
  'avatar_url_200',
  'avatar_large_url',
  'display_name',
]

/** TikTok v1, as its document and the legacy guide write it: everything in the query, everything in `data`. */
export function tiktokV1(_origin: string, settings: Settings): Provider {
  const ledger = new Ledger(settings.codeLifetime ?? 600, settings.accessTokenLifetime ?? 86_400)

  const authorize = consentRoutes('/platform/oauth/connect/', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const scope = (query.get('scope') ?? '').split(',')
    const wrong = (what: string) => errorPage(400, 'TikTok', what, `Something went wrong with ${what}`)
    if (query.has('client_id') || query.get('client_key') !== settings.clientID) return wrong('client_key')
    if (!isRegistered(settings, redirectURI)) return wrong('redirect_uri')
    if (query.get('response_type') !== 'code') return wrong('response_type')
    if (!state) return wrong('state')
    if (scope.some((name) => !/^[a-z.]+$/.test(name))) return wrong('scope')
    return {
      provider: 'TikTok',
      scope,
      agree: (user) =>
        withParams(redirectURI, {
          code: ledger.issueCode({ user, scope, redirectURI }),
          scopes: scope.join(','),
          state,
        }),
      deny: () => withParams(redirectURI, { error: 'access_denied', error_description: 'User denied access', state }),
    }
  })

  function accessToken({ query, body }: Call): Reply {
    if (body !== '' || repeated(query) || query.has('redirect_uri')) return refused(10002, 'Parameter error')
    const { clientID, clientSecret } = settings
    if (query.get('client_key') !== clientID || query.get('client_secret') !== clientSecret)
      return refused(10003, 'Client key or secret error')
    if (query.get('grant_type') !== 'authorization_code') return refused(10002, 'Parameter error')
    const code = query.get('code') ?? ''
    const grant = ledger.lookUpCode(code)
    if (grant?.state !== 'fresh') return refused(10007, 'Authorization code expired')
    const token = ledger.issueAccess(grant, `act.${secret(24)}`)
    ledger.useCode(code, token)
    return issued(token, grant)
  }

  /** No secret here. */
  function refreshToken({ query }: Call): Reply {
    if (query.has('client_secret') || query.get('client_key') !== settings.clientID)
      return refused(10002, 'Parameter error')
    const old = query.get('refresh_token')
    const grant = ledger.refreshGrant(old)
    if (query.get('grant_type') !== 'refresh_token' || !grant || old === null)
      return refused(10010, 'Refresh token expired')
    ledger.dropRefresh(old)
    return issued(ledger.issueAccess(grant, `act.${secret(24)}`), grant)
  }

  function issued(access_token: string, { user, scope, ...rest }: Grant): Reply {
    const data = {
      access_token,
      captcha: '',
      desc_url: '',
      description: '',
      error_code: 0,
      expires_in: ledger.accessSeconds,
      log_id: logId(),
      open_id: user.id,
      refresh_expires_in: 31_536_000,
      refresh_token: ledger.issueRefresh({ user, scope, ...rest }, `rft.${secret(24)}`),
      scope: scope.join(','),
    }
    return { json: { data, message: 'success' } }
  }

  function revoke({ query }: Call): Reply {
    const revoked = query.has('open_id') && ledger.revokeAccess(query.get('access_token') ?? '')
    return revoked
      ? { json: { data: { error_code: 0, description: '' }, message: 'success' } }
      : refused(10008, 'Access token invalid')
  }

  function userInfo(call: Call): Reply {
    if (!contentType(call).startsWith('application/json')) return refused(10002, 'Parameter error')
    const { access_token, open_id, fields } = parse(call.body)
    const grant = ledger.accessGrant(typeof access_token === 'string' ? access_token : undefined)
    if (!grant || grant.user.id !== open_id) return refused(10008, 'Access token invalid')
    if (!Array.isArray(fields) || fields.length === 0 || !fields.every((field) => FIELDS.includes(field)))
      return refused(10002, 'Parameter error')
    const known: Record<string, unknown> = { ...userFields(grant.user), avatar_url_200: grant.user.avatar }
    const user = Object.fromEntries(
      fields.filter((field) => known[field] !== undefined).map((field) => [field, known[field]]),
    )
    return { json: { data: { user, error_code: 0, description: '' }, message: 'success' } }
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: '/oauth/access_token/', endpoint: 'token', handle: accessToken },
      { method: 'POST', path: '/oauth/refresh_token/', endpoint: 'refresh', handle: refreshToken },
      { method: 'POST', path: '/oauth/revoke/', endpoint: 'revoke', handle: revoke },
      { method: 'POST', path: '/user/info/', endpoint: 'profile', handle: userInfo },
    ],
    refuse: (_endpoint, _status, code) => refused(Number(code ?? 10002), 'refused by the emulator').json,
  }
}

function refused(error_code: number, description: string): Reply {
  return { json: { data: { captcha: '', desc_url: '', description, error_code, log_id: hex(8) }, message: 'error' } }
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
