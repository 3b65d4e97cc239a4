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

let emulator: Emulator<'gitee'>
beforeAll(async () => {
  emulator = await startEmulator('gitee', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, scope: 'user_info', ...over }
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

const inWords = (error: string) => ({ error, error_description: expect.any(String) })

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization({ scope: 'user_info emails' }))
  expect(rest).toEqual({ state: 's' })
  const token = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^[0-9a-f]{32}$/),
    token_type: 'bearer',
    expires_in: 86_400,
    refresh_token: expect.stringMatching(/^[0-9a-f]{64}$/),
    scope: 'user_info emails',
    created_at: expect.any(Number),
  })
  const user = await ask(emulator.options.userProfileURL, { headers: bearer(token.access_token) })
  expect(user.json).toMatchObject({
    id: 1048576,
    login: 'zhangsan',
    name: '张三',
    avatar_url: 'https://gitee.example/zhangsan.png',
    email: 'zhangsan@example.com',
  })
})

test('an e-mail address that nobody gave is null', async () => {
  const { code } = await agreed(emulator, authorization(), '1048577')
  const { access_token } = members(await post(emulator.options.tokenURL, exchange(code)))
  const user = await ask(emulator.options.userProfileURL, { headers: bearer(access_token) })
  expect(user.json).toMatchObject({ id: 1048577, email: null })
})

test.each<[string, Params, number]>([
  ['another app', { client_id: 'x' }, 401],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 400],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }, 400],
  ['no redirect URI', { redirect_uri: undefined }, 400],
  ['a repeated state', { state: ['a', 'b'] }, 400],
])('the authorization request stays on a page: %s', async (_what, over, status) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(status)
})

test.each<[string, Params, string]>([
  ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
  ['no response_type', { response_type: undefined }, 'invalid_request'],
  ['an unknown scope', { scope: 'user_info root' }, 'invalid_scope'],
  ['scopes with commas', { scope: 'user_info,emails' }, 'invalid_scope'],
])('the authorization request goes back refused: %s', async (_what, over, error) => {
  expect(await agreed(emulator, authorization(over))).toEqual({ ...inWords(error), state: 's' })
})

test('a user who says no', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ ...inWords('access_denied'), state: 's' })
})

test.each<[string, Params, number, string]>([
  ['another secret', { client_secret: 'x' }, 401, 'invalid_client'],
  ['no secret', { client_secret: undefined }, 401, 'invalid_client'],
  ['another app', { client_id: 'x' }, 401, 'invalid_client'],
  ['no grant_type', { grant_type: undefined }, 400, 'invalid_request'],
  ['another grant_type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['no code', { code: undefined }, 400, 'invalid_request'],
  ['a repeated code', { code: ['x', 'y'] }, 400, 'invalid_request'],
  ['a code that was never given', { code: 'x' }, 400, 'invalid_grant'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 400, 'invalid_grant'],
  ['no redirect URI', { redirect_uri: undefined }, 400, 'invalid_request'],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant'],
  ['no refresh token', { grant_type: 'refresh_token' }, 400, 'invalid_request'],
])('the token request is refused: %s', async (_what, over, status, error) => {
  const { code } = await agreed(emulator, authorization())
  const refusal = await post(emulator.options.tokenURL, exchange(code, over))
  expect(refusal).toMatchObject({ status, json: inWords(error) })
  expect((await post(emulator.options.tokenURL, exchange(code))).status).toBe(200)
})

test('JSON, Basic and a query are no way to send credentials', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  expect(await postJson(tokenURL, exchange(code))).toMatchObject({ status: 400, json: inWords('invalid_request') })
  const withBasic = await post(tokenURL, exchange(code, { client_secret: undefined }), basic(clientID, clientSecret))
  expect(withBasic).toMatchObject({ status: 401, json: inWords('invalid_client') })
  const inQuery = await post(`${tokenURL}?${encoded(exchange(code))}`, {})
  expect(inQuery).toMatchObject({ status: 401, json: inWords('invalid_client') })
  expect((await ask(`${tokenURL}?${encoded(exchange(code))}`)).status).toBe(404)
})

test('a code is good for one use, and for its time', async () => {
  const { code } = await agreed(emulator, authorization())
  expect((await post(emulator.options.tokenURL, exchange(code))).status).toBe(200)
  expect((await post(emulator.options.tokenURL, exchange(code))).json).toEqual(inWords('invalid_grant'))
  const slow = await startEmulator('gitee', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(inWords('invalid_grant'))
  await slow.close()
})

test('a refresh brings a new refresh token and kills the old one, or does as asked', async () => {
  for (const refreshStyle of ['rotate', 'repeat', 'omit'] as const) {
    const styled = await startEmulator('gitee', { refreshStyle })
    const { refresh_token: old } = await login({}, styled)
    const refresh = () =>
      post(styled.options.tokenURL, {
        ...client(styled),
        grant_type: 'refresh_token',
        refresh_token: String(old),
      })
    const renewed = members(await refresh())
    expect(renewed).toMatchObject({ access_token: expect.any(String), expires_in: 86_400 })
    expect(styled.requests.at(-1)?.endpoint).toBe('refresh')
    if (refreshStyle === 'rotate') expect(renewed.refresh_token).not.toBe(old)
    else expect(renewed.refresh_token).toBe(refreshStyle === 'repeat' ? old : undefined)
    expect((await refresh()).status).toBe(refreshStyle === 'rotate' ? 400 : 200)
    await styled.close()
  }
})

test('the user is told to a live bearer token of the right scope alone', async () => {
  const { userProfileURL } = emulator.options
  const dead = { status: 401, json: { message: '401 Unauthorized: Access token does not exist' } }
  expect(await ask(userProfileURL)).toMatchObject(dead)
  expect(await ask(userProfileURL, { headers: bearer('x') })).toMatchObject(dead)
  const { access_token } = await login()
  expect(await ask(`${userProfileURL}?access_token=${access_token}`)).toMatchObject(dead)
  const { access_token: narrow } = await login({ scope: 'emails' })
  expect(await ask(userProfileURL, { headers: bearer(narrow) })).toMatchObject({ status: 403 })
  emulator.expireTokens()
  expect(await ask(userProfileURL, { headers: bearer(access_token) })).toMatchObject(dead)
})
