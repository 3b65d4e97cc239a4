import { createHash, randomBytes } from 'node:crypto'
import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, basic, bearer, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('tiktok')
})
afterAll(() => emulator.close())

const verifier = randomBytes(32).toString('base64url')
const challenge = createHash('sha256').update(verifier).digest('hex')
const hexPkce = { code_challenge: challenge, code_challenge_method: 'S256' }
const flat = (error: string) => ({ error, error_description: expect.any(String), log_id: expect.any(String) })

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_key: of.options.clientID, scope: 'user.info.basic,user.info.profile', redirect_uri: CALLBACK }
  return { ...usual, response_type: 'code', state: 's', ...over }
}

function client(of = emulator): Params {
  return { client_key: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, of = emulator): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of))
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

function info(token: unknown, fields: string, of = emulator) {
  return ask(`${of.options.userProfileURL}?fields=${fields}`, { headers: bearer(token) })
}

test('a whole conversation', async () => {
  const { tokenURL } = emulator.options
  const { code = '', ...rest } = await agreed(emulator, authorization(hexPkce))
  expect(code).toMatch(/\*.*!/)
  expect(rest).toEqual({ scopes: 'user.info.basic,user.info.profile', state: 's' })
  const token = members(await post(tokenURL, exchange(code, { code_verifier: verifier })))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^act\./),
    expires_in: 86_400,
    open_id: '-000aZhangSan',
    refresh_expires_in: 31_536_000,
    refresh_token: expect.stringMatching(/^rft\./),
    scope: 'user.info.basic,user.info.profile',
    token_type: 'Bearer',
  })
  expect((await info(token.access_token, 'open_id,display_name,username')).json).toEqual({
    data: { user: { open_id: '-000aZhangSan', display_name: '张三', username: 'zhangsan' } },
    error: { code: 'ok', message: '', log_id: expect.any(String) },
  })
})

test.each<[string, Params]>([
  ['client_id for client_key', { client_key: undefined, client_id: 'x' }],
  ['an unknown client_key', { client_key: 'x' }],
  ['scopes with spaces', { scope: 'user.info.basic user.info.profile' }],
  ['an unknown scope', { scope: 'user.info.email' }],
  ['no scope', { scope: undefined }],
  ['no state', { state: undefined }],
  ['no response_type', { response_type: undefined }],
  ['no redirect address', { redirect_uri: undefined }],
  ['a redirect address with a query', { redirect_uri: `${CALLBACK}?a=b` }],
  ['a redirect address with a fragment', { redirect_uri: `${CALLBACK}#a` }],
  ['plain http of another machine', { redirect_uri: 'http://app.example.com/callback' }],
  ['a redirect address of 512 characters', { redirect_uri: 'https://app.example.com/'.padEnd(512, 'a') }],
  ['the method plain', { code_challenge: challenge, code_challenge_method: 'plain' }],
  ['a repeated scope', { scope: ['user.info.basic', 'user.info.basic'] }],
  ['a disable_auto_auth of true', { disable_auto_auth: 'true' }],
])('the authorization request stays on a page: %s', async (_title, over) => {
  await expect(agreed(emulator, authorization(over))).rejects.toThrow(/400/)
})

test.each(['https://app.example.com/callback', 'http://localhost:3000/callback', 'http://[::1]:3000/callback'])(
  'the authorization request may name %s',
  async (redirect_uri) => {
    const longest = redirect_uri.padEnd(511, 'a')
    expect(await agreed(emulator, authorization({ redirect_uri: longest }))).toHaveProperty('code')
  },
)

test('a denial, and addresses without their slashes', async () => {
  const address = `${emulator.options.authorizationURL}?${encoded(authorization())}`
  expect(await emulator.deny(address)).toMatch(/\?error=access_denied&error_description=[^&]+&state=s$/)
  await expect(emulator.approve(address.replace('/?', '?'))).rejects.toThrow('404')
  expect((await post(emulator.options.tokenURL.slice(0, -1), exchange('x'))).status).toBe(404)
  expect((await ask(emulator.options.userProfileURL.slice(0, -1))).status).toBe(404)
})

test.each<[string, Params, string]>([
  ['a wrong secret', { client_secret: 'x' }, 'invalid_client'],
  ['an unknown client', { client_key: 'x' }, 'invalid_client'],
  ['client_id for client_key', { client_key: undefined, client_id: 'x' }, 'invalid_request'],
  ['no secret', { client_secret: undefined }, 'invalid_request'],
  ['no grant_type', { grant_type: undefined }, 'invalid_request'],
  ['another grant_type', { grant_type: 'password' }, 'unsupported_grant_type'],
  ['no code', { code: undefined }, 'invalid_request'],
  ['a forged code', { code: 'x' }, 'invalid_grant'],
  ['another redirect address', { redirect_uri: `${CALLBACK}/` }, 'invalid_request'],
  ['no redirect address', { redirect_uri: undefined }, 'invalid_request'],
  ['a wrong verifier', { code_verifier: `${verifier}x` }, 'invalid_request'],
  ['no verifier', { code_verifier: undefined }, 'invalid_request'],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_request'],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_grant'],
])('the token request is refused: %s', async (_title, over, error) => {
  const { code } = await agreed(emulator, authorization(hexPkce))
  const right = exchange(code, { code_verifier: verifier })
  expect(await post(emulator.options.tokenURL, { ...right, ...over })).toMatchObject({ status: 400, json: flat(error) })
  expect((await post(emulator.options.tokenURL, right)).status).toBe(200)
})

test('a base64url challenge gets past the page and fails at the exchange; so does another redirect address', async () => {
  const wrong = createHash('sha256').update(verifier).digest('base64url')
  const { code } = await agreed(emulator, authorization({ ...hexPkce, code_challenge: wrong }))
  const refusal = await post(emulator.options.tokenURL, exchange(code, { code_verifier: verifier }))
  const error_description = 'Code verifier or code challenge is invalid.'
  expect(refusal.json).toMatchObject({ ...flat('invalid_request'), error_description })
  const elsewhere = await post(emulator.options.tokenURL, exchange(code, { redirect_uri: `${CALLBACK}/` }))
  expect(members(elsewhere).error_description).toBe('Redirect_uri is not matched with the uri when requesting code.')
})

test('a charset, JSON and Basic are malformed; a used code is refused', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  const malformed = { status: 400, json: { error_description: 'The request parameters are malformed.' } }
  const charset = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
  expect(await post(tokenURL, exchange(code), charset)).toMatchObject(malformed)
  expect(await postJson(tokenURL, exchange(code))).toMatchObject(malformed)
  expect(await post(tokenURL, exchange(code), basic(clientID, clientSecret))).toMatchObject(malformed)
  expect((await post(tokenURL, exchange(code))).status).toBe(200)
  expect((await post(tokenURL, exchange(code))).json).toMatchObject(flat('invalid_grant'))
})

test('user info: fields are mandatory, and one too many fails the whole call', async () => {
  const { access_token } = await login({ scope: 'user.info.basic' })
  const nested = (code: string) => ({
    data: {},
    error: { code, message: expect.any(String), log_id: expect.any(String) },
  })
  expect(await info('x', 'open_id')).toMatchObject({ status: 401, json: nested('access_token_invalid') })
  expect(await info(access_token, '')).toMatchObject({ status: 400, json: nested('invalid_params') })
  expect(await info(access_token, 'avatar_url_200')).toMatchObject({ status: 400, json: nested('invalid_params') })
  const tooMuch = { status: 401, json: nested('scope_not_authorized') }
  expect(await info(access_token, 'open_id,username')).toMatchObject(tooMuch)
})

test('a refresh kills the old refresh token at once; a revocation kills both tokens', async () => {
  const { tokenURL, refreshURL, revokeURL = '' } = emulator.options
  expect(refreshURL).toBe(tokenURL)
  const { refresh_token: old } = await login()
  const renewal = (token: unknown) => ({ ...client(), grant_type: 'refresh_token', refresh_token: String(token) })
  const renewed = members(await post(tokenURL, renewal(old)))
  expect((await post(tokenURL, renewal(old))).json).toMatchObject(flat('invalid_grant'))
  expect((await post(revokeURL, { ...client(), token: 'x' })).json).toMatchObject(flat('invalid_grant'))
  expect((await post(revokeURL, { ...client(), client_secret: 'x', token: 'x' })).json).toMatchObject(
    flat('invalid_client'),
  )
  const revoked = await post(revokeURL, { ...client(), token: String(renewed.access_token) })
  expect(revoked).toMatchObject({ status: 200, json: {} })
  expect((await info(renewed.access_token, 'open_id')).status).toBe(401)
  expect((await post(tokenURL, renewal(renewed.refresh_token))).json).toMatchObject(flat('invalid_grant'))
})

test('knobs: granted scopes, errors on 200, PKCE required, lifetimes', async () => {
  await withKnobs({ grantedScopes: ['user.info.basic'], errorsWith200: true }, async (of) => {
    const { code, scopes } = await agreed(of, authorization({}, of))
    expect(scopes).toBe('user.info.basic')
    const wrong = await post(of.options.tokenURL, exchange(code, { client_secret: 'x' }, of))
    expect(wrong).toMatchObject({ status: 200, json: flat('invalid_client') })
    expect(members(await post(of.options.tokenURL, exchange(code, {}, of))).scope).toBe('user.info.basic')
  })
  await withKnobs({ requirePkce: true }, async (of) => {
    await expect(agreed(of, authorization({}, of))).rejects.toThrow('code_challenge')
    expect(await agreed(of, authorization(hexPkce, of))).toHaveProperty('code')
  })
  await withKnobs({ accessTokenLifetime: 0, refreshTokenLifetime: 0 }, async (of) => {
    const { access_token, refresh_token, ...rest } = await login({}, of)
    expect(rest).toMatchObject({ expires_in: 0, refresh_expires_in: 0 })
    expect((await info(access_token, 'open_id', of)).status).toBe(401)
    const renewal = { ...client(of), grant_type: 'refresh_token', refresh_token: String(refresh_token) }
    expect((await post(of.options.tokenURL, renewal)).json).toMatchObject(flat('invalid_grant'))
  })
})

describe('v1', () => {
  const failed = (code: number) => ({ data: { error_code: code, description: expect.any(String) }, message: 'error' })
  const call = (url: string, params: Params) => ask(`${url}?${encoded(params)}`, { method: 'POST' })

  test('a whole conversation, everything in the query', async () => {
    await withKnobs({ apiVersion: 'v1' }, async (of) => {
      const { apiVersion, tokenURL, refreshURL = '', revokeURL = '', userProfileURL } = of.options
      expect(apiVersion).toBe('v1')
      const { code } = await agreed(of, authorization({ scope: 'user.info.basic' }, of))
      const right = exchange(code, { redirect_uri: undefined }, of)
      expect((await post(tokenURL, right)).json).toMatchObject(failed(10002))
      expect((await call(tokenURL, { ...right, client_secret: 'x' })).json).toMatchObject(failed(10003))
      expect((await call(tokenURL, { ...right, code: 'x' })).json).toMatchObject(failed(10007))
      const token = await call(tokenURL, right)
      expect(token.json).toMatchObject({ message: 'success', data: { error_code: 0, open_id: '-000aZhangSan' } })
      expect((await call(tokenURL, right)).json).toMatchObject(failed(10007))
      const { refresh_token, open_id } = members(token, 'data')
      const renewal = {
        client_key: of.options.clientID,
        grant_type: 'refresh_token',
        refresh_token: String(refresh_token),
      }
      expect((await call(refreshURL, { ...renewal, client_secret: 'x' })).json).toMatchObject(failed(10002))
      const { access_token } = members(await call(refreshURL, renewal), 'data')
      expect((await call(refreshURL, renewal)).json).toMatchObject(failed(10010))
      const asked = { access_token, open_id, fields: ['open_id', 'union_id', 'avatar_url_200', 'display_name'] }
      const user = { open_id: '-000aZhangSan', display_name: '张三' }
      expect((await postJson(userProfileURL, asked)).json).toMatchObject({ data: { user } })
      expect((await postJson(userProfileURL, { ...asked, fields: ['username'] })).json).toMatchObject(failed(10002))
      expect((await postJson(userProfileURL, { ...asked, open_id: 'x' })).json).toMatchObject(failed(10008))
      expect((await post(userProfileURL, { access_token: String(access_token) })).json).toMatchObject(failed(10002))
      const ending = { open_id: String(open_id), access_token: String(access_token) }
      expect((await call(revokeURL, ending)).json).toMatchObject({ data: { error_code: 0 } })
      expect((await call(revokeURL, ending)).json).toMatchObject(failed(10008))
    })
  })

  test('both generations are served, whichever the options point to', async () => {
    const address = `${emulator.origin}/platform/oauth/connect/?${encoded(authorization())}`
    expect(await emulator.approve(address)).toContain('code=')
    await expect(emulator.approve(address.replace('client_key', 'client_id'))).rejects.toThrow('client_key')
  })
})

async function withKnobs(knobs: EmulatorOptions, run: (of: Emulator) => Promise<void>): Promise<void> {
  const other = await startEmulator('tiktok', knobs)
  try {
    await run(other)
  } finally {
    await other.close()
  }
}
