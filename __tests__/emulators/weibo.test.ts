import type { Emulator } from 'passport-dialects/emulators'
import {
  type Answer,
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
  starterOf,
} from './conversation'
import { resourceAt } from './logins'

const started = starterOf('weibo')

let emulator: Emulator<'weibo'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK] })
})

function authorization(over: Params = {}, of = emulator): Params {
  return { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's1', ...over }
}

function addressOf(over: Params = {}, of = emulator): string {
  return `${of.options.authorizationURL}?${encoded(authorization(over, of))}`
}

function exchange(code: string | undefined, over: Params = {}, { options } = emulator): Params {
  const client = { client_id: options.clientID, client_secret: options.clientSecret }
  return { ...client, grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of))
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

function userOf({ access_token, uid }: Record<string, unknown>, over: Params = {}, of = emulator): Promise<Answer> {
  const query = { access_token: String(access_token), uid: String(uid), ...over }
  return ask(`${of.options.userProfileURL}?${encoded(query)}`)
}

function emailOf({ access_token }: Record<string, unknown>, of = emulator): Promise<Answer> {
  return ask(`${of.origin}/2/account/profile/email.json?access_token=${access_token}`)
}

function refusal(error: string, error_code: number): object {
  const at = '/oauth2/access_token'
  const error_description = expect.any(String)
  return { status: 400, json: { error, error_code, request: at, error_uri: at, error_description } }
}

const apiRefusal = (status: number, error_code: string | number, request = '/2/users/show.json') => {
  return { status, json: { request, error_code, error: expect.any(String) } }
}

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's1' })
  const token = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^2\.00/),
    remind_in: '157679999',
    expires_in: 157_679_999,
    uid: '7000000001',
    isRealName: 'true',
  })
  expect((await userOf(token)).json).toMatchObject({
    id: 7000000001,
    idstr: '7000000001',
    screen_name: '张三',
    avatar_large: 'https://tvax1.sinaimg.example/180/zhangsan.jpg',
    profile_url: 'u/7000000001',
  })
  const inHeader = { headers: { authorization: `OAuth2 ${token.access_token}` } }
  expect((await ask(`${emulator.options.userProfileURL}?uid=7000000001`, inHeader)).status).toBe(200)
  expect(await resourceAt(emulator, '', inHeader)).toMatchObject({ status: 200 })
})

test('the token request by a query', async () => {
  const { code } = await agreed(emulator, authorization())
  const response = await ask(`${emulator.options.tokenURL}?${encoded(exchange(code))}`, { method: 'POST' })
  expect(members(response)).toHaveProperty('uid', '7000000001')
})

test('anybody’s public data is told to anybody; what is shown may be somebody else', async () => {
  const token = await login()
  expect(members(await userOf(token, { uid: '7000000002' }))).toMatchObject({ idstr: '7000000002' })
  const of = await started({ shownUser: '9999999999' })
  expect(members(await userOf(await login({}, of), {}, of))).toMatchObject({ id: 9999999999, name: '欧阳若曦' })
})

test('an e-mail address takes the scope and the right; it comes in two forms', async () => {
  expect((await emailOf(await login({ scope: 'email' }))).json).toEqual([{ email: 'zhangsan@example.com' }])
  expect((await emailOf(await login({ scope: 'all' }))).status).toBe(200)
  const refused = apiRefusal(403, '10014', '/2/account/profile/email.json')
  expect(await emailOf(await login())).toMatchObject(refused)
  const unticked = brought(await emulator.approve(addressOf({ scope: 'email,all' }), { scopes: [] }))
  const token = members(await post(emulator.options.tokenURL, exchange(unticked.code)))
  expect(await emailOf(token)).toMatchObject(refused)
  const object = await started({ emailForm: 'object' })
  const { json } = await emailOf(await login({ scope: 'email' }, object), object)
  expect(json).toEqual({ email: 'zhangsan@example.com' })
  const without = await started({ emailRight: false })
  expect(await emailOf(await login({ scope: 'email' }, without), without)).toMatchObject(refused)
})

test.each<[string, Params, number]>([
  ['another app', { client_id: 'x' }, 21324],
  ['a redirect URI with one more character', { redirect_uri: `${CALLBACK}/` }, 21322],
  ['a redirect URI with a query', { redirect_uri: `${CALLBACK}?a=b` }, 21322],
  ['no redirect URI', { redirect_uri: undefined }, 21322],
  ['a repeated state', { state: ['a', 'b'] }, 21323],
])('the authorization request stays on a page: %s', async (_what, over, code) => {
  const shown = await ask(addressOf(over))
  expect(shown).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${code}</code>`) })
})

test.each<[string, Params, string, string]>([
  ['another response_type', { response_type: 'token' }, 'unsupported_response_type', '21329'],
  ['an unknown display', { display: 'tv' }, 'invalid_request', '21323'],
  ['another forcelogin', { forcelogin: '1' }, 'invalid_request', '21323'],
  ['scopes with spaces', { scope: 'email all' }, 'invalid_request', '21323'],
])('the browser comes back with an error: %s', async (_what, over, error, error_code) => {
  const shared = { error_description: error, error_uri: '/oauth2/authorize', state: 's1' }
  expect(await agreed(emulator, authorization(over))).toEqual({ error, error_code, ...shared })
})

test('a user who says no; response_type has a default', async () => {
  const words = { error_description: 'access_denied', error_uri: '/oauth2/authorize' }
  const expected = { error: 'access_denied', error_code: '21330', ...words, state: 's1' }
  expect(brought(await emulator.deny(addressOf()))).toEqual(expected)
  const over = { response_type: undefined, display: 'mobile', forcelogin: 'true', language: 'en' }
  expect(await agreed(emulator, authorization(over))).toMatchObject({ code: expect.any(String) })
  emulator.failNext('authorize', 'refused:21331')
  expect(await agreed(emulator, authorization())).toMatchObject({
    error: 'temporarily_unavailable',
    error_code: '21331',
  })
})

test.each<[string, Params, string, number]>([
  ['another app', { client_id: 'x' }, 'invalid_client', 21324],
  ['another secret', { client_secret: 'x' }, 'invalid_client', 21324],
  ['no secret', { client_secret: undefined }, 'invalid_client', 21324],
  ['a refresh', { grant_type: 'refresh_token', refresh_token: 'x' }, 'unsupported_grant_type', 21328],
  ['no code', { code: undefined }, 'invalid_request', 21323],
  ['a code that was never given', { code: 'x' }, 'invalid_grant', 21325],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/` }, 'redirect_uri_mismatch', 21322],
  ['no redirect URI', { redirect_uri: undefined }, 'redirect_uri_mismatch', 21322],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_request', 21323],
])('the token request is refused: %s', async (_what, over, error, code) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  expect(await post(emulator.options.tokenURL, { ...right, ...over })).toMatchObject(refusal(error, code))
  expect((await post(emulator.options.tokenURL, right)).status).toBe(200)
})

test('a code is good once, and for its time; the refusal quotes it', async () => {
  const used = exchange((await agreed(emulator, authorization())).code)
  await post(emulator.options.tokenURL, used)
  const twice = members(await post(emulator.options.tokenURL, used))
  expect(twice.error_description).toBe(`invalid authorization code:${used.code}`)
  const slow = await started({ codeLifetime: 0 })
  expect(await login({}, slow)).toMatchObject({ error_code: 21325 })
})

test('JSON and Basic are no way to ask for a token', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  expect(await postJson(tokenURL, exchange(code))).toMatchObject(refusal('invalid_client', 21324))
  const bare = exchange(code, { client_id: undefined, client_secret: undefined })
  expect((await post(tokenURL, bare, basic(clientID, clientSecret))).status).toBe(400)
})

test('the user is not told to a bearer token, to a dead one, nor without a uid', async () => {
  const token = await login()
  const { userProfileURL } = emulator.options
  const asBearer = await ask(`${userProfileURL}?uid=7000000001`, { headers: bearer(token.access_token) })
  expect(asBearer).toMatchObject(apiRefusal(400, '10006'))
  expect(await userOf(token, { access_token: 'x' })).toMatchObject(apiRefusal(403, '21332'))
  expect(await userOf(token, { uid: undefined })).toMatchObject(apiRefusal(400, '10016'))
  expect(await userOf(token, { uid: '1' })).toMatchObject(apiRefusal(400, '20003'))
  const of = await started({ accessTokenLifetime: 0, errorCode: 'number' })
  expect(await userOf(await login({}, of), {}, of)).toMatchObject(apiRefusal(403, 21327))
})

test('a token that is expired is told from an unknown one, and from one that was given back', async () => {
  const of = await started()
  const [expired, revoked] = [await login({}, of), await login({}, of)]
  await post(of.options.revokeURL, { access_token: String(revoked.access_token) })
  of.expireTokens()
  expect(await userOf(expired, {}, of)).toMatchObject(apiRefusal(403, '21327'))
  const info = await post(`${of.origin}/oauth2/get_token_info`, { access_token: String(expired.access_token) })
  expect(info.json).toMatchObject({ error_code: '21327', error: 'expired_token' })
  expect(await userOf(revoked, {}, of)).toMatchObject(apiRefusal(403, '21332'))
  expect(await userOf(expired, { access_token: 'x' }, of)).toMatchObject(apiRefusal(403, '21332'))
})

test('an unreviewed app has test accounts', async () => {
  const of = await started({ testAccounts: ['7000000002'] })
  expect(await userOf(await login({}, of), {}, of)).toMatchObject(apiRefusal(403, '21321'))
})

test('a token tells of itself, and dies where it is given back', async () => {
  const { access_token } = await login({ scope: 'email' })
  const info = await post(`${emulator.origin}/oauth2/get_token_info`, { access_token: String(access_token) })
  expect(info.json).toMatchObject({ uid: 7000000001, scope: 'email', appkey: emulator.options.clientID })
  const back = () => post(emulator.options.revokeURL, { access_token: String(access_token) })
  expect((await back()).json).toEqual({ result: 'true' })
  expect(await back()).toMatchObject(apiRefusal(403, '21332', '/oauth2/revokeoauth2'))
  expect((await userOf({ access_token, uid: '7000000001' })).status).toBe(403)
  const other = await login()
  expect((await ask(`${emulator.options.revokeURL}?access_token=${other.access_token}`)).json).toEqual({
    result: 'true',
  })
})

test('faults are worded by their call', async () => {
  const token = await login()
  for (const [fault, code] of [
    ['http-403', '10014'],
    ['http-429', '10023'],
    ['http-503', '10001'],
    ['refused', '21332'],
  ] as const) {
    emulator.failNext('profile', fault)
    expect((await userOf(token)).json).toMatchObject({ error_code: code, request: '/2/users/show.json' })
  }
  emulator.failNext('token', 'http-503')
  expect(await login()).toMatchObject({ error: 'temporarily_unavailable', error_code: 21331 })
})
