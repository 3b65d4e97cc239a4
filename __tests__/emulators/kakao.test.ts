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

let emulator: Emulator<'kakao'>
beforeAll(async () => {
  emulator = await startEmulator('kakao', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  return { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's', ...over }
}

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of))
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

/** The tokens of a user who left these ticked. */
async function loginWith(scopes: string[], of = emulator): Promise<Record<string, unknown>> {
  const address = `${of.options.authorizationURL}?${encoded(authorization({}, of))}`
  const { code } = brought(await of.approve(address, { scopes }))
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

function renewal(token: unknown, of = emulator) {
  return post(of.options.tokenURL, { ...client(of), grant_type: 'refresh_token', refresh_token: String(token) })
}

function userOf(token: unknown, query = '', of = emulator) {
  return ask(of.options.userProfileURL + query, { headers: bearer(token) })
}

const inWords = (error: string, error_code: string) => ({ error, error_code, error_description: expect.any(String) })
const dead = { status: 401, json: { code: -401, msg: 'this access token does not exist' } }

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  const charset = { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' }
  const token = members(await post(emulator.options.tokenURL, exchange(code), charset))
  expect(token).toEqual({
    token_type: 'bearer',
    access_token: expect.any(String),
    expires_in: 21_599,
    refresh_token: expect.any(String),
    refresh_token_expires_in: 5_184_000,
    scope: 'account_email profile_image profile_nickname',
  })
  expect((await userOf(token.access_token)).json).toEqual({
    id: 2700000001,
    connected_at: expect.any(String),
    properties: { nickname: '张三' },
    kakao_account: {
      profile_nickname_needs_agreement: false,
      profile_image_needs_agreement: false,
      profile: {
        nickname: '张三',
        is_default_nickname: false,
        thumbnail_image_url: 'http://k.kakaocdn.example/zhangsan.jpg',
        profile_image_url: 'http://k.kakaocdn.example/zhangsan.jpg',
        is_default_image: false,
      },
      has_email: true,
      email_needs_agreement: false,
      is_email_valid: true,
      is_email_verified: true,
      email: 'zhangsan@example.com',
    },
  })
})

test('the largest id that a number holds, a default image, and no e-mail address', async () => {
  const as = async (user: string) => {
    const { code } = await agreed(emulator, authorization(), user)
    const { access_token } = members(await post(emulator.options.tokenURL, exchange(code)))
    return userOf(access_token)
  }
  expect((await as('9007199254740991')).text).toContain('"id":9007199254740991,')
  const ada = await as('2700000002')
  expect(members(ada, 'kakao_account')).toMatchObject({ has_email: false, profile: { is_default_image: true } })
  expect(Object.keys(members(ada, 'kakao_account'))).not.toContain('email')
})

test('what a user has not agreed to is left out, and a flag says so', async () => {
  const { access_token, scope } = await loginWith(['profile_nickname'])
  expect(scope).toBe('profile_nickname')
  expect(members(await userOf(access_token), 'kakao_account')).toEqual({
    profile_nickname_needs_agreement: false,
    profile_image_needs_agreement: true,
    profile: { nickname: '张三', is_default_nickname: false },
    has_email: true,
    email_needs_agreement: true,
  })
  const { access_token: none } = await loginWith([])
  expect(Object.keys(members(await userOf(none)))).not.toContain('properties')
})

test('an app without consent items learns the id alone; a scope asks for more', async () => {
  const bare = await startEmulator('kakao', { consentItems: [] })
  const { access_token } = await login({}, bare)
  expect(Object.keys(members(await userOf(access_token, '', bare)))).toEqual(['id', 'connected_at'])
  const { access_token: more } = await login({ scope: 'profile_nickname,account_email' }, bare)
  expect(members(await userOf(more, '', bare), 'kakao_account')).toMatchObject({ email: 'zhangsan@example.com' })
  await bare.close()
})

test.each([
  ['unverified', true, false],
  ['invalid', false, false],
] as const)('e-mail addresses: %s', async (emails, is_email_valid, is_email_verified) => {
  const of = await startEmulator('kakao', { emails })
  const { access_token } = await login({}, of)
  const account = members(await userOf(access_token, '', of), 'kakao_account')
  expect(account).toMatchObject({ email: 'zhangsan@example.com', is_email_valid, is_email_verified })
  await of.close()
})

test('the user by POST, with images by https and some members alone', async () => {
  const { access_token } = await login()
  const { userProfileURL } = emulator.options
  const form = { secure_resource: 'true', property_keys: '["kakao_account.profile"]' }
  const user = await post(userProfileURL, form, bearer(access_token))
  expect(user.json).toMatchObject({
    kakao_account: { profile: { profile_image_url: expect.stringMatching(/^https:/) } },
  })
  expect(Object.keys(members(user))).not.toContain('properties')
  for (const wrong of ['kakao_account', '[1]', '{}']) {
    const refusal = await userOf(access_token, `?property_keys=${encodeURIComponent(wrong)}`)
    expect(refusal).toMatchObject({ status: 400, json: { code: -2, msg: expect.any(String) } })
  }
})

test('an id_token with openid alone, signed by a key of the set', async () => {
  expect((await login()).id_token).toBeUndefined()
  const { id_token } = await login({ scope: 'openid,profile_nickname', nonce: 'n-1' })
  const [header = '', claims = '', signature = ''] = String(id_token).split('.')
  const { keys } = members(await ask(`${emulator.origin}/.well-known/jwks.json`)) as { keys: { kid: string }[] }
  const key = createPublicKey({ key: { ...keys[0] }, format: 'jwk' })
  expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true)
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
    iss: 'https://kauth.kakao.com',
    aud: emulator.options.clientID,
    sub: '2700000001',
    nonce: 'n-1',
  })
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['a redirect URI with a query', { redirect_uri: `${CALLBACK}?a=b` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['scopes with spaces', { scope: 'profile_nickname profile_image' }],
  ['an unknown scope', { scope: 'profile' }],
  ['an unknown prompt', { prompt: 'consent' }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('a user who says no, and one who is not logged in where nobody may be asked', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ error: 'access_denied', error_description: expect.any(String), state: 's' })
  const silent = await agreed(emulator, authorization({ prompt: 'none' }))
  expect(silent).toEqual({ error: 'login_required', error_description: expect.any(String), state: 's' })
})

test.each<[string, Params, number, string, string]>([
  ['another secret', { client_secret: 'x' }, 401, 'invalid_client', 'KOE010'],
  ['no secret', { client_secret: undefined }, 401, 'invalid_client', 'KOE010'],
  ['another app', { client_id: 'x' }, 401, 'invalid_client', 'KOE101'],
  ['another grant_type', { grant_type: 'password' }, 400, 'unsupported_grant_type', 'KOE310'],
  ['a code that was never given', { code: 'x' }, 400, 'invalid_grant', 'KOE320'],
  ['no code', { code: undefined }, 400, 'invalid_grant', 'KOE320'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 400, 'invalid_grant', 'KOE303'],
  ['no redirect URI', { redirect_uri: undefined }, 400, 'invalid_grant', 'KOE303'],
  ['no refresh token', { grant_type: 'refresh_token' }, 400, 'invalid_grant', 'KOE319'],
  ['a dead refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant', 'KOE322'],
])('the token request is refused: %s', async (_what, over, status, error, code) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  const refusal = await post(emulator.options.tokenURL, { ...right, ...over })
  expect(refusal).toMatchObject({ status, json: inWords(error, code) })
  expect((await post(emulator.options.tokenURL, right)).status).toBe(200)
})

test('JSON and Basic are no way to ask for a token', async () => {
  const { tokenURL, clientID, clientSecret = '' } = emulator.options
  const { code } = await agreed(emulator, authorization())
  expect((await postJson(tokenURL, exchange(code))).json).toEqual(inWords('invalid_client', 'KOE101'))
  const withoutClient = exchange(code, { client_id: undefined, client_secret: undefined })
  expect((await post(tokenURL, withoutClient, basic(clientID, clientSecret))).status).toBe(401)
})

test('a secret that is switched off may be missing or wrong', async () => {
  const off = await startEmulator('kakao', { secret: 'off' })
  expect(off.options).not.toHaveProperty('clientSecret')
  for (const client_secret of [undefined, 'anything']) {
    const { code } = await agreed(off, authorization({}, off))
    expect((await post(off.options.tokenURL, exchange(code, { client_secret }, off))).status).toBe(200)
  }
  await off.close()
})

test('a code is good for one use, and for its time; the refusal quotes it', async () => {
  const used = exchange((await agreed(emulator, authorization())).code)
  expect((await post(emulator.options.tokenURL, used)).status).toBe(200)
  const twice = members(await post(emulator.options.tokenURL, used))
  expect(twice).toEqual(inWords('invalid_grant', 'KOE320'))
  expect(twice.error_description).toBe(`authorization code not found for code=${used.code}`)
  const slow = await startEmulator('kakao', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(inWords('invalid_grant', 'KOE320'))
  await slow.close()
})

test('a refresh brings a new refresh token only in the old one’s last month', async () => {
  const { refresh_token } = await login()
  const renewed = members(await renewal(refresh_token))
  expect(Object.keys(renewed).sort()).toEqual(['access_token', 'expires_in', 'token_type'])
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect((await renewal(refresh_token)).status).toBe(200)
  const short = await startEmulator('kakao', { refreshTokenLifetime: 29 * DAY })
  const { refresh_token: old } = await login({}, short)
  const rotated = members(await renewal(old, short))
  expect(rotated).toMatchObject({ refresh_token: expect.any(String), refresh_token_expires_in: 29 * DAY })
  expect(rotated.refresh_token).not.toBe(old)
  expect((await renewal(old, short)).json).toEqual(inWords('invalid_grant', 'KOE322'))
  await short.close()
})

test('a dead token and a user under 14 are both HTTP 401, and not the same', async () => {
  const of = await startEmulator('kakao', { under14: ['2700000001'] })
  const { access_token } = await login({}, of)
  expect(await userOf('x', '', of)).toMatchObject(dead)
  expect(await userOf(access_token, '', of)).toMatchObject({ status: 401, json: { code: -406 } })
  expect((await resourceAt(of, String(access_token))).status).toBe(200)
  await of.close()
})

test('the user is told to a live bearer token alone; a logout ends every token of the login', async () => {
  const { userProfileURL, revokeURL } = emulator.options
  expect(await ask(userProfileURL)).toMatchObject(dead)
  const { access_token, refresh_token } = await login()
  expect(await ask(`${userProfileURL}?access_token=${access_token}`)).toMatchObject(dead)
  const info = await ask(`${emulator.origin}/v1/user/access_token_info`, { headers: bearer(access_token) })
  expect(info.json).toEqual({ id: 2700000001, expires_in: 21_599, app_id: 1234 })
  expect(await post(revokeURL, {})).toMatchObject(dead)
  expect((await post(revokeURL, {}, bearer(access_token))).json).toEqual({ id: 2700000001 })
  expect(await userOf(access_token)).toMatchObject(dead)
  expect((await renewal(refresh_token)).status).toBe(400)
})

test('faults are worded by their call', async () => {
  const { access_token } = await login()
  emulator.failNext('profile', 'http-403')
  const scopes = { required_scopes: ['friends'], allowed_scopes: expect.any(Array) }
  expect(await userOf(access_token)).toMatchObject({ status: 403, json: { code: -402, ...scopes } })
  emulator.failNext('token', 'http-429')
  expect(await login()).toMatchObject({ error_code: 'KOE237' })
})
