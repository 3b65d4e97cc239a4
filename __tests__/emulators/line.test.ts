import { createHash } from 'node:crypto'
import type { Emulator } from 'passport-dialects/emulators'
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
  starterOf,
} from './conversation'
import { decoded, verified, verifiedBySecret } from './id-tokens'

const ISSUER = 'https://access.line.me'
const WITHOUT_EMAIL = 'U00112233445566778899aabbccddeeff'

const started = starterOf('line')

let emulator: Emulator<'line'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK] })
})

function authorization(over: Params = {}, of = emulator): Params {
  const usual = {
    client_id: of.options.clientID,
    redirect_uri: CALLBACK,
    response_type: 'code',
    state: 's',
    nonce: 'n',
  }
  return { ...usual, scope: 'profile openid email', ...over }
}

const addressOf = (over: Params = {}, of = emulator) =>
  `${of.options.authorizationURL}?${encoded(authorization(over, of))}`

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, of = emulator, user?: string): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of), user)
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

test('a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  const answer = await post(emulator.options.tokenURL, exchange(code))
  expect(answer.headers.get('x-line-request-id')).toMatch(/^[\da-f-]{36}$/)
  const token = members(answer)
  expect(token).toEqual({
    access_token: expect.stringMatching(/\+.*\/.*==$/),
    expires_in: 2_592_000,
    token_type: 'Bearer',
    refresh_token: expect.any(String),
    // Never `email`, though it was granted.
    scope: 'profile openid',
    id_token: expect.any(String),
    emulator_extra: 'ignore me',
  })
  expect(decoded(token.id_token).header).toEqual({ typ: 'JWT', alg: 'HS256' })
  expect(await verifiedBySecret(emulator.options.clientSecret, token.id_token, { issuer: ISSUER, nonce: 'n' })).toEqual(
    {
      iss: ISSUER,
      sub: emulator.users[0]?.id,
      aud: emulator.options.clientID,
      nonce: 'n',
      amr: ['linesso'],
      name: '张三',
      picture: 'https://profile.line-scdn.example/zhangsan',
      email: 'zhangsan@example.com',
      iat: expect.any(Number),
      exp: expect.any(Number),
    },
  )
  const profile = await ask(emulator.options.userProfileURL, { headers: bearer(token.access_token) })
  expect(profile.json).toMatchObject({ userId: emulator.users[0]?.id, displayName: '张三' })
  const userInfo = await ask(`${emulator.origin}/oauth2/v2.1/userinfo`, { headers: bearer(token.access_token) })
  expect(userInfo.json).toMatchObject({ sub: emulator.users[0]?.id, name: '张三' })
  const friend = await ask(`${emulator.origin}/friendship/v1/status`, { headers: bearer(token.access_token) })
  expect(friend.json).toMatchObject({ friendFlag: true })
})

test('claims follow scopes, and what nobody has is left out', async () => {
  const claims = async (over: Params, of = emulator, user?: string) =>
    decoded((await login(over, of, user)).id_token).claims
  expect(await claims({ scope: 'openid' })).not.toHaveProperty('name')
  expect(await claims({ scope: 'openid profile' })).not.toHaveProperty('email')
  expect(await claims({}, emulator, WITHOUT_EMAIL)).not.toHaveProperty('email')
  expect(await claims({}, await started({ withoutEmailPermission: true }))).not.toHaveProperty('email')
  expect(await login({ scope: 'profile' })).not.toHaveProperty('id_token')
  expect(await login({}, await started({ exactMembers: true }))).not.toHaveProperty('emulator_extra')
})

test('an id_token of a native app is ES256, by a key of the key set', async () => {
  const native = await started({ idTokenAlg: 'ES256' })
  const { id_token } = await login({}, native)
  expect(decoded(id_token).header).toEqual({ alg: 'ES256', typ: 'JWT', kid: expect.any(String) })
  expect(await verified(native, id_token, { issuer: ISSUER, nonce: 'n' })).toMatchObject({ name: '张三' })
  native.rotateKeys()
  const { id_token: young } = await login({}, native)
  expect(decoded(young).header.kid).not.toBe(decoded(id_token).header.kid)
  await verified(native, young)
})

test.each(['alg-none', 'hs256-with-public-key', 'other-key', 'other-alg', 'unknown-kid', 'other-nonce'] as const)(
  'an HS256 token is forged too: %s',
  async (forgery) => {
    emulator.forgeNext(forgery)
    const { id_token } = await login()
    const { clientSecret } = emulator.options
    await expect(verifiedBySecret(clientSecret, id_token, { issuer: ISSUER, nonce: 'n' })).rejects.toThrow()
    await verifiedBySecret(clientSecret, (await login()).id_token, { issuer: ISSUER, nonce: 'n' })
  },
)

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['no state', { state: undefined }],
  ['a state of other characters', { state: 'a b' }],
  ['a repeated scope', { scope: ['openid', 'profile'] }],
])('the authorization request stays on a page: %s', async (_what, over) => {
  expect((await ask(addressOf(over))).status).toBe(400)
})

test.each<[string, Params, string]>([
  ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
  ['no scope', { scope: undefined }, 'invalid_scope'],
  ['an empty scope', { scope: '' }, 'invalid_scope'],
  ['an unknown scope', { scope: 'profile phone' }, 'invalid_scope'],
  ['scopes with commas', { scope: 'profile,openid' }, 'invalid_scope'],
  ['email without openid', { scope: 'profile email' }, 'invalid_scope'],
  ['plain PKCE', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'],
  ['PKCE without its method', { code_challenge: 'x'.repeat(43) }, 'invalid_request'],
  ['a short challenge', { code_challenge: 'x', code_challenge_method: 'S256' }, 'invalid_request'],
  ['an unknown bot_prompt', { bot_prompt: 'loud' }, 'invalid_request'],
  ['an unknown prompt', { prompt: 'maybe' }, 'invalid_request'],
  ['a max_age that is no number', { max_age: 'x' }, 'invalid_request'],
  ['prompt=none, with nobody logged in', { prompt: 'none' }, 'login_required'],
])('the authorization request goes back refused: %s', async (_what, over, error) => {
  expect(await agreed(emulator, authorization(over))).toEqual({
    error,
    error_description: expect.any(String),
    state: 's',
  })
})

test('a callback URL may have a query of its own, and friendship comes along after bot_prompt', async () => {
  const own = await agreed(emulator, authorization({ redirect_uri: `${CALLBACK}?own=1`, bot_prompt: 'normal' }))
  expect(own).toEqual({ own: '1', code: expect.any(String), state: 's', friendship_status_changed: 'true' })
  const unchanged = await started({ friendshipChanged: 'false' })
  const asked = authorization({ bot_prompt: 'aggressive', ui_locales: 'ja' }, unchanged)
  expect(await agreed(unchanged, asked)).toMatchObject({ friendship_status_changed: 'false' })
  const silent = await started({ friendshipChanged: 'none' })
  const quiet = await agreed(silent, authorization({ bot_prompt: 'normal' }, silent))
  expect(quiet).not.toHaveProperty('friendship_status_changed')
})

test('a person who says no, in small letters or in capitals', async () => {
  expect(brought(await emulator.deny(addressOf()))).toMatchObject({ error: 'access_denied', state: 's' })
  const loud = await started({ denialCase: 'capitals' })
  expect(brought(await loud.deny(addressOf({}, loud)))).toMatchObject({ error: 'ACCESS_DENIED', state: 's' })
})

const VERIFIER = 'v'.repeat(43)
const PKCE = {
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
}

test.each<[string, Params, string]>([
  ['another secret', { client_secret: 'x' }, 'invalid_client'],
  ['no secret', { client_secret: undefined }, 'invalid_client'],
  ['another app', { client_id: 'x' }, 'invalid_client'],
  ['no app', { client_id: undefined }, 'invalid_request'],
  ['another grant_type', { grant_type: 'password' }, 'unsupported_grant_type'],
  ['no code', { code: undefined }, 'invalid_request'],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_request'],
  ['a code that was never given', { code: 'x' }, 'invalid_grant'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}?own=1` }, 'invalid_grant'],
  ['no redirect URI', { redirect_uri: undefined }, 'invalid_request'],
  ['no verifier', { code_verifier: undefined }, 'invalid_grant'],
  ['another verifier', { code_verifier: 'w'.repeat(43) }, 'invalid_grant'],
  ['a short verifier', { code_verifier: 'v' }, 'invalid_request'],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_grant'],
  ['no refresh token', { grant_type: 'refresh_token' }, 'invalid_grant'],
])('the token request is refused: %s', async (_what, over, error) => {
  const { code } = await agreed(emulator, authorization(PKCE))
  const refusal = await post(emulator.options.tokenURL, exchange(code, { code_verifier: VERIFIER, ...over }))
  expect(refusal).toMatchObject({ status: 400, json: { error, error_description: expect.any(String) } })
  expect((await post(emulator.options.tokenURL, exchange(code, { code_verifier: VERIFIER }))).status).toBe(200)
})

test('a verifier that no challenge asked for is refused', async () => {
  const { code } = await agreed(emulator, authorization())
  const refusal = await post(emulator.options.tokenURL, exchange(code, { code_verifier: VERIFIER }))
  expect(refusal.json).toMatchObject({ error: 'invalid_grant' })
})

test('JSON and Basic are no way to send credentials', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  expect(await postJson(tokenURL, exchange(code))).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  for (const over of [{}, { client_secret: undefined }]) {
    const withBasic = await post(tokenURL, exchange(code, over), basic(clientID, clientSecret))
    expect(withBasic).toMatchObject({ status: 400, json: { error: 'invalid_client' } })
  }
})

test('a code is good for one use, and for its time', async () => {
  const { code } = await agreed(emulator, authorization())
  await post(emulator.options.tokenURL, exchange(code))
  expect((await post(emulator.options.tokenURL, exchange(code))).json).toMatchObject({ error: 'invalid_grant' })
  const slow = await started({ codeLifetime: 0 })
  expect(await login({}, slow)).toMatchObject({ error: 'invalid_grant' })
})

test('a refresh repeats the refresh token, and brings no id_token', async () => {
  const { refresh_token } = await login()
  for (let i = 0; i < 2; i++) {
    const asked = { ...client(), grant_type: 'refresh_token', refresh_token: String(refresh_token) }
    const renewed = members(await post(emulator.options.refreshURL, asked))
    expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
    expect(renewed).toMatchObject({ access_token: expect.any(String), refresh_token, scope: 'profile openid' })
    expect(renewed).not.toHaveProperty('id_token')
  }
})

test('an access token is revoked by its own name', async () => {
  const { revokeURL, userProfileURL } = emulator.options
  const { access_token } = await login()
  const byOther = await post(revokeURL, { ...client(), token: String(access_token) })
  expect(byOther).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  expect((await post(revokeURL, { ...client(), access_token: String(access_token), client_secret: 'x' })).status).toBe(
    400,
  )
  expect((await ask(userProfileURL, { headers: bearer(access_token) })).status).toBe(200)
  const revoked = await post(revokeURL, { ...client(), access_token: String(access_token) })
  expect(revoked).toMatchObject({ status: 200, text: '' })
  expect((await ask(userProfileURL, { headers: bearer(access_token) })).status).toBe(401)
})

test('the API asks for a live bearer token of its scope', async () => {
  const { userProfileURL } = emulator.options
  const dead = { status: 401, json: { message: expect.any(String) } }
  expect(await ask(userProfileURL)).toMatchObject(dead)
  expect(await ask(userProfileURL, { headers: bearer('x') })).toMatchObject(dead)
  const { access_token } = await login({ scope: 'openid' })
  expect(await ask(`${userProfileURL}?access_token=${access_token}`)).toMatchObject(dead)
  expect(await ask(userProfileURL, { headers: bearer(access_token) })).toMatchObject({ status: 403 })
  emulator.failNext('profile', 'http-429')
  const limited = await ask(userProfileURL, { headers: bearer(access_token) })
  expect(limited).toMatchObject({ status: 429, json: { message: expect.any(String) } })
  expect(limited.headers.get('x-line-request-id')).toBeTruthy()
})

test('an access token is checked', async () => {
  const address = `${emulator.origin}/oauth2/v2.1/verify`
  const { access_token } = await login()
  const checked = await ask(`${address}?${encoded({ access_token: String(access_token) })}`)
  expect(checked.json).toMatchObject({ client_id: emulator.options.clientID, scope: 'profile openid email' })
  const dead = { error: 'invalid_request', error_description: 'access token expired' }
  expect(await ask(`${address}?access_token=x`)).toMatchObject({ status: 400, json: dead })
})

test.each<[string, 'expired' | 'other-iss' | 'other-aud' | 'other-key' | undefined, Params, string]>([
  ['spoilt', 'other-key', {}, 'Invalid IdToken.'],
  ['of another issuer', 'other-iss', {}, 'Invalid IdToken Issuer.'],
  ['that is over', 'expired', {}, 'IdToken expired.'],
  ['of another app', 'other-aud', {}, 'Invalid IdToken Audience.'],
  ['of another login', undefined, { nonce: 'm' }, 'Invalid IdToken Nonce.'],
  ['of another person', undefined, { user_id: WITHOUT_EMAIL }, 'Invalid IdToken Subject Identifier.'],
])('an id_token is checked, and one %s is refused', async (_what, forgery, over, error_description) => {
  const address = `${emulator.origin}/oauth2/v2.1/verify`
  const check = (id_token: unknown, more: Params = {}) =>
    post(address, { id_token: String(id_token), client_id: emulator.options.clientID, nonce: 'n', ...more })
  if (forgery) emulator.forgeNext(forgery)
  const refusal = await check((await login()).id_token, over)
  expect(refusal).toMatchObject({ status: 400, json: { error: 'invalid_request', error_description } })
  expect((await check((await login()).id_token)).json).toMatchObject({ name: '张三' })
})
