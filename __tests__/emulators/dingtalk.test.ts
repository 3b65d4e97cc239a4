import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, bearer, brought, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'

let emulator: Emulator<'dingtalk'>
beforeAll(async () => {
  emulator = await startEmulator('dingtalk', { redirectURIs: [CALLBACK], appTokenLimit: 1000 })
})
afterAll(() => emulator.close())

const CORP = 'ding0a1b2c3d4e5f6a7b8c9d'

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, scope: 'openid', prompt: 'consent', ...over }
}

function client(of = emulator) {
  return { clientId: of.options.clientID, clientSecret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: object = {}, of = emulator) {
  return { ...client(of), code, grantType: 'authorization_code', ...over }
}

async function login(over: Params = {}, of = emulator, user?: string): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of), user)
  return members(await postJson(of.options.tokenURL, exchange(code, {}, of)))
}

function renewal(refreshToken: unknown, of = emulator) {
  return postJson(of.options.tokenURL, { ...client(of), refreshToken, grantType: 'refresh_token' })
}

function userOf(token: unknown, of = emulator) {
  return ask(`${of.origin}/v1.0/contact/users/me`, { headers: { 'x-acs-dingtalk-access-token': String(token) } })
}

const inWords = (code: string) => ({ code, message: expect.any(String), requestid: expect.any(String) })
const dead = { status: 400, json: inWords('InvalidAuthentication') }

test('a whole conversation', async () => {
  const { code, authCode, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  expect(authCode).toBe(code)
  const token = members(await postJson(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({ accessToken: expect.any(String), refreshToken: expect.any(String), expireIn: 7200 })
  expect((await userOf(token.accessToken)).json).toEqual({
    nick: '张三',
    avatarUrl: 'https://static-legacy.dingtalk.example/zhangsan.png',
    mobile: '13800000000',
    stateCode: '86',
    openId: 'kPqmKq1LpT7vRn3WbYc2sQiEiE',
    unionId: 'zX9mKq1LpT7vRn3WbYc2sQiEiE',
    email: 'zhangsan@example.com',
    visitor: false,
  })
  expect(emulator.options.userProfileURL).toBe(`${emulator.origin}/v1.0/contact/users/me`)
})

test.each([
  ['authCode', ['authCode', 'state']],
  ['code', ['code', 'state']],
] as const)('the callback calls its code %s', async (callbackNames, names) => {
  const of = await startEmulator('dingtalk', { callbackNames })
  expect(Object.keys(await agreed(of, authorization({}, of)))).toEqual(names)
  await of.close()
})

test('with the scope corpid a user picks an organisation', async () => {
  expect(await login({ scope: 'openid corpid' })).toMatchObject({ corpId: CORP })
  const asked = authorization({ scope: 'openid corpid' })
  const address = `${emulator.options.authorizationURL}?${encoded(asked)}`
  const other = brought(await emulator.approve(address, { project: 'ding9f8e7d6c5b4a39281706' }))
  const token = members(await postJson(emulator.options.tokenURL, exchange(other.code)))
  expect(token.corpId).toBe('ding9f8e7d6c5b4a39281706')
  const restricted = `${emulator.options.authorizationURL}?${encoded({ ...asked, corpId: CORP })}`
  await expect(emulator.approve(restricted, { project: 'ding9f8e7d6c5b4a39281706' })).rejects.toThrow('project')
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['no scope', { scope: undefined }],
  ['scopes with a comma', { scope: 'openid,corpid' }],
  ['corpid alone', { scope: 'corpid' }],
  ['another prompt', { prompt: 'login' }],
  ['an unknown organisation', { corpId: 'dingx' }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('a host can be registered for all of its addresses; the older address shows the same page', async () => {
  const of = await startEmulator('dingtalk', { redirectURIs: ['127.0.0.1:9'] })
  expect(await agreed(of, authorization({ redirect_uri: `${CALLBACK}/other` }, of))).toHaveProperty('code')
  const elsewhere = authorization({ redirect_uri: 'http://127.0.0.1:10/callback' }, of)
  await expect(agreed(of, elsewhere)).rejects.toThrow('400')
  const host = await startEmulator('dingtalk', { redirectURIs: ['127.0.0.1'] }) // of any port
  expect(await agreed(host, authorization({ redirect_uri: 'http://127.0.0.1:10/callback' }, host))).toHaveProperty(
    'code',
  )
  await host.close()
  const older = `${of.origin}/oauth2/challenge.htm?${encoded(authorization({}, of))}`
  expect(brought(await of.approve(older))).toHaveProperty('code')
  await of.close()
})

test('without prompt=consent a user who agreed before is let through, where asked', async () => {
  const of = await startEmulator('dingtalk', { silentWithoutPrompt: true })
  const shown = (over: Params) => ask(`${of.options.authorizationURL}?${encoded(authorization(over, of))}`)
  expect((await shown({ prompt: undefined })).headers.get('location')).toContain('code=')
  expect((await shown({})).status).toBe(200)
  await of.close()
})

test('a user who says no', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ error: 'access_denied', state: 's' })
})

test.each<[string, object, string]>([
  ['another secret', { clientSecret: 'x' }, 'invalidClientIdOrSecret'],
  ['another app', { clientId: 'x' }, 'invalidClientIdOrSecret'],
  ['names in snake case', { clientId: undefined, client_id: 'x' }, 'MissingclientId'],
  ['no grant type', { grantType: undefined }, 'MissinggrantType'],
  ['another grant type', { grantType: 'password' }, 'invalidParameter.grantType'],
  ['no code', { code: undefined }, 'Missingcode'],
  ['a code that was never given', { code: 'x' }, 'invalidParameter.authCode.notFound'],
  ['no refresh token', { grantType: 'refresh_token' }, 'MissingrefreshToken'],
  ['a dead refresh token', { grantType: 'refresh_token', refreshToken: 'x' }, 'invalidParameter.refreshToken.notFound'],
])('the token request is refused: %s', async (_what, over, code) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  const refusal = await postJson(emulator.options.tokenURL, { ...right, ...over })
  expect(refusal).toMatchObject({ status: 400, json: inWords(code) })
  expect((await postJson(emulator.options.tokenURL, right)).status).toBe(200)
})

test('a form is not taken; a code is good for one use, and for its time', async () => {
  const { code } = await agreed(emulator, authorization())
  const asForm = await post(emulator.options.tokenURL, { ...exchange(code) })
  expect(asForm).toMatchObject({ status: 400, json: inWords('InvalidParameter') })
  const notFound = inWords('invalidParameter.authCode.notFound')
  expect((await postJson(emulator.options.tokenURL, exchange(code))).status).toBe(200)
  expect((await postJson(emulator.options.tokenURL, exchange(code))).json).toEqual(notFound)
  const slow = await startEmulator('dingtalk', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(notFound)
  await slow.close()
})

test('a refresh brings a new refresh token, and the same access token while that lives', async () => {
  const { accessToken, refreshToken } = await login()
  const renewed = members(await renewal(refreshToken))
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(renewed).toMatchObject({ accessToken, expireIn: 7200 })
  expect(renewed.refreshToken).not.toBe(refreshToken)
  expect((await renewal(refreshToken)).json).toEqual(inWords('invalidParameter.refreshToken.notFound'))
  emulator.expireTokens()
  const another = members(await renewal(renewed.refreshToken))
  expect(another.accessToken).not.toBe(accessToken)
  expect((await userOf(another.accessToken)).status).toBe(200)
  expect((await login({}, emulator, 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE')).accessToken).not.toBe(another.accessToken)
})

test('a new access token each time, where asked', async () => {
  const of = await startEmulator('dingtalk', { sameToken: false })
  const { accessToken, refreshToken } = await login({}, of)
  expect(members(await renewal(refreshToken, of)).accessToken).not.toBe(accessToken)
  await of.close()
})

test('a token in another header, and a dead one, are HTTP 400', async () => {
  const { accessToken } = await login()
  const { userProfileURL } = emulator.options
  expect(await ask(userProfileURL, { headers: bearer(accessToken) })).toMatchObject(dead)
  expect(await ask(userProfileURL)).toMatchObject(dead)
  const resource = (token: unknown) =>
    ask(`${emulator.origin}/emulator/resource`, { headers: { 'x-acs-dingtalk-access-token': String(token) } })
  expect((await resource(accessToken)).json).toMatchObject({ user: 'zX9mKq1LpT7vRn3WbYc2sQiEiE' })
  emulator.expireTokens()
  expect(await userOf(accessToken)).toMatchObject(dead)
  expect(await resource(accessToken)).toMatchObject(dead)
})

test('permissions are the application’s', async () => {
  const none = await startEmulator('dingtalk', { permissions: [] })
  const refusal = await userOf((await login({}, none)).accessToken, none)
  expect(refusal).toMatchObject({
    status: 403,
    json: inWords('Forbidden.AccessDenied.AccessTokenPermissionDenied'),
  })
  await none.close()
  const few = await startEmulator('dingtalk', { permissions: ['Contact.User.Read'] })
  const user = members(await userOf((await login({}, few)).accessToken, few))
  expect(Object.keys(user).sort()).toEqual(['avatarUrl', 'nick', 'openId', 'unionId', 'visitor'])
  await few.close()
})

test('a user without an avatar, and a visitor', async () => {
  const { accessToken } = await login({}, emulator, 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE')
  expect((await userOf(accessToken)).json).toMatchObject({ nick: 'Ada Lovelace', avatarUrl: '' })
  const users = [{ id: 'zX9guest', name: 'Guest', external: true }]
  const of = await startEmulator('dingtalk', { users })
  expect((await userOf((await login({}, of)).accessToken, of)).json).toMatchObject({ visitor: true })
  await of.close()
})

test('faults are worded by their call', async () => {
  emulator.failNext('token', 'http-503')
  expect(await login()).toEqual(inWords('ServiceUnavailable'))
  const { accessToken } = await login()
  emulator.failNext('profile', 'http-403')
  expect((await userOf(accessToken)).json).toMatchObject({
    accessdenieddetail: { requiredScopes: ['Contact.User.Read'] },
  })
  emulator.failNext('token', 'expires-text')
  expect((await login()).expireIn).toBe('soon')
})
