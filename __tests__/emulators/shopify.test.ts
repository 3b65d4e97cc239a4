// Over 300 lines because a naive and a careful check of callbacks stand beside each forgery.
import { createHash, createHmac } from 'node:crypto'
import http from 'node:http'
import { CALLBACK_FORGERIES, type Emulator } from 'passport-dialects/emulators'
import {
  ask,
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

const [BLUE, RED] = ['blue-kite.myshopify.com', 'red-lantern.myshopify.com']

const started = starterOf('shopify')

let emulator: Emulator<'shopify'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK] })
})

const ONLINE = { 'grant_options[]': 'per-user' }

function addressOf(over: Params = {}, of = emulator): string {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, state: 's', scope: 'read_products' }
  return `${of.options.authorizationURL}?${encoded({ ...usual, ...over })}`
}

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

const JSON_PLEASE = { accept: 'application/json' }

const tokenFor = (args: Params, of = emulator, headers: Record<string, string> = JSON_PLEASE) =>
  postJson(of.options.tokenURL, args, headers)

async function login(over: Params = {}, more: Params = {}, of = emulator, project = BLUE) {
  const { code } = brought(await of.approve(addressOf(over, of), { project }))
  return members(await tokenFor({ ...client(of), code, ...more }, of))
}

/** As the sheet has it: all but `hmac`, sorted, encoded. */
function isSigned(callback: string, secret: string): boolean {
  const query = new URLSearchParams(new URL(callback).search)
  const hmac = query.get('hmac')
  query.delete('hmac')
  query.sort()
  return createHmac('sha256', secret).update(query.toString().replace(/\+/g, '%20')).digest('hex') === hmac
}

/** What an app must check of a callback of the shop that it began with. */
function isRight(callback: string, secret: string, shop = BLUE): boolean {
  const query = new URL(callback).searchParams
  const age = Math.abs(Date.now() / 1000 - Number(query.get('timestamp') ?? Number.NaN))
  return isSigned(callback, secret) && query.getAll('shop').join() === shop && age <= 90
}

test('the sheet’s vector', () => {
  const query =
    'code=4f1d0c9b7a&host=Ymx1ZS1raXRlLm15c2hvcGlmeS5jb20vYWRtaW4&shop=blue-kite.myshopify.com&state=Zk3_x-9&timestamp=1764100800'
  const hmac = '80bb989cdb6735f59748b73d104a091032255f88cf509c3f697a351f92711d3a'
  expect(isSigned(`${CALLBACK}?${query}&hmac=${hmac}`, 'shpss_sheet_secret')).toBe(true)
})

test('online: a whole conversation', async () => {
  const callback = await emulator.approve(addressOf(ONLINE))
  const { code, hmac, timestamp, ...rest } = brought(callback)
  const host = 'Ymx1ZS1raXRlLm15c2hvcGlmeS5jb20vYWRtaW4'
  expect(rest).toEqual({ host, shop: BLUE, state: 's' })
  expect(hmac).toMatch(/^[0-9a-f]{64}$/)
  expect(timestamp).toMatch(/^\d{10}$/)
  expect(isRight(callback, emulator.options.clientSecret)).toBe(true)
  expect((await tokenFor({ ...client(), code })).json).toEqual({
    access_token: expect.stringMatching(/^shpua_[0-9a-f]{32}$/),
    scope: 'read_products',
    expires_in: 86_399,
    associated_user_scope: 'read_products',
    associated_user: {
      id: 700_000_000_001,
      first_name: '张三',
      last_name: '',
      email: 'zhangsan@example.com',
      email_verified: true,
      account_owner: true,
      locale: 'en',
      collaborator: false,
    },
  })
})

test('offline: without an end, or expiring with a refresh token', async () => {
  expect(await login()).toEqual({ access_token: expect.stringMatching(/^shpat_/), scope: 'read_products' })
  expect(await login({ 'grant_options[]': '' })).not.toHaveProperty('associated_user')
  expect(await login({}, { expiring: '1' })).toEqual({
    access_token: expect.stringMatching(/^shpat_/),
    scope: 'read_products',
    expires_in: 3600,
    refresh_token: expect.stringMatching(/^shprt_/),
    refresh_token_expires_in: 7_776_000,
  })
})

test('a write scope stands for its read scope, and a form does as JSON', async () => {
  const { code } = brought(await emulator.approve(addressOf({ scope: 'read_products,write_products,read_orders' })))
  const token = await post(emulator.options.tokenURL, { ...client(), code, expiring: '1' }, JSON_PLEASE)
  expect(token.json).toMatchObject({ scope: 'write_products,read_orders', expires_in: 3600 })
})

test('a person of two shops has two ids; the token’s shop is the one that answers', async () => {
  const [blue, red] = [await login(ONLINE), await login(ONLINE, {}, emulator, RED)]
  const idOf = (token: Record<string, unknown>) => (token.associated_user as { id: number }).id
  expect(idOf(blue)).not.toBe(idOf(red))
  for (const [token, shop, name] of [
    [blue, BLUE, 'Blue Kite'],
    [red, RED, 'Red Lantern'],
  ] as const) {
    const headers = { 'x-shopify-access-token': String(token.access_token) }
    const query = '{ shop { id name email myshopifyDomain } }'
    const answer = await postJson(emulator.options.userProfileURL, { query }, headers)
    expect(answer.json).toEqual({
      data: { shop: { id: expect.stringMatching(/^gid:/), name, email: `owner@${shop}`, myshopifyDomain: shop } },
    })
    const legacy = await ask(`${emulator.origin}/admin/api/2024-01/shop.json`, { headers })
    expect(legacy.json).toMatchObject({ shop: { name, myshopify_domain: shop } })
  }
})

/** A request with another `Host`, as a browser or a dispatcher sends it that takes every shop for loopback. */
function at(
  host: string,
  path: string,
  init: http.RequestOptions = {},
  body = '',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(emulator.origin)
    const request = http.request({ hostname, port, path, ...init, headers: { ...init.headers, host } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject).end(body)
  })
}

test('the Host header or a parameter names the shop; one that does not exist is a 404 page', async () => {
  const { pathname, search } = new URL(addressOf(ONLINE))
  for (const host of [RED, 'red-lantern.localhost:1234']) {
    const shown = await at(host, pathname + search)
    expect(shown.status).toBe(200)
    expect(shown.text).not.toContain('<select id="project"')
  }
  expect((await at('nobody.myshopify.com', pathname + search)).status).toBe(404)
  expect((await ask(addressOf({ shop: 'nobody.myshopify.com' }))).status).toBe(404)
  expect(brought(await emulator.approve(addressOf({ shop: RED })))).toMatchObject({ shop: RED })
})

test('code and token are one shop’s', async () => {
  const { code } = brought(await emulator.approve(addressOf(ONLINE)))
  const body = JSON.stringify({ ...client(), code })
  const headers = { 'content-type': 'application/json', ...JSON_PLEASE }
  const exchangeAt = (host: string) => at(host, '/admin/oauth/access_token', { method: 'POST', headers }, body)
  expect(await exchangeAt(RED)).toMatchObject({ status: 400, text: expect.stringContaining('was not found') })
  const { status, text } = await exchangeAt(BLUE)
  expect(status).toBe(200)
  const withToken = { headers: { 'x-shopify-access-token': JSON.parse(text).access_token } }
  expect((await at(RED, '/emulator/resource', withToken)).status).toBe(401)
  expect((await at(BLUE, '/emulator/resource', withToken)).status).toBe(200)
})

test.each<[string, Params, RegExp]>([
  ['another app', { client_id: 'x' }, /application_cannot_be_found/],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, /whitelisted/],
  ['no redirect URI', { redirect_uri: undefined }, /whitelisted/],
  ['scopes with spaces', { scope: 'read_products write_orders' }, /invalid_scope/],
  ['no scope', { scope: undefined }, /invalid_scope/],
  ['a repeated state', { state: ['a', 'b'] }, /state is repeated/],
  ['another grant option', { 'grant_options[]': 'everything' }, /grant_options/],
])('the authorization request stays on a page: %s', async (_what, over, words) => {
  const { status, text } = await ask(addressOf(over))
  expect(status).toBe(400)
  expect(text).toMatch(words)
})

test('a merchant who cancels stays in the admin: no callback', async () => {
  await expect(emulator.deny(addressOf())).rejects.toThrow(/You stay at Shopify/)
  const pressed = await post(addressOf(), { deny: '1' })
  expect(pressed).toMatchObject({ status: 200 })
  expect(pressed.headers.get('location')).toBeNull()
})

test.each<[string, Params, number, object]>([
  ['another secret', { client_secret: 'x' }, 401, { error: 'invalid_client' }],
  ['no secret', { client_secret: undefined }, 401, { error: 'invalid_client' }],
  ['another app', { client_id: 'x' }, 400, { error: 'application_cannot_be_found' }],
  ['no code', { code: undefined }, 400, { error: 'invalid_request' }],
  [
    'a code that was never given',
    { code: 'x' },
    400,
    { error: 'invalid_request', error_description: 'The authorization code was not found or was already used' },
  ],
  [
    'a verifier that no challenge asked for',
    { code_verifier: 'v'.repeat(43) },
    400,
    { error: '', error_description: 'code_verifier is invalid.' },
  ],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 400, { error: 'invalid_grant' }],
])('the token request is refused: %s', async (_what, over, status, json) => {
  const { code } = brought(await emulator.approve(addressOf()))
  expect(await tokenFor({ ...client(), code, ...over })).toMatchObject({ status, json })
  expect((await tokenFor({ ...client(), code })).status).toBe(200)
})

test('a refusal is a page unless JSON is asked for', async () => {
  const refusal = await tokenFor({ ...client(), code: 'x' }, emulator, { accept: '*/*' })
  expect(refusal.status).toBe(400)
  expect(refusal.headers.get('content-type')).toMatch(/^text\/html/)
})

test('a challenge once sent is remembered', async () => {
  const verifier = 'v'.repeat(43)
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const { code } = brought(await emulator.approve(addressOf({ code_challenge, code_challenge_method: 'S256' })))
  expect((await tokenFor({ ...client(), code })).json).toEqual({
    error: '',
    error_description: 'code_verifier is invalid.',
  })
  expect((await tokenFor({ ...client(), code, code_verifier: verifier })).status).toBe(200)
})

test('a code is good for one use, and for its time', async () => {
  const { code } = brought(await emulator.approve(addressOf()))
  await tokenFor({ ...client(), code })
  expect(await tokenFor({ ...client(), code })).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  expect(await login({}, {}, await started({ codeLifetime: 0 }))).toMatchObject({ error: 'invalid_request' })
})

test('the old refresh token stays good until a new token is used', async () => {
  const { refresh_token: old } = await login({}, { expiring: '1' })
  const refresh = (refresh_token: unknown) =>
    tokenFor({ ...client(), grant_type: 'refresh_token', refresh_token: String(refresh_token) })
  await refresh(old)
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  const second = members(await refresh(old))
  expect(second).toMatchObject({ expires_in: 3600, refresh_token: expect.stringMatching(/^shprt_/) })
  const headers = { 'x-shopify-access-token': String(second.access_token) }
  expect((await ask(`${emulator.origin}/emulator/resource`, { headers })).status).toBe(200)
  expect(await refresh(old)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
  expect((await refresh(second.refresh_token)).status).toBe(200)
})

test('the API takes the token in a header of its own alone', async () => {
  const { access_token } = await login()
  const address = emulator.options.userProfileURL
  const query = { query: '{ shop { name } }' }
  const dead = { status: 401, json: { errors: expect.stringContaining('[API] Invalid API key or access token') } }
  expect(await postJson(address, query)).toMatchObject(dead)
  expect(await postJson(address, query, bearer(access_token))).toMatchObject(dead)
  expect(await postJson(address, query, { 'x-shopify-access-token': 'x' })).toMatchObject(dead)
  const own = { 'x-shopify-access-token': String(access_token) }
  expect((await postJson(address, query, own)).json).toHaveProperty('data.shop')
  emulator.failNext('profile', 'refused:THROTTLED')
  expect((await postJson(address, query, own)).json).toMatchObject({ errors: [{ extensions: { code: 'THROTTLED' } }] })
  emulator.failNext('profile', 'http-429')
  expect((await postJson(address, query, own)).headers.get('retry-after')).toBe('2.0')
  emulator.expireTokens()
  expect(await postJson(address, query, own)).toMatchObject(dead)
})

test('an extra parameter is signed too, over its encoded value or the value as it is', async () => {
  const more = await started({ extraParameter: true })
  const encodedWay = await more.approve(addressOf({}, more))
  expect(brought(encodedWay)).toHaveProperty('note')
  expect(isSigned(encodedWay, more.options.clientSecret)).toBe(true)
  const raw = await started({ extraParameter: true, hmacOverRawValues: true })
  const { hmac, ...rest } = brought(await raw.approve(addressOf({}, raw)))
  const message = Object.entries(rest)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  expect(createHmac('sha256', raw.options.clientSecret).update(message).digest('hex')).toBe(hmac)
})

test.each(CALLBACK_FORGERIES)('a callback is forged: %s', async (forgery) => {
  emulator.forgeNext(forgery)
  expect(isRight(await emulator.approve(addressOf()), emulator.options.clientSecret)).toBe(false)
  expect(isRight(await emulator.approve(addressOf()), emulator.options.clientSecret)).toBe(true)
})

test.each(['other-shop', 'evil-shop', 'old', 'future', 'no-timestamp'] as const)(
  'a check of the signature alone lets pass: %s',
  async (forgery) => {
    emulator.forgeNext(forgery)
    expect(isSigned(await emulator.approve(addressOf()), emulator.options.clientSecret)).toBe(true)
  },
)

test('a start from the admin is signed, and can be forged', async () => {
  const START = 'http://127.0.0.1:9/auth/shopify'
  const { clientSecret } = emulator.options
  expect(brought(emulator.signedStart(START))).toEqual({
    shop: BLUE,
    host: expect.any(String),
    timestamp: expect.any(String),
    hmac: expect.any(String),
  })
  expect(isRight(emulator.signedStart(START, RED), clientSecret, RED)).toBe(true)
  emulator.forgeNext('wrong-hmac')
  expect(isRight(emulator.signedStart(START), clientSecret)).toBe(false)
  const opened = await ask(`${emulator.origin}/entry?${encoded({ redirect: START, shop: RED })}`)
  expect(isRight(opened.headers.get('location') ?? '', clientSecret, RED)).toBe(true)
  expect((await ask(`${emulator.origin}/entry?redirect=x`)).status).toBe(400)
})

test('what Shopify does not sign, it does not forge', () => {
  expect(() => emulator.forgeNext('alg-none')).toThrow(/no forgery named alg-none here; there are wrong-hmac/)
  expect(() => emulator.rotateKeys()).toThrow('shopify has no keys')
})
