import { type DialectProfile, type ErrorCode, LinkedinStrategy, type VerifyFunction } from 'passport-dialects'
import {
  type Emulator,
  type EmulatorOptions,
  type Fault,
  type FaultEndpoint,
  ID_TOKEN_FORGERIES,
  startEmulator,
} from 'passport-dialects/emulators'
import { isForgeryOfEachKind } from '../support/kinds'
import { ask, loggedIn, startTokenApp } from '../support/token-app'
import { usually } from '../support/whole'
import { bareLogin, type LoginSteps, routerLogin } from '../support/whole-login'

let emulator: Emulator<'linkedin'>
afterEach(() => emulator.close())

/** A login that shows what went over the wire and what profile came out. */
async function logIn(options: object = {}, knobs: EmulatorOptions<'linkedin'> = {}, steps: LoginSteps = {}) {
  emulator = await startEmulator('linkedin', knobs)
  let profile: DialectProfile | undefined
  const verify = (login: { profile: DialectProfile }) => {
    profile = login.profile
    return { id: login.profile.id }
  }
  const providers = { linkedin: { ...emulator.options, ...options } }
  const result = await routerLogin(emulator, { providers, verify }, 'linkedin', steps)
  const sent = (endpoint: string) => emulator.requests.filter((arrived) => arrived.endpoint === endpoint).at(-1)
  return { ...result, profile, sent, query: Object.fromEntries(result.request.searchParams) }
}

test('the wire: three scopes, the secret in a form, the user by Bearer', async () => {
  const { request, query, sent, profile } = await logIn()
  expect(request.pathname).toBe('/oauth/v2/authorization')
  expect(query).toMatchObject({ response_type: 'code', scope: 'openid profile email' })
  expect(query).not.toHaveProperty('code_challenge')
  const form = Object.fromEntries(new URLSearchParams(sent('token')?.body))
  expect(Object.keys(form).sort()).toEqual(['client_id', 'client_secret', 'code', 'grant_type', 'redirect_uri'])
  expect(sent('token')?.headers.authorization).toBeUndefined()
  expect(sent('profile')).toMatchObject({ method: 'GET', path: '/v2/userinfo' })
  expect(sent('profile')?.headers.authorization).toMatch(/^Bearer /)
  expect(profile).toMatchObject({
    provider: 'linkedin',
    id: '782bbtaQ1k',
    displayName: '张三',
    emails: [{ value: 'zhangsan@example.com' }],
    photos: [{ value: expect.stringMatching(/^https:/) }],
    _json: { email_verified: true },
  })
})

test('under bare Passport', async () => {
  emulator = await startEmulator('linkedin')
  const verify: VerifyFunction = (_accessToken, refreshToken, profile, done) =>
    done(null, { id: profile.id, refreshToken })
  const build = (callbackURL: string) => new LinkedinStrategy({ ...emulator.options, callbackURL }, verify)
  expect((await bareLogin(emulator, build)).user).toEqual({ id: '782bbtaQ1k' })
})

test('a member without picture and address', async () => {
  const { profile } = await logIn({}, {}, { user: 'Ada-10_xYz' })
  expect(profile).toMatchObject({ id: 'Ada-10_xYz', displayName: 'Ada Lovelace' })
  expect(profile).not.toHaveProperty('emails')
  expect(profile).not.toHaveProperty('photos')
})

test('scopes that come with commas and a locale that is a text', async () => {
  emulator = await startEmulator('linkedin', { scopeSeparator: 'comma', locale: 'text' })
  const app = await startTokenApp({ providers: { linkedin: emulator.options } })
  const browser = await loggedIn(app, 'linkedin', emulator)
  const { tokens } = await ask(browser, `${app.origin}/tokens/linkedin`)
  expect(tokens?.scope).toEqual(['openid', 'profile', 'email'])
  const { value } = await ask(browser, `${app.origin}/profile/linkedin`)
  expect(value).toMatchObject({ id: '782bbtaQ1k', _json: { locale: 'en-US' } })
  await app.close()
})

test.each(['user_cancelled_login', 'user_cancelled_authorize'] as const)('a member who cancels: %s', async (cancel) => {
  const { code, error, sent } = await logIn({}, { cancel }, { deny: true })
  expect(code).toBe('access_denied')
  expect(error).toMatchObject({ providerCode: cancel })
  expect(sent('token')).toBeUndefined()
})

const forged = (callback: string) => {
  const url = new URL(callback)
  url.searchParams.set('code', 'forged')
  return url.href
}

interface Row {
  title: string
  code: ErrorCode
  options?: object
  knobs?: EmulatorOptions<'linkedin'>
  steps?: LoginSteps
  tells?: object
}

test.each<Row>([
  {
    title: 'a wrong secret',
    options: { clientSecret: 'not the secret' },
    code: 'client_rejected',
    tells: { providerStatus: 401 },
  },
  {
    title: 'an old code',
    knobs: { codeLifetime: 0 },
    code: 'grant_rejected',
    tells: { providerCode: 'invalid_request' },
  },
  { title: 'a forged code', steps: { callback: forged }, code: 'grant_rejected' },
  {
    title: 'a scope that the app may not ask for',
    options: { scope: 'r_liteprofile' },
    code: 'authorization_failed',
    tells: { providerCode: 'unauthorized_scope_error' },
  },
  {
    title: 'a dead access token',
    knobs: { accessTokenLifetime: 0 },
    code: 'token_rejected',
    tells: { providerCode: '65602', phase: 'profile' },
  },
  {
    title: 'a token without openid',
    options: { scope: 'profile email' },
    code: 'scope_insufficient',
    tells: { providerCode: '100' },
  },
])('$title: $code', async ({ options, knobs, steps, code, tells = {} }) => {
  const { code: came, error } = await logIn(options, knobs, steps)
  expect(came).toBe(code)
  expect(error).toMatchObject(tells)
})

test.each<[FaultEndpoint, Fault, ErrorCode, string | undefined]>([
  ['token', 'refused:invalid_grant', 'grant_rejected', 'invalid_grant'],
  ['token', 'refused:invalid_client', 'client_rejected', 'invalid_client'],
  ['token', 'http-401', 'client_rejected', 'invalid_client'],
  ['profile', 'http-401', 'token_rejected', '65601'],
  ['profile', 'http-403', 'scope_insufficient', '100'],
  ['profile', 'http-429', 'rate_limited', '101'],
  ['profile', 'http-503', 'provider_unavailable', undefined],
  ['token', 'http-500', 'provider_unavailable', undefined],
])('%s %s: %s', async (endpoint, fault, code, providerCode) => {
  emulator = await startEmulator('linkedin')
  emulator.failNext(endpoint, fault)
  const { code: came, error } = await routerLogin(emulator, { providers: { linkedin: emulator.options } }, 'linkedin')
  expect(came).toBe(code)
  if (providerCode !== undefined) expect(error).toMatchObject({ providerCode })
})

describe('the id_token', () => {
  test('that comes beside the access token is verified by LinkedIn’s keys', async () => {
    const { profile, sent } = await logIn()
    expect(sent('keys')).toMatchObject({ method: 'GET', path: '/oauth/openid/jwks' })
    expect(profile?.id).toBe('782bbtaQ1k')
  })

  test('of either issuer is believed', async () => {
    expect((await logIn({}, { idTokenIssuer: 'https://www.linkedin.com' })).code).toBeUndefined()
  })

  test('need not come: the user is asked for at userinfo', async () => {
    emulator = await startEmulator('linkedin')
    emulator.forgeNext('no-id-token')
    const { code } = await routerLogin(emulator, { providers: { linkedin: emulator.options } }, 'linkedin')
    expect(code).toBeUndefined()
    expect(emulator.requests.some(({ endpoint }) => endpoint === 'keys')).toBe(false)
  })

  // LinkedIn takes no nonce.
  const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => !['no-id-token', 'no-nonce', 'other-nonce'].includes(name))
  test.each(usually(FORGERIES, isForgeryOfEachKind))('%s logs nobody in', async (forgery) => {
    emulator = await startEmulator('linkedin')
    emulator.forgeNext(forgery)
    const { user, error } = await routerLogin(emulator, { providers: { linkedin: emulator.options } }, 'linkedin')
    expect(user).toBeUndefined()
    expect(error).toMatchObject({ code: 'signature_invalid', phase: forgery === 'other-sub' ? 'profile' : 'token' })
  })
})

test('an app that is no partner gets no refresh token: a dead access token means a new login', async () => {
  emulator = await startEmulator('linkedin')
  const app = await startTokenApp({ providers: { linkedin: emulator.options } })
  const browser = await loggedIn(app, 'linkedin', emulator)
  expect((await ask(browser, `${app.origin}/fetch/linkedin?path=/emulator/resource`)).status).toBe(200)
  emulator.expireTokens()
  const { status, error } = await ask(browser, `${app.origin}/fetch/linkedin?path=/emulator/resource`)
  expect(error?.code ?? status).toBe(401) // the provider's own response: there is nothing to renew it with
  expect((await ask(browser, `${app.origin}/revoke/linkedin`)).value).toBe(false)
  await app.close()
})

test('a partner’s refresh token, which stays the same, renews a dead access token', async () => {
  emulator = await startEmulator('linkedin', { refreshTokens: true })
  const app = await startTokenApp({ providers: { linkedin: emulator.options } })
  const browser = await loggedIn(app, 'linkedin', emulator)
  const { tokens: before } = await ask(browser, `${app.origin}/tokens/linkedin`)
  emulator.expireTokens()
  expect((await ask(browser, `${app.origin}/fetch/linkedin?path=/emulator/resource`)).status).toBe(200)
  const { tokens: after } = await ask(browser, `${app.origin}/tokens/linkedin`)
  expect(after?.accessToken).not.toBe(before?.accessToken)
  expect(after?.refreshToken).toBe(before?.refreshToken)
  emulator.revokeGrants()
  emulator.expireTokens()
  const { error } = await ask(browser, `${app.origin}/fetch/linkedin?path=/emulator/resource`)
  expect(error).toMatchObject({ code: 'refresh_rejected' })
  await app.close()
})
