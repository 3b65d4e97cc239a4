import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { IdTokenKeys } from './id-token'
import { kakaoUser } from './kakao-user'
import { apiRefused, apiWords, pageWords, refused, words } from './kakao-words'
import { type Grant, Ledger, secret } from './ledger'
import { refusalPage } from './page'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the Kakao emulator besides the shared ones. */
export interface KakaoEmulatorOptions {
  /** Whether the app's client secret is switched on in the console. If `off`, a secret that is sent is ignored. Default `on`. */
  secret?: 'on' | 'off'
  /**
   * The consent items of the console, which every login requests; a `scope` adds to them. Default `profile_nickname`,
   * `profile_image` and `account_email`.
   */
  consentItems?: readonly string[]
  /** The state of e-mail addresses: verified, not verified, or since taken by another account. Default `verified`. */
  emails?: 'verified' | 'unverified' | 'invalid'
  /** The ids of users under 14; `user/me` refuses them with -406 and HTTP 401. */
  under14?: readonly string[]
}

/**
 * Kakao Login, from developers.kakao.com/docs/latest: kakaologin/rest-api, kakaologin/trouble-shooting and
 * rest-api/reference (read 2026-11-25). `kauth` and `kapi` on one origin. The last user's id is the largest that a
 * number of JavaScript holds.
 */
const USERS: EmulatorUser[] = [
  { id: '2700000001', name: '张三', email: 'zhangsan@example.com', avatar: 'https://k.kakaocdn.example/zhangsan.jpg' },
  { id: '2700000002', name: 'Ada Lovelace' },
  { id: '2700000003', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: '9007199254740991', name: '欧阳若曦', email: 'ouyang@example.com' },
]

const AUTHORIZE = '/oauth/authorize'
const TOKEN = '/oauth/token'
const USER = '/v2/user/me'
const LOGOUT = '/v1/user/logout'

function options(origin: string, { clientID, clientSecret, secret = 'on' }: Settings & KakaoEmulatorOptions) {
  return {
    clientID,
    ...(secret === 'on' && { clientSecret }),
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    revokeURL: origin + LOGOUT,
    userProfileURL: origin + USER,
  }
}

const CONSENT_ITEMS = ['profile_nickname', 'profile_image', 'account_email']
const SCOPES = [...CONSENT_ITEMS, 'openid', 'name', 'gender', 'age_range', 'birthday', 'birthyear', 'phone_number']
const PROMPTS = ['none', 'login', 'create', 'select_account']

const DAY = 24 * 3600
const MONTH = 30 * DAY

function provider(_origin: string, settings: Settings & KakaoEmulatorOptions): Provider {
  const { clientID, consentItems = CONSENT_ITEMS, under14 = [] } = settings
  const ledger = new Ledger(settings, { code: 600, access: 21_599, refresh: 60 * DAY })
  const keys = new IdTokenKeys()

  /** Kakao shows the app's mistakes on its own page. */
  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const nonce = query.get('nonce') ?? undefined
    const wrong = (code: string, why = pageWords(code)) => refusalPage(400, 'Kakao', code, why)
    const twice = repeated(query)
    if (twice) return wrong('invalid_request', twice)
    if (query.get('client_id') !== clientID) return wrong('KOE101')
    if (!isRegistered(settings, redirectURI)) return wrong('KOE006')
    if (query.get('response_type') !== 'code') return wrong('invalid_request', 'response_type')
    const asked = listOf(query.get('scope'))
    const prompts = listOf(query.get('prompt'))
    if (!asked.every((name) => SCOPES.includes(name) || consentItems.includes(name))) return wrong('KOE205')
    if (!prompts.every((name) => PROMPTS.includes(name))) return wrong('invalid_request', 'prompt')
    const back = (params: Record<string, string>) => withParams(redirectURI, { ...params, state })
    // Nobody is logged in at an emulator.
    if (prompts.includes('none')) {
      return { location: back({ error: 'login_required', error_description: 'user authentication required.' }) }
    }
    const scope = SCOPES.filter((name) => asked.includes(name) || consentItems.includes(name))
    return {
      provider: 'Kakao',
      accent: '#3c1e1e',
      clientID,
      scope,
      ticked: scope,
      agree: (user, chosen) => {
        // `openid` is not a consent item that a user could untick.
        const agreedTo = scope.filter((name) => name === 'openid' || chosen.scope.includes(name))
        return back({ code: ledger.issueCode({ user, scope: agreedTo, redirectURI, nonce }, secret(64)) })
      },
      deny: () => back({ error: 'access_denied', error_description: 'User denied access' }),
    }
  })

  function token(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM || repeated(form)) return refused('KOE101')
    if (form.get('client_id') !== clientID) return refused('KOE101')
    const isOn = (settings.secret ?? 'on') === 'on'
    if (isOn && form.get('client_secret') !== settings.clientSecret) return refused('KOE010')
    const grantType = form.get('grant_type')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    return grantType === 'authorization_code' ? exchanged(form) : refused('KOE310')
  }

  function exchanged(form: URLSearchParams): Reply {
    const code = form.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('KOE320', `authorization code not found for code=${code}`)
    const { grant } = found
    if (form.get('redirect_uri') !== grant.redirectURI) return refused('KOE303')
    ledger.useCode(code)
    const scope = [...grant.scope].sort().join(' ')
    return { json: { ...issued(grant), ...withRefreshToken(grant), scope, id_token: idToken(grant) } }
  }

  /** A new refresh token comes only if the old one expires within a month. */
  function refreshed(old: string | null): Reply {
    if (!old) return refused('KOE319')
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused('KOE322')
    if (ledger.refreshSecondsLeft(old) >= MONTH) return { json: { ...issued(grant), id_token: idToken(grant) } }
    ledger.dropRefresh(old)
    return { json: { ...issued(grant), ...withRefreshToken(grant), id_token: idToken(grant) } }
  }

  function issued(grant: Grant) {
    return {
      access_token: ledger.issueAccess(grant, secret(40)),
      token_type: 'bearer',
      expires_in: ledger.accessSeconds,
    }
  }

  function withRefreshToken(grant: Grant) {
    return { refresh_token: ledger.issueRefresh(grant, secret(40)), refresh_token_expires_in: ledger.refreshSeconds }
  }

  function idToken({ user, scope, nonce }: Grant): string | undefined {
    if (!scope.includes('openid')) return undefined
    const { id, name, email, avatar } = user
    const claims = {
      iss: 'https://kauth.kakao.com',
      aud: clientID,
      sub: id,
      nonce,
      nickname: scope.includes('profile_nickname') ? name : undefined,
      picture: scope.includes('profile_image') ? avatar : undefined,
      email: scope.includes('account_email') ? email : undefined,
    }
    return keys.issue(claims, ledger.accessSeconds)
  }

  function userInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (under14.includes(grant.user.id)) return apiRefused(-406)
    const isForm = call.method === 'POST' && mediaType(call) === FORM
    const params = isForm ? formOf(call) : call.query
    const keys = propertyKeys(params.get('property_keys'))
    if (keys === undefined || repeated(params)) return apiRefused(-2)
    const secure = params.get('secure_resource') === 'true'
    const user = kakaoUser(grant, { consentItems, emails: settings.emails ?? 'verified', secure })
    const shown = Object.entries(user).filter(([name]) => isAskedFor(name, keys))
    return { json: Object.fromEntries(shown) }
  }

  function tokenInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    return { json: { id: Number(grant.user.id), expires_in: ledger.accessSeconds, app_id: 1234 } }
  }

  /**
   * Both end every token of this login. `unlink` also withdraws the user's consent, which the emulator does not keep.
   */
  function logout(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    grant.revoked = true
    return { json: { id: Number(grant.user.id) } }
  }

  function holder(call: Call): Grant | Reply {
    return ledger.accessGrant(bearerOf(call)) ?? apiRefused(-401)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: '/.well-known/jwks.json', endpoint: 'keys', handle: () => keys.keySet() },
      { method: 'GET', path: USER, endpoint: 'profile', handle: userInfo },
      { method: 'POST', path: USER, endpoint: 'profile', handle: userInfo },
      { method: 'GET', path: '/v1/user/access_token_info', endpoint: 'request', handle: tokenInfo },
      { method: 'POST', path: LOGOUT, endpoint: 'revoke', handle: logout },
      { method: 'POST', path: '/v1/user/unlink', endpoint: 'revoke', handle: logout },
    ],
    ledgers: [ledger],
    idTokenKeys: keys,
    holder,
    refuse: (endpoint, status, code) => {
      if (endpoint === 'token' || endpoint === 'refresh') {
        const byCall = endpoint === 'refresh' ? 'KOE322' : 'KOE010'
        return words(code ?? (status >= 500 ? 'KOE003' : status === 429 ? 'KOE237' : byCall))
      }
      return apiWords(Number(code ?? (status >= 500 ? -1 : status === 429 ? -10 : status === 403 ? -402 : -401)))
    },
  }
}

/** Kakao separates by commas. */
function listOf(text: string | null): string[] {
  return text ? text.split(',') : []
}

/** A JSON array of texts; `undefined` if it is malformed, empty without the parameter. */
function propertyKeys(text: string | null): string[] | undefined {
  if (text === null) return []
  try {
    const keys: unknown = JSON.parse(text)
    return Array.isArray(keys) && keys.every((key) => typeof key === 'string') ? keys : undefined
  } catch {
    return undefined
  }
}

function isAskedFor(name: string, keys: readonly string[]): boolean {
  const always = name === 'id' || name === 'connected_at'
  return always || keys.length === 0 || keys.some((key) => key.split('.', 1)[0] === name)
}

export const kakao = {
  title: 'Kakao',
  users: USERS,
  own: {
    secret: ['on', 'off'],
    consentItems: 'list',
    emails: ['verified', 'unverified', 'invalid'],
    under14: 'list',
  },
  options,
  provider,
} satisfies EmulatorKind<KakaoEmulatorOptions>
