import type { Emulator } from 'passport-dialects/emulators'
import {
  type Answer,
  agreed,
  ask,
  bearer,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  postJson,
  starterOf,
} from './conversation'
import { resourceAt } from './logins'

const started = starterOf('douyin')

let emulator: Emulator<'douyin'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK] })
})

const OPEN_ID = '00000000-aaaa-4bbb-8ccc-000000000001'

function authorization(over: Params = {}, of = emulator): Params {
  const asked = { client_key: of.options.clientID, response_type: 'code', scope: 'user_info' }
  return { ...asked, redirect_uri: CALLBACK, state: 's1', ...over }
}

function addressOf(over: Params = {}, of = emulator): string {
  return `${of.options.authorizationURL}?${encoded(authorization(over, of))}`
}

function exchange(code: string | undefined, over: Params = {}, { options } = emulator): Params {
  const client = { client_key: options.clientID, client_secret: options.clientSecret }
  return { ...client, code, grant_type: 'authorization_code', ...over }
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of))
  return members(await post(of.options.tokenURL, exchange(code, {}, of)), 'data')
}

function renewal(refresh_token: unknown, over: Params = {}, of = emulator): Promise<Answer> {
  const grant = { grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  return post(of.options.refreshURL, { client_key: of.options.clientID, ...grant, ...over })
}

function longer(refresh_token: unknown): Promise<Answer> {
  const params = { client_key: emulator.options.clientID, refresh_token: String(refresh_token) }
  return post(`${emulator.origin}/oauth/renew_refresh_token/`, params)
}

function userOf({ access_token, open_id }: Record<string, unknown>, over: Params = {}, of = emulator) {
  return post(of.options.userProfileURL, { access_token: String(access_token), open_id: String(open_id), ...over })
}

const refusal = (error_code: number | string) => ({
  status: 200,
  json: { data: { error_code, description: expect.any(String), log_id: expect.any(String) }, message: 'error' },
})

const apiRefusal = (code: number) => ({
  status: 200,
  json: { data: { error_code: code }, message: 'error', err_no: code, err_msg: expect.any(String) },
})

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's1', scopes: 'user_info' })
  const response = await post(emulator.options.tokenURL, exchange(code))
  const token = members(response, 'data')
  expect(response.json).toEqual({ data: token, message: 'success' })
  expect(token).toEqual({
    access_token: expect.stringMatching(/^act\./),
    captcha: '',
    desc_url: '',
    description: '',
    error_code: 0,
    expires_in: 1_296_000,
    log_id: expect.any(String),
    open_id: OPEN_ID,
    refresh_expires_in: 2_592_000,
    refresh_token: expect.stringMatching(/^rft\./),
    scope: 'user_info',
  })
  const user = await userOf(token)
  expect(user.json).toMatchObject({ err_no: 0, err_msg: '', log_id: expect.any(String) })
  expect(members(user, 'data')).toMatchObject({
    avatar: 'https://p3.douyinpic.example/aweme/zhangsan.jpeg',
    error_code: '0',
    nickname: '张三',
    open_id: OPEN_ID,
    union_id: '11111111-dddd-4bbb-8ccc-000000000001',
  })
})

test('the user by JSON, as the page’s table has it', async () => {
  const { access_token, open_id } = await login()
  const { userProfileURL } = emulator.options
  expect(members(await postJson(userProfileURL, { access_token, open_id }), 'data').open_id).toBe(OPEN_ID)
  expect(await ask(`${userProfileURL}?${encoded({ access_token: String(access_token) })}`)).toMatchObject({
    status: 404,
  })
})

test('numbers as text', async () => {
  const of = await started({ numbers: 'text' })
  const token = await login({}, of)
  expect(token).toMatchObject({ error_code: '0', expires_in: '1296000', refresh_expires_in: '2592000' })
  expect(await renewal('x', {}, of)).toMatchObject(refusal('10010'))
})

test('two shapes of failure, alone and together', async () => {
  const shapes = { both: ['data', 'err_msg', 'err_no', 'log_id', 'message'], old: ['data', 'message'] } as const
  for (const userErrors of ['both', 'old'] as const) {
    const of = await started({ userErrors })
    const { json } = await userOf({ access_token: 'x', open_id: OPEN_ID }, {}, of)
    expect(Object.keys(json as object).sort()).toEqual(shapes[userErrors])
    expect(json).toMatchObject({ data: { error_code: 28001003 }, message: 'error' })
  }
  const of = await started({ userErrors: 'new' })
  const { json } = await userOf({ access_token: 'x', open_id: OPEN_ID }, {}, of)
  expect(json).toEqual({ data: {}, err_no: 28001003, err_msg: expect.any(String), log_id: expect.any(String) })
})

test.each<[string, Params, string]>([
  ['another app', { client_key: 'x' }, 'client_key'],
  ['client_id in its place', { client_key: undefined, client_id: 'x' }, 'client_key'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 'redirect_uri'],
  ['http to a host that is not loopback', { redirect_uri: 'http://app.example/callback' }, 'redirect_uri'],
  ['no redirect URI', { redirect_uri: undefined }, 'redirect_uri'],
  ['another response_type', { response_type: 'token' }, 'response_type'],
  ['no scope', { scope: undefined }, 'scope'],
  ['scopes with spaces', { scope: 'user_info fans.list' }, 'scope'],
  ['optional scopes without their flags', { optionalScope: 'fans.list' }, 'optionalScope'],
  ['another flag', { optionalScope: 'fans.list,2' }, 'optionalScope'],
  ['a repeated state', { state: ['a', 'b'] }, 'state'],
])('the authorization request stays on a page: %s', async (_what, over, what) => {
  const shown = await ask(addressOf(over))
  expect(shown).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${what}</code>`) })
})

test('https comes back from anywhere, and what stands behind # is not compared', async () => {
  const https = await started()
  expect((await ask(addressOf({ redirect_uri: 'https://app.example/callback' }, https))).status).toBe(200)
  const plain = await ask(addressOf({ redirect_uri: 'http://app.example/callback' }, https))
  expect(plain.status).toBe(400)
  expect((await ask(addressOf({ redirect_uri: `${CALLBACK}#a` }))).status).toBe(200)
})

test('optional scopes are ticked or not; what is needed cannot be left out', async () => {
  const optionalScope = 'fans.list,1,video.list,0'
  expect(await agreed(emulator, authorization({ optionalScope }))).toMatchObject({ scopes: 'user_info,fans.list' })
  const left = await emulator.approve(addressOf({ optionalScope }), { scopes: ['video.list'] })
  expect(brought(left)).toMatchObject({ scopes: 'user_info,video.list' })
})

test('a user who says no', async () => {
  expect(brought(await emulator.deny(addressOf()))).toEqual({ error: 'access_denied', errCode: '-4', state: 's1' })
})

test.each<[string, Params, number]>([
  ['another app', { client_key: 'x' }, 10003],
  ['no app', { client_key: undefined }, 10005],
  ['another secret', { client_secret: 'x' }, 10013],
  ['no secret', { client_secret: undefined }, 10005],
  ['no code', { code: undefined }, 10005],
  ['a code that was never given', { code: 'x' }, 10007],
  ['another grant_type', { grant_type: 'refresh_token' }, 10002],
  ['a repeated code', { code: ['x', 'y'] }, 10002],
])('the token request is refused on HTTP 200: %s', async (_what, over, code) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  expect(await post(emulator.options.tokenURL, { ...right, ...over })).toMatchObject(refusal(code))
  expect((await post(emulator.options.tokenURL, right)).json).toMatchObject({ message: 'success' })
})

test('JSON and a query are no way to ask for a token', async () => {
  const right = exchange((await agreed(emulator, authorization())).code)
  expect(await postJson(emulator.options.tokenURL, right)).toMatchObject(refusal(10002))
  const inQuery = await ask(`${emulator.options.tokenURL}?${encoded(right)}`, { method: 'POST' })
  expect(inQuery).toMatchObject(refusal(10002))
})

test('a code is good once, and for its time; addresses end in a slash', async () => {
  const used = exchange((await agreed(emulator, authorization())).code)
  expect((await post(emulator.options.tokenURL.slice(0, -1), used)).status).toBe(404)
  await post(emulator.options.tokenURL, used)
  expect(await post(emulator.options.tokenURL, used)).toMatchObject(refusal(10007))
  const slow = await started({ codeLifetime: 0 })
  expect(await login({}, slow)).toMatchObject({ error_code: 10007 })
})

test('a refresh without the secret: a new access token, the same refresh token, the same end', async () => {
  const { access_token, refresh_token } = await login()
  const renewed = members(await renewal(refresh_token), 'data')
  expect(renewed).toMatchObject({ refresh_token, open_id: OPEN_ID, error_code: 0 })
  expect(renewed.access_token).not.toBe(access_token)
  expect(Number(renewed.refresh_expires_in)).toBeLessThan(2_592_000)
  const { clientSecret } = emulator.options
  expect(await renewal(refresh_token, { client_secret: clientSecret })).toMatchObject(refusal(10002))
  expect(await renewal('x')).toMatchObject(refusal(10010))
  expect(await renewal(undefined, { refresh_token: undefined })).toMatchObject(refusal(10005))
  expect(await renewal(refresh_token, { client_key: 'x' })).toMatchObject(refusal(10003))
})

test('a refresh token is renewed five times, where the scope allows it', async () => {
  expect(await longer((await login()).refresh_token)).toMatchObject(refusal(10004))
  let { refresh_token } = await login({ scope: 'user_info,renew_refresh_token' })
  for (let times = 0; times < 5; times++) {
    const renewed = await longer(refresh_token)
    expect(renewed.json).toMatchObject({ message: 'success', data: { expires_in: 2_592_000, error_code: 0 } })
    expect(await renewal(refresh_token)).toMatchObject(refusal(10010))
    refresh_token = members(renewed, 'data').refresh_token
  }
  expect(await longer(refresh_token)).toMatchObject(refusal(10020))
  expect(members(await renewal(refresh_token), 'data')).toHaveProperty('access_token')
})

test.each<[string, Params, number]>([
  ['no token', { access_token: undefined }, 28001007],
  ['a token that was never given', { access_token: 'x' }, 28001003],
  ['no open_id', { open_id: undefined }, 28001007],
  ['another user’s open_id', { open_id: '00000000-aaaa-4bbb-8ccc-000000000002' }, 28001015],
  ['a repeated token', { access_token: ['x', 'y'] }, 28001007],
])('the user is not told: %s', async (_what, over, code) => {
  expect(await userOf(await login(), over)).toMatchObject(apiRefusal(code))
})

test('a scope that is missing, and a token that has lived its time', async () => {
  expect(await userOf(await login({ scope: 'fans.list' }))).toMatchObject(apiRefusal(28001018))
  const of = await started({ accessTokenLifetime: 0 })
  expect(await userOf(await login({}, of), {}, of)).toMatchObject(apiRefusal(28001008))
})

test('a token that is expired is told from an unknown one', async () => {
  const of = await started()
  const token = await login({}, of)
  of.expireTokens()
  expect(await userOf(token, {}, of)).toMatchObject(apiRefusal(28001008))
  expect(await resourceAt(of, String(token.access_token))).toMatchObject(apiRefusal(28001008))
  expect(await userOf(token, { access_token: 'x' }, of)).toMatchObject(apiRefusal(28001003))
  expect(await resourceAt(of, 'x')).toMatchObject(apiRefusal(28001003))
})

test('the API takes the token in either header, or in the query', async () => {
  const { access_token } = await login()
  const at = `${emulator.origin}/emulator/resource`
  expect((await ask(at, { headers: bearer(access_token) })).json).toMatchObject({ user: OPEN_ID })
  const named = { headers: { 'access-token': String(access_token) } }
  expect((await ask(at, named)).json).toMatchObject({ user: OPEN_ID })
  expect((await ask(`${at}?access_token=${access_token}`)).json).toMatchObject({ user: OPEN_ID })
  expect(await resourceAt(emulator, 'x')).toMatchObject(apiRefusal(28001003))
})

test('faults are worded by their call', async () => {
  const token = await login()
  for (const [fault, code] of [
    ['http-403', 28001018],
    ['http-429', 28003018],
    ['http-503', 28001005],
    ['refused', 28001003],
    ['refused:28001045', 28001045],
  ] as const) {
    emulator.failNext('profile', fault)
    expect((await userOf(token)).json).toMatchObject({ err_no: code, data: { error_code: code } })
  }
  emulator.failNext('refresh', 'refused')
  expect(await renewal(token.refresh_token)).toMatchObject(refusal(10010))
  emulator.failNext('token', 'http-503')
  expect(await login()).toMatchObject({ error_code: 10001 })
})
