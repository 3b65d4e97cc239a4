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

const VERSION = { 'notion-version': '2026-03-11' }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

let emulator: Emulator<'notion'>
beforeAll(async () => {
  emulator = await startEmulator('notion', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, owner: 'user', ...over }
}

function asClient(of = emulator): Record<string, string> {
  return { ...basic(of.options.clientID, of.options.clientSecret), ...VERSION }
}

function exchange(code: string | undefined, over: object = {}): object {
  return { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(of = emulator, user?: string): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization({}, of), user)
  return members(await postJson(of.options.tokenURL, exchange(code), asClient(of)))
}

function renewal(refresh_token: unknown, of = emulator) {
  return postJson(of.options.tokenURL, { grant_type: 'refresh_token', refresh_token }, asClient(of))
}

function userOf(token: unknown, of = emulator) {
  return ask(of.options.userProfileURL, { headers: { ...bearer(token), ...VERSION } })
}

const request_id = expect.stringMatching(UUID)
const inWords = (status: number, error: string) => ({
  status,
  json: { error, error_description: expect.any(String), request_id },
})
const atTheApi = (status: number, code: string) => ({
  status,
  json: { object: 'error', status, code, message: expect.any(String), request_id },
})

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  const token = members(await postJson(emulator.options.tokenURL, exchange(code), asClient()))
  const user = {
    object: 'user',
    id: '11111111-2222-4333-8444-555555550001',
    name: '张三',
    avatar_url: 'https://s3-us-west-2.amazonaws.example/public.notion-static.com/zhangsan.jpg',
    type: 'person',
    person: { email: 'zhangsan@example.com' },
  }
  expect(token).toEqual({
    access_token: expect.stringMatching(/^ntn_/),
    token_type: 'bearer',
    refresh_token: expect.stringMatching(/^nrt_/),
    bot_id: expect.stringMatching(UUID),
    workspace_icon: null,
    workspace_id: expect.stringMatching(UUID),
    workspace_name: 'Example Workspace',
    owner: { type: 'user', user },
    duplicated_template_id: null,
    request_id,
  })
  expect((await userOf(token.access_token)).json).toMatchObject({
    object: 'user',
    id: token.bot_id,
    type: 'bot',
    bot: { owner: { type: 'user', user }, workspace_name: 'Example Workspace' },
  })
})

test('a person without an address or a picture; each person has a bot, the same at each login', async () => {
  const adas = await login(emulator, '11111111-2222-4333-8444-555555550002')
  expect(adas.owner).toMatchObject({ user: { name: 'Ada Lovelace', avatar_url: null, person: {} } })
  const [first, second] = [await login(), await login()]
  expect(first.bot_id).toBe(second.bot_id)
  expect(adas.bot_id).not.toBe(first.bot_id)
})

test('what an app may know of people', async () => {
  const without = await startEmulator('notion', { userInformation: 'without-email' })
  expect((await login(without)).owner).toMatchObject({ user: { name: '张三', person: {} } })
  const none = await startEmulator('notion', { userInformation: 'none' })
  const bare = { type: 'user', user: { object: 'user', id: '11111111-2222-4333-8444-555555550001' } }
  expect((await login(none)).owner).toEqual(bare)
  await Promise.all([without.close(), none.close()])
})

test('a token of a whole workspace, and none to refresh it with', async () => {
  const of = await startEmulator('notion', { ownerType: 'workspace', refreshTokens: false })
  const token = await login(of)
  expect(token).toMatchObject({ refresh_token: null, owner: { type: 'workspace', workspace: true } })
  expect(members(await userOf(token.access_token, of), 'bot')).toMatchObject({ owner: { type: 'workspace' } })
  await of.close()
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['another response_type', { response_type: 'token' }],
  ['no owner', { owner: undefined }],
  ['another owner', { owner: 'workspace' }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('a user who says no', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ error: 'access_denied', state: 's' })
})

test('the one redirect URI of an app may be left out, and then has no place in the token request', async () => {
  const { tokenURL } = emulator.options
  const { code } = await agreed(emulator, authorization({ redirect_uri: undefined }))
  expect(await postJson(tokenURL, exchange(code), asClient())).toMatchObject(inWords(400, 'invalid_grant'))
  expect((await postJson(tokenURL, exchange(code, { redirect_uri: undefined }), asClient())).status).toBe(200)
  const two = await startEmulator('notion', { redirectURIs: [CALLBACK, `${CALLBACK}/2`] })
  const address = `${two.options.authorizationURL}?${encoded(authorization({ redirect_uri: undefined }, two))}`
  expect((await ask(address)).status).toBe(400)
  await two.close()
})

test.each<[string, object, object]>([
  ['a code that was never given', { code: 'x' }, inWords(400, 'invalid_grant')],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, inWords(400, 'invalid_grant')],
  ['no redirect URI', { redirect_uri: undefined }, inWords(400, 'invalid_grant')],
  ['a redirect URI that is no text', { redirect_uri: [CALLBACK] }, atTheApi(400, 'validation_error')],
  ['no code', { code: undefined }, atTheApi(400, 'validation_error')],
  ['no grant_type', { grant_type: undefined }, atTheApi(400, 'validation_error')],
  ['another grant_type', { grant_type: 'password' }, atTheApi(400, 'validation_error')],
  ['a dead refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, inWords(400, 'invalid_grant')],
  ['no refresh token', { grant_type: 'refresh_token' }, atTheApi(400, 'validation_error')],
])('the token request is refused: %s', async (_what, over, refusal) => {
  const { code } = await agreed(emulator, authorization())
  const { tokenURL } = emulator.options
  expect(await postJson(tokenURL, exchange(code, over), asClient())).toMatchObject(refusal)
  expect((await postJson(tokenURL, exchange(code), asClient())).status).toBe(200)
})

test('credentials come by Basic alone, the body is JSON, and each request names a version', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  const inBody = exchange(code, { client_id: clientID, client_secret: clientSecret })
  expect(await postJson(tokenURL, inBody, VERSION)).toMatchObject(inWords(401, 'invalid_client'))
  for (const secret of ['x', encodeURIComponent(clientSecret)]) {
    const headers = { ...basic(clientID, secret), ...VERSION }
    expect(await postJson(tokenURL, exchange(code), headers)).toMatchObject(inWords(401, 'invalid_client'))
  }
  const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
  expect(await post(tokenURL, form, asClient())).toMatchObject(atTheApi(400, 'invalid_json'))
  const unversioned = basic(clientID, clientSecret)
  expect(await postJson(tokenURL, form, unversioned)).toMatchObject(atTheApi(400, 'missing_version'))
  const undated = { ...unversioned, 'notion-version': 'latest' }
  expect(await postJson(tokenURL, form, undated)).toMatchObject(atTheApi(400, 'validation_error'))
  expect((await postJson(tokenURL, form, asClient())).status).toBe(200)
})

test('a code is good for one use, and for its time', async () => {
  const { code } = await agreed(emulator, authorization())
  const { tokenURL } = emulator.options
  expect((await postJson(tokenURL, exchange(code), asClient())).status).toBe(200)
  expect(await postJson(tokenURL, exchange(code), asClient())).toMatchObject(inWords(400, 'invalid_grant'))
  const slow = await startEmulator('notion', { codeLifetime: 0 })
  expect(await login(slow)).toMatchObject({ error: 'invalid_grant' })
  await slow.close()
})

test('a refresh brings a new refresh token and kills the old one', async () => {
  const { refresh_token: old } = await login()
  const renewed = members(await renewal(old))
  expect(renewed).toMatchObject({ access_token: expect.any(String), owner: { type: 'user' } })
  expect(renewed.refresh_token).not.toBe(old)
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(await renewal(old)).toMatchObject(inWords(400, 'invalid_grant'))
  expect((await renewal(renewed.refresh_token)).status).toBe(200)
})

test('a revoked login is over, by either token', async () => {
  const { revokeURL } = emulator.options
  for (const which of ['access_token', 'refresh_token']) {
    const token = await login()
    expect(await postJson(revokeURL, { token: token[which] }, VERSION)).toMatchObject(inWords(401, 'invalid_client'))
    expect(await postJson(revokeURL, {}, asClient())).toMatchObject(atTheApi(400, 'validation_error'))
    const revoked = await postJson(revokeURL, { token: token[which] }, asClient())
    expect(revoked).toMatchObject({ status: 200, json: { request_id } })
    expect(await userOf(token.access_token)).toMatchObject(atTheApi(401, 'unauthorized'))
    expect((await renewal(token.refresh_token)).status).toBe(400)
  }
})

test('the API needs a live token and a version', async () => {
  const access = String((await login()).access_token)
  expect(await resourceAt(emulator, access)).toMatchObject(atTheApi(400, 'missing_version'))
  expect((await resourceAt(emulator, access, { headers: VERSION })).status).toBe(200)
  emulator.expireTokens()
  expect(await resourceAt(emulator, access, { headers: VERSION })).toMatchObject(atTheApi(401, 'unauthorized'))
})

test('refusals of the token endpoint in the words of the API', async () => {
  const of = await startEmulator('notion', { tokenErrors: 'api' })
  expect(await renewal('x', of)).toMatchObject(atTheApi(400, 'invalid_grant'))
  const stranger = { ...basic('x', 'y'), ...VERSION }
  expect(await postJson(of.options.tokenURL, exchange('x'), stranger)).toMatchObject(atTheApi(401, 'invalid_client'))
  await of.close()
})

test('faults are worded by their call', async () => {
  const { access_token, refresh_token } = await login()
  for (const [fault, status, code] of [
    ['http-401', 401, 'unauthorized'],
    ['http-403', 403, 'restricted_resource'],
    ['http-500', 500, 'internal_server_error'],
    ['http-503', 503, 'service_unavailable'],
  ] as const) {
    emulator.failNext('profile', fault)
    expect(await userOf(access_token)).toMatchObject(atTheApi(status, code))
  }
  emulator.failNext('refresh', 'http-429')
  const limited = await renewal(refresh_token)
  expect(limited).toMatchObject(atTheApi(429, 'rate_limited'))
  expect(limited.headers.get('retry-after')).toBe('30')
  emulator.failNext('refresh', 'http-400:invalid_grant')
  expect(await renewal(refresh_token)).toMatchObject(inWords(400, 'invalid_grant'))
  emulator.failNext('token', 'http-401')
  expect(await login()).toMatchObject({ error: 'invalid_client' })
})
