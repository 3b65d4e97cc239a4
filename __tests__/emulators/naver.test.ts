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

let emulator: Emulator<'naver'>
beforeAll(async () => {
  emulator = await startEmulator('naver', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  return { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's1', ...over }
}

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, state: 's1', redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of))
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

function renewal(token: unknown): Params {
  return { ...client(), grant_type: 'refresh_token', refresh_token: String(token) }
}

function userOf(token: unknown, of = emulator) {
  return ask(of.options.userProfileURL, { headers: bearer(token) })
}

const inWords = (error: string) => ({ error, error_description: expect.any(String) })
const dead = { status: 401, json: { resultcode: '024', message: expect.any(String) } }

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's1' })
  const token = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^AAAA.*\+\/w==$/),
    refresh_token: expect.stringMatching(/^AAAA.*\+\/w==$/),
    token_type: 'bearer',
    expires_in: '3600',
  })
  const expected = {
    resultcode: '00',
    message: 'success',
    response: {
      id: 'qV3nT-example_7hXw2LmB9cRkYs0ZpDfGjUoEaQ1t4vN6',
      nickname: '张三',
      name: '张三',
      email: 'zhangsan@example.com',
      profile_image: 'https://ssl.pstatic.example/zhangsan.png',
      enc_id: expect.any(String),
    },
  }
  expect((await userOf(token.access_token)).json).toEqual(expected)
  expect((await post(emulator.options.userProfileURL, {}, bearer(token.access_token))).json).toMatchObject({
    resultcode: '00',
  })
})

test('the id of an older app is a number too large for JavaScript, as text', async () => {
  const { code } = await agreed(emulator, authorization(), '9223372036854775807')
  const { access_token } = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(members(await userOf(access_token), 'response').id).toBe('9223372036854775807')
})

test('what a user refuses, and what the console does not name, is missing', async () => {
  const address = `${emulator.options.authorizationURL}?${encoded(authorization())}`
  const { code } = brought(await emulator.approve(address, { scopes: ['name'] }))
  const { access_token } = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(Object.keys(members(await userOf(access_token), 'response'))).toEqual(['id', 'name', 'enc_id'])
  const bare = await startEmulator('naver', { profileItems: [] })
  const { access_token: other } = await login({}, bare)
  expect(Object.keys(members(await userOf(other, bare), 'response'))).toEqual(['id', 'enc_id'])
  await bare.close()
})

test('expires_in as a number, as the table of the document has it', async () => {
  const numbers = await startEmulator('naver', { expiresIn: 'number' })
  expect((await login({}, numbers)).expires_in).toBe(3600)
  await numbers.close()
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['no state', { state: undefined }],
  ['an unknown auth_type', { auth_type: 'rerequest' }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('a user who says no, and a response_type that there is none of', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ ...inWords('access_denied'), state: 's1' })
  expect(await agreed(emulator, authorization({ response_type: 'token' }))).toEqual({
    ...inWords('unsupported_response_type'),
    state: 's1',
  })
  expect(await agreed(emulator, authorization({ auth_type: 'reauthenticate' }))).toMatchObject({ state: 's1' })
})

test.each<[string, Params, string]>([
  ['no state', { state: undefined }, 'invalid_request'],
  ['another state', { state: 's2' }, 'unauthorized_client'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 'unauthorized_client'],
  ['another secret', { client_secret: 'x' }, 'invalid_client'],
  ['no secret', { client_secret: undefined }, 'invalid_request'],
  ['another app', { client_id: 'x' }, 'invalid_client'],
  ['no grant_type', { grant_type: undefined }, 'invalid_request'],
  ['no code', { code: undefined }, 'invalid_request'],
  ['a code that was never given', { code: 'x' }, 'invalid_request'],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_request'],
  ['a dead refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_request'],
  ['no refresh token', { grant_type: 'refresh_token' }, 'invalid_request'],
])('the token request is refused on HTTP 200: %s', async (_what, over, error) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  const refusal = await post(emulator.options.tokenURL, { ...right, ...over })
  expect(refusal).toMatchObject({ status: 200, json: inWords(error) })
  expect(members(await post(emulator.options.tokenURL, right))).toHaveProperty('access_token')
})

test('a query by GET is taken, a redirect URI may be missing; JSON and Basic are not taken', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const code = async () => (await agreed(emulator, authorization())).code
  const byQuery = encoded(exchange(await code(), { redirect_uri: undefined }))
  expect(members(await ask(`${tokenURL}?${byQuery}`))).toHaveProperty('access_token')
  expect((await postJson(tokenURL, exchange(await code()))).json).toEqual(inWords('invalid_request'))
  const withoutClient = exchange(await code(), { client_id: undefined, client_secret: undefined })
  expect((await post(tokenURL, withoutClient, basic(clientID, clientSecret))).json).toEqual(inWords('invalid_request'))
})

test('a code is good for one use, and for its time', async () => {
  const used = exchange((await agreed(emulator, authorization())).code)
  expect(members(await post(emulator.options.tokenURL, used))).toHaveProperty('access_token')
  const twice = { error: 'invalid_request', error_description: 'no valid data in session' }
  expect((await post(emulator.options.tokenURL, used)).json).toEqual(twice)
  const slow = await startEmulator('naver', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(twice)
  await slow.close()
})

test('a refresh needs no state and brings no refresh token', async () => {
  const { refresh_token } = await login()
  const renewed = members(await post(emulator.options.tokenURL, renewal(refresh_token)))
  expect(Object.keys(renewed).sort()).toEqual(['access_token', 'expires_in', 'token_type'])
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect((await userOf(renewed.access_token)).status).toBe(200)
  expect(members(await post(emulator.options.tokenURL, renewal(refresh_token)))).toHaveProperty('access_token')
})

test.each(['access_token', 'refresh_token'])('a revocation of the %s ends both, with an empty body', async (which) => {
  const { revokeURL, tokenURL } = emulator.options
  const tokens = await login()
  const form = { ...client(), token: String(tokens[which]), token_type_hint: which }
  expect(await post(revokeURL, form)).toMatchObject({ status: 200, text: '' })
  expect(await userOf(tokens.access_token)).toMatchObject(dead)
  expect((await post(tokenURL, renewal(tokens.refresh_token))).json).toEqual(inWords('invalid_request'))
  expect(await post(revokeURL, { ...form, token: 'unknown' })).toMatchObject({ status: 200, text: '' })
})

test('a revocation is refused by its status', async () => {
  const { revokeURL } = emulator.options
  const { access_token } = await login()
  const form = { ...client(), token: String(access_token) }
  const refusal = async (over: Params) => {
    const { status, json } = await post(revokeURL, { ...form, ...over })
    return [status, (json as { error: string }).error]
  }
  expect(await refusal({ client_secret: 'x' })).toEqual([401, 'unauthorized_client'])
  expect(await refusal({ token: undefined })).toEqual([400, 'invalid_request'])
  expect(await refusal({ token_type_hint: 'id_token' })).toEqual([400, 'invalid_request'])
  // Not percent-encoded, the plus signs of a token are spaces: it is another, and lives on.
  const naive = `${encoded({ ...form, token: undefined })}&token=${access_token}`
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await ask(revokeURL, { method: 'POST', headers: type, body: naive })).status).toBe(200)
  expect((await userOf(access_token)).status).toBe(200)
  emulator.failNext('revoke', 'http-503:temporarily_unavailable')
  expect(await refusal({})).toEqual([503, 'temporarily_unavailable'])
})

test('the older way to revoke', async () => {
  const { access_token } = await login()
  const deletion = { ...client(), grant_type: 'delete', access_token: String(access_token) }
  expect((await post(emulator.options.tokenURL, deletion)).json).toEqual(inWords('invalid_request'))
  const done = await post(emulator.options.tokenURL, { ...deletion, service_provider: 'NAVER' })
  expect(done.json).toEqual({ access_token, result: 'success' })
  expect(await userOf(access_token)).toMatchObject(dead)
})

test('the user is told to a live bearer token alone, in an envelope', async () => {
  const { userProfileURL, origin } = { ...emulator.options, origin: emulator.origin }
  const without = { status: 401, json: { resultcode: '028', message: expect.any(String) } }
  expect(await ask(userProfileURL)).toMatchObject(without)
  expect(await userOf('x')).toMatchObject(dead)
  const { access_token } = await login()
  const info = await ask(`${origin}/v1/nid/verify?info=true`, { headers: bearer(access_token) })
  expect(info.json).toMatchObject({ response: { token: access_token, allowed_profile: expect.any(String) } })
  emulator.expireTokens()
  expect(await userOf(access_token)).toMatchObject(dead)
  expect(await resourceAt(emulator, String(access_token))).toMatchObject(dead)
})

test('faults are worded by their call', async () => {
  const { access_token } = await login()
  emulator.failNext('profile', 'refused:024')
  expect(await userOf(access_token)).toMatchObject({ status: 200, json: { resultcode: '024' } })
  emulator.failNext('profile', 'http-403')
  expect(await userOf(access_token)).toMatchObject({ status: 403, json: { resultcode: '403' } })
  emulator.failNext('token', 'http-500')
  expect(await login()).toEqual(inWords('server_error'))
})
