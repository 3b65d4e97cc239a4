import { createHash } from 'node:crypto'
import { consentRoutes, isRegistered, isSecure, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, contentType, FORM, formOf, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import { logId, userFields } from './tiktok-user'
import { tiktokV1 } from './tiktok-v1'
import type { EmulatorUser } from './types'

/** The options of the TikTok emulator besides the shared ones. */
export interface TiktokEmulatorOptions {
  /** The version that `options` point to; both are served. Default `v2`. */
  apiVersion?: 'v2' | 'v1'
  /** The scopes that the user leaves ticked. Default: all requested scopes. */
  grantedScopes?: readonly string[]
  /** Refuse an authorization request without a challenge, as for desktop apps. Default false. */
  requirePkce?: boolean
  /** Send OAuth errors with HTTP 200, as observed. */
  errorsWith200?: boolean
}

/** TikTok Login Kit v2, and v1 as in its documentation. */
const USERS: EmulatorUser[] = [
  {
    id: '-000aZhangSan',
    name: '张三',
    username: 'zhangsan',
    avatar: 'https://p16-sign.tiktokcdn.example/zhangsan.jpeg',
  },
  { id: '-000bAda', name: 'Ada Lovelace', username: 'ada' },
  { id: '-000cOBrien', name: "O'Brien <script>alert(1)</script>", username: 'obrien' },
  { id: '-000dOuyang', name: '欧阳若曦', username: 'ouyang', avatar: 'https://p16-sign.tiktokcdn.example/ouyang.jpeg' },
]

function options(origin: string, { clientID, clientSecret, apiVersion = 'v2' }: Settings & TiktokEmulatorOptions) {
  const client = { clientID, clientSecret, baseURL: origin, apiVersion }
  if (apiVersion === 'v1') {
    return {
      ...client,
      authorizationURL: `${origin}/platform/oauth/connect/`,
      tokenURL: `${origin}/oauth/access_token/`,
      refreshURL: `${origin}/oauth/refresh_token/`,
      revokeURL: `${origin}/oauth/revoke/`,
      userProfileURL: `${origin}/user/info/`,
    }
  }
  return {
    ...client,
    authorizationURL: `${origin}/v2/auth/authorize/`,
    tokenURL: `${origin}/v2/oauth/token/`,
    refreshURL: `${origin}/v2/oauth/token/`,
    revokeURL: `${origin}/v2/oauth/revoke/`,
    userProfileURL: `${origin}/v2/user/info/`,
  }
}

const FIELD_SCOPES: Record<string, string[]> = {
  'user.info.basic': ['open_id', 'union_id', 'avatar_url', 'avatar_url_100', 'avatar_large_url', 'display_name'],
  'user.info.profile': ['bio_description', 'profile_deep_link', 'profile_web_link', 'is_verified', 'username'],
  'user.info.stats': ['follower_count', 'following_count', 'likes_count', 'video_count'],
  'video.list': [],
  'video.upload': [],
  'video.publish': [],
}

function provider(origin: string, settings: Settings & TiktokEmulatorOptions): Provider {
  const ledger = new Ledger(settings, { code: 600, access: 86_400, refresh: 31_536_000 })

  /** TikTok shows mistakes of the app's configuration on its own page. */
  const authorize = consentRoutes('/v2/auth/authorize/', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const challenge = query.get('code_challenge') ?? undefined
    const wrong = (what: string) => errorPage(400, 'TikTok', what, `Something went wrong with ${what}`)
    const asked = (query.get('scope') ?? '').split(',')
    const twice = repeated(query)
    if (twice) return wrong(twice)
    if (query.has('client_id') || query.get('client_key') !== settings.clientID) return wrong('client_key')
    if (!isRegistered(settings, redirectURI) || !mayBeRegistered(redirectURI)) return wrong('redirect_uri')
    if (query.get('response_type') !== 'code') return wrong('response_type')
    if (!state) return wrong('state')
    if (!asked.every((name) => Object.hasOwn(FIELD_SCOPES, name))) return wrong('scope')
    if (!['0', '1'].includes(query.get('disable_auto_auth') ?? '0')) return wrong('disable_auto_auth')
    if (challenge === undefined ? settings.requirePkce : query.get('code_challenge_method') !== 'S256')
      return wrong('code_challenge')
    return {
      provider: 'TikTok',
      clientID: settings.clientID,
      scope: asked,
      ticked: asked.filter((name) => settings.grantedScopes?.includes(name) ?? true),
      agree: (user, { scope }) => {
        const code = ledger.issueCode({ user, scope, redirectURI, challenge }, `${secret(24)}*0!${hex(2)}.e1`)
        return withParams(redirectURI, { code, scopes: scope.join(','), state })
      },
      deny: () => withParams(redirectURI, { error: 'access_denied', error_description: 'User denied access', state }),
    }
  })

  function oauthProblem(call: Call, form: URLSearchParams): Reply | undefined {
    // Only without a charset: one was observed to be refused.
    if (contentType(call) !== FORM) return malformed()
    if (call.headers.authorization !== undefined || repeated(form) || form.has('client_id')) return malformed()
    if (!form.get('client_key') || !form.get('client_secret')) return malformed()
    if (form.get('client_key') !== settings.clientID || form.get('client_secret') !== settings.clientSecret) {
      return refused('invalid_client', 'Client key or secret is incorrect.')
    }
    return undefined
  }

  function token(call: Call): Reply {
    const form = formOf(call)
    const problem = oauthProblem(call, form)
    if (problem) return problem
    const grantType = form.get('grant_type')
    if (!grantType) return malformed()
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    if (grantType !== 'authorization_code') return refused('unsupported_grant_type', 'Grant type is not supported.')
    const code = form.get('code')
    if (!code || !form.get('redirect_uri')) return malformed()
    const verifier = form.get('code_verifier') ?? undefined
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('invalid_grant', 'Authorization code is expired.')
    const { grant } = found
    if (form.get('redirect_uri') !== grant.redirectURI) {
      return refused('invalid_request', 'Redirect_uri is not matched with the uri when requesting code.')
    }
    // Lower-case hex, unlike the usual base64url. The refusal is observed, not documented.
    if ((verifier && createHash('sha256').update(verifier).digest('hex')) !== grant.challenge) {
      return refused('invalid_request', 'Code verifier or code challenge is invalid.')
    }
    ledger.useCode(code)
    return issued(grant)
  }

  /** Each refresh issues a new refresh token and kills the old one at once. */
  function refreshed(old: string | null): Reply {
    if (!old) return malformed()
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused('invalid_grant', 'Refresh token is invalid or expired.')
    ledger.dropRefresh(old)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    return {
      headers: { 'cache-control': 'no-store' },
      json: {
        access_token: ledger.issueAccess(grant, `act.${secret(24)}!${hex(2)}`),
        expires_in: ledger.accessSeconds,
        open_id: grant.user.id,
        refresh_expires_in: ledger.refreshSeconds,
        refresh_token: ledger.issueRefresh(grant, `rft.${secret(24)}!${hex(2)}`),
        scope: grant.scope.join(','),
        token_type: 'Bearer',
      },
    }
  }

  function revoke(call: Call): Reply {
    const form = formOf(call)
    const problem = oauthProblem(call, form)
    if (problem) return problem
    const grant = ledger.accessGrant(form.get('token') ?? undefined)
    if (!grant) return refused('invalid_grant', 'Access token is invalid.')
    grant.revoked = true
    return { json: {} }
  }

  function userInfo(call: Call): Reply {
    const grant = ledger.accessGrant(bearerOf(call))
    if (!grant) return noToken()
    const fields = (call.query.get('fields') ?? '').split(',').filter((field) => field !== '')
    const known = Object.values(FIELD_SCOPES).flat()
    if (fields.length === 0 || repeated(call.query) || !fields.every((field) => known.includes(field))) {
      return apiError(400, 'invalid_params', 'One or more fields in request is invalid.')
    }
    const allowed = grant.scope.flatMap((scope) => FIELD_SCOPES[scope] ?? [])
    if (!fields.every((field) => allowed.includes(field))) {
      return apiError(
        401,
        'scope_not_authorized',
        'The user did not authorize the scope required for completing this request.',
      )
    }
    const user = userFields(grant.user)
    const picked = Object.fromEntries(
      fields.filter((field) => user[field] !== undefined).map((field) => [field, user[field]]),
    )
    return { json: { data: { user: picked }, error: { code: 'ok', message: '', log_id: logId() } } }
  }

  function refused(error: string, error_description: string): Reply {
    return { status: settings.errorsWith200 ? 200 : 400, json: { error, error_description, log_id: logId() } }
  }

  function malformed(): Reply {
    return refused('invalid_request', 'The request parameters are malformed.')
  }

  const legacy = tiktokV1(origin, settings)
  return {
    ledgers: [ledger, ...legacy.ledgers],
    holder: (call) => {
      const held = ledger.accessGrant(bearerOf(call))
      if (held) return held
      const old = legacy.holder(call)
      return settings.apiVersion === 'v1' || 'user' in old ? old : noToken()
    },
    routes: [
      ...authorize,
      {
        method: 'POST',
        path: '/v2/oauth/token/',
        endpoint: 'token',
        refreshes: true,
        handle: token,
      },
      { method: 'POST', path: '/v2/oauth/revoke/', endpoint: 'revoke', handle: revoke },
      { method: 'GET', path: '/v2/user/info/', endpoint: 'profile', handle: userInfo },
      ...legacy.routes,
    ],
    refuse: (endpoint, status, code, call) => {
      if (settings.apiVersion === 'v1') return legacy.refuse(endpoint, status, code, call)
      if (endpoint === 'profile' || endpoint === 'request') {
        const byStatus =
          status >= 500 ? 'internal_error' : status === 429 ? 'rate_limit_exceeded' : 'access_token_invalid'
        return {
          data: {},
          error: {
            code: code ?? (status === 403 ? 'scope_not_authorized' : byStatus),
            message: 'refused by the emulator',
            log_id: logId(),
          },
        }
      }
      const error =
        code ??
        (status >= 500
          ? 'server_error'
          : status === 429
            ? 'temporarily_unavailable'
            : status === 200
              ? 'invalid_grant'
              : 'invalid_client')
      return { error, error_description: 'refused by the emulator', log_id: logId() }
    },
  }
}

/** A web app's address is https; a desktop app's is at loopback, and may be http. No query, fewer than 512 characters. */
function mayBeRegistered(redirectURI: string): boolean {
  return isSecure(redirectURI) && !redirectURI.includes('?') && redirectURI.length < 512
}

function noToken(): Reply {
  return apiError(401, 'access_token_invalid', 'The access token is invalid or not found in the request.')
}

function apiError(status: number, code: string, message: string): Reply {
  return { status, json: { data: {}, error: { code, message, log_id: logId() } } }
}

export const tiktok = {
  title: 'TikTok',
  users: USERS,
  own: {
    apiVersion: ['v2', 'v1'],
    grantedScopes: 'list',
    requirePkce: 'flag',
    errorsWith200: 'flag',
  },
  options,
  provider,
} satisfies EmulatorKind<TiktokEmulatorOptions>
