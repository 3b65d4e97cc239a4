import { randomBytes } from 'node:crypto'
import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the Naver emulator besides the shared ones. */
export interface NaverEmulatorOptions {
  /**
   * The profile items that the console grants this app; a person can refuse each on the consent page. Default `nickname`,
   * `name`, `email`, `profile_image` and `mobile`.
   */
  profileItems?: readonly string[]
  /** The type of `expires_in`: the documentation's table has a number, its examples have text. Default `text`. */
  expiresIn?: 'text' | 'number'
}

/**
 * Naver Login, plain OAuth below `/oauth2.0/`, from naver/naver-openapi-guide: ko/login/devguide/devguide.md,
 * ko/login/api/api.md, ko/login/profile/profile.md (read 2026-11-25). `nid` and `openapi` on one origin. The last
 * user's id is one of an older app's: 64 bits, as text.
 */
const USERS: EmulatorUser[] = [
  {
    id: 'qV3nT-example_7hXw2LmB9cRkYs0ZpDfGjUoEaQ1t4vN6',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://ssl.pstatic.example/zhangsan.png',
  },
  { id: 'aB8kL-example_2nMv5XcZ1qWeRtYuIoPlKjHgFdS3s7d9', name: 'Ada Lovelace' },
  {
    id: 'zX4cV-example_6bNm3QwE8rTyUiOpAsDfGhJkLz0x1c2v',
    name: "O'Brien <script>alert(1)</script>",
    email: 'obrien@example.com',
  },
  { id: '9223372036854775807', name: '欧阳若曦', email: 'ouyang@example.com', mobile: '010-0000-0000' },
]

const AUTHORIZE = '/oauth2.0/authorize'
const TOKEN = '/oauth2.0/token'
const REVOKE = '/oauth2.0/revoke'
const ME = '/v1/nid/me'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    revokeURL: origin + REVOKE,
    userProfileURL: origin + ME,
  }
}

const PROFILE_ITEMS = ['nickname', 'name', 'email', 'profile_image', 'mobile']
const YEAR = 365 * 24 * 3600

function provider(_origin: string, settings: Settings & NaverEmulatorOptions): Provider {
  const { clientID, clientSecret, profileItems = PROFILE_ITEMS } = settings
  const ledger = new Ledger(settings, { code: 600, access: 3600, refresh: YEAR })

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state')
    const wrong = (error: string, why: string) => errorPage(400, 'Naver', error, why)
    const twice = repeated(query)
    if (twice) return wrong('invalid_request', twice)
    if (query.get('client_id') !== clientID) return wrong('invalid_request', 'client_id')
    if (!isRegistered(settings, redirectURI)) return wrong('invalid_request', 'redirect_uri')
    if (!state) return wrong('invalid_request', 'state')
    if (!['reprompt', 'reauthenticate'].includes(query.get('auth_type') ?? 'reprompt')) {
      return wrong('invalid_request', 'auth_type')
    }
    const refuse = (error: string, error_description: string) =>
      withParams(redirectURI, { state, error, error_description })
    if (query.get('response_type') !== 'code') {
      return { location: refuse('unsupported_response_type', 'response_type is not supported.') }
    }
    return {
      provider: 'Naver',
      accent: '#027a3b',
      clientID,
      scope: profileItems,
      ticked: profileItems,
      agree: (user, { scope }) =>
        withParams(redirectURI, { code: ledger.issueCode({ user, scope, redirectURI, state }, hex(9)), state }),
      deny: () => refuse('access_denied', 'Canceled By User'),
    }
  })

  /** GET has its parameters in the query, POST in a form; a refusal has HTTP 200. */
  function token(call: Call): Reply {
    const params = call.method === 'GET' ? call.query : formOf(call)
    if (call.method === 'POST' && mediaType(call) !== FORM) return refused('invalid_request', 'not a form')
    if (repeated(params)) return refused('invalid_request', 'a parameter is repeated')
    const [id, given] = [params.get('client_id'), params.get('client_secret')]
    if (!id || !given) return refused('invalid_request', 'client_id or client_secret is missing')
    if (id !== clientID) return refused('invalid_client', 'client is not registered.')
    if (given !== clientSecret) return refused('invalid_client', 'wrong client id / client secret pair.')
    const grantType = params.get('grant_type')
    if (grantType === 'authorization_code') return exchanged(params)
    if (grantType === 'refresh_token') return refreshed(params.get('refresh_token'))
    return grantType === 'delete' ? deleted(params) : refused('invalid_request', 'grant_type')
  }

  /** `state` must be repeated. `redirect_uri`, which the documentation's table lacks, must match if it is sent. */
  function exchanged(params: URLSearchParams): Reply {
    const [code, state] = [params.get('code'), params.get('state')]
    if (!code || !state) return refused('invalid_request', `${code ? 'state' : 'code'} is missing`)
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('invalid_request', 'no valid data in session')
    const { grant } = found
    const redirectURI = params.get('redirect_uri') ?? grant.redirectURI
    if (state !== grant.state || redirectURI !== grant.redirectURI) {
      return refused('unauthorized_client', 'an authorization code that was not authenticated')
    }
    ledger.useCode(code)
    return { json: issued(grant, ledger.issueRefresh(grant, base64())) }
  }

  /** Returns no refresh token: the old one stays valid. */
  function refreshed(token: string | null): Reply {
    const grant = ledger.refreshGrant(token ?? undefined)
    return grant ? { json: issued(grant) } : refused('invalid_request', 'no valid data in session')
  }

  /** The older way to revoke. */
  function deleted(params: URLSearchParams): Reply {
    const access_token = params.get('access_token')
    if (!access_token || params.get('service_provider') !== 'NAVER') return refused('invalid_request', 'access_token')
    end(access_token)
    return { json: { access_token, result: 'success' } }
  }

  function issued(grant: Grant, refresh_token?: string) {
    const { accessSeconds } = ledger
    return {
      access_token: ledger.issueAccess(grant, base64()),
      refresh_token,
      token_type: 'bearer',
      expires_in: settings.expiresIn === 'number' ? accessSeconds : String(accessSeconds),
    }
  }

  /** Only the status counts: the body is empty, for an unknown token too. */
  function revoke(call: Call): Reply {
    const form = formOf(call)
    const wrong = (status: number, error: string): Reply => ({ status, json: { error, error_description: error } })
    const token = form.get('token')
    const hint = form.get('token_type_hint') ?? 'access_token'
    const isKnownHint = ['access_token', 'refresh_token'].includes(hint)
    if (mediaType(call) !== FORM || repeated(form) || !token || !isKnownHint) return wrong(400, 'invalid_request')
    if (form.get('client_id') !== clientID || form.get('client_secret') !== clientSecret) {
      return wrong(401, 'unauthorized_client')
    }
    end(token)
    return {}
  }

  /** Ending one token of the pair ends the other. */
  function end(token: string): void {
    const grant = ledger.accessGrant(token) ?? ledger.refreshGrant(token)
    if (grant) grant.revoked = true
  }

  function me(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    const { id, name, email, avatar, mobile } = grant.user
    const known = { nickname: name, name, email, profile_image: avatar, mobile }
    const told = Object.entries(known).filter(([item]) => grant.scope.includes(item))
    const response = { id, ...Object.fromEntries(told), enc_id: hex(32) }
    return { json: { resultcode: '00', message: 'success', response } }
  }

  /** Whether a token is valid; with `info`, also its expiry and scope. */
  function verify(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    if (call.query.get('info') !== 'true') return { json: { resultcode: '00', message: 'success' } }
    const allowed_profile = grant.scope.join(',')
    return { json: { resultcode: '00', message: 'success', response: { token: bearerOf(call), allowed_profile } } }
  }

  function holder(call: Call): Grant | Reply {
    if (call.headers.authorization === undefined) return apiRefused(401, '028')
    return ledger.accessGrant(bearerOf(call)) ?? apiRefused(401, '024')
  }

  return {
    routes: [
      ...authorize,
      { method: 'GET', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: ME, endpoint: 'profile', handle: me },
      { method: 'POST', path: ME, endpoint: 'profile', handle: me },
      { method: 'GET', path: '/v1/nid/verify', endpoint: 'request', handle: verify },
      { method: 'POST', path: REVOKE, endpoint: 'revoke', handle: revoke },
    ],
    ledgers: [ledger],
    holder,
    refuse: (endpoint, status, code) => {
      if (endpoint === 'profile' || endpoint === 'request') {
        return apiWords(code ?? (status >= 500 ? '500' : status === 403 || status === 429 ? String(status) : '024'))
      }
      const byCall = { refresh: 'invalid_request', revoke: 'unauthorized_client' }[String(endpoint)] ?? 'invalid_client'
      return { error: code ?? (status >= 500 ? 'server_error' : byCall), error_description: 'refused by the emulator' }
    },
  }
}

/** Tokens contain characters that a form must encode and a header must not. */
function base64(): string {
  return `AAAA${randomBytes(39).toString('base64')}+/w==`
}

function refused(error: string, error_description: string): Reply {
  return { json: { error, error_description } }
}

const WORDS: Record<string, string> = {
  '024': 'Authentication failed (인증 실패하였습니다.)',
  '028': 'Authentication header not exists (인증 헤더가 없습니다.)',
  '403': 'Forbidden (호출 권한이 없습니다.)',
  '404': 'Not Found (검색 결과가 없습니다.)',
  '500': 'Internal Server Error (데이터베이스 오류입니다.)',
}

function apiWords(resultcode: string) {
  return { resultcode, message: WORDS[resultcode] ?? 'refused by the emulator' }
}

function apiRefused(status: number, resultcode: string): Reply {
  return { status, json: apiWords(resultcode) }
}

export const naver = {
  title: 'Naver',
  users: USERS,
  own: {
    profileItems: 'list',
    expiresIn: ['text', 'number'],
  },
  options,
  provider,
} satisfies EmulatorKind<NaverEmulatorOptions>
