import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { IdTokenKeys } from './id-token'
import { type Grant, Ledger, secret } from './ledger'
import { apiRefused, apiWords, missing, refused, words } from './linkedin-words'
import { refusalPage } from './page'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { Why } from './texts'
import type { EmulatorUser } from './types'

/** The options of the LinkedIn emulator besides the shared ones. */
export interface LinkedinEmulatorOptions {
  /** Whether the app belongs to a partner, whose logins issue refresh tokens. Default false. */
  refreshTokens?: boolean
  /** Where a member cancels: on the consent page, or on the login page. Default `user_cancelled_authorize`. */
  cancel?: 'user_cancelled_authorize' | 'user_cancelled_login'
  /** The separator of scopes in a token response. Default `space`, as documented; commas were observed. */
  scopeSeparator?: 'space' | 'comma'
  /** Whether `locale` is an object with country and language, as observed, or a string. Default `object`. */
  locale?: 'object' | 'text'
  /** The issuer of id_tokens. Default: that of the discovery document, `https://www.linkedin.com/oauth`; the other is from an example. */
  idTokenIssuer?: 'https://www.linkedin.com/oauth' | 'https://www.linkedin.com'
}

/**
 * Sign In with LinkedIn using OpenID Connect, from learn.microsoft.com/linkedin: shared/authentication/
 * authorization-code-flow and programmatic-refresh-tokens, consumer/integrations/self-serve/sign-in-with-linkedin-v2
 * (read 2026-11-26). `www` and `api` on one origin. As issues quote them: the refusal of a code, a dead token, a missing
 * scope at the start. Inferred: the other texts and statuses of the token endpoint, the word for a dead refresh token,
 * 403 without the scopes, and that an id_token names no nonce.
 */
const USERS: EmulatorUser[] = [
  {
    id: '782bbtaQ1k',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://media.licdn.example/dms/image/zhangsan/profile-displayphoto-shrink_100_100',
  },
  { id: 'Ada-10_xYz', name: 'Ada Lovelace' },
  { id: 'oB7rI4eN0w', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: '0uYang3Rx9', name: '欧阳若曦', email: 'ouyang@example.com' },
]

const AUTHORIZE = '/oauth/v2/authorization'
const TOKEN = '/oauth/v2/accessToken'
const KEYS = '/oauth/openid/jwks'
const USER_INFO = '/v2/userinfo'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    userProfileURL: origin + USER_INFO,
  }
}

const SCOPES = ['openid', 'profile', 'email', 'w_member_social']
const DAY = 24 * 3600

function provider(_origin: string, settings: Settings & LinkedinEmulatorOptions): Provider {
  const { clientID, clientSecret, idTokenIssuer: iss = 'https://www.linkedin.com/oauth' } = settings
  const ledger = new Ledger(settings, { code: 1800, access: 60 * DAY, refresh: 365 * DAY })
  const keys = new IdTokenKeys()

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const wrong = (what: string, why: Why) => refusalPage(400, 'LinkedIn', what, why)
    const twice = repeated(query)
    if (twice) return wrong(twice, (texts) => texts.wrong.repeated(twice))
    if (query.get('client_id') !== clientID) return wrong('client_id', 'The passed in client_id is invalid')
    if (!isRegistered(settings, redirectURI)) {
      return wrong('redirect_uri', 'The redirect_uri does not match the registered value')
    }
    if (query.get('response_type') !== 'code') return wrong('response_type', 'You need to pass "code"')
    if (!query.get('scope')) return wrong('scope', 'You need to pass the "scope" parameter')
    const back = (params: Record<string, string>) => withParams(redirectURI, { ...params, state })
    const scope = (query.get('scope') ?? '').split(' ')
    const strange = scope.find((name) => !SCOPES.includes(name))
    if (strange !== undefined) {
      const why = `Scope "${strange}" is not authorized for your application`
      return { location: back(words('unauthorized_scope_error', why)) }
    }
    const cancel = settings.cancel ?? 'user_cancelled_authorize'
    return {
      provider: 'LinkedIn',
      accent: '#0a66c2',
      clientID,
      scope,
      agree: (user) => back({ code: ledger.issueCode({ user, scope, redirectURI }, `AQ${secret(60)}`) }),
      deny: () => back(words(cancel, 'The user cancelled the authorization')),
    }
  })

  function token(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM) return missing('grant_type')
    const twice = repeated(form)
    if (twice) return refused('invalid_request', `The parameter "${twice}" stands twice`)
    const grantType = form.get('grant_type')
    const own = grantType === 'refresh_token' ? ['refresh_token'] : ['code', 'redirect_uri']
    const absent = ['grant_type', 'client_id', 'client_secret', ...own].find((name) => !form.get(name))
    if (absent) return missing(absent)
    if (form.get('client_id') !== clientID || form.get('client_secret') !== clientSecret) {
      return refused('invalid_client')
    }
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token') ?? '')
    return grantType === 'authorization_code' ? exchanged(form) : refused('unsupported_grant_type')
  }

  function exchanged(form: URLSearchParams): Reply {
    const code = form.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('invalid_request')
    const { grant } = found
    if (form.get('redirect_uri') !== grant.redirectURI) return refused('invalid_redirect_uri')
    ledger.useCode(code)
    const refresh = settings.refreshTokens ? ledger.issueRefresh(grant, `AQ${secret(60)}`) : undefined
    return { json: { ...issued(grant, refresh), token_type: 'Bearer', id_token: idToken(grant) } }
  }

  /** The refresh token stays the same, and expires a year after the login at the latest. */
  function refreshed(old: string): Reply {
    const grant = ledger.refreshGrant(old)
    return grant ? { json: issued(grant, old) } : refused('invalid_grant')
  }

  function issued(grant: Grant, refresh_token: string | undefined) {
    return {
      access_token: ledger.issueAccess(grant, `AQ${secret(120)}`),
      expires_in: ledger.accessSeconds,
      scope: grant.scope.join(settings.scopeSeparator === 'comma' ? ',' : ' '),
      refresh_token,
      refresh_token_expires_in: refresh_token && Math.round(ledger.refreshSecondsLeft(refresh_token)),
    }
  }

  function idToken(grant: Grant): string | undefined {
    if (!grant.scope.includes('openid')) return undefined
    return keys.issue({ iss, aud: clientID, ...claims(grant) }, 3600)
  }

  /** The same claims in an id_token and at `userinfo`. */
  function claims({ user, scope }: Grant) {
    const [given_name = '', ...rest] = user.name.split(' ')
    const { email, avatar } = user
    const locale = settings.locale === 'text' ? 'en-US' : { country: 'US', language: 'en' }
    const profile = { name: user.name, given_name, family_name: rest.join(' '), picture: avatar, locale }
    const tellsEmail = scope.includes('email') && email !== undefined
    return {
      sub: user.id,
      ...(scope.includes('profile') && profile),
      ...(tellsEmail && { email, email_verified: true }),
    }
  }

  function userInfo(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    return grant.scope.includes('openid') ? { json: claims(grant) } : apiRefused('ACCESS_DENIED')
  }

  function holder(call: Call): Grant | Reply {
    const token = bearerOf(call)
    if (token === undefined) return apiRefused('EMPTY_ACCESS_TOKEN')
    const dead = ledger.isExpiredAccess(token) ? 'EXPIRED_ACCESS_TOKEN' : 'INVALID_ACCESS_TOKEN'
    return ledger.accessGrant(token) ?? apiRefused(dead)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: KEYS, endpoint: 'keys', handle: () => keys.keySet() },
      { method: 'GET', path: USER_INFO, endpoint: 'profile', handle: userInfo },
    ],
    ledgers: [ledger],
    idTokenKeys: keys,
    holder,
    refuse: (endpoint, status, code) => {
      if (endpoint === 'profile' || endpoint === 'request') return apiWords(status, code)
      const usual = endpoint === 'refresh' ? 'invalid_grant' : 'invalid_client'
      return words(code ?? (status >= 500 ? 'server_error' : usual))
    },
  }
}

export const linkedin = {
  title: 'LinkedIn',
  users: USERS,
  own: {
    refreshTokens: 'flag',
    cancel: ['user_cancelled_authorize', 'user_cancelled_login'],
    scopeSeparator: ['space', 'comma'],
    locale: ['object', 'text'],
    idTokenIssuer: ['https://www.linkedin.com/oauth', 'https://www.linkedin.com'],
  },
  options,
  provider,
} satisfies EmulatorKind<LinkedinEmulatorOptions>
