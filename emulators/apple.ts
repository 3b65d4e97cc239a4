import { randomInt } from 'node:crypto'
import { type AppleRegistration, ISSUER, isClientSecret, pemOf, privateKeyOf, publicKeyOf } from './apple-secret'
import { consentRoutes, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import type { FormPost } from './form-post'
import { halfHash, IdTokenKeys } from './id-token'
import { type Grant, hex, Ledger } from './ledger'
import { refusalPage } from './page'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { Why } from './texts'
import type { EmulatorUser } from './types'

/** The options of the Apple emulator besides the shared ones. */
export interface AppleEmulatorOptions {
  /** The team's id, ten characters. Default `TEAM0EMULA`. */
  teamID?: string
  /** The id of the app's key, ten characters. Default `KEY00EMULA`. */
  keyID?: string
  /** When the callback has `user`, with the name: `once` at a person's first login, as at Apple, `always`, or `never`. Default `once`. */
  postedUser?: 'once' | 'always' | 'never'
  /** The text that is posted as `user` at every login instead of Apple's JSON: for example broken, an array, or 100 kB. */
  userText?: string
  /** Whether `email_verified` and `is_private_email` are booleans or strings; Apple changed it without notice. Default `by-turns`. */
  booleans?: 'by-turns' | 'boolean' | 'text'
  /** Refuse `localhost` and IP addresses as redirect URIs, and http, as Apple does. */
  refuseLoopback?: boolean
}

/**
 * Sign in with Apple on the web, from developer.apple.com/documentation/signinwithapplerestapi (read 2026-11-25):
 * request-an-authorization-to-the-sign-in-with-apple-server, generate-and-validate-tokens, revoke-tokens; the id_token
 * from …/signinwithapplejs/authorizationi/id_token. There is no user endpoint.
 */
const USERS: EmulatorUser[] = [
  { id: '001234.9f86d081884c4d659a2feaa0c55ad015.0815', name: '张三', email: 'zhangsan@example.com' },
  // Like a school's managed account: no e-mail address.
  { id: '001235.60303ae22b998861bce3b28f33eec1be.1203', name: 'Ada Lovelace' },
  {
    id: '000917.fd61a03af4f77d870fc21e05e7e80678.2359',
    name: "O'Brien <script>alert(1)</script>",
    email: 'obrien@example.com',
  },
  {
    id: '001601.a4e624d686e03ed2767c0abd85c14426.0007',
    name: '欧阳若曦',
    email: 'x7k2m9q4pz@privaterelay.appleid.com',
  },
]

const TEAM_ID = 'TEAM0EMULA'
const KEY_ID = 'KEY00EMULA'

function options(origin: string, settings: Settings & AppleEmulatorOptions) {
  const { clientID, teamID = TEAM_ID, keyID = KEY_ID } = settings
  return {
    clientID,
    teamID,
    keyID,
    privateKey: pemOf(privateKeyOf(settings)),
    baseURL: origin,
    authorizationURL: `${origin}/auth/authorize`,
    tokenURL: `${origin}/auth/token`,
    refreshURL: `${origin}/auth/token`,
    revokeURL: `${origin}/auth/revoke`,
    jwksURL: `${origin}/auth/keys`,
  }
}

const YEAR = 365 * 24 * 3600

function provider(_origin: string, settings: Settings & AppleEmulatorOptions): Provider {
  const { clientID, teamID = TEAM_ID, keyID = KEY_ID, postedUser = 'once', booleans = 'by-turns' } = settings
  const registration: AppleRegistration = {
    clientID,
    teamID,
    keyID,
    publicKey: publicKeyOf(privateKeyOf(settings)),
  }
  // No expiry of refresh tokens is known.
  const ledger = new Ledger(settings, { code: 300, access: 3600, refresh: 10 * YEAR })
  const keys = new IdTokenKeys()
  /** Users who have agreed, until their token is revoked. */
  const authorized = new Set<string>()
  let issued = 0

  /** Apple shows every error on its own page. */
  const authorize = consentRoutes('/auth/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const wrong = (error: string, why: Why) => refusalPage(400, 'Apple', error, why)
    const twice = repeated(query)
    if (twice) return wrong('invalid_request', (texts) => texts.wrong.repeated(twice))
    if (query.get('client_id') !== clientID) return wrong('invalid_client', 'Invalid client.')
    if (!redirectURI || !isReturnURL(redirectURI, settings))
      return wrong('invalid_request', 'Invalid web redirect url.')
    const types = words(query.get('response_type'))
    const withIdToken = types.includes('id_token')
    if (!types.includes('code') || !types.every((type) => ['code', 'id_token'].includes(type))) {
      return wrong('unsupported_response_type', 'Invalid response type.')
    }
    const mode = query.get('response_mode') ?? (withIdToken ? 'fragment' : 'query')
    const scope = words(query.get('scope'))
    if (!['query', 'fragment', 'form_post'].includes(mode) || (withIdToken && mode === 'query')) {
      return wrong('invalid_request', 'Invalid response mode')
    }
    // `openid` is in the discovery document, and has no effect.
    if (!scope.every((name) => ['name', 'email', 'openid'].includes(name)))
      return wrong('invalid_scope', 'Invalid scope.')
    const asked = scope.filter((name) => name !== 'openid')
    if (asked.length > 0 && mode !== 'form_post') {
      return wrong('invalid_request', 'response_mode must be form_post when name or email scope is requested.')
    }
    const back = (fields: Fields) => sentBack(mode, redirectURI, { ...fields, state: query.get('state') ?? undefined })
    const nonce = query.get('nonce') ?? undefined
    return {
      provider: 'Apple',
      accent: '#1d1d1f',
      clientID,
      scope: asked,
      agree: (user) => {
        const grant = { user, scope: asked, redirectURI, clientID, nonce }
        const code = ledger.issueCode(grant, `c${hex(16)}.0.${letters(5)}.${hex(8)}`)
        const id_token = withIdToken ? idToken(grant, { c_hash: halfHash(code) }, nonce) : undefined
        return back({ code, id_token, user: mode === 'form_post' ? userField(grant) : undefined })
      },
      deny: () => back({ error: 'user_cancelled_authorize' }),
    }
  })

  /** The name, which is in no token: posted unsigned, and once. */
  function userField({ user: { id, name, email }, scope }: Grant): string | undefined {
    const isFirst = !authorized.has(id)
    authorized.add(id)
    if (settings.userText !== undefined) return settings.userText
    if (scope.length === 0 || postedUser === 'never' || (postedUser === 'once' && !isFirst)) return undefined
    const [firstName = '', ...rest] = name.split(' ')
    return JSON.stringify({
      name: scope.includes('name') ? { firstName, lastName: rest.join(' ') } : undefined,
      email: scope.includes('email') ? email : undefined,
    })
  }

  function token(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM || repeated(form)) return refused('invalid_request')
    if (!isClient(call, form)) return refused('invalid_client')
    const grantType = form.get('grant_type')
    if (grantType === 'refresh_token') return refreshed(form.get('refresh_token'))
    return grantType === 'authorization_code' ? exchanged(form) : refused('unsupported_grant_type')
  }

  /** Credentials are accepted only in the form. */
  function isClient({ headers }: Call, form: URLSearchParams): boolean {
    if (headers.authorization !== undefined || form.get('client_id') !== clientID) return false
    return isClientSecret(form.get('client_secret') ?? '', registration)
  }

  function exchanged(form: URLSearchParams): Reply {
    const code = form.get('code')
    if (!code) return refused('invalid_request')
    const found = ledger.lookUpCode(code)
    if (found?.state === 'used') return refused('invalid_grant', 'The code has already been used.')
    if (found?.state !== 'fresh') return refused('invalid_grant', 'The code has expired or has been revoked.')
    // The documentation's code for another redirect URI.
    if (form.get('redirect_uri') !== found.grant.redirectURI) return refused('invalid_client')
    ledger.useCode(code)
    return granted(
      found.grant,
      found.grant.nonce,
      ledger.issueRefresh(found.grant, `r${hex(16)}.0.${letters(5)}.${hex(8)}`),
    )
  }

  /** The refresh token stays the same, and is not returned. */
  function refreshed(old: string | null): Reply {
    if (!old) return refused('invalid_request')
    const grant = ledger.refreshGrant(old)
    return grant ? granted(grant) : refused('invalid_grant')
  }

  function granted(grant: Grant, nonce?: string, refresh_token?: string): Reply {
    const access_token = ledger.issueAccess(grant, `a${hex(16)}.0.${letters(5)}.${hex(8)}`)
    return {
      json: {
        access_token,
        token_type: 'Bearer',
        expires_in: ledger.accessSeconds,
        refresh_token,
        id_token: idToken(grant, { at_hash: halfHash(access_token) }, nonce),
      },
    }
  }

  function idToken({ user: { id, email }, scope }: Grant, hash: object, nonce?: string): string | undefined {
    const asText = booleans === 'text' || (booleans === 'by-turns' && issued++ % 2 === 1)
    const said = (value: boolean) => (asText ? String(value) : value)
    const shown =
      email !== undefined && scope.includes('email')
        ? { email, email_verified: said(true), is_private_email: said(email.endsWith('@privaterelay.appleid.com')) }
        : {}
    const auth_time = Math.floor(Date.now() / 1000)
    const claims = { iss: ISSUER, aud: clientID, sub: id, ...hash, ...shown, auth_time, nonce }
    return keys.issue({ ...claims, nonce_supported: true }, 24 * 3600)
  }

  /** An unknown token is no error. */
  function revoke(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM || repeated(form)) return refused('invalid_request')
    if (!isClient(call, form)) return refused('invalid_client')
    const [token, hint] = [form.get('token'), form.get('token_type_hint')]
    if (!token || ![null, 'refresh_token', 'access_token'].includes(hint)) return refused('invalid_request')
    const grant = ledger.refreshGrant(token) ?? ledger.accessGrant(token)
    if (grant) {
      grant.revoked = true
      authorized.delete(grant.user.id)
    }
    return { status: 200 }
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: '/auth/token', endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: '/auth/keys', endpoint: 'keys', handle: () => keys.keySet() },
      { method: 'POST', path: '/auth/revoke', endpoint: 'revoke', handle: revoke },
    ],
    ledgers: [ledger],
    idTokenKeys: keys,
    essential: ['id_token', 'keys'],
    // No API accepts Apple's access tokens: RFC 6750 §3.1.
    holder: (call) => ledger.accessGrant(bearerOf(call)) ?? { status: 401, json: { error: 'invalid_token' } },
    refuse: (endpoint, status, code) => {
      if (code !== undefined) return { error: code }
      if (status >= 500) return { error: 'server_error' }
      return { error: endpoint === 'refresh' ? 'invalid_grant' : 'invalid_client' }
    },
  }
}

function refused(error: string, error_description?: string): Reply {
  return { status: 400, json: { error, error_description } }
}

type Fields = Record<string, string | undefined>

/** The callback in one of the three response modes. */
function sentBack(mode: string, url: string, all: Fields): string | FormPost {
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (mode === 'form_post') return { url, fields: Object.fromEntries(given) }
  return mode === 'query' ? withParams(url, all) : `${url}#${new URLSearchParams(given)}`
}

/** Https, a domain name, no fragment; on loopback anything, for tests. */
function isReturnURL(redirectURI: string, { redirectURIs, refuseLoopback }: Settings & AppleEmulatorOptions): boolean {
  if (!URL.canParse(redirectURI) || redirectURI.includes('#')) return false
  const { protocol, hostname } = new URL(redirectURI)
  const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
  const isIP = /^[\d.]+$|^\[/.test(hostname)
  const mayBe = isLoopback ? !refuseLoopback && /^https?:$/.test(protocol) : protocol === 'https:' && !isIP
  return mayBe && (redirectURIs?.includes(redirectURI) ?? true)
}

function words(text: string | null): string[] {
  return (text ?? '').split(' ').filter((word) => word !== '')
}

function letters(length: number): string {
  return Array.from({ length }, () => String.fromCharCode(97 + randomInt(26))).join('')
}

export const apple = {
  title: 'Apple',
  users: USERS,
  own: {
    teamID: 'text',
    keyID: 'text',
    postedUser: ['once', 'always', 'never'],
    userText: 'text',
    booleans: ['by-turns', 'boolean', 'text'],
    refuseLoopback: 'flag',
  },
  options,
  provider,
} satisfies EmulatorKind<AppleEmulatorOptions>
