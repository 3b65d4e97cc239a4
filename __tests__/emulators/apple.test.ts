// Over 300 lines because each thing that Apple refuses has its row.
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Emulator } from 'passport-dialects/emulators'
import {
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
import { decoded, verified } from './id-tokens'

const ISSUER = 'https://appleid.apple.com'
const [FIRST = '', WITHOUT_EMAIL = ''] = [
  '001234.9f86d081884c4d659a2feaa0c55ad015.0815',
  '001235.60303ae22b998861bce3b28f33eec1be.1203',
]

const started = starterOf('apple')

let emulator: Emulator<'apple'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK, 'https://app.example/callback'] })
})

function authorization(over: Params = {}, of = emulator): string {
  const usual = {
    client_id: of.options.clientID,
    redirect_uri: CALLBACK,
    response_type: 'code',
    state: 's',
    nonce: 'n',
  }
  const asked = { response_mode: 'form_post', scope: 'name email', ...over }
  return `${of.options.authorizationURL}?${encoded({ ...usual, ...asked })}`
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = () => Math.floor(Date.now() / 1000)

interface Secret {
  header?: object
  claims?: object
  key?: KeyObject
  der?: boolean
}

/** A client secret as the app signs it. */
function secretOf(of = emulator, { header = {}, claims = {}, key, der = false }: Secret = {}): string {
  const { clientID, teamID, keyID, privateKey } = of.options
  const usual = { iss: teamID, iat: now(), exp: now() + 300, aud: ISSUER, sub: clientID }
  const input = `${encode({ alg: 'ES256', kid: keyID, ...header })}.${encode({ ...usual, ...claims })}`
  const signer = key ?? createPrivateKey(privateKey)
  const made = sign('sha256', Buffer.from(input), { key: signer, dsaEncoding: der ? 'der' : 'ieee-p1363' })
  return `${input}.${made.toString('base64url')}`
}

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: secretOf(of) }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(of = emulator, over: Params = {}, user = FIRST): Promise<Record<string, unknown>> {
  const { fields } = await of.approveForm(authorization(over, of), { user })
  return members(await post(of.options.tokenURL, exchange(fields.code, {}, of)))
}

const refresh = (of: Emulator<'apple'>, token: unknown) =>
  post(of.options.tokenURL, { ...client(of), grant_type: 'refresh_token', refresh_token: String(token) })

test('a whole conversation: a posted callback, a signed secret, an id_token and no user endpoint', async () => {
  const apple = await started()
  const { url, fields } = await apple.approveForm(authorization({}, apple))
  expect(url).toBe(CALLBACK)
  expect(fields).toEqual({ code: expect.any(String), state: 's', user: expect.any(String) })
  expect(JSON.parse(fields.user ?? '')).toEqual({
    name: { firstName: '张三', lastName: '' },
    email: 'zhangsan@example.com',
  })
  const token = members(await post(apple.options.tokenURL, exchange(fields.code, {}, apple)))
  expect(token).toEqual({
    access_token: expect.stringMatching(/^a[0-9a-f]{32}\.0\.[a-z]{5}\./),
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: expect.stringMatching(/^r/),
    id_token: expect.any(String),
  })
  expect(await verified(apple, token.id_token)).toEqual({
    iss: ISSUER,
    aud: apple.options.clientID,
    sub: FIRST,
    at_hash: expect.stringMatching(/^[\w-]{22}$/),
    email: 'zhangsan@example.com',
    email_verified: true,
    is_private_email: false,
    auth_time: expect.any(Number),
    nonce: 'n',
    nonce_supported: true,
    iat: expect.any(Number),
    exp: expect.any(Number),
  })
  expect(apple.options).not.toHaveProperty('userProfileURL')
  expect(apple.options).not.toHaveProperty('clientSecret')
})

test('the name comes once a person, and again after a revoke', async () => {
  const apple = await started()
  const fieldsOf = async (user: string) => (await apple.approveForm(authorization({}, apple), { user })).fields
  expect(await fieldsOf(FIRST)).toHaveProperty('user')
  expect(await fieldsOf(FIRST)).not.toHaveProperty('user')
  expect(JSON.parse((await fieldsOf(WITHOUT_EMAIL)).user ?? '')).toEqual({
    name: { firstName: 'Ada', lastName: 'Lovelace' },
  })
  const { refresh_token } = await login(apple)
  const revoked = await post(apple.options.revokeURL, { ...client(apple), token: String(refresh_token) })
  expect(revoked).toMatchObject({ status: 200, text: '' })
  expect(await fieldsOf(FIRST)).toHaveProperty('user')
})

test('the posted user is of the scopes asked for, at each login, never, or whatever a test says', async () => {
  const always = await started({ postedUser: 'always' })
  await always.approveForm(authorization({}, always))
  const narrow = await always.approveForm(authorization({ scope: 'email' }, always))
  expect(narrow.fields.user).toBe('{"email":"zhangsan@example.com"}')
  const without = await always.approveForm(authorization({ scope: '' }, always))
  expect(without.fields).toEqual({ code: expect.any(String), state: 's' })
  const never = await started({ postedUser: 'never' })
  expect((await never.approveForm(authorization({}, never))).fields).not.toHaveProperty('user')
  const text = `["<b>&'\\" ${'x'.repeat(100_000)}`
  const odd = await started({ userText: text })
  expect((await odd.approveForm(authorization({}, odd))).fields.user).toBe(text)
  expect((await odd.approveForm(authorization({}, odd))).fields.user).toBe(text)
})

test('an e-mail address stands in every id_token of its scope, its booleans by turns as text', async () => {
  const apple = await started()
  const claims = async (over: Params = {}, user = FIRST) => decoded((await login(apple, over, user)).id_token).claims
  expect(await claims()).toMatchObject({ email_verified: true, is_private_email: false })
  expect(await claims()).toMatchObject({ email_verified: 'true', is_private_email: 'false' })
  expect(await claims({}, WITHOUT_EMAIL)).not.toHaveProperty('email')
  expect(await claims({ scope: 'name' })).not.toHaveProperty('email')
  const relay = apple.users.at(-1)?.id
  expect(await claims({}, relay)).toMatchObject({ is_private_email: true })
  const text = await started({ booleans: 'text' })
  expect(decoded((await login(text)).id_token).claims).toMatchObject({ email_verified: 'true' })
})

test('a person who says no comes back by POST, in words of Apple’s own', async () => {
  expect(await emulator.denyForm(authorization())).toEqual({
    url: CALLBACK,
    fields: { error: 'user_cancelled_authorize', state: 's' },
  })
  emulator.failNext('authorize', 'refused:server_error')
  expect((await emulator.approveForm(authorization())).fields).toEqual({ error: 'server_error', state: 's' })
})

test('approve() says that the callback is posted, approveForm() that it is not', async () => {
  await expect(emulator.approve(authorization())).rejects.toThrow(/form_post.*approveForm/)
  await expect(emulator.deny(authorization())).rejects.toThrow(/form_post.*denyForm/)
  const plain = authorization({ response_mode: 'query', scope: undefined })
  await expect(emulator.approveForm(plain)).rejects.toThrow(/does not post it/)
  expect(brought(await emulator.approve(plain))).toEqual({ code: expect.any(String), state: 's' })
  expect(await emulator.deny(plain)).toBe(`${CALLBACK}?error=user_cancelled_authorize&state=s`)
})

test('the posting page posts by a script of its hash or by a button, with the provider’s origin', async () => {
  const shown = await post(authorization({ state: '"><script>x</script>' }), { user: FIRST })
  expect(shown.status).toBe(200)
  expect(shown.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[^']+'$/)
  expect(shown.headers.get('content-security-policy')).not.toContain('form-action')
  expect(shown.headers.get('referrer-policy')).toBe('origin')
  expect(shown.text).toContain(`<form method="post" action="${CALLBACK}"`)
  expect(shown.text).toMatch(/<button type="submit">Continue</)
  expect(shown.text).not.toContain('"><script>x')
})

test('with id_token in response_type one comes with the code, by fragment or form', async () => {
  const both = { response_type: 'code id_token' }
  const { fields } = await emulator.approveForm(authorization(both))
  expect(await verified(emulator, fields.id_token)).toMatchObject({
    sub: FIRST,
    nonce: 'n',
    c_hash: expect.any(String),
  })
  const callback = await emulator.approve(authorization({ ...both, response_mode: undefined, scope: undefined }))
  const { search, hash } = new URL(callback)
  expect(search).toBe('')
  expect(new URLSearchParams(hash.slice(1)).get('id_token')).toMatch(/^ey/)
})

test.each<[string, Params, RegExp]>([
  ['another app', { client_id: 'x' }, /invalid_client/],
  ['a redirect URI that is not registered', { redirect_uri: `${CALLBACK}/other` }, /Invalid web redirect url/],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }, /Invalid web redirect url/],
  ['no redirect URI', { redirect_uri: undefined }, /Invalid web redirect url/],
  ['a repeated state', { state: ['a', 'b'] }, /state is repeated/],
  ['id_token alone', { response_type: 'id_token' }, /unsupported_response_type/],
  ['no response_type', { response_type: undefined }, /unsupported_response_type/],
  ['an unknown response_mode', { response_mode: 'web_message' }, /Invalid response mode/],
  ['query with id_token', { response_type: 'code id_token', response_mode: 'query' }, /Invalid response mode/],
  ['a scope without form_post', { response_mode: 'query' }, /response_mode must be form_post/],
  ['a scope and no response_mode', { response_mode: undefined }, /response_mode must be form_post/],
  ['an unknown scope', { scope: 'name phone' }, /invalid_scope/],
  ['scopes with commas', { scope: 'name,email' }, /invalid_scope/],
])('the authorization request stays on a page: %s', async (_what, over, words) => {
  const { status, text } = await ask(authorization(over))
  expect(status).toBe(400)
  expect(text).toMatch(words)
})

test.each<[string, boolean]>([
  ['http://app.example/callback', false],
  ['https://192.0.2.1/callback', false],
  ['https://[2001:db8::1]/callback', false],
  ['https://app.example/callback', true],
  ['http://localhost:3000/callback', true],
  ['http://127.0.0.1:3000/callback', true],
])('without a register, a redirect URI is https and a domain’s, or loopback: %s', async (redirect_uri, isFine) => {
  const apple = await started()
  expect((await ask(authorization({ redirect_uri }, apple))).status).toBe(isFine ? 200 : 400)
  const strict = await started({ refuseLoopback: true })
  const isDomain = redirect_uri === 'https://app.example/callback'
  expect((await ask(authorization({ redirect_uri }, strict))).status).toBe(isDomain ? 200 : 400)
})

test('openid in the scope changes nothing, and PKCE is let pass', async () => {
  const over = { scope: 'openid', response_mode: 'query', code_challenge: 'x'.repeat(43) }
  expect(brought(await emulator.approve(authorization(over)))).toHaveProperty('code')
})

test.each<[string, Secret]>([
  ['a DER signature', { der: true }],
  ['another key', { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }],
  ['another kid', { header: { kid: 'OTHER0EMUL' } }],
  ['another alg', { header: { alg: 'HS256' } }],
  ['no alg', { header: { alg: undefined } }],
  ['another team', { claims: { iss: 'OTHER0TEAM' } }],
  ['another app', { claims: { sub: 'com.example.other' } }],
  ['another audience', { claims: { aud: 'https://appleid.apple.com/' } }],
  ['one that is over', { claims: { exp: now() - 1 } }],
  ['one of seven months', { claims: { exp: now() + 15_777_000 + 60 } }],
  ['no exp', { claims: { exp: undefined } }],
  ['one of the future', { claims: { iat: now() + 400 } }],
  ['no iat', { claims: { iat: undefined } }],
])('a client secret is refused: %s', async (_what, secret) => {
  const { fields } = await emulator.approveForm(authorization())
  const refusal = await post(
    emulator.options.tokenURL,
    exchange(fields.code, { client_secret: secretOf(emulator, secret) }),
  )
  expect(refusal).toMatchObject({ status: 400, json: { error: 'invalid_client' } })
  const spoilt = { ...client(), client_secret: secretOf(emulator, secret), token: 'x' }
  expect(await post(emulator.options.revokeURL, spoilt)).toMatchObject({
    status: 400,
    json: { error: 'invalid_client' },
  })
  expect((await post(emulator.options.tokenURL, exchange(fields.code))).status).toBe(200)
})

test('a client secret of six months, and one secret for many calls', async () => {
  const client_secret = secretOf(emulator, { claims: { exp: now() + 15_776_990, iat: now() + 290 } })
  for (let i = 0; i < 2; i++) {
    const { fields } = await emulator.approveForm(authorization())
    expect((await post(emulator.options.tokenURL, exchange(fields.code, { client_secret }))).status).toBe(200)
  }
})

test.each<[string, Params, string]>([
  ['no secret', { client_secret: undefined }, 'invalid_client'],
  ['a secret that is no JWT', { client_secret: 'x.y' }, 'invalid_client'],
  ['another app', { client_id: 'x' }, 'invalid_client'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 'invalid_client'],
  ['no redirect URI', { redirect_uri: undefined }, 'invalid_client'],
  ['another grant_type', { grant_type: 'password' }, 'unsupported_grant_type'],
  ['no code', { code: undefined }, 'invalid_request'],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_request'],
  ['a code that was never given', { code: 'x' }, 'invalid_grant'],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_grant'],
  ['no refresh token', { grant_type: 'refresh_token' }, 'invalid_request'],
])('the token request is refused: %s', async (_what, over, error) => {
  const { fields } = await emulator.approveForm(authorization())
  const refusal = await post(emulator.options.tokenURL, exchange(fields.code, over))
  expect(refusal).toMatchObject({ status: 400, json: { error } })
  expect((await post(emulator.options.tokenURL, exchange(fields.code))).status).toBe(200)
})

test('JSON and Basic are no way to send credentials', async () => {
  const { tokenURL, clientID } = emulator.options
  const { fields } = await emulator.approveForm(authorization())
  expect(await postJson(tokenURL, exchange(fields.code))).toMatchObject({
    status: 400,
    json: { error: 'invalid_request' },
  })
  const withBasic = await post(tokenURL, exchange(fields.code), basic(clientID, secretOf()))
  expect(withBasic).toMatchObject({ status: 400, json: { error: 'invalid_client' } })
})

test('a code is good for one use, and for its time', async () => {
  const { fields } = await emulator.approveForm(authorization())
  await post(emulator.options.tokenURL, exchange(fields.code))
  expect((await post(emulator.options.tokenURL, exchange(fields.code))).json).toEqual({
    error: 'invalid_grant',
    error_description: 'The code has already been used.',
  })
  const slow = await started({ codeLifetime: 0 })
  expect(await login(slow)).toEqual({
    error: 'invalid_grant',
    error_description: 'The code has expired or has been revoked.',
  })
})

test('a refresh brings an id_token of the same person, without nonce, and no refresh token', async () => {
  const first = await login()
  const renewed = await refresh(emulator, first.refresh_token)
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(renewed.json).not.toHaveProperty('refresh_token')
  const claims = await verified(emulator, members(renewed).id_token)
  expect(claims).toMatchObject({ sub: FIRST, email: 'zhangsan@example.com' })
  expect(claims).not.toHaveProperty('nonce')
  expect((await refresh(emulator, first.refresh_token)).status).toBe(200)
})

test('a revoked login is over, all of it; rubbish is revoked too', async () => {
  const { revokeURL, origin } = { ...emulator.options, origin: emulator.origin }
  const token = await login()
  const renewed = members(await refresh(emulator, token.refresh_token))
  const hint = { token_type_hint: 'refresh_token' }
  expect((await post(revokeURL, { ...client(), token: String(token.refresh_token), ...hint })).status).toBe(200)
  expect((await refresh(emulator, token.refresh_token)).json).toEqual({ error: 'invalid_grant' })
  for (const { access_token } of [token, renewed]) {
    expect((await ask(`${origin}/emulator/resource`, { headers: bearer(access_token) })).status).toBe(401)
  }
  expect((await post(revokeURL, { ...client(), token: 'rubbish' })).status).toBe(200)
  expect((await post(revokeURL, client())).json).toEqual({ error: 'invalid_request' })
  expect((await post(revokeURL, { ...client(), token: 'x', token_type_hint: 'x' })).json).toEqual({
    error: 'invalid_request',
  })
})

test('keys rotate: the last one stays in the key set, the one before it leaves', async () => {
  const apple = await started()
  const kidsOf = async () => {
    const { keys } = (await ask(apple.options.jwksURL)).json as { keys: { kid: string; d?: string }[] }
    expect(keys.every((key) => key.d === undefined)).toBe(true)
    return keys.map(({ kid }) => kid)
  }
  const kidOf = (token: Record<string, unknown>) => decoded(token.id_token).header.kid
  const [before, old] = [await kidsOf(), await login(apple)]
  expect(before).toHaveLength(2)
  expect(kidOf(old)).toBe(before[0])
  apple.rotateKeys()
  const young = await login(apple)
  expect(before).not.toContain(kidOf(young))
  expect(await kidsOf()).toEqual([kidOf(young), kidOf(old)])
  await verified(apple, old.id_token)
  apple.rotateKeys()
  expect(await kidsOf()).not.toContain(kidOf(old))
  await expect(verified(apple, old.id_token)).rejects.toThrow(/no applicable key/)
})

test('the key set can be down, huge or gone', async () => {
  emulator.failNext('keys', 'http-503')
  expect(await ask(emulator.options.jwksURL)).toMatchObject({ status: 503 })
  emulator.failNext('keys', 'missing-token')
  expect((await ask(emulator.options.jwksURL)).json).toEqual({})
  emulator.failNext('keys', 'oversize')
  let read = 0
  for await (const chunk of (await fetch(emulator.options.jwksURL)).body ?? []) {
    read += chunk.byteLength
    if (read > 2 * 1024 * 1024) break
  }
  expect(read).toBeGreaterThan(2 * 1024 * 1024)
  expect((await ask(emulator.options.jwksURL)).json).toHaveProperty('keys')
})
