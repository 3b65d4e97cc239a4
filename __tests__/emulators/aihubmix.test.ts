import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, basic, bearer, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('aihubmix', { redirectURIs: [CALLBACK], developerToken: 'dev' })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}): Params {
  const usual = { client_id: emulator.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, scope: 'profile balance', ...over }
}

function client(): Params {
  return { client_id: emulator.options.clientID, client_secret: emulator.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}): Params {
  return { ...client(), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}): Promise<Record<string, unknown>> {
  const { code } = await agreed(emulator, authorization(over))
  return members(await post(emulator.options.tokenURL, exchange(code)))
}

test('a whole conversation', async () => {
  const { userProfileURL, topupURL = '' } = emulator.options
  const token = await login()
  expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 7200, scope: 'profile balance' })
  expect(token.refresh_token).toMatch(/^refresh_/)
  const headers = bearer(token.access_token)
  expect((await ask(userProfileURL, { headers })).json).toEqual({
    id: 12345,
    username: '张三',
    email: 'zhangsan@example.com',
    quota: 1_000_000,
    used_quota: 250_000,
    balance_formatted: '750.00',
    created_time: 1_640_995_200,
    status: 1,
  })
  expect((await ask(topupURL, { headers })).json).toEqual({ topup_url: expect.stringMatching(/^http/) })
})

test('no balance without its scope; profile is the default', async () => {
  const { access_token, scope } = await login({ scope: undefined })
  expect(scope).toBe('profile')
  const info = members(await ask(emulator.options.userProfileURL, { headers: bearer(access_token) }))
  expect(info).toMatchObject({ id: 12345 })
  expect(Object.keys(info)).not.toEqual(expect.arrayContaining(['quota']))
})

test('one click: no page', async () => {
  const address = (value: string) =>
    `${emulator.options.authorizationURL}?${encoded(authorization({ auto_authorize: value }))}`
  expect((await ask(address('true'))).status).toBe(302)
  expect(await ask(address('1'))).toMatchObject({ status: 200, text: expect.stringContaining('emulator') })
})

test.each<[string, Params]>([
  ['an unknown client', { client_id: 'x' }],
  ['another redirect address', { redirect_uri: `${CALLBACK}/` }],
  ['no redirect address', { redirect_uri: undefined }],
  ['no state', { state: undefined }],
  ['an empty state', { state: '' }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_title, over) => {
  await expect(agreed(emulator, authorization(over))).rejects.toThrow(/400/)
})

test.each<[string, Params, string]>([
  ['no response_type', { response_type: undefined }, 'unsupported_response_type'],
  ['an unknown scope', { scope: 'profile everything' }, 'invalid_scope'],
  ['scopes with a comma', { scope: 'profile,balance' }, 'invalid_scope'],
])('the callback says so: %s', async (_title, over, error) => {
  expect(await agreed(emulator, authorization(over))).toEqual({ error, state: 's' })
})

test('plain http is for this machine', async () => {
  const unlisted = await startEmulator('aihubmix', { developerToken: 'dev' })
  try {
    const taken = async (redirect_uri: string) => {
      const asked = authorization({ client_id: unlisted.options.clientID, redirect_uri })
      return (await ask(`${unlisted.options.authorizationURL}?${encoded(asked)}`)).status
    }
    for (const here of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000'])
      expect(await taken(`http://${here}/cb`)).toBe(200)
    expect(await taken('https://app.example.com/cb')).toBe(200)
    expect(await taken('http://app.example.com/cb')).toBe(400)
    expect(await taken('http://localhost.example.com/cb')).toBe(400)
    const register = async (redirect_uri: string) =>
      members(await postJson(`${unlisted.origin}/api/oauth_apps`, { name: 'x', redirect_uri }, bearer('dev'))).success
    expect(await register('http://app.example.com/cb')).toBe(false)
    expect(await register('http://localhost:3000/cb')).toBe(true)
  } finally {
    await unlisted.close()
  }
})

test('an error may come without the state', async () => {
  const bare = await startEmulator('aihubmix', { errorWithoutState: true })
  try {
    const asked = authorization({ client_id: bare.options.clientID })
    expect(await bare.deny(`${bare.options.authorizationURL}?${encoded(asked)}`)).toBe(
      `${CALLBACK}?error=access_denied`,
    )
    expect(await agreed(bare, { ...asked, scope: 'everything' })).toEqual({ error: 'invalid_scope' })
    expect(await agreed(bare, { ...asked, response_type: undefined })).toEqual({ error: 'unsupported_response_type' })
    bare.failNext('authorize', 'refused')
    expect(await agreed(bare, asked)).toEqual({ error: 'server_error' })
    expect(await agreed(bare, asked)).toEqual({ code: expect.any(String), state: 's' })
  } finally {
    await bare.close()
  }
})

test('a denial', async () => {
  const callback = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(callback).toBe(`${CALLBACK}?error=access_denied&state=s`)
})

test.each<[string, Params, number, string]>([
  ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client'],
  ['no secret', { client_secret: undefined }, 401, 'invalid_client'],
  ['no client', { client_id: undefined }, 401, 'invalid_client'],
  ['no grant_type', { grant_type: undefined }, 400, 'invalid_request'],
  ['another grant_type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['no code', { code: undefined }, 400, 'invalid_request'],
  ['a forged code', { code: 'x' }, 400, 'invalid_grant'],
  ['another redirect address', { redirect_uri: `${CALLBACK}/` }, 400, 'invalid_grant'],
  ['no redirect address', { redirect_uri: undefined }, 400, 'invalid_request'],
  ['a repeated code', { code: ['x', 'y'] }, 400, 'invalid_request'],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, 'invalid_grant'],
])('the token request is refused: %s', async (_title, over, status, error) => {
  const { code } = await agreed(emulator, authorization())
  const { tokenURL } = emulator.options
  expect(await post(tokenURL, exchange(code, over))).toMatchObject({ status, json: { error } })
  expect((await post(tokenURL, exchange(code))).status).toBe(200)
})

test('JSON, Basic and a used code are refused', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  expect((await postJson(tokenURL, exchange(code))).json).toEqual({ error: 'invalid_request' })
  expect((await post(tokenURL, exchange(code), basic(clientID, clientSecret))).status).toBe(400)
  expect((await post(tokenURL, exchange(code))).status).toBe(200)
  expect((await post(tokenURL, exchange(code))).json).toEqual({ error: 'invalid_grant' })
})

test('a dead token; a refresh that rotates', async () => {
  const { tokenURL, userProfileURL, topupURL = '' } = emulator.options
  expect(await ask(userProfileURL)).toMatchObject({ status: 401, json: { error: 'invalid_token' } })
  expect((await ask(topupURL, { headers: bearer('x') })).status).toBe(401)
  const { refresh_token: old } = await login()
  const renewal = { ...client(), grant_type: 'refresh_token', refresh_token: String(old) }
  const renewed = members(await post(tokenURL, renewal))
  expect(renewed.refresh_token).not.toBe(old)
  expect((await post(tokenURL, renewal)).json).toEqual({ error: 'invalid_grant' })
  expect((await ask(userProfileURL, { headers: bearer(renewed.access_token) })).status).toBe(200)
})

test('an app that is registered can log people in, at its one address', async () => {
  const { tokenURL, authorizationURL } = emulator.options
  const url = `${emulator.origin}/api/oauth_apps`
  const app = { name: '我的第三方应用', description: 'x', redirect_uri: 'https://app.example.com/cb' }
  expect(await postJson(url, app)).toMatchObject({ status: 401, json: { success: false } })
  expect((await postJson(url, { ...app, redirect_uri: 'x' }, bearer('dev'))).json).toMatchObject({ success: false })
  expect((await post(url, app, bearer('dev'))).json).toMatchObject({ success: false })
  const registered = await postJson(url, app, bearer('dev'))
  expect(registered.json).toMatchObject({ success: true, data: { id: 1, ...app } })
  const { client_id, client_secret } = members(registered, 'data')
  const asked = authorization({ client_id: String(client_id) })
  await expect(emulator.approve(`${authorizationURL}?${encoded(asked)}`)).rejects.toThrow('redirect_uri')
  const { redirect_uri } = app
  const { code } = await agreed(emulator, { ...asked, redirect_uri })
  expect((await post(tokenURL, exchange(code, { redirect_uri }))).json).toEqual({ error: 'invalid_grant' })
  const own = { client_id: String(client_id), client_secret: String(client_secret), redirect_uri }
  expect((await post(tokenURL, exchange(code, own))).status).toBe(200)
})

test('an id that is no number stays text; the top-up address is what a test says', async () => {
  const other = await startEmulator('aihubmix', { users: [{ id: 'x1', name: 'X' }], topupURL: 'javascript:alert(1)' })
  try {
    const { clientID, clientSecret, tokenURL, userProfileURL, topupURL = '' } = other.options
    const { code } = await agreed(other, authorization({ client_id: clientID }))
    const own = { client_id: clientID, client_secret: clientSecret }
    const headers = bearer(members(await post(tokenURL, exchange(code, own))).access_token)
    expect((await ask(userProfileURL, { headers })).json).toMatchObject({ id: 'x1', username: 'X' })
    expect((await ask(topupURL, { headers })).json).toEqual({ topup_url: 'javascript:alert(1)' })
  } finally {
    await other.close()
  }
})
