import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { s256 } from './pkce'
import { bearerOf, type Call, FORM, formOf, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the Feishu emulator besides the shared ones. */
export interface FeishuEmulatorOptions {
  /** The edition that `options` point to; the token addresses of both are served. Default `feishu`. */
  edition?: 'feishu' | 'lark'
  /**
   * The HTTP status for a dead access token. `400`: with 99991668, as the gateway was observed to send. `200`: with 20005,
   * as the page of the user's data says. Default `400`.
   */
  deadTokenStatus?: '200' | '400'
}

/**
 * Feishu, from its pages below open.feishu.cn/document (read 2026-11-21):
 * authentication-management/access-token/obtain-oauth-code, …/get-user-access-token, …/refresh-user-access-token,
 * server-docs/authentication-management/login-state-management/get. Both generations of the token address.
 */
const USERS: EmulatorUser[] = [
  {
    id: 'ou_caecc734c2e3328a62489fe0648c4b98',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://s3-imfile.feishucdn.example/zhangsan.jpg',
  },
  { id: 'ou_d89e128bb2a1c0f47a5b6613e2f0c9aa', name: 'Ada Lovelace' },
  { id: 'ou_5b1a7a0f4c6d4f1b8e2c9d3a7f6e5c41', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: 'ou_9c2e4f6a8b0d4c3e9f1a7b5d3c1e0f82', name: '欧阳若曦', email: 'ouyang@example.com' },
]

const TOKEN_V3 = '/oauth/v3/token'
const TOKEN_V2 = '/open-apis/authen/v2/oauth/token'

function options(origin: string, { clientID, clientSecret, edition = 'feishu' }: Settings & FeishuEmulatorOptions) {
  const tokenURL = origin + (edition === 'feishu' ? TOKEN_V3 : TOKEN_V2)
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    edition,
    authorizationURL: `${origin}/open-apis/authen/v1/authorize`,
    tokenURL,
    refreshURL: tokenURL,
    userProfileURL: `${origin}/open-apis/authen/v1/user_info`,
  }
}

const WORDS: Record<number, string> = {
  20001: 'The request is missing a required parameter.',
  20002: 'The client secret is invalid.',
  20003: 'The authorization code is not found. Please note that an authorization code can only be used once.',
  20004: 'The authorization code has expired.',
  20024: 'The provided authorization code or refresh token does not match the provided client ID.',
  20026: 'The refresh token passed is invalid. Please check the value.',
  20036: 'The specified grant_type is not supported.',
  20048: 'The specified app does not exist.',
  20049: 'PKCE code challenge failed.',
  20050: 'An unexpected server error occurred. Please retry your request.',
  20063: 'The request is malformed. Please check your request.',
  20065: 'The authorization code has been used. Please note that an authorization code can only be used once.',
  20070: 'Multiple authentication methods were provided. Please only use one to proceed.',
  20071: 'The provided redirect URI does not match the one used during authorization.',
  20072: 'The server is temporarily unavailable. Please retry your request.',
}

/** How many scopes a request may have (page of 2025-09-18). What Feishu says to more of them is not documented. */
const MOST_SCOPES = 50

/** How many seconds the old access token lives on after a refresh. */
const GRACE = 60

/** OAuth's error code beside the number. The pages show `server_error`; the others follow RFC 6749 §5.2. */
function errorOf(code: number): string {
  if (code === 20002 || code === 20048) return 'invalid_client'
  if (code === 20050 || code === 20072) return 'server_error'
  if (code === 20036) return 'unsupported_grant_type'
  return [20001, 20063, 20070].includes(code) ? 'invalid_request' : 'invalid_grant'
}

function provider(_origin: string, settings: Settings & FeishuEmulatorOptions): Provider {
  const ledger = new Ledger(settings, { code: 300, access: 7200, refresh: 604_800 })
  const newest = new WeakMap<Grant, string>()

  const authorize = consentRoutes('/open-apis/authen/v1/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const challenge = query.get('code_challenge') ?? undefined
    const scope = (query.get('scope') ?? '').split(' ').filter((name) => name !== '')
    const wrong = (code: string, why: string) => errorPage(400, 'Feishu', code, why)
    const twice = repeated(query)
    if (twice) return wrong('20063', twice)
    if (query.get('client_id') !== settings.clientID) return wrong('20048', 'client_id')
    if (query.get('response_type') !== 'code') return wrong('20063', 'response_type')
    if (!isRegistered(settings, redirectURI)) return wrong('20029', 'redirect_uri 请求不合法')
    if (scope.length > MOST_SCOPES || !scope.every((name) => /^[a-z][\w:.]*$/.test(name)))
      return wrong('20027', 'scope')
    // `plain` is the default for a challenge without a method.
    if (challenge && query.get('code_challenge_method') !== 'S256') return wrong('20063', 'code_challenge_method')
    return {
      provider: 'Feishu',
      clientID: settings.clientID,
      scope,
      agree: (user) =>
        withParams(redirectURI, { code: ledger.issueCode({ user, scope, redirectURI, challenge }), state }),
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  /** Version 2 accepts only JSON; version 3 also a form. */
  function paramsOf(call: Call): Record<string, unknown> | undefined {
    if (mediaType(call) === 'application/json') return jsonOf(call)
    const form = formOf(call)
    const wellFormed = mediaType(call) === FORM && call.path === TOKEN_V3 && !repeated(form)
    return wellFormed ? Object.fromEntries(form) : undefined
  }

  function token(call: Call): Reply {
    const params = paramsOf(call)
    if (!params) return refused(20063)
    const { grant_type, client_id, client_secret } = params
    if (call.headers.authorization !== undefined) return refused(20070)
    if (typeof client_id !== 'string' || typeof client_secret !== 'string') return refused(20001)
    if (client_id !== settings.clientID) return refused(20048)
    if (client_secret !== settings.clientSecret) return refused(20002)
    if (grant_type === 'refresh_token') return refreshed(params.refresh_token)
    return grant_type === 'authorization_code' ? exchanged(params, call.path === TOKEN_V3) : refused(20036)
  }

  function exchanged({ code, redirect_uri, code_verifier }: Record<string, unknown>, strict: boolean): Reply {
    if (typeof code !== 'string' || code === '') return refused(20001)
    const found = ledger.lookUpCode(code)
    if (!found) return refused(20003)
    if (found.state !== 'fresh') return refused(found.state === 'used' ? 20065 : 20004)
    const { grant } = found
    if (redirect_uri !== grant.redirectURI) return refused(20071)
    const verifier = typeof code_verifier === 'string' ? code_verifier : undefined
    const proof = verifier && s256(verifier)
    // Only version 3 refuses a verifier without a challenge.
    if (grant.challenge === undefined ? strict && verifier !== undefined : proof !== grant.challenge) {
      return refused(20049)
    }
    ledger.useCode(code)
    return issued(grant)
  }

  /** A refresh token works once. The access token that was issued with it dies soon. */
  function refreshed(old: unknown): Reply {
    if (typeof old !== 'string' || old === '') return refused(20001)
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(20026)
    ledger.dropRefresh(old)
    ledger.shortenAccess(newest.get(grant) ?? '', GRACE)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    const offline = grant.scope.includes('offline_access')
    const access_token = ledger.issueAccess(grant, `eyJ${secret(48)}`)
    newest.set(grant, access_token)
    return {
      json: {
        code: 0,
        access_token,
        expires_in: ledger.accessSeconds,
        refresh_token: offline ? ledger.issueRefresh(grant, `eyJ${secret(48)}`) : undefined,
        refresh_token_expires_in: offline ? ledger.refreshSeconds : undefined,
        scope: grant.scope.join(' '),
        token_type: 'Bearer',
      },
    }
  }

  function userInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    const { id, name, email, avatar } = grant.user
    const data = {
      name,
      en_name: name,
      avatar_url: avatar,
      avatar_thumb: avatar,
      open_id: id,
      union_id: `on_${id.slice(3)}`,
      email: grant.scope.includes('contact:user.email:readonly') ? email : undefined,
      tenant_key: '736588c92lxf175d',
    }
    return { json: { code: 0, msg: 'success', data } }
  }

  function holder(call: Call): Grant | Reply {
    if (call.headers.authorization === undefined) return { status: 400, json: { code: 99991661, msg: MISSING } }
    return ledger.accessGrant(bearerOf(call)) ?? deadToken()
  }

  function deadToken(): Reply {
    if (settings.deadTokenStatus === '200') return { json: { code: 20005, msg: INVALID_AT_USER_INFO } }
    return { status: 400, json: { code: 99991668, msg: INVALID } }
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN_V3, endpoint: 'token', refreshes: true, handle: token },
      { method: 'POST', path: TOKEN_V2, endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: '/open-apis/authen/v1/user_info', endpoint: 'profile', handle: userInfo },
    ],
    ledgers: [ledger],
    holder,
    refuse: (at, status, code) => {
      const byStatus = status >= 500 ? 20050 : status === 429 ? 99991400 : at === 'profile' ? 20005 : 20002
      const number = Number(code ?? byStatus)
      return at === 'profile' ? { code: number, msg: 'refused by the emulator' } : wordsOf(number)
    },
  }
}

const MISSING = 'Missing access token for authorization. Please make a request with token attached.'
const INVALID = 'Invalid access token for authorization. Please make a request with token attached.'
const INVALID_AT_USER_INFO = 'The user access token passed is invalid. Please check the value'

function refused(code: number): Reply {
  return { status: 400, json: wordsOf(code) }
}

function wordsOf(code: number) {
  return { code, error: errorOf(code), error_description: WORDS[code] ?? 'refused by the emulator' }
}

export const feishu = {
  title: 'Feishu',
  chineseTitle: '飞书',
  users: USERS,
  own: {
    edition: ['feishu', 'lark'],
    deadTokenStatus: ['200', '400'],
  },
  options,
  provider,
} satisfies EmulatorKind<FeishuEmulatorOptions>
