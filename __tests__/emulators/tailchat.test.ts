import { createHash, randomBytes } from 'node:crypto'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, basic, bearer, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('tailchat', { redirectURIs: [CALLBACK] })
})
afterAll(() => emulator.close())

const verifier = randomBytes(32).toString('base64url')
const challenge = createHash('sha256').update(verifier).digest('base64url')

function authorization(over: Params = {}): Params {
  const { clientID } = emulator.options
  const usual = { client_id: clientID, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid profile' }
  return { ...usual, state: 'a b&c=d/é', ...over }
}

function exchange(code: string | undefined, over: Params = {}): Params {
  const { clientID, clientSecret } = emulator.options
  const client = { client_id: clientID, client_secret: clientSecret }
  return { ...client, grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(over: Params = {}, user?: string): Promise<Record<string, unknown>> {
  const { code } = await agreed(emulator, authorization(over), user)
  return members(await post(emulator.options.tokenURL, exchange(code)))
}

test('a whole conversation', async () => {
  const { tokenURL, userProfileURL, issuer } = emulator.options
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const { code, ...rest } = await agreed(emulator, authorization({ ...pkce, foo: 'bar' }))
  expect(rest).toEqual({ state: 'a b&c=d/é', iss: issuer })
  const token = await post(tokenURL, exchange(code, { code_verifier: verifier }))
  expect(token.status).toBe(200)
  expect(token.headers.get('cache-control')).toBe('no-store')
  const { access_token, id_token, ...said } = members(token)
  expect(said).toEqual({ expires_in: 3600, scope: 'openid profile', token_type: 'Bearer' })
  expect(access_token).toMatch(/^[\w-]{43}$/)
  const claims = JSON.parse(Buffer.from(String(id_token).split('.')[1] ?? '', 'base64url').toString())
  expect(claims).toMatchObject({ sub: emulator.users[0]?.id, aud: emulator.options.clientID, iss: issuer })
  const profile = { sub: emulator.users[0]?.id, nickname: '张三', discriminator: '0042' }
  const withAvatar = { ...profile, avatar: expect.stringMatching(/^\{BACKEND\}/) }
  expect((await ask(userProfileURL, { headers: bearer(access_token) })).json).toEqual(withAvatar)
  expect((await ask(userProfileURL, { method: 'POST', headers: bearer(access_token) })).json).toEqual(withAvatar)
  expect((await post(userProfileURL, { access_token: String(access_token) })).json).toEqual(withAvatar)
  expect((await ask(`${userProfileURL}?access_token=${access_token}`)).json).toEqual(withAvatar)
})

test('a second user, without avatar; HTTP Basic, form-encoded', async () => {
  const { tokenURL, userProfileURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization(), emulator.users[1]?.id)
  const asBasic = exchange(code, { client_id: undefined, client_secret: undefined })
  expect((await post(tokenURL, asBasic, basic(clientID, clientSecret))).status).toBe(401)
  const token = await post(tokenURL, asBasic, basic(encodeURIComponent(clientID), encodeURIComponent(clientSecret)))
  const me = await ask(userProfileURL, { headers: bearer(members(token).access_token) })
  expect(me.json).toEqual({ sub: emulator.users[1]?.id, nickname: 'Ada Lovelace', discriminator: '0042' })
})

describe('authorization requests that stay on a page', () => {
  test.each<[string, Params]>([
    ['an unknown client', { client_id: 'tc_other' }],
    ['no client', { client_id: undefined }],
    ['a repeated client', { client_id: ['a', 'a'] }],
    ['a redirect address with a slash more', { redirect_uri: `${CALLBACK}/` }],
    ['a redirect address with a query more', { redirect_uri: `${CALLBACK}?a=b` }],
    ['no redirect address', { redirect_uri: undefined }],
  ])('%s', async (_title, over) => {
    await expect(agreed(emulator, authorization(over))).rejects.toThrow(/400.*invalid_(client|redirect_uri)/)
  })

  test('POST is not found', async () => {
    const { authorizationURL } = emulator.options
    expect((await post(`${authorizationURL}?${encoded(authorization())}`, {})).status).toBe(404)
    expect((await ask(`${authorizationURL}/?${encoded(authorization())}`)).status).toBe(404)
  })
})

test.each<[string, Params, string]>([
  ['no response_type', { response_type: undefined }, 'invalid_request'],
  ['a repeated scope', { scope: ['openid', 'openid'] }, 'invalid_request'],
  ['the challenge method plain', { code_challenge: challenge, code_challenge_method: 'plain' }, 'invalid_request'],
  ['a challenge without method', { code_challenge: challenge }, 'invalid_request'],
  ['a method without challenge', { code_challenge_method: 'S256' }, 'invalid_request'],
  ['a short challenge', { code_challenge: 'short', code_challenge_method: 'S256' }, 'invalid_request'],
  ['prompt=none', { prompt: 'none' }, 'login_required'],
  ['no scope', { scope: undefined }, 'access_denied'],
])('the callback says so: %s', async (_title, over, error) => {
  const callback = await agreed(emulator, authorization(over))
  expect(callback).toMatchObject({ error, state: 'a b&c=d/é', iss: emulator.options.issuer })
})

test('the callback says so: a repeated state, without a state', async () => {
  const callback = await agreed(emulator, authorization({ state: ['a', 'b'] }))
  expect(callback).toMatchObject({ error: 'invalid_request' })
  expect(callback).not.toHaveProperty('state')
})

test('another response_type comes back in the fragment', async () => {
  const address = `${emulator.options.authorizationURL}?${encoded(authorization({ response_type: 'token' }))}`
  expect(new URL(await emulator.approve(address)).hash).toContain('error=unsupported_response_type')
})

test('a denial carries state and iss', async () => {
  const back = new URL(await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`))
  expect(Object.fromEntries(back.searchParams)).toMatchObject({
    error: 'access_denied',
    state: 'a b&c=d/é',
    iss: emulator.options.issuer,
  })
})

test.each<[string, Params, number, RegExp]>([
  ['a wrong secret', { client_secret: 'x' }, 401, /invalid_client.*client authentication failed/],
  ['no secret', { client_secret: undefined }, 401, /invalid_client/],
  ['an unknown client', { client_id: 'x' }, 401, /invalid_client/],
  ['no client', { client_id: undefined }, 400, /invalid_request.*no client authentication mechanism provided/],
  ['a forged code', { code: 'x' }, 400, /invalid_grant.*grant request is invalid/],
  ['no code', { code: undefined }, 400, /invalid_request.*missing required parameter 'code'/],
  ['another redirect address', { redirect_uri: `${CALLBACK}/` }, 400, /invalid_grant/],
  ['no redirect address', { redirect_uri: undefined }, 400, /invalid_request/],
  ['no grant_type', { grant_type: undefined }, 400, /invalid_request/],
  ['another grant_type', { grant_type: 'password' }, 400, /unsupported_grant_type/],
  ['a repeated code', { code: ['x', 'y'] }, 400, /invalid_request/],
  ['a wrong verifier', { code_verifier: 'x'.repeat(43) }, 400, /invalid_grant/],
  ['a missing verifier', { code_verifier: undefined }, 400, /invalid_grant/],
  ['a short verifier', { code_verifier: 'short' }, 400, /invalid_request/],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, /invalid_grant/],
])('the token request is refused: %s; the code stays good', async (_title, over, status, says) => {
  const { tokenURL } = emulator.options
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const { code } = await agreed(emulator, authorization(pkce))
  const right = exchange(code, { code_verifier: verifier })
  const refusal = await post(tokenURL, { ...right, ...over })
  expect(refusal.status).toBe(status)
  expect(refusal.text).toMatch(says)
  expect((await post(tokenURL, right)).status).toBe(200)
})

test('bodies, mechanisms, origins and slashes that the token endpoint refuses', async () => {
  const { tokenURL, clientID, clientSecret } = emulator.options
  const { code } = await agreed(emulator, authorization())
  const right = exchange(code)
  const wrongBody = {
    error: 'invalid_request',
    error_description: 'only application/x-www-form-urlencoded content-type bodies are supported on POST /token',
  }
  expect(await postJson(tokenURL, right)).toMatchObject({ status: 400, json: wrongBody })
  expect(await post(tokenURL, right, { 'content-type': 'text/plain' })).toMatchObject({ status: 400, json: wrongBody })
  const both = await post(tokenURL, right, basic(encodeURIComponent(clientID), encodeURIComponent(clientSecret)))
  expect(members(both).error_description).toBe('client authentication must only be provided using one mechanism')
  expect(members(await post(`${tokenURL}?${encoded(right)}`, {}))).toMatchObject({ error: 'invalid_request' })
  expect(members(await post(tokenURL, right, { origin: 'https://app.example.com' }))).toMatchObject({
    error_description: expect.stringContaining('not allowed for client'),
  })
  expect((await post(`${tokenURL}/`, right)).json).toMatchObject({ name: 'NotFoundError', code: 404 })
  expect((await post(tokenURL, { ...right, client_secret: 'x' }, { accept: 'text/html' })).text).toMatch(/^<!doctype/)
  const charset = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }
  expect((await post(tokenURL, right, charset)).status).toBe(200)
})

test('a verifier without a challenge is refused', async () => {
  const { code } = await agreed(emulator, authorization())
  const refusal = await post(emulator.options.tokenURL, exchange(code, { code_verifier: verifier }))
  expect(refusal.json).toMatchObject({ error: 'invalid_grant' })
})

test('a used code kills the tokens that it brought', async () => {
  const { tokenURL, userProfileURL } = emulator.options
  const { code } = await agreed(emulator, authorization())
  const { access_token } = members(await post(tokenURL, exchange(code)))
  expect((await ask(userProfileURL, { headers: bearer(access_token) })).status).toBe(200)
  expect((await post(tokenURL, exchange(code))).json).toMatchObject({ error: 'invalid_grant' })
  expect((await ask(userProfileURL, { headers: bearer(access_token) })).status).toBe(401)
})

test('a refresh token is for offline_access with prompt=consent; it is repeated', async () => {
  const { tokenURL } = emulator.options
  const scope = 'openid profile offline_access'
  expect(await login({ scope })).toMatchObject({ scope: 'openid profile' })
  const { refresh_token, ...first } = await login({ scope, prompt: 'consent' })
  expect(first).toMatchObject({ scope })
  const renewal = exchange(undefined, { grant_type: 'refresh_token', redirect_uri: undefined })
  const again = members(await post(tokenURL, { ...renewal, refresh_token: String(refresh_token) }))
  expect(again).toMatchObject({ refresh_token, scope })
  expect(again.access_token).not.toBe(first.access_token)
})

test('what a token may see depends on its scope', async () => {
  const { userProfileURL } = emulator.options
  const { access_token: openid } = await login({ scope: 'openid email' })
  const sub = emulator.users[0]?.id
  expect((await ask(userProfileURL, { headers: bearer(openid) })).json).toEqual({ sub })
  const { access_token: profile, id_token } = await login({ scope: 'profile' })
  expect(id_token).toBeUndefined()
  const refusal = await ask(userProfileURL, { headers: bearer(profile) })
  expect(refusal).toMatchObject({ status: 403, json: { error: 'insufficient_scope' } })
})

test('what /open/me refuses', async () => {
  const { userProfileURL } = emulator.options
  const { access_token } = await login()
  const headers = bearer(access_token)
  expect(await ask(userProfileURL)).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  const bad = await ask(userProfileURL, { headers: bearer('x') })
  expect(bad).toMatchObject({ status: 401, json: { error: 'invalid_token' } })
  expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"')
  expect(members(await ask(`${userProfileURL}?access_token=${access_token}`, { headers }))).toMatchObject({
    error_description: 'access token must only be provided using one mechanism',
  })
  expect(members(await postJson(userProfileURL, {}, headers)).error_description).toMatch(/POST \/me$/)
  expect((await ask(userProfileURL, { headers: { ...headers, origin: 'https://x.example' } })).status).toBe(400)
})

test.each<[string, string, string]>([
  ['an empty line', '', 'redirect_uris must only contain strings'],
  ['a fragment', 'https://app.example.com/callback#x', 'redirect_uris must not contain fragments'],
  ['no URL', 'app.example.com/callback', 'redirect_uris must only contain valid uris'],
  ['a scheme of an app', 'myapp://callback', 'redirect_uris must only contain web uris'],
])('one bad line of the callback list disables the whole app: %s', async (_what, line, error_description) => {
  const broken = await startEmulator('tailchat', { redirectURIs: [CALLBACK, line] })
  try {
    const { clientID: client_id, clientSecret: client_secret, tokenURL, authorizationURL } = broken.options
    const page = await ask(`${authorizationURL}?${encoded(authorization({ client_id }))}`)
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining(error_description) })
    expect(page.headers.get('content-type')).toContain('text/html')
    const refusal = { status: 400, json: { error: 'invalid_redirect_uri', error_description } }
    expect(await post(tokenURL, exchange('x', { client_id, client_secret }))).toMatchObject(refusal)
    expect((await post(tokenURL, exchange('x', { client_id: 'tc_other' }))).status).toBe(401)
  } finally {
    await broken.close()
  }
})

test('codes and tokens end', async () => {
  const brief = await startEmulator('tailchat', { codeLifetime: 0 })
  try {
    const { clientID, clientSecret, tokenURL } = brief.options
    const { code } = await agreed(brief, authorization({ client_id: clientID }))
    const client = { client_id: clientID, client_secret: clientSecret }
    expect((await post(tokenURL, exchange(code, client))).json).toMatchObject({ error: 'invalid_grant' })
  } finally {
    await brief.close()
  }
})
