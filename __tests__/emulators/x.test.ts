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
import { resourceAt } from './logins'

const VERIFIER = 'a-verifier-of-at-least-forty-three-characters-0123456789'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
const FIELDS = '?user.fields=profile_image_url,confirmed_email'

let emulator: Emulator<'x'>
beforeAll(async () => {
  emulator = await startEmulator('x', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  return {
    client_id: of.options.clientID,
    redirect_uri: CALLBACK,
    response_type: 'code',
    state: 's',
    scope: 'users.read tweet.read users.email offline.access',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...over,
  }
}

function credentials(of = emulator): Record<string, string> {
  const { clientID, clientSecret } = of.options
  return clientSecret === undefined ? {} : basic(clientID, clientSecret)
}

function exchange(code: string | undefined, over: Params = {}): Params {
  return { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: VERIFIER, ...over }
}

async function login(over: Params = {}, of = emulator, user?: string): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of), user)
  return members(await post(of.options.tokenURL, exchange(code), credentials(of)))
}

function renewal(token: unknown, of = emulator) {
  const form = { grant_type: 'refresh_token', refresh_token: String(token) }
  return post(of.options.tokenURL, form, credentials(of))
}

function userOf(token: unknown, query = FIELDS, of = emulator) {
  return ask(of.options.userProfileURL + query, { headers: bearer(token) })
}

const inWords = (error: string, error_description: string) => ({ error, error_description })
const badCode = inWords('invalid_request', 'Value passed for the authorization code was invalid.')
const badVerifier = inWords('invalid_request', 'Value passed for the code verifier did not match the code challenge.')
const badToken = inWords('invalid_request', 'Value passed for the token was invalid.')
const noHeader = inWords('unauthorized_client', 'Missing valid authorization header')
const problem = (title: string, status: number) => ({
  status,
  json: { title, type: 'about:blank', status, detail: expect.any(String) },
})
const dead = problem('Unauthorized', 401)

test('a whole conversation', async () => {
  const callback = await emulator.approve(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(callback).toMatch(/\?state=s&code=[\w-]+$/)
  const token = members(await post(emulator.options.tokenURL, exchange(brought(callback).code), credentials()))
  expect(token).toEqual({
    token_type: 'bearer',
    expires_in: 7200,
    access_token: expect.any(String),
    scope: 'users.read tweet.read users.email offline.access',
    refresh_token: expect.any(String),
  })
  expect((await userOf(token.access_token)).json).toEqual({
    data: {
      id: '1500000000000000001',
      name: '张三',
      username: 'zhangsan_example',
      profile_image_url: 'https://pbs.twimg.example/profile_images/1/zhangsan_normal.jpg',
      confirmed_email: 'zhangsan@example.com',
    },
  })
  const { data } = members(await userOf(token.access_token, ''))
  expect(data).toEqual({ id: '1500000000000000001', name: '张三', username: 'zhangsan_example' })
})

test('no refresh token without offline.access; a plain challenge', async () => {
  const plain = { code_challenge: VERIFIER, code_challenge_method: 'plain' }
  const token = await login({ ...plain, scope: 'users.read tweet.read' })
  expect(Object.keys(token)).toEqual(['token_type', 'expires_in', 'access_token', 'scope'])
})

test('an e-mail address needs the scope, the field, the switch of the console, and an account that has one', async () => {
  const off = await startEmulator('x', { requestEmail: false })
  const ada = '1500000000000000003'
  const withoutScope = { scope: 'users.read tweet.read' }
  for (const [over, query, of, user] of [
    [withoutScope, FIELDS, emulator],
    [{}, '', emulator],
    [{}, FIELDS, off],
    [{}, FIELDS, emulator, ada],
  ] as const) {
    const { access_token } = await login(over, of, user)
    const answer = await userOf(access_token, query, of)
    expect(answer.status).toBe(200)
    expect(members(answer, 'data')).not.toHaveProperty('confirmed_email')
  }
  await off.close()
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['no state', { state: undefined }],
  ['a state of more than 500 characters', { state: 's'.repeat(501) }],
  ['a repeated state', { state: ['a', 'b'] }],
  ['no scope', { scope: undefined }],
  ['an unknown scope', { scope: 'users.read email' }],
  ['scopes with commas', { scope: 'users.read,tweet.read' }],
  ['no challenge', { code_challenge: undefined }],
  ['an empty challenge', { code_challenge: '' }],
  ['no challenge method', { code_challenge_method: undefined }],
  ['another challenge method', { code_challenge_method: 's256' }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('500 characters of state pass; localhost is no redirect URI', async () => {
  const { state } = await agreed(emulator, authorization({ state: 's'.repeat(500) }))
  expect(state).toHaveLength(500)
  const any = await startEmulator('x')
  const at = async (redirect_uri: string) =>
    (await ask(`${any.options.authorizationURL}?${encoded(authorization({ redirect_uri }, any))}`)).status
  expect([await at('http://localhost:3000/callback'), await at(CALLBACK)]).toEqual([400, 200])
  await any.close()
})

test('a user who says no', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ error: 'access_denied', state: 's' })
})

const missing = (name: string) => inWords('invalid_request', `Missing required parameter [${name}].`)
const invalid = inWords('invalid_request', expect.any(String))

test.each<[string, Params, object]>([
  ['a code that was never given', { code: 'x' }, badCode],
  ['another verifier', { code_verifier: VERIFIER.toUpperCase() }, badVerifier],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, invalid],
  ['no code', { code: undefined }, missing('code')],
  ['no verifier', { code_verifier: undefined }, missing('code_verifier')],
  ['no redirect URI', { redirect_uri: undefined }, missing('redirect_uri')],
  ['no grant_type', { grant_type: undefined }, missing('grant_type')],
  ['another grant_type', { grant_type: 'password' }, inWords('unsupported_grant_type', expect.any(String))],
  ['a repeated code', { code: ['a', 'b'] }, invalid],
  ['the secret in the body too', { client_secret: 'x' }, invalid],
  ['another app in the body', { client_id: 'x' }, inWords('invalid_client', expect.any(String))],
  ['no refresh token', { grant_type: 'refresh_token' }, missing('refresh_token')],
  ['a dead refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, badToken],
])('the token request is refused: %s', async (_what, over, json) => {
  const right = exchange((await agreed(emulator, authorization())).code)
  const refusal = await post(emulator.options.tokenURL, { ...right, ...over }, credentials())
  expect(refusal).toMatchObject({ status: 400, json })
  expect((await post(emulator.options.tokenURL, right, credentials())).status).toBe(200)
})

test('credentials come by Basic alone, as they are', async () => {
  const { tokenURL, clientID, clientSecret = '' } = emulator.options
  const right = exchange((await agreed(emulator, authorization())).code)
  const inBody = { ...right, client_id: clientID, client_secret: clientSecret }
  expect(await post(tokenURL, inBody)).toMatchObject({ status: 401, json: noHeader })
  for (const headers of [basic(clientID, 'x'), basic(clientID, encodeURIComponent(clientSecret)), bearer('x')]) {
    expect(await post(tokenURL, right, headers)).toMatchObject({ status: 401, json: noHeader })
  }
  expect((await postJson(tokenURL, right, credentials())).status).toBe(400)
  expect((await ask(`${tokenURL}?${encoded(right)}`, { headers: credentials() })).status).toBe(404)
  expect((await post(tokenURL, { ...right, client_id: clientID }, credentials())).status).toBe(200)
})

test('a public client has no secret, and names itself in the form', async () => {
  const of = await startEmulator('x', { clientType: 'public' })
  expect(of.options).not.toHaveProperty('clientSecret')
  const { clientID, tokenURL, revokeURL } = of.options
  const right = exchange((await agreed(of, authorization({}, of))).code)
  expect(await post(tokenURL, right)).toMatchObject({ status: 400, json: missing('client_id') })
  expect((await post(tokenURL, { ...right, client_id: clientID }, basic(clientID, ''))).status).toBe(401)
  const token = members(await post(tokenURL, { ...right, client_id: clientID }))
  const refresh = { grant_type: 'refresh_token', refresh_token: String(token.refresh_token), client_id: clientID }
  const renewed = members(await post(tokenURL, refresh))
  expect((await post(revokeURL, { token: String(renewed.access_token), client_id: clientID })).status).toBe(200)
  await of.close()
})

test('a code is good for one use, and for its time', async () => {
  const used = exchange((await agreed(emulator, authorization())).code)
  expect((await post(emulator.options.tokenURL, used, credentials())).status).toBe(200)
  expect((await post(emulator.options.tokenURL, used, credentials())).json).toEqual(badCode)
  const slow = await startEmulator('x', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(badCode)
  await slow.close()
})

test('a refresh brings a new refresh token, and the old one is dead', async () => {
  const { refresh_token: old, access_token } = await login()
  const renewed = members(await renewal(old))
  expect(renewed).toMatchObject({ expires_in: 7200, refresh_token: expect.any(String) })
  expect(renewed.refresh_token).not.toBe(old)
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(await renewal(old)).toMatchObject({ status: 400, json: badToken })
  expect((await renewal(renewed.refresh_token)).status).toBe(200)
  expect((await userOf(access_token)).status).toBe(200)
})

test('a revoked login is over, by either token', async () => {
  const { revokeURL } = emulator.options
  for (const which of ['access_token', 'refresh_token']) {
    const token = await login()
    expect((await post(revokeURL, { token: String(token[which]) })).json).toEqual(noHeader)
    expect((await post(revokeURL, {}, credentials())).status).toBe(400)
    const revoked = await post(revokeURL, { token: String(token[which]) }, credentials())
    expect(revoked).toMatchObject({ status: 200, json: { revoked: true } })
    expect(await userOf(token.access_token)).toMatchObject(dead)
    expect((await renewal(token.refresh_token)).json).toEqual(badToken)
  }
})

test('the user is refused without a live token or a scope, and for an unknown field', async () => {
  expect(await userOf('x')).toMatchObject(dead)
  expect((await userOf('x')).headers.get('content-type')).toMatch(/^application\/problem\+json/)
  for (const scope of ['users.read', 'tweet.read']) {
    const { access_token } = await login({ scope })
    expect(await userOf(access_token)).toMatchObject(problem('Forbidden', 403))
  }
  const { access_token } = await login()
  for (const query of ['?user.fields=id,email', '?fields=id', '?user.fields=id&user.fields=name']) {
    expect(await userOf(access_token, query)).toMatchObject({ status: 400, json: { title: 'Invalid Request' } })
  }
  emulator.expireTokens()
  expect(await resourceAt(emulator, String(access_token))).toMatchObject(dead)
})

test('a limit on asking for the user counts each user for himself, and says when it ends', async () => {
  const of = await startEmulator('x', { profileLimit: 1 })
  const { access_token } = await login({}, of)
  expect((await userOf(access_token, '', of)).status).toBe(200)
  const refused = await userOf(access_token, '', of)
  expect(refused).toMatchObject(problem('Too Many Requests', 429))
  expect(Number(refused.headers.get('x-rate-limit-reset'))).toBeGreaterThan(Date.now() / 1000)
  const { access_token: adas } = await login({}, of, '1500000000000000003')
  expect((await userOf(adas, '', of)).status).toBe(200)
  await of.close()
})

test('problems on a 200, beside the user or instead of it, and an id as a number', async () => {
  const errors = [{ title: 'Not Found Error', type: expect.stringContaining('/resource-not-found') }]
  for (const problems of ['beside', 'instead'] as const) {
    const of = await startEmulator('x', { problems })
    const answer = await userOf((await login({}, of)).access_token, '', of)
    expect(answer).toMatchObject({ status: 200, json: { errors } })
    expect('data' in members(answer)).toBe(problems === 'beside')
    await of.close()
  }
  const numbers = await startEmulator('x', { idType: 'number' })
  const { text } = await userOf((await login({}, numbers)).access_token, '', numbers)
  expect(text).toContain('"id":1500000000000000001,')
  await numbers.close()
})

test('faults are worded by their call', async () => {
  const { access_token, refresh_token } = await login()
  emulator.failNext('profile', 'http-403:client-not-enrolled')
  const enrolled = { reason: 'client-not-enrolled', type: expect.stringMatching(/\/client-forbidden$/) }
  expect(await userOf(access_token)).toMatchObject({ status: 403, json: enrolled })
  emulator.failNext('profile', 'http-402:credits')
  expect(await userOf(access_token)).toMatchObject({ status: 402, json: { title: 'CreditsDepleted' } })
  emulator.failNext('profile', 'http-429')
  expect((await userOf(access_token)).headers.get('x-rate-limit-reset')).toMatch(/^\d{10}$/)
  emulator.failNext('profile', 'refused')
  expect(await userOf(access_token)).toMatchObject({ status: 200, json: { errors: [expect.any(Object)] } })
  emulator.failNext('refresh', 'http-401')
  expect((await renewal(refresh_token)).json).toEqual(badToken)
  emulator.failNext('token', 'http-503')
  expect(await login()).toEqual({ error: 'server_error', error_description: 'Service Unavailable' })
  emulator.failNext('token', 'http-401')
  expect(await login()).toEqual(noHeader)
})
