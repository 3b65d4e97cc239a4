import { createPublicKey, verify } from 'node:crypto'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import {
  agreed,
  ask,
  basic,
  bearer,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  postJson,
} from './conversation'
import { resourceAt } from './logins'

const DAY = 24 * 3600

let emulator: Emulator<'linkedin'>
beforeAll(async () => {
  emulator = await startEmulator('linkedin', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, scope: 'openid profile email', ...over }
}

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, of = emulator, user?: string): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of), user)
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

function renewal(token: unknown, of = emulator) {
  return post(of.options.tokenURL, { ...client(of), grant_type: 'refresh_token', refresh_token: String(token) })
}

function userOf(token: unknown, of = emulator) {
  return ask(of.options.userProfileURL, { headers: bearer(token) })
}

function claimsIn(idToken: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(idToken).split('.')[1] ?? '', 'base64url').toString())
}

const inWords = (error: string) => ({ error, error_description: expect.any(String) })
const badCode = {
  error: 'invalid_request',
  error_description: expect.stringMatching(/^Unable to retrieve access token: appid\/redirect uri\/code verifier/),
}
const atTheApi = (status: number, serviceErrorCode: number, code: string) => ({
  status,
  json: { status, serviceErrorCode, code, message: expect.any(String) },
})

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  const token = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({
    access_token: expect.any(String),
    expires_in: 60 * DAY,
    scope: 'openid profile email',
    token_type: 'Bearer',
    id_token: expect.any(String),
  })
  const claims = {
    sub: '782bbtaQ1k',
    name: '张三',
    given_name: '张三',
    family_name: '',
    picture: 'https://media.licdn.example/dms/image/zhangsan/profile-displayphoto-shrink_100_100',
    locale: { country: 'US', language: 'en' },
    email: 'zhangsan@example.com',
    email_verified: true,
  }
  expect((await userOf(token.access_token)).json).toEqual(claims)
  const times = { iat: expect.any(Number), exp: expect.any(Number) }
  const issued = { iss: 'https://www.linkedin.com/oauth', aud: emulator.options.clientID, ...times }
  expect(claimsIn(token.id_token)).toEqual({ ...issued, ...claims })
})

test('an id_token is signed by a key of the set, and comes with openid alone', async () => {
  const { id_token } = await login()
  const [header = '', payload = '', signature = ''] = String(id_token).split('.')
  const { keys } = members(await ask(`${emulator.origin}/oauth/openid/jwks`)) as { keys: { kid: string }[] }
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  const jwk = keys.find((one) => one.kid === kid)
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  expect(verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true)
  const { id_token: none, access_token } = await login({ scope: 'profile email' })
  expect(none).toBeUndefined()
  expect(await userOf(access_token)).toMatchObject(atTheApi(403, 100, 'ACCESS_DENIED'))
})

test('what no scope asked for, and an address that nobody gave, are missing', async () => {
  expect((await userOf((await login({ scope: 'openid' })).access_token)).json).toEqual({ sub: '782bbtaQ1k' })
  const adas = members(await userOf((await login({}, emulator, 'Ada-10_xYz')).access_token))
  expect(adas).toMatchObject({ sub: 'Ada-10_xYz', given_name: 'Ada', family_name: 'Lovelace' })
  for (const name of ['email', 'email_verified', 'picture']) expect(adas).not.toHaveProperty(name)
})

test('scopes by commas, a locale as text, the issuer of a page’s example', async () => {
  const idTokenIssuer = 'https://www.linkedin.com'
  const of = await startEmulator('linkedin', { scopeSeparator: 'comma', locale: 'text', idTokenIssuer })
  const { scope, id_token, access_token } = await login({}, of)
  expect(scope).toBe('openid,profile,email')
  expect(claimsIn(id_token)).toMatchObject({ iss: idTokenIssuer, locale: 'en-US' })
  expect(members(await userOf(access_token, of))).toMatchObject({ locale: 'en-US' })
  await of.close()
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['no scope', { scope: undefined }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test.each(['r_liteprofile', 'openid,profile'])('the app may not ask for %s: the callback says so', async (scope) => {
  const error_description = `Scope "${scope}" is not authorized for your application`
  const refused = { error: 'unauthorized_scope_error', error_description, state: 's' }
  expect(await agreed(emulator, authorization({ scope }))).toEqual(refused)
})

test('a member cancels, on either page', async () => {
  for (const cancel of [undefined, 'user_cancelled_login'] as const) {
    const of = await startEmulator('linkedin', cancel ? { cancel } : {})
    const denied = await of.deny(`${of.options.authorizationURL}?${encoded(authorization({}, of))}`)
    expect(brought(denied)).toEqual({ ...inWords(cancel ?? 'user_cancelled_authorize'), state: 's' })
    await of.close()
  }
})

test.each<[string, Params, number, object]>([
  ['another secret', { client_secret: 'x' }, 401, inWords('invalid_client')],
  ['another app', { client_id: 'x' }, 401, inWords('invalid_client')],
  ['no secret', { client_secret: undefined }, 400, inWords('invalid_request')],
  ['no grant_type', { grant_type: undefined }, 400, inWords('invalid_request')],
  ['another grant_type', { grant_type: 'password' }, 400, inWords('unsupported_grant_type')],
  ['a code that was never given', { code: 'x' }, 400, badCode],
  ['no code', { code: undefined }, 400, inWords('invalid_request')],
  ['a repeated code', { code: ['x', 'y'] }, 400, inWords('invalid_request')],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/x` }, 400, { ...badCode, error: 'invalid_redirect_uri' }],
  ['no redirect URI', { redirect_uri: undefined }, 400, inWords('invalid_request')],
  ['no refresh token', { grant_type: 'refresh_token' }, 400, inWords('invalid_request')],
])('the token request is refused: %s', async (_what, over, status, json) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  expect(await post(emulator.options.tokenURL, { ...right, ...over })).toMatchObject({ status, json })
  expect((await post(emulator.options.tokenURL, right)).status).toBe(200)
})

test('JSON, Basic and GET are no way to ask for a token', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const right = exchange((await agreed(emulator, authorization())).code)
  expect(await postJson(tokenURL, right)).toMatchObject({ status: 400, json: inWords('invalid_request') })
  const bare = { ...right, client_id: undefined, client_secret: undefined }
  expect((await post(tokenURL, bare, basic(clientID, clientSecret))).status).toBe(400)
  expect((await ask(`${tokenURL}?${encoded(right)}`)).status).toBe(404)
})

test('a code is good for one use, and for its time', async () => {
  const used = exchange((await agreed(emulator, authorization())).code)
  expect((await post(emulator.options.tokenURL, used)).status).toBe(200)
  expect(await post(emulator.options.tokenURL, used)).toMatchObject({ status: 400, json: badCode })
  const slow = await startEmulator('linkedin', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(badCode)
  await slow.close()
})

test('a partner’s login brings a refresh token, which stays and whose year goes on', async () => {
  const of = await startEmulator('linkedin', { refreshTokens: true, refreshTokenLifetime: 1000 })
  const { refresh_token: old, refresh_token_expires_in } = await login({}, of)
  expect(refresh_token_expires_in).toBe(1000)
  const renewed = members(await renewal(old, of))
  expect(renewed).toMatchObject({ refresh_token: old, expires_in: 60 * DAY })
  expect(renewed.refresh_token_expires_in).toBeLessThanOrEqual(1000)
  expect(of.requests.at(-1)?.endpoint).toBe('refresh')
  expect((await userOf(renewed.access_token, of)).status).toBe(200)
  of.revokeGrants()
  expect(await renewal(old, of)).toMatchObject({ status: 400, json: inWords('invalid_grant') })
  await of.close()
})

test('tokens that are none, are dead or are missing have a number each', async () => {
  const { userProfileURL } = emulator.options
  expect(await userOf('x')).toMatchObject(atTheApi(401, 65600, 'INVALID_ACCESS_TOKEN'))
  expect(await ask(userProfileURL)).toMatchObject(atTheApi(401, 65604, 'EMPTY_ACCESS_TOKEN'))
  const short = await startEmulator('linkedin', { accessTokenLifetime: 0 })
  const { access_token } = await login({}, short)
  const expired = atTheApi(401, 65602, 'EXPIRED_ACCESS_TOKEN')
  expect(await userOf(access_token, short)).toMatchObject(expired)
  expect(await resourceAt(short, String(access_token))).toMatchObject(expired)
  await short.close()
  const { access_token: early } = await login()
  emulator.expireTokens()
  expect(await userOf(early)).toMatchObject(expired)
  expect(await resourceAt(emulator, String(early))).toMatchObject(expired)
  expect(await userOf('x')).toMatchObject(atTheApi(401, 65600, 'INVALID_ACCESS_TOKEN'))
})

test('faults are worded by their call', async () => {
  const { access_token } = await login()
  for (const [fault, status, number, code] of [
    ['http-401', 401, 65601, 'REVOKED_ACCESS_TOKEN'],
    ['http-403', 403, 100, 'ACCESS_DENIED'],
    ['http-429', 429, 101, 'TOO_MANY_REQUESTS'],
  ] as const) {
    emulator.failNext('profile', fault)
    expect(await userOf(access_token)).toMatchObject(atTheApi(status, number, code))
  }
  emulator.failNext('token', 'http-401')
  expect(await login()).toEqual(inWords('invalid_client'))
  emulator.failNext('refresh', 'refused')
  expect((await renewal('x')).json).toEqual(inWords('invalid_grant'))
})
