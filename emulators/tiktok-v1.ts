import { consentRoutes, isRegistered, withParams } from './authorize'
import { type Grant, hex, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import { logId, userFields } from './tiktok-user'

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
export function tiktokV1(
  _origin: string,
  settings: Settings & { grantedScopes?: readonly string[] },
): Required<Pick<Provider, 'ledgers' | 'holder'>> & Provider {
  const ledger = new Ledger(settings, { code: 600, access: 86_400, refresh: 31_536_000 })

  const authorize = consentRoutes('/platform/oauth/connect/', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const asked = (query.get('scope') ?? '').split(',')
    const wrong = (what: string) => errorPage(400, 'TikTok', what, `Something went wrong with ${what}`)
    const twice = repeated(query)
    if (twice) return wrong(twice)
    if (query.has('client_id') || query.get('client_key') !== settings.clientID) return wrong('client_key')
    if (!isRegistered(settings, redirectURI)) return wrong('redirect_uri')
    if (query.get('response_type') !== 'code') return wrong('response_type')
    if (!state) return wrong('state')
    if (asked.some((name) => !/^[a-z.]+$/.test(name))) return wrong('scope')
    return {
      provider: 'TikTok',
      clientID: settings.clientID,
      scope: asked,
      ticked: asked.filter((name) => settings.grantedScopes?.includes(name) ?? true),
      agree: (user, { scope }) =>
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
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused(10007, 'Authorization code expired')
    ledger.useCode(code)
    return issued(found.grant)
  }

  /** Takes no secret. */
  function refreshToken({ query }: Call): Reply {
    if (query.has('client_secret') || query.get('client_key') !== settings.clientID)
      return refused(10002, 'Parameter error')
    if (query.get('grant_type') !== 'refresh_token' || repeated(query)) return refused(10002, 'Parameter error')
    const old = query.get('refresh_token') ?? ''
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(10010, 'Refresh token expired')
    ledger.dropRefresh(old)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    const data = {
      access_token: ledger.issueAccess(grant, `act.${secret(24)}`),
      captcha: '',
      desc_url: '',
      description: '',
      error_code: 0,
      expires_in: ledger.accessSeconds,
      log_id: logId(),
      open_id: grant.user.id,
      refresh_expires_in: ledger.refreshSeconds,
      refresh_token: ledger.issueRefresh(grant, `rft.${secret(24)}`),
      scope: grant.scope.join(','),
    }
    return { json: { data, message: 'success' } }
  }

  function revoke({ query }: Call): Reply {
    const grant = ledger.accessGrant(query.get('access_token') ?? undefined)
    if (!grant || repeated(query) || query.get('open_id') !== grant.user.id) {
      return refused(10008, 'Access token invalid')
    }
    grant.revoked = true
    return { json: { data: { error_code: 0, description: '' }, message: 'success' } }
  }

  function userInfo(call: Call): Reply {
    if (mediaType(call) !== 'application/json') return refused(10002, 'Parameter error')
    const { access_token, open_id, fields } = jsonOf(call)
    const grant = ledger.accessGrant(typeof access_token === 'string' ? access_token : undefined)
    if (!grant || grant.user.id !== open_id) return refused(10008, 'Access token invalid')
    if (!Array.isArray(fields) || fields.length === 0 || !fields.every((field) => FIELDS.includes(field)))
      return refused(10002, 'Parameter error')
    if (!grant.scope.includes('user.info.basic')) return refused(10004, 'Scope not authorized')
    const known: Record<string, unknown> = { ...userFields(grant.user), avatar_url_200: grant.user.avatar }
    const user = Object.fromEntries(
      fields.filter((field) => known[field] !== undefined).map((field) => [field, known[field]]),
    )
    return { json: { data: { user, error_code: 0, description: '' }, message: 'success' } }
  }

  return {
    ledgers: [ledger],
    holder: (call) => ledger.accessGrant(bearerOf(call)) ?? refused(10008, 'Access token invalid'),
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
