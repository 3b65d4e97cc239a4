import { createHash, createPublicKey, verify } from 'node:crypto'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, bearer, brought, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'
import { resourceAt } from './logins'

let emulator: Emulator<'huawei'>
beforeAll(async () => {
  emulator = await startEmulator('huawei', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, scope: 'openid profile', access_type: 'offline', ...over }
}

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function code(over: Params = {}, of = emulator): Promise<string> {
  return (await agreed(of, authorization(over, of))).code ?? ''
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  return members(await post(of.options.tokenURL, exchange(await code(over, of), {}, of)))
}

function renewal(token: unknown, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'refresh_token', refresh_token: String(token), ...over }
}

function userOf(token: unknown, over: Params = {}, of = emulator) {
  return post(of.options.userProfileURL, { access_token: String(token), getNickName: '1', ...over })
}

const inNumbers = (sub_error: number) => ({ error: 1101, sub_error, error_description: expect.any(String) })

/** The verdict that stands in the header, over HTTP 200 and text. */
function expectVerdict(answer: Awaited<ReturnType<typeof ask>>, status: number, error: unknown = expect.any(String)) {
  expect(answer).toMatchObject({ status: 200, json: { error } })
  expect(answer.headers.get('nsp_status')).toBe(String(status))
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
}

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  for (const sign of ['/', '+', '=']) expect(code).toContain(sign)
  const token = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^DAEB.*\+\/==$/),
    expires_in: 3600,
    refresh_token: expect.stringMatching(/^DAFB/),
    id_token: expect.stringMatching(/^eyJ/),
    scope: 'openid profile',
    token_type: 'Bearer',
  })
  const user = await userOf(token.access_token)
  expect(user.json).toEqual({
    openID: 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0ZQ',
    unionID: 'MDEAMTAwMDAwMDAxQGExYjJjM2Q0ZQ',
    displayName: '张三',
    displayNameFlag: 0,
    headPictureURL: 'https://upfile.hwcloud.example/zhangsan.jpg',
  })
  expect(user.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(user.headers.get('nsp_status')).toBeNull()
})

test('ids differ in their case', async () => {
  const { code } = await agreed(emulator, authorization(), 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0Zq')
  const { access_token } = members(await post(emulator.options.tokenURL, exchange(code)))
  expect((await userOf(access_token)).json).toMatchObject({ openID: 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0Zq' })
})

test('without getNickName an anonymised account; without a scope of the profile the ids alone', async () => {
  const { access_token } = await login()
  for (const getNickName of [undefined, '0']) {
    const user = await userOf(access_token, { getNickName })
    expect(user.json).toMatchObject({ displayName: '186****0001', displayNameFlag: 1 })
  }
  const { access_token: wide } = await login({ scope: 'openid https://www.huawei.com/auth/account/base.profile' })
  expect((await userOf(wide)).json).toMatchObject({ displayName: '张三' })
  const { access_token: narrow } = await login({ scope: 'openid' })
  expect(Object.keys(members(await userOf(narrow)))).toEqual(['openID', 'unionID'])
})

test('the id_token is signed by a key of the set', async () => {
  const { id_token } = await login({ nonce: 'n-1' })
  const [header = '', claims = '', signature = ''] = String(id_token).split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { keys } = members(await ask(`${emulator.origin}/oauth2/v3/certs`)) as { keys: { kid: string; kty: string }[] }
  const key = keys.find(({ kid }) => kid === read(header).kid)
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' })
  const signed = Buffer.from(`${header}.${claims}`)
  expect(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true)
  expect(verify('sha256', Buffer.from(`${header}.x${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
    false,
  )
  expect(read(claims)).toMatchObject({ aud: emulator.options.clientID, nickname: '张三', nonce: 'n-1' })
  expect((await login({ scope: 'profile' })).id_token).toBeUndefined()
})

test.each<[string, Params]>([
  ['another app', { client_id: '1' }],
  ['no app', { client_id: undefined }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['another response_type', { response_type: 'token' }],
  ['no scope', { scope: undefined }],
  ['scopes with commas', { scope: 'openid,profile' }],
  ['another access_type', { access_type: 'always' }],
  ['another display', { display: 'popup' }],
  ['the method plain', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }],
  ['a repeated state', { state: ['a', 'b'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(`${emulator.options.authorizationURL}?${encoded(authorization(over))}`)).status).toBe(400)
})

test('a redirect URI may have further query parameters, and the token request repeats them', async () => {
  const redirect_uri = `${CALLBACK}?tenant=1`
  const { code, tenant } = await agreed(emulator, authorization({ redirect_uri }))
  expect(tenant).toBe('1')
  expect((await post(emulator.options.tokenURL, exchange(code))).json).toEqual(inNumbers(22023))
  expect((await post(emulator.options.tokenURL, exchange(code, { redirect_uri }))).status).toBe(200)
})

test('a user who says no', async () => {
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ error: 'access_denied', state: 's' })
})

test.each<[string, Params, number]>([
  ['another secret', { client_secret: 'x' }, 12304],
  ['no secret', { client_secret: undefined }, 20171],
  ['another app', { client_id: '1' }, 20003],
  ['no app', { client_id: undefined }, 20002],
  ['another grant_type', { grant_type: 'password' }, 20182],
  ['no code', { code: undefined }, 20152],
  ['a repeated code', { code: ['x', 'y'] }, 20086],
  ['a code that was never given', { code: 'CFunknown' }, 20158],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 22023],
  ['no redirect URI', { redirect_uri: undefined }, 20022],
  ['no refresh token', { grant_type: 'refresh_token' }, 20191],
  ['a malformed refresh token', { grant_type: 'refresh_token', refresh_token: 'a b' }, 20192],
  ['a dead refresh token', { grant_type: 'refresh_token', refresh_token: 'DAFBx' }, 20193],
])('the token request is refused in numbers: %s', async (_what, over, sub) => {
  const right = exchange(await code())
  expect(await post(emulator.options.tokenURL, { ...right, ...over })).toMatchObject({
    status: 400,
    json: inNumbers(sub),
  })
  expect((await post(emulator.options.tokenURL, right)).status).toBe(200)
})

test('a code that is not percent-encoded is malformed, and JSON is no form', async () => {
  const fresh = await code()
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = `${encoded(exchange(undefined))}&code=${fresh}`
  const naive = await ask(emulator.options.tokenURL, { method: 'POST', headers: form, body })
  expect(naive).toMatchObject({ status: 400, json: inNumbers(20152) })
  expect((await postJson(emulator.options.tokenURL, exchange(fresh))).json).toEqual(inNumbers(20086))
  expect((await post(emulator.options.tokenURL, exchange(fresh))).status).toBe(200)
})

test('a code is good for one use, and for its time', async () => {
  const used = exchange(await code())
  expect((await post(emulator.options.tokenURL, used)).status).toBe(200)
  expect((await post(emulator.options.tokenURL, used)).json).toEqual(inNumbers(20156))
  const slow = await startEmulator('huawei', { codeLifetime: 0 })
  expect(await login({}, slow)).toEqual(inNumbers(20155))
  await slow.close()
})

test('PKCE: the right verifier alone', async () => {
  const verifier = 'TxYmzM4PHLBlqm5NtnCmwxMH8mFlRWl_ipie3O0aVzo'
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const challenged = { code_challenge, code_challenge_method: 'S256' }
  const outcome = async (over: Params, code_verifier?: string) =>
    (await post(emulator.options.tokenURL, exchange(await code(over), { code_verifier }))).status
  expect(await outcome(challenged, verifier)).toBe(200)
  expect(await outcome(challenged, 'a'.repeat(43))).toBe(400)
  expect(await outcome(challenged)).toBe(400)
  expect(await outcome({}, verifier)).toBe(400)
})

test('a refresh token for access_type=offline alone; a refresh may ask for less', async () => {
  expect((await login({ access_type: undefined })).refresh_token).toBeUndefined()
  const { refresh_token } = await login()
  const { tokenURL } = emulator.options
  expect((await post(tokenURL, renewal(refresh_token, { scope: 'openid email' }))).json).toEqual(inNumbers(20182))
  const less = members(await post(tokenURL, renewal(refresh_token, { scope: 'openid' })))
  expect(less).toMatchObject({ scope: 'openid', expires_in: 3600, access_token: expect.stringMatching(/^DAEB/) })
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect((await post(tokenURL, renewal(refresh_token))).json).toEqual(inNumbers(20193))
  const none = members(await post(tokenURL, renewal(less.refresh_token, { scope: 'NO_SCOPE' })))
  expect(none).toMatchObject({ scope: '' })
})

test.each(['repeat', 'omit'] as const)('the refresh style %s', async (refreshStyle) => {
  const styled = await startEmulator('huawei', { refreshStyle })
  const { refresh_token } = await login({}, styled)
  const renewed = members(await post(styled.options.tokenURL, renewal(refresh_token, {}, styled)))
  expect(renewed.refresh_token).toBe(refreshStyle === 'repeat' ? refresh_token : undefined)
  expect((await post(styled.options.tokenURL, renewal(refresh_token, {}, styled))).status).toBe(200)
  await styled.close()
})

test('rest.php refuses by a header, on HTTP 200', async () => {
  const { userProfileURL } = emulator.options
  const { access_token } = await login()
  expectVerdict(await userOf('x'), 102, 'invalid session')
  expectVerdict(await userOf(access_token, { access_token: undefined }), 105)
  expectVerdict(await userOf(access_token, { getNickName: 'yes' }), 105)
  expectVerdict(await post(userProfileURL, {}, bearer(access_token)), 105)
  expectVerdict(await postJson(userProfileURL, { access_token }), 105)
  const other = await post(`${emulator.origin}/rest.php?nsp_svc=GOpen.User.other`, {
    access_token: String(access_token),
  })
  expectVerdict(other, 70001201)
  expect((await ask(`${userProfileURL}&access_token=x`)).status).toBe(404)
  emulator.failNext('profile', 'refused:31204')
  expectVerdict(await userOf(access_token), 31204)
  emulator.failNext('profile', 'http-503')
  expect((await userOf(access_token)).status).toBe(503)
})

test('a token that has lived its time is a session timeout', async () => {
  const short = await startEmulator('huawei', { accessTokenLifetime: 0 })
  const { access_token } = await login({}, short)
  expectVerdict(await userOf(access_token, {}, short), 6, 'session timeout')
  await short.close()
})

test('a token that is expired is told from an unknown one, and from one that was withdrawn', async () => {
  const [expired, revoked] = [await login(), await login()]
  await post(emulator.options.revokeURL, { token: String(revoked.access_token) })
  emulator.expireTokens()
  expectVerdict(await userOf(expired.access_token), 6, 'session timeout')
  expectVerdict(await resourceAt(emulator, String(expired.access_token)), 6, 'session timeout')
  expectVerdict(await userOf(revoked.access_token), 102, 'invalid session')
  expectVerdict(await userOf('x'), 102, 'invalid session')
})

test('what is in a token, and a revocation that ends all of it', async () => {
  const { access_token, refresh_token } = await login()
  const service = 'huawei.oauth2.user.getTokenInfo'
  const info = await post(`${emulator.origin}/rest.php?nsp_fmt=JSON&nsp_svc=${service}`, {
    access_token: String(access_token),
  })
  expect(info.json).toMatchObject({ client_id: emulator.options.clientID, open_id: emulator.users[0]?.id })
  expect((await post(emulator.options.revokeURL, { token: String(access_token) })).status).toBe(200)
  expectVerdict(await userOf(access_token), 102)
  expect((await post(emulator.options.tokenURL, renewal(refresh_token))).json).toEqual(inNumbers(20193))
  expect((await post(emulator.options.revokeURL, { token: 'unknown' })).status).toBe(200)
  expect((await post(emulator.options.revokeURL, {})).status).toBe(400)
})

test('faults at the token request are in numbers too', async () => {
  emulator.failNext('token', 'http-400:20154')
  expect(await login()).toEqual(inNumbers(20154))
  emulator.failNext('token', 'http-500')
  expect(await login()).toEqual({ error: 1203, error_description: 'server error' })
})
