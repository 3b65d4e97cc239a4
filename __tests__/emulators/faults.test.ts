import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { type Emulator, type EmulatorName, FAULTS, type Fault, startEmulator } from 'passport-dialects/emulators'
import { eventually } from '../support/eventually'
import { agreed, ask, bearer, brought, CALLBACK, members, type Params, post, postJson } from './conversation'
import { authorizationAt } from './logins'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('aihubmix')
})
afterAll(() => emulator.close())

function client(): Params {
  return { client_id: emulator.options.clientID, client_secret: emulator.options.clientSecret }
}

async function newCode(): Promise<string> {
  const asked = { client_id: emulator.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return (await agreed(emulator, asked)).code ?? ''
}

function exchange(code: string): Params {
  return { ...client(), grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
}

async function login(): Promise<Record<string, unknown>> {
  return members(await post(emulator.options.tokenURL, exchange(await newCode())))
}

interface Wire {
  status?: number
  body: Buffer
  chunks: number
  /** The connection ended before the answer did. */
  cut: boolean
  /** The answer had no end, and we went. */
  left: boolean
}

/**
 * The user call as it comes over the wire: nothing decoded, nothing forgiven.
 * @param leave when to go before the end: after so many ms, or with so many bytes
 */
async function wire(fault: Fault, leave: { ms?: number; bytes?: number } = {}): Promise<Wire> {
  const { access_token } = await login()
  emulator.failNext('profile', fault)
  const result: Wire = { body: Buffer.alloc(0), chunks: 0, cut: false, left: false }
  await new Promise<void>((resolve) => {
    const req = http.get(emulator.options.userProfileURL, { headers: bearer(access_token), agent: false }, (res) => {
      result.status = res.statusCode ?? 0
      res.on('data', (chunk: Buffer) => {
        result.chunks++
        result.body = Buffer.concat([result.body, chunk])
        if (leave.bytes !== undefined && result.body.length >= leave.bytes) go()
      })
      res.on('error', () => {})
      res.on('close', () => end(!res.complete))
    })
    req.on('error', () => end(true))
    const timer = leave.ms === undefined ? undefined : setTimeout(go, leave.ms)
    function go() {
      result.left = true
      req.destroy()
    }
    function end(cut: boolean) {
      clearTimeout(timer)
      result.cut = cut && !result.left
      resolve()
    }
  })
  return result
}

const parsed = ({ body }: Wire) => JSON.parse(body.toString())
const rightUser = { id: 12345, username: '张三' }

test('reset: the connection ends without an answer', async () => {
  expect(await wire('reset')).toMatchObject({ cut: true, chunks: 0 })
})

test.each(['silent', 'slow-headers'] as const)('%s: no answer, ever', async (fault) => {
  const result = await wire(fault, { ms: 250 })
  expect(result.left).toBe(true)
  expect(result.status).toBeUndefined()
})

test('drip: a byte at a time', async () => {
  expect(await wire('drip', { bytes: 4 })).toMatchObject({ left: true, status: 200, chunks: 4 })
})

test('truncated: half a body; wrong-length: all of it, and less than promised', async () => {
  const half = await wire('truncated')
  expect(half).toMatchObject({ cut: true, status: 200 })
  expect(() => parsed(half)).toThrow(SyntaxError)
  const all = await wire('wrong-length')
  expect(all).toMatchObject({ cut: true, status: 200 })
  expect(parsed(all)).toMatchObject(rightUser)
})

test('empty, html, not-json, bom, invalid-utf8, deep', async () => {
  expect(await wire('empty')).toMatchObject({ status: 200, chunks: 0, cut: false })
  expect((await wire('html')).body.toString()).toContain('&access_token=evil&')
  const broken = await wire('not-json')
  expect(() => parsed(broken)).toThrow(SyntaxError)
  expect(JSON.parse(`${broken.body}}`)).toMatchObject(rightUser)
  const bom = await wire('bom')
  expect([...bom.body.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
  expect(JSON.parse(bom.body.subarray(3).toString())).toMatchObject(rightUser)
  const invalid = await wire('invalid-utf8')
  expect(() => new TextDecoder('utf-8', { fatal: true }).decode(invalid.body)).toThrow(/not valid/)
  expect(parsed(invalid)).toMatchObject(rightUser) // a lenient client notices nothing
  expect((await wire('deep')).body.subarray(0, 20).toString()).toBe('{"data":{"data":{"da')
})

test('split-utf8: the right answer, and every byte alone', async () => {
  const result = await wire('split-utf8')
  expect(parsed(result)).toMatchObject(rightUser)
  expect(result.chunks).toBe(result.body.length)
})

test('proto: an own member of that name', async () => {
  const answer = parsed(await wire('proto'))
  expect(answer).toMatchObject(rightUser)
  expect(Object.getOwnPropertyNames(answer)).toContain('__proto__')
})

test('oversize goes on beyond a mebibyte; a gzip bomb is small on the wire', async () => {
  expect(await wire('oversize', { bytes: 1024 * 1024 })).toMatchObject({ left: true, status: 200 })
  expect((await wire('gzip-bomb')).body.length).toBeLessThan(200_000)
  const { access_token } = await login()
  emulator.failNext('profile', 'gzip-bomb')
  const inflated = await ask(emulator.options.userProfileURL, { headers: bearer(access_token) })
  expect(inflated.text.length).toBeGreaterThan(50 * 1024 * 1024 - 1)
  expect(inflated.json).toBeDefined()
})

test('redirect: to a place that would give a token', async () => {
  emulator.failNext('token', 'redirect')
  const answer = await post(emulator.options.tokenURL, exchange('x'))
  expect(answer.status).toBe(302)
  expect(await ask(answer.headers.get('location') ?? '')).toMatchObject({ status: 200, text: answer.text })
  expect(answer.text).toContain('access_token=stolen')
  expect(emulator.requests.at(-1)).toMatchObject({ endpoint: 'request', path: '/elsewhere' }) // who followed is seen
})

test.each<[Fault, Record<string, unknown>]>([
  ['token-type-mac', { token_type: 'mac' }],
  ['expires-text', { expires_in: 'soon' }],
  ['expires-negative', { expires_in: -1 }],
  ['expires-huge', { expires_in: 1e300 }],
  ['wrong-types', { access_token: { unexpected: true } }],
])('%s spoils the right answer', async (fault, differs) => {
  emulator.failNext('token', fault)
  expect(await login()).toMatchObject({ token_type: 'Bearer', scope: 'profile', ...differs })
})

test('missing-token and expires-missing leave members out', async () => {
  emulator.failNext('token', 'missing-token')
  const bare = await login()
  expect(bare).toMatchObject({ scope: 'profile' })
  expect(bare).not.toHaveProperty('access_token')
  emulator.failNext('token', 'expires-missing')
  expect(await login()).not.toHaveProperty('expires_in')
})

test('refused and http-* in the words of each provider', async () => {
  const words: [EmulatorName, 'token' | 'code', Fault, number, object][] = [
    ['tailchat', 'token', 'refused:invalid_grant', 200, { error: 'invalid_grant' }],
    ['tailchat', 'token', 'http-503', 503, { error: 'server_error' }],
    ['tapd', 'token', 'refused', 200, { status: 422, data: '' }],
    ['tapd', 'token', 'http-429', 429, { status: 429 }],
    ['bbscloud', 'code', 'refused', 200, { type: 0, data: null }],
    ['tiktok', 'token', 'http-401', 401, { error: 'invalid_client', log_id: expect.any(String) }],
    ['tiktok', 'token', 'http-400:invalid_request', 400, { error: 'invalid_request' }],
    ['aihubmix', 'token', 'refused', 200, { success: false, message: expect.any(String) }],
    ['aihubmix', 'token', 'refused:access_denied', 200, { error: 'access_denied' }],
  ]
  for (const [name, endpoint, fault, status, json] of words) {
    const other: Emulator = await startEmulator(name)
    other.failNext(endpoint, fault)
    expect(await post(other.options.codeURL ?? other.options.tokenURL, {})).toMatchObject({ status, json })
    await other.close()
  }
})

test('a fault strikes as often as asked, at its own endpoint, refresh told from token at one address', async () => {
  const { tokenURL } = emulator.options
  emulator.failNext('refresh', 'http-503', 2)
  const { refresh_token } = await login()
  const renewal = { ...client(), grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await post(tokenURL, renewal)).status)
  // The third succeeds: where the request never got through, nothing was rotated.
  expect(statuses).toEqual([503, 503, 200])
})

test('a code outlives a failure, and not a spoilt success', async () => {
  const { tokenURL } = emulator.options
  const code = await newCode()
  emulator.failNext('token', 'http-500')
  expect((await post(tokenURL, exchange(code))).status).toBe(500)
  emulator.failNext('token', 'not-json')
  expect((await post(tokenURL, exchange(code))).status).toBe(200)
  expect((await post(tokenURL, exchange(code))).json).toEqual({ error: 'invalid_grant' })
})

describe('refused at authorize: the browser goes back with the error, as from a provider', () => {
  test.each(['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix', 'feishu'] as const)('%s', async (name) => {
    const other = await startEmulator(name)
    const address = await authorizationAt(other)
    const denied = brought(await other.deny(address))
    other.failNext('authorize', 'refused:invalid_scope')
    const callback = await other.approve(address)
    expect(callback.startsWith(CALLBACK)).toBe(true)
    const { error_description: _words, ...rest } = denied
    expect(brought(callback)).toMatchObject({ ...rest, error: 'invalid_scope' })
    expect(brought(callback)).not.toHaveProperty('code')
    const struck = { endpoint: 'authorize', fault: 'refused:invalid_scope', status: 302 }
    await eventually(() => expect(other.requests.at(-1)).toMatchObject(struck)) // its status, once it is on its way
    other.failNext('authorize', 'refused')
    expect(brought(await other.approve(address)).error).toBe('server_error')
    expect(brought(await other.approve(address))).not.toHaveProperty('error')
    await other.close()
  })

  test("where the request itself is wrong, the provider's own page says so", async () => {
    emulator.failNext('authorize', 'refused:invalid_scope')
    const { status, headers } = await ask(`${emulator.options.authorizationURL}?client_id=nobody`)
    expect([status, headers.get('location')]).toEqual([400, null])
  })

  test('any other fault there strikes the page: nobody presses a button that is not shown', async () => {
    const address = await authorizationAt(emulator)
    for (const fault of ['empty', 'html', 'reset', 'http-503', 'http-403:x'] as const) {
      emulator.failNext('authorize', fault)
      await expect(emulator.approve(address)).rejects.toThrow()
    }
    expect(brought(await emulator.approve(address))).toHaveProperty('code')
  })
})

test('what is no fault is refused at once', () => {
  expect(() => emulator.failNext('token', 'refused:')).toThrow('no fault named')
  expect(() => emulator.failNext('token', 'toString' as Fault)).toThrow('no fault named')
  expect(() => emulator.failNext('authorize', 'expires-text')).toThrow('has none')
  expect(() => emulator.failNext('moon' as 'token', 'reset')).toThrow('no endpoint named moon')
})

test('every fault can strike every call, the emulator closes, and nothing stays open', async () => {
  const calls: [EmulatorName, Parameters<Emulator['failNext']>[0], (of: Emulator) => Promise<unknown>][] = [
    ['tailchat', 'token', (of) => post(of.options.tokenURL, {})],
    ['tapd', 'refresh', (of) => post(of.options.refreshURL ?? '', {})],
    ['bbscloud', 'code', (of) => postJson(of.options.codeURL ?? '', {})],
    ['tiktok', 'revoke', (of) => post(of.options.revokeURL ?? '', {})],
    ['aihubmix', 'request', (of) => ask(of.options.topupURL ?? '')],
  ]
  for (const [name, endpoint, call] of calls) {
    const other = await startEmulator(name)
    const pending = FAULTS.filter((fault) => fault !== 'gzip-bomb').map((fault) => {
      other.failNext(endpoint, fault)
      return call(other).catch(() => undefined)
    })
    const struck = () => other.requests.filter(({ fault }) => fault !== undefined).length
    await eventually(() => expect(struck()).toBe(pending.length))
    await other.close()
    await Promise.all(pending)
    const { port } = new URL(other.origin)
    // Another test's server may have got this port by now, for a while.
    await eventually(async () => {
      const socket = net.connect(Number(port), '127.0.0.1').on('error', () => {})
      const [refused] = await Promise.race([once(socket, 'error'), once(socket, 'connect')])
      socket.destroy()
      expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
    })
  }
})
