// Over 300 lines because all its tests speak to one API of their own, which answers what each of them needs.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { Request } from 'express'
import { OAuthError } from 'passport-dialects'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import type { Browser } from '../support/browser'
import { countOf, loggedIn, startTokenApp } from '../support/token-app'

// Logins go to an emulator; `fetch` goes to an API of the test's own, which answers what a test needs.
let api: Server
let apiOrigin: string
let answer: (req: IncomingMessage, res: ServerResponse) => void
let seen: { url: string; headers: IncomingMessage['headers']; body: string }[] = []
let emulator: Emulator
let app: RunningApp
let browser: Browser
let use: (req: Request) => Promise<unknown>

beforeAll(async () => {
  api = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => (body += chunk)).on('error', () => {})
    req.on('end', () => {
      seen.push({ url: req.url ?? '', headers: req.headers, body })
      answer(req, res)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => api.once('listening', resolve))
  apiOrigin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
})
afterAll(() => {
  api.closeAllConnections()
  api.close()
})

async function start(name: EmulatorName = 'aihubmix', options: object = {}) {
  seen = []
  answer = (_req, res) => void res.setHeader('content-type', 'application/json').end('{"ok":true}')
  emulator = await startEmulator(name, { refresh: true })
  const provider = { ...emulator.options, baseURL: `${apiOrigin}/v9`, ...options }
  app = await startTokenApp(
    { providers: { [name]: provider } },
    {
      routes: (express) =>
        void express.get('/use', (req, res) => {
          use(req).then(
            (value) => res.json({ value: value ?? null }),
            (error) => res.json({ failure: OAuthError.is(error) ? error.code : `${error.name}: ${error.message}` }),
          )
        }),
    },
  )
  browser = await loggedIn(app, name, emulator)
}
afterEach(async () => {
  await app.close()
  await emulator.close()
})

/** Runs `work` as a route of the app, in the session of the user who is logged in. */
async function asUser<T>(work: (req: Request) => Promise<T>): Promise<{ value?: T; failure?: string }> {
  use = work
  return (await (await browser.get(`${app.origin}/use`)).json()) as { value?: T; failure?: string } // the route above
}

test('a path is below baseURL, with the token as Bearer', async () => {
  await start()
  const { value } = await asUser(async (req) => (await req.oauth.fetch('aihubmix', '/things?a=b')).json())
  expect(value).toEqual({ ok: true })
  expect(seen[0]).toMatchObject({
    url: '/v9/things?a=b',
    headers: { authorization: expect.stringMatching(/^Bearer \S+$/) },
  })
})

test('without baseURL a path is on the origin of the profile address', async () => {
  await start('tiktok', { baseURL: undefined })
  const { value } = await asUser(async (req) => (await req.oauth.fetch('tiktok', '/nothing')).status)
  expect([value, emulator.requests.at(-1)?.path]).toEqual([404, '/nothing'])
})

test.each([
  'https://evil.example/x',
  '//evil.example/x',
  '/\\evil.example/x',
  'things',
  '',
  'javascript:alert(1)',
  'http://user:password@127.0.0.1/x',
  'http://127.0.0.1:1/x',
])('%j is refused: the token goes nowhere else', async (address) => {
  await start()
  const { failure } = await asUser(async (req) => req.oauth.fetch('aihubmix', address))
  expect(failure).toBe('config_invalid')
  expect(seen).toEqual([])
})

test('an absolute address of the API’s own origin is good', async () => {
  await start()
  const { value } = await asUser(async (req) => (await req.oauth.fetch('aihubmix', `${apiOrigin}/else`)).status)
  expect([value, seen[0]?.url]).toEqual([200, '/else'])
})

test('BBScloud’s token goes as the parameter that its document knows', async () => {
  await start('bbscloud')
  await asUser(async (req) => req.oauth.fetch('bbscloud', '/x?a=1', { headers: { Authorization: 'Bearer mine' } }))
  expect(seen[0]?.url).toMatch(/^\/v9\/x\?a=1&access_token=/)
  expect(seen[0]?.headers.authorization).toBeUndefined()
})

test('the app’s own Authorization never replaces the token', async () => {
  await start()
  await asUser(async (req) => req.oauth.fetch('aihubmix', '/x', { headers: { authorization: 'Basic mine' } }))
  expect(seen[0]?.headers.authorization).toMatch(/^Bearer /)
})

describe('a refused token', () => {
  const refusing = (status: number, times: number) => (_req: IncomingMessage, res: ServerResponse) => {
    res.statusCode = seen.length <= times ? status : 200
    res.end(`answer ${seen.length}`)
  }

  test.each([
    ['aihubmix', 401],
    ['tapd', 401],
    ['tapd', 422],
  ] as const)('%s %d: one refresh, one retry with the new token', async (name, status) => {
    await start(name)
    answer = refusing(status, 1)
    const { value } = await asUser(async (req) =>
      (await req.oauth.fetch(name, '/x', { method: 'POST', body: 'b' })).text(),
    )
    expect(value).toBe('answer 2')
    expect(seen[1]?.headers.authorization).not.toBe(seen[0]?.headers.authorization)
    expect(seen[1]?.body).toBe('b')
    expect(countOf(emulator, 'refresh')).toBe(1)
  })

  test('a second refusal is the answer', async () => {
    await start()
    answer = refusing(401, 9)
    const { value } = await asUser(async (req) => (await req.oauth.fetch('aihubmix', '/x')).status)
    expect([value, seen.length, countOf(emulator, 'refresh')]).toEqual([401, 2, 1])
  })

  test.each([403, 422, 500])('%d is no refusal of the token', async (status) => {
    await start()
    answer = refusing(status, 9)
    const { value } = await asUser(async (req) => (await req.oauth.fetch('aihubmix', '/x')).status)
    expect([value, seen.length, countOf(emulator, 'refresh')]).toEqual([status, 1, 0])
  })

  test('a body that streams is not sent twice', async () => {
    await start()
    answer = refusing(401, 1)
    const { value } = await asUser(async (req) => {
      const body = Readable.from([Buffer.from('once')])
      return (await req.oauth.fetch('aihubmix', '/x', { method: 'POST', body })).status
    })
    expect([value, seen.length]).toEqual([401, 1])
  })

  test('ten callers at once cause one refresh', async () => {
    await start()
    const refused = new Set<string>()
    answer = (req, res) => {
      if (refused.size === 0) refused.add(req.headers.authorization ?? '')
      res.statusCode = refused.has(req.headers.authorization ?? '') ? 401 : 200
      res.end()
    }
    const { value } = await asUser((req) =>
      Promise.all(Array.from({ length: 10 }, async () => (await req.oauth.fetch('aihubmix', '/x')).status)),
    )
    expect(value).toEqual(Array(10).fill(200))
    expect(countOf(emulator, 'refresh')).toBe(1)
  })
})

test('a redirect is not followed with the token', async () => {
  await start()
  answer = (_req, res) => void res.writeHead(302, { location: `${apiOrigin}/stolen` }).end()
  expect((await asUser((req) => req.oauth.fetch('aihubmix', '/x'))).failure).toBe('provider_redirected')
  expect(seen.length).toBe(1)
})

test('the app’s abort signal ends the call with its own reason', async () => {
  await start()
  answer = () => {}
  const { failure } = await asUser((req) => req.oauth.fetch('aihubmix', '/x', { signal: AbortSignal.timeout(50) }))
  expect(failure).toMatch(/^TimeoutError/)
})

describe('bodies', () => {
  test('a form, a buffer and a stream arrive as fetch would send them', async () => {
    await start()
    await asUser(async (req) => {
      const post = (body: NonNullable<Parameters<typeof req.oauth.fetch>[2]>['body']) =>
        req.oauth.fetch('aihubmix', '/x', { method: 'POST', body })
      await post(new URLSearchParams({ a: '张 三' }))
      await post(Buffer.from('bytes'))
      await post(new Blob(['blob'], { type: 'text/x' }))
      await post(Readable.from([Buffer.from('str'), Buffer.from('eam')]))
      await post(new Blob(['web stream']).stream())
    })
    expect(seen.map(({ body }) => body)).toEqual(['a=%E5%BC%A0+%E4%B8%89', 'bytes', 'blob', 'stream', 'web stream'])
    expect(seen.map(({ headers }) => headers['content-type'])).toEqual([
      'application/x-www-form-urlencoded;charset=UTF-8',
      undefined,
      'text/x',
      undefined,
      undefined,
    ])
  })

  test('an answer is a fetch Response: it streams, clones, and is read once', async () => {
    await start()
    answer = (_req, res) => {
      res.setHeader('content-encoding', 'gzip')
      res.end(gzipSync('{"name":"张三"}'))
    }
    const { value, failure } = await asUser(async (req): Promise<object> => {
      const call = () => req.oauth.fetch('aihubmix', '/x')
      let streamed = ''
      for await (const chunk of (await call()).body ?? []) streamed += Buffer.from(chunk).toString()
      const cloned = await call()
      const copy = cloned.clone()
      const twice = await call()
      await twice.text()
      return {
        isResponse: twice instanceof Response,
        streamed,
        both: [await copy.text(), await cloned.json()],
        used: twice.bodyUsed,
        again: await twice.text().catch((error) => error.name),
        bytes: (await (await call()).arrayBuffer()).byteLength,
        blob: (await (await call()).blob()).size,
        encoding: twice.headers.get('content-encoding'),
      }
    })
    expect(failure).toBeUndefined()
    expect(value).toEqual({
      isResponse: true,
      streamed: '{"name":"张三"}',
      both: ['{"name":"张三"}', { name: '张三' }],
      used: true,
      again: 'TypeError',
      bytes: 17,
      blob: 17,
      encoding: null,
    })
  })

  test('204 has no body', async () => {
    await start()
    answer = (_req, res) => void res.writeHead(204).end()
    const { value } = await asUser(async (req): Promise<unknown[]> => {
      const empty = await req.oauth.fetch('aihubmix', '/x')
      return [empty.status, empty.body, await empty.text()]
    })
    expect(value).toEqual([204, null, ''])
  })

  test.each([
    ['not JSON', 'response_invalid', (res: ServerResponse) => res.end('<html>')],
    ['not UTF-8', 'response_invalid', (res: ServerResponse) => res.end(Buffer.from([0x22, 0xff, 0x22]))],
    [
      'cut',
      'provider_unreachable',
      (res: ServerResponse): void => void res.writeHead(200, { 'content-length': 99 }).write('{', () => res.destroy()),
    ],
    ['too large', 'response_too_large', (res: ServerResponse) => res.end(Buffer.alloc(1100 * 1024, ' '))],
  ] as const)('a body that is %s: json() rejects with %s', async (_what, code, send) => {
    await start()
    answer = (_req, res) => void send(res)
    expect((await asUser(async (req) => (await req.oauth.fetch('aihubmix', '/x')).json())).failure).toBe(code)
  })

  test('a cut stream ends with an error, it never hangs', async () => {
    await start()
    answer = (_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip' })
      res.write(gzipSync('x'.repeat(1000)).subarray(0, 20), () => res.destroy())
    }
    const { failure } = await asUser(async (req) => {
      for await (const _chunk of (await req.oauth.fetch('aihubmix', '/x')).body ?? []) {
        // until it ends
      }
    })
    expect(failure).toBeDefined()
  })
})
