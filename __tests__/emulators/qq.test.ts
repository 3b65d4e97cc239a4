import type { Emulator } from 'passport-dialects/emulators'
import { jump } from '../support/clock'
import {
  type Answer,
  agreed,
  ask,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  starterOf,
} from './conversation'
import { resourceAt } from './logins'

afterEach(() => {
  jest.restoreAllMocks()
})

const started = starterOf('qq')

let emulator: Emulator<'qq'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK] })
})

const OPEN_ID = 'A1B2C3D4E5F60718293A4B5C6D7E8F90'

function authorization(over: Params = {}, of = emulator): Params {
  return { response_type: 'code', client_id: of.options.clientID, redirect_uri: CALLBACK, state: 's1', ...over }
}

function addressOf(over: Params = {}, of = emulator): string {
  return `${of.options.authorizationURL}?${encoded(authorization(over, of))}`
}

function client({ options }: Emulator<'qq'>): Params {
  return { client_id: options.clientID, client_secret: options.clientSecret, fmt: 'json' }
}

function tokenFor(code: string | undefined, over: Params = {}, of = emulator): Promise<Answer> {
  const grant = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
  return ask(`${of.options.tokenURL}?${encoded({ ...client(of), ...grant, ...over })}`)
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  return members(await tokenFor((await agreed(of, authorization({}, of))).code, over, of))
}

function renewal(refresh_token: unknown, over: Params = {}, of = emulator): Promise<Answer> {
  const grant = { grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  return ask(`${of.options.tokenURL}?${encoded({ ...client(of), ...grant, ...over })}`)
}

function me(access_token: unknown, over: Params = {}, of = emulator): Promise<Answer> {
  return ask(`${of.options.openIDURL}?${encoded({ access_token: String(access_token), fmt: 'json', ...over })}`)
}

function userOf(access_token: unknown, over: Params = {}, of = emulator): Promise<Answer> {
  const query = { access_token: String(access_token), oauth_consumer_key: of.options.clientID, openid: OPEN_ID }
  return ask(`${of.options.userProfileURL}?${encoded({ ...query, ...over })}`)
}

const refusal = (error: number) => ({ status: 200, json: { error, error_description: expect.any(String) } })
const apiRefusal = (ret: number) => ({ status: 200, json: { ret, msg: expect.any(String) } })

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's1' })
  const response = await tokenFor(code)
  expect(response.headers.get('content-type')).toMatch(/^text\/html/)
  const token = members(response)
  const hex = expect.stringMatching(/^[0-9A-F]{32}$/)
  expect(token).toEqual({ access_token: hex, expires_in: '5184000', refresh_token: hex })
  expect((await me(token.access_token)).json).toEqual({ client_id: emulator.options.clientID, openid: OPEN_ID })
  const user = await userOf(token.access_token)
  expect(user.text).toContain('http:\\/\\/thirdqq.qlogo.example')
  expect(user.json).toMatchObject({
    ret: 0,
    msg: '',
    nickname: '张三',
    figureurl_qq_1: 'http://thirdqq.qlogo.example/ek/zhangsan?s=40',
    figureurl_qq_2: 'http://thirdqq.qlogo.example/ek/zhangsan?s=100',
  })
  expect(Object.keys(members(user)).filter((name) => /id$/i.test(name))).toEqual([])
})

test('a user without a picture of his own', async () => {
  const openid = '0F1E2D3C4B5A69788796A5B4C3D2E1F0'
  const { code } = await agreed(emulator, authorization(), openid)
  const { access_token } = members(await tokenFor(code))
  const user = members(await userOf(access_token, { openid }))
  expect(user).toMatchObject({ nickname: 'Ada Lovelace', figureurl_qq_2: '', figureurl_qq: '' })
  expect(user.figureurl_qq_1).toMatch(/default/)
})

test.each([
  [{ fmt: undefined }, {}],
  [{ fmt: 'xml' }, {}],
  [{}, { fmt: 'ignored' }],
] as const)(
  'without JSON, tokens are form text and the rest is JSONP: asked %j, options %j',
  async (asked, options) => {
    const of = await started(options)
    const { code } = await agreed(of, authorization({}, of))
    const response = await tokenFor(code, asked, of)
    expect(response.text).toMatch(/^access_token=[0-9A-F]{32}&expires_in=5184000&refresh_token=[0-9A-F]{32}$/)
    const used = await tokenFor(code, asked, of)
    expect(used.text).toBe('callback( {"error":100020,"error_description":"code is reused error"} );\n')
    const token = new URLSearchParams(response.text).get('access_token')
    const whose = await me(token, asked, of)
    expect(whose.text).toBe(`callback( {"client_id":"${of.options.clientID}","openid":"${OPEN_ID}"} );\n`)
    expect((await me('x', asked, of)).text).toMatch(/^callback\( \{"error":100013,/)
    for (const { status, headers } of [response, used, whose]) {
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    }
  },
)

test('need_openid spares a call, where it works', async () => {
  expect(await login({ need_openid: '1' })).toMatchObject({ openid: OPEN_ID })
  expect(await login()).not.toHaveProperty('openid')
  const without = await started({ needOpenID: false })
  expect(await login({ need_openid: '1' }, without)).not.toHaveProperty('openid')
})

test('a unionid for an app that may learn it', async () => {
  const { access_token } = await login()
  const expected = { openid: OPEN_ID, unionid: expect.stringMatching(/^UID_[0-9A-F]{32}$/) }
  expect((await me(access_token, { unionid: '1' })).json).toMatchObject(expected)
  const of = await started({ unionIDs: false })
  const { access_token: other } = await login({}, of)
  expect(await me(other, { unionid: '1' }, of)).toMatchObject(refusal(100048))
  expect(members(await me(other, {}, of))).toHaveProperty('openid')
})

test('a token that was made for another client, and lifetimes as numbers', async () => {
  const of = await started({ openIDClient: '101000002', expiresIn: 'number' })
  const { access_token, expires_in } = await login({}, of)
  expect(expires_in).toBe(5_184_000)
  expect((await me(access_token, {}, of)).json).toEqual({ client_id: '101000002', openid: OPEN_ID })
})

test.each<[string, Params, number]>([
  ['no app', { client_id: undefined }, 100001],
  ['another app', { client_id: 'x' }, 100008],
  ['another host', { redirect_uri: 'http://localhost:9/callback' }, 100010],
  ['a fragment', { redirect_uri: `${CALLBACK}#a` }, 100010],
  ['no redirect URI', { redirect_uri: undefined }, 100010],
  ['another response_type', { response_type: 'token' }, 100000],
  ['no state', { state: undefined }, 100029],
  ['scopes with spaces', { scope: 'get_user_info list_album' }, 100031],
  ['a repeated state', { state: ['a', 'b'] }, 100029],
])('the authorization request stays on QQ’s page: %s', async (_what, over, code) => {
  const shown = await ask(addressOf(over))
  expect(shown).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${code}</code>`) })
})

test('any path below the registered host will do', async () => {
  expect((await ask(addressOf({ redirect_uri: 'http://127.0.0.1:9/other?a=b', display: 'mobile' }))).status).toBe(200)
})

test('whoever says no stays on the page, or comes back with usercancel; errors come as numbers', async () => {
  expect(await emulator.deny(addressOf())).toBe(addressOf())
  const of = await started({ refusal: 'usercancel' })
  expect(brought(await of.deny(addressOf({}, of)))).toEqual({ usercancel: '1', state: 's1' })
  emulator.failNext('authorize', 'refused:100010')
  const back = brought(await emulator.approve(addressOf()))
  expect(back).toEqual({ error: '100010', error_description: 'redirect uri is illegal', state: 's1' })
})

test('what a user does not grant is refused at the API alone', async () => {
  const address = addressOf({ scope: 'get_user_info,list_album' })
  const { code } = brought(await emulator.approve(address, { scopes: ['list_album'] }))
  const { access_token } = members(await tokenFor(code))
  expect(members(await me(access_token))).toHaveProperty('openid')
  expect(await userOf(access_token)).toMatchObject(apiRefusal(100030))
})

test.each<[string, Params, number]>([
  ['no grant_type', { grant_type: undefined }, 100004],
  ['no app', { client_id: undefined }, 100001],
  ['another app', { client_id: 'x' }, 100008],
  ['no secret', { client_secret: undefined }, 100002],
  ['another secret', { client_secret: 'x' }, 100009],
  ['no code', { code: undefined }, 100005],
  ['a code that was never given', { code: 'x' }, 100019],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 100010],
  ['no redirect URI', { redirect_uri: undefined }, 100010],
  ['a repeated code', { code: ['x', 'y'] }, 100029],
])('the token request is refused on HTTP 200: %s', async (_what, over, error) => {
  const { code } = await agreed(emulator, authorization())
  expect(await tokenFor(code, over)).toMatchObject(refusal(error))
  expect(members(await tokenFor(code))).toHaveProperty('access_token')
})

test('POST is no way to ask for a token, and a code has its time', async () => {
  const posted = await post(`${emulator.options.tokenURL}?fmt=json`, client(emulator))
  expect(posted).toMatchObject(refusal(100029))
  const slow = await started({ codeLifetime: 0 })
  expect(await login({}, slow)).toMatchObject({ error: 100019 })
})

test('a refresh token is good once', async () => {
  const { refresh_token } = await login()
  const renewed = members(await renewal(refresh_token))
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(renewed.refresh_token).not.toBe(refresh_token)
  expect(members(await me(renewed.access_token))).toHaveProperty('openid')
  expect(await renewal(refresh_token)).toMatchObject(refusal(100022))
  expect(members(await renewal(renewed.refresh_token))).toHaveProperty('access_token')
  expect(await renewal('')).toMatchObject(refusal(100006))
})

test('however often it is renewed, a chain ends when its first refresh token would have', async () => {
  const of = await started({ refreshTokenLifetime: 1000 })
  let last = await login({}, of)
  for (const seconds of [400, 800]) {
    jest.restoreAllMocks()
    jump(seconds)
    last = members(await renewal(last.refresh_token, {}, of))
    expect(last.refresh_token).toEqual(expect.any(String))
  }
  jest.restoreAllMocks()
  jump(1001)
  expect(members(await renewal(last.refresh_token, {}, of))).toMatchObject({ error: 100022 })
})

test.each<[string, Params, number]>([
  ['no token', { access_token: undefined }, 100007],
  ['a token that was never given', { access_token: 'x' }, 100013],
  ['no app', { oauth_consumer_key: undefined }, 100008],
  ['another app', { oauth_consumer_key: 'x' }, 100008],
  ['no openid', { openid: undefined }, 1002],
  ['another user’s openid', { openid: '0F1E2D3C4B5A69788796A5B4C3D2E1F0' }, 1002],
  ['a repeated token', { access_token: ['x', 'y'] }, 100029],
])('the user is not told: %s', async (_what, over, ret) => {
  expect(await userOf((await login()).access_token, over)).toMatchObject(apiRefusal(ret))
})

test('tokens that have lived their time, and the API beside', async () => {
  const { access_token } = await login()
  const query = { access_token: String(access_token), oauth_consumer_key: emulator.options.clientID, openid: OPEN_ID }
  expect((await ask(`${emulator.origin}/emulator/resource?${encoded(query)}`)).json).toMatchObject({ user: OPEN_ID })
  expect(await resourceAt(emulator, String(access_token))).toMatchObject(apiRefusal(100008))
  const short = await started({ accessTokenLifetime: 0 })
  const { access_token: dead } = await login({}, short)
  expect(await me(dead, {}, short)).toMatchObject(refusal(100014))
  expect(await userOf(dead, {}, short)).toMatchObject(apiRefusal(100014))
})

test('a token that is expired is told from an unknown one', async () => {
  const of = await started()
  const { access_token } = await login({}, of)
  of.expireTokens()
  expect(await me(access_token, {}, of)).toMatchObject(refusal(100014))
  expect(await userOf(access_token, {}, of)).toMatchObject(apiRefusal(100014))
  expect(await me('x', {}, of)).toMatchObject(refusal(100013))
  expect(await userOf('x', {}, of)).toMatchObject(apiRefusal(100013))
})

test('faults are worded by their call', async () => {
  const { access_token, refresh_token } = await login()
  emulator.failNext('profile', 'refused', 2)
  expect(await me(access_token)).toMatchObject(refusal(100013))
  expect(await userOf(access_token)).toMatchObject(apiRefusal(100013))
  emulator.failNext('profile', 'http-503')
  expect((await me(access_token)).json).toMatchObject({ error: 100017 })
  emulator.failNext('token', 'refused')
  expect(await login()).toMatchObject({ error: 100009 })
  emulator.failNext('refresh', 'refused')
  expect(await renewal(refresh_token)).toMatchObject(refusal(100022))
})
