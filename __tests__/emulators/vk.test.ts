// Over 300 lines because each thing that VK refuses has its row.
import { createHash } from 'node:crypto'
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

const VERIFIER = 'a-verifier-of-at-least-forty-three-characters_0123456789'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
const STATE = 's'.repeat(32)

let emulator: Emulator<'vk'>
beforeAll(async () => {
  emulator = await startEmulator('vk', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  return {
    client_id: of.options.clientID,
    redirect_uri: CALLBACK,
    response_type: 'code',
    state: STATE,
    scope: 'vkid.personal_info email phone',
    code_challenge: CHALLENGE,
    code_challenge_method: 's256',
    ...over,
  }
}

type Brought = Record<string, string>

function exchange({ code, device_id }: Brought, over: Params = {}, of = emulator): Params {
  const { clientID: client_id } = of.options
  const grant = { grant_type: 'authorization_code', code, code_verifier: VERIFIER, redirect_uri: CALLBACK }
  return { ...grant, client_id, device_id, state: 'another-text-of-the-app', ...over }
}

async function login(over: Params = {}, of = emulator, user?: string) {
  const callback = await agreed(of, authorization(over, of), user)
  const token = members(await post(of.options.tokenURL, exchange(callback, {}, of)))
  return { ...token, device_id: callback.device_id } as Record<string, unknown>
}

function renewal({ refresh_token, device_id }: Record<string, unknown>, over: Params = {}, of = emulator) {
  const { clientID: client_id, tokenURL } = of.options
  const form = { grant_type: 'refresh_token', refresh_token: String(refresh_token), device_id: String(device_id) }
  return post(tokenURL, { ...form, client_id, state: 'r', ...over })
}

function tokenForm(token: unknown, of = emulator): Params {
  return { client_id: of.options.clientID, access_token: String(token) }
}

function userOf(token: unknown, of = emulator) {
  return post(of.options.userProfileURL, tokenForm(token, of))
}

const inWords = (error: string) => ({ error, error_description: expect.any(String) })
const onOk = (error: string) => ({ status: 200, json: inWords(error) })
const number = (error_code: number) => ({ status: 200, json: { error: { error_code, error_msg: expect.any(String) } } })

test('a whole conversation', async () => {
  const callback = await agreed(emulator, authorization())
  expect(callback).toEqual({
    code: expect.stringMatching(/^vk2\.a\.[\w-]+$/),
    expires_in: '600',
    device_id: expect.stringMatching(/^[\w-]{86}$/),
    state: STATE,
    ext_id: expect.any(String),
    type: 'code_v2',
  })
  const token = members(await post(emulator.options.tokenURL, exchange(callback)))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^vk2\.a\./),
    refresh_token: expect.stringMatching(/^vk2\.a\./),
    id_token: expect.stringMatching(/^eyJ/),
    token_type: 'Bearer',
    expires_in: 3600,
    user_id: 700000001,
    state: 'another-text-of-the-app',
    scope: 'vkid.personal_info email phone',
  })
  expect((await userOf(token.access_token)).json).toEqual({
    user: {
      user_id: '700000001',
      first_name: '张三',
      last_name: '',
      avatar: 'https://sun1.userapi.example/zhangsan.jpg',
      email: 'zhangsan@example.com',
      phone: '79990000001',
      sex: 0,
      verified: false,
      birthday: '10.12.1990',
    },
  })
})

test('an address and a number need their scope, and somebody who has one', async () => {
  const bare = await login({ scope: undefined, code_challenge_method: 'S256' })
  expect(bare.scope).toBe('vkid.personal_info')
  const shown = members(await userOf(bare.access_token), 'user')
  expect(shown).toMatchObject({ user_id: '700000001', first_name: '张三' })
  for (const name of ['email', 'phone']) expect(shown).not.toHaveProperty(name)
  const adas = members(await userOf((await login({}, emulator, '700000002')).access_token), 'user')
  expect(adas).toMatchObject({ first_name: 'Ada', last_name: 'Lovelace' })
  expect(adas).not.toHaveProperty('email')
})

test('a person unticks the address; what every app gets stays', async () => {
  const address = `${emulator.options.authorizationURL}?${encoded(authorization())}`
  const callback = brought(await emulator.approve(address, { scopes: ['phone'] }))
  const { scope } = members(await post(emulator.options.tokenURL, exchange(callback)))
  expect(scope).toBe('vkid.personal_info phone')
})

test('everything in one parameter; a refusal as ever', async () => {
  const of = await startEmulator('vk', { callback: 'payload' })
  const { payload = '', ...rest } = await agreed(of, authorization({}, of))
  expect(rest).toEqual({})
  const members = JSON.parse(payload)
  expect(members).toMatchObject({ state: STATE, type: 'code_v2', device_id: expect.any(String) })
  expect((await post(of.options.tokenURL, exchange(members, {}, of))).json).toHaveProperty('access_token')
  const denied = brought(await of.deny(`${of.options.authorizationURL}?${encoded(authorization({}, of))}`))
  expect(denied).toEqual({ ...inWords('access_denied'), state: STATE })
  await of.close()
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['a state of less than 32 characters', { state: 's'.repeat(31) }],
  ['a repeated state', { state: [STATE, STATE] }],
  ['no challenge', { code_challenge: undefined }],
  ['a challenge with padding', { code_challenge: `${CHALLENGE}=` }],
  ['no challenge method', { code_challenge_method: undefined }],
  ['a plain challenge', { code_challenge_method: 'plain' }],
  ['an unknown scope', { scope: 'vkid.personal_info root' }],
  ['scopes with commas', { scope: 'email,phone' }],
  ['an unknown prompt', { prompt: 'select_account' }],
  ['an unknown provider', { provider: 'google' }],
  ['a language by name', { lang_id: 'ru' }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('plain http is for this machine; nobody is logged in where nobody may be asked', async () => {
  const any = await startEmulator('vk')
  const at = async (redirect_uri: string) =>
    (await ask(`${any.options.authorizationURL}?${encoded(authorization({ redirect_uri }, any))}`)).status
  expect([await at('http://app.example/cb'), await at('https://app.example/cb')]).toEqual([400, 200])
  await any.close()
  const options = { prompt: 'none', provider: 'mail_ru', lang_id: '3', scheme: 'dark' }
  expect(await agreed(emulator, authorization(options))).toEqual({ ...inWords('login_required'), state: STATE })
})

test.each<[string, Params, string]>([
  ['another app', { client_id: 'x' }, 'invalid_client'],
  ['no app', { client_id: undefined }, 'invalid_request'],
  ['no device_id', { device_id: undefined }, 'invalid_request'],
  ['another device_id', { device_id: 'x' }, 'invalid_grant'],
  ['no state', { state: undefined }, 'invalid_request'],
  ['no verifier', { code_verifier: undefined }, 'invalid_request'],
  ['a verifier of RFC 7636 alone', { code_verifier: VERIFIER.replaceAll('-', '~') }, 'invalid_request'],
  ['another verifier', { code_verifier: VERIFIER.toUpperCase() }, 'invalid_request'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 'invalid_grant'],
  ['no redirect URI', { redirect_uri: undefined }, 'invalid_request'],
  ['a code that was never given', { code: 'x' }, 'invalid_grant'],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_request'],
  ['no grant_type', { grant_type: undefined }, 'invalid_request'],
  ['another grant_type', { grant_type: 'x' }, 'unsupported_grant_type'],
])('the token request is refused on HTTP 200: %s', async (_what, over, error) => {
  const right = exchange(await agreed(emulator, authorization()))
  expect(await post(emulator.options.tokenURL, { ...right, ...over })).toMatchObject(onOk(error))
  expect((await post(emulator.options.tokenURL, right)).json).toHaveProperty('access_token')
})

test('a verifier that is missing, malformed or another is refused in the same words', async () => {
  const right = exchange(await agreed(emulator, authorization()))
  for (const code_verifier of [undefined, 'short', VERIFIER.toUpperCase()]) {
    const refusal = await post(emulator.options.tokenURL, { ...right, code_verifier })
    expect(members(refusal).error_description).toBe('verifier is missing or invalid')
  }
})

test('members are taken from query and form, and from no JSON', async () => {
  const { tokenURL } = emulator.options
  const { code = '', ...rest } = exchange(await agreed(emulator, authorization()))
  expect(await postJson(tokenURL, { code, ...rest })).toMatchObject(onOk('invalid_request'))
  expect((await ask(`${tokenURL}?${encoded({ code, ...rest })}`)).status).toBe(404)
  const inQuery = `${tokenURL}?${encoded(rest)}`
  expect(await post(inQuery, { code, state: 'twice' })).toMatchObject(onOk('invalid_request'))
  expect((await post(inQuery, { code })).json).toHaveProperty('access_token')
})

test('a code is good for one use, and for its time', async () => {
  const used = exchange(await agreed(emulator, authorization()))
  expect((await post(emulator.options.tokenURL, used)).json).toHaveProperty('access_token')
  expect((await post(emulator.options.tokenURL, used)).json).toEqual(inWords('invalid_grant'))
  const slow = await startEmulator('vk', { codeLifetime: 0 })
  expect(await login({}, slow)).toMatchObject(inWords('invalid_grant'))
  await slow.close()
})

test('a refresh needs the device, and kills the old refresh token', async () => {
  const old = await login()
  for (const device_id of ['x', undefined]) {
    expect((await renewal(old, { device_id })).json).toEqual(inWords(device_id ? 'invalid_grant' : 'invalid_request'))
  }
  const renewed = members(await renewal(old))
  expect(renewed).toMatchObject({ user_id: 700000001, state: 'r', refresh_token: expect.any(String) })
  expect(renewed).not.toHaveProperty('id_token')
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(await renewal(old)).toMatchObject(onOk('invalid_grant'))
  expect((await renewal({ ...renewed, device_id: old.device_id })).json).toHaveProperty('access_token')
})

test('the state comes back, or not as it was sent', async () => {
  for (const echo of ['other', 'missing'] as const) {
    const of = await startEmulator('vk', { echo })
    const token = await login({}, of)
    expect(token).toHaveProperty('access_token')
    expect(token.state).not.toBe('another-text-of-the-app')
    expect('state' in token).toBe(echo === 'other')
    await of.close()
  }
})

test('refusals with a status of their own', async () => {
  const of = await startEmulator('vk', { refusalStatus: '4xx' })
  const right = exchange(await agreed(of, authorization({}, of)), {}, of)
  expect((await post(of.options.tokenURL, { ...right, code: 'x' })).status).toBe(400)
  expect((await post(of.options.tokenURL, { ...right, client_id: 'x' })).status).toBe(401)
  expect((await userOf('x', of)).status).toBe(401)
  await of.close()
})

test('the user is asked for by a form: no GET, no header', async () => {
  const { userProfileURL } = emulator.options
  const { access_token } = await login()
  const form = tokenForm(access_token)
  expect((await ask(`${userProfileURL}?${encoded(form)}`, { headers: bearer(access_token) })).status).toBe(404)
  expect(await post(userProfileURL, {}, bearer(access_token))).toMatchObject(onOk('invalid_request'))
  expect(await post(userProfileURL, { ...form, client_id: 'x' })).toMatchObject(onOk('invalid_client'))
  expect(await post(userProfileURL, { ...form, access_token: 'x' }, basic('a', 'b'))).toMatchObject(
    onOk('invalid_token'),
  )
  expect((await post(`${userProfileURL}?client_id=${form.client_id}`, { ...form, client_id: undefined })).status).toBe(
    200,
  )
})

test('a login ends at VK, by either way', async () => {
  for (const url of [emulator.options.revokeURL, `${emulator.origin}/oauth2/logout`]) {
    const token = await login()
    expect(await post(url, {}, bearer(token.access_token))).toMatchObject(onOk('invalid_request'))
    expect((await post(url, tokenForm(token.access_token))).json).toEqual({ response: 1 })
    expect(await post(url, tokenForm(token.access_token))).toMatchObject(onOk('invalid_token'))
    expect(await userOf(token.access_token)).toMatchObject(onOk('invalid_token'))
    expect(await renewal(token)).toMatchObject(onOk('invalid_grant'))
  }
})

test('the API takes the token as a parameter, and refuses by numbers on HTTP 200', async () => {
  const { access_token } = await login()
  const method = (query: Params, headers = {}) =>
    ask(`${emulator.origin}/method/users.get?${encoded(query)}`, { headers })
  const right = { access_token: String(access_token), v: '5.199' }
  expect((await method(right)).json).toEqual({ response: [{ id: 700000001, first_name: '张三', last_name: '' }] })
  expect(await method({ ...right, v: undefined })).toMatchObject(number(8))
  expect(await method({ v: '5.199' }, bearer(access_token))).toMatchObject(number(5))
  const resource = `${emulator.origin}/emulator/resource`
  expect((await post(resource, { access_token: String(access_token) })).json).toMatchObject({ user: '700000001' })
  emulator.expireTokens()
  expect(await ask(`${resource}?access_token=${access_token}`)).toMatchObject(number(5))
  emulator.failNext('request', 'http-429')
  expect(members(await method(right), 'error')).toMatchObject({ error_code: 6 })
  emulator.failNext('request', 'refused:14')
  expect(await method(right)).toMatchObject(number(14))
})

test('faults are worded by their call', async () => {
  const token = await login()
  for (const [fault, error] of [
    ['http-401', 'invalid_token'],
    ['http-429', 'slow_down'],
    ['http-503', 'server_error'],
    ['refused:access_denied', 'access_denied'],
  ] as const) {
    emulator.failNext('profile', fault)
    expect((await userOf(token.access_token)).json).toEqual(inWords(error))
  }
  emulator.failNext('refresh', 'refused')
  expect((await renewal(token)).json).toEqual(inWords('invalid_grant'))
  emulator.failNext('token', 'refused')
  expect(await login()).toMatchObject(inWords('invalid_client'))
})
