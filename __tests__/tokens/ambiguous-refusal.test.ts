import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Request } from 'express'
import { OAuthError } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import type { Browser } from '../support/browser'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

// A provider whose API says "the token is dead" by an HTTP status that says other things too.
const USER = '/open-apis/authen/v1/user_info'
let emulator: Emulator
let api: Server
let apiOrigin = ''
let answer: (res: ServerResponse, calls: number) => void
let calls = 0
let app: RunningApp
let browser: Browser
let use: (req: Request) => Promise<unknown>

beforeAll(async () => {
  api = createServer((req, res) => req.resume().on('end', () => answer(res, ++calls))).listen(0, '127.0.0.1')
  await new Promise((resolve) => api.once('listening', resolve))
  apiOrigin = `http://127.0.0.1:${(api.address() as AddressInfo).port}` // a TCP server's
})
afterAll(() => {
  api.closeAllConnections()
  api.close()
})

async function start(options: object = {}) {
  calls = 0
  emulator = await startEmulator('feishu')
  app = await startTokenApp(
    { providers: { feishu: { ...emulator.options, scope: ['offline_access'], ...options } } },
    {
      routes: (express) =>
        void express.get('/use', (req, res) => {
          use(req).then(
            (value) => res.json({ value }),
            (error) => res.json({ value: OAuthError.is(error) ? error.code : String(error) }),
          )
        }),
    },
  )
  browser = await loggedIn(app, 'feishu', emulator)
}
afterEach(async () => {
  await app.close()
  await emulator.close()
})

async function asUser(work: (req: Request) => Promise<unknown>): Promise<unknown> {
  use = work
  return (await ask(browser, `${app.origin}/use`)).value
}

const statusAndText = async (req: Request) => {
  const answer = await req.oauth.fetch('feishu', '/x')
  return [answer.status, await answer.text()]
}

test('a token that died early is refreshed, and the call made once more', async () => {
  await start()
  emulator.expireTokens()
  const value = await asUser(async (req) => (await req.oauth.fetch('feishu', USER)).status)
  expect([value, countOf(emulator, 'refresh')]).toEqual([200, 1])
})

describe('the same status for another reason', () => {
  const reasons: [string, string, Record<string, string>][] = [
    ['a missing permission', '{"code": 99991672,  "msg": "权限不足"}', { 'content-type': 'application/json' }],
    ['no JSON', '<h1>Bad Request</h1>', { 'content-type': 'text/html' }],
    ['nothing', '', {}],
  ]

  test.each(reasons)('%s: the body comes as it was sent, and nothing is refreshed', async (_what, body, headers) => {
    await start({ baseURL: apiOrigin })
    answer = (res) => void res.writeHead(400, headers).end(body)
    expect(await asUser(statusAndText)).toEqual([400, body])
    const streamed = await asUser(async (req) => {
      const answer = await req.oauth.fetch('feishu', '/x')
      const chunks: Uint8Array[] = []
      for await (const chunk of answer.body ?? []) chunks.push(chunk)
      return [answer.headers.get('content-type'), Buffer.concat(chunks).toString()]
    })
    expect(streamed).toEqual([headers['content-type'] ?? null, body])
    expect([calls, countOf(emulator, 'refresh')]).toEqual([2, 0])
  })

  test('compressed, it comes whole', async () => {
    await start({ baseURL: apiOrigin })
    answer = (res) =>
      void res.writeHead(400, { 'content-encoding': 'gzip' }).end(gzipSync('{"code": 99991672, "msg": "no"}'))
    expect(await asUser(statusAndText)).toEqual([400, '{"code": 99991672, "msg": "no"}'])
    const cloned = await asUser(async (req) => (await req.oauth.fetch('feishu', '/x')).clone().json())
    expect(cloned).toEqual({ code: 99991672, msg: 'no' })
  })

  test('a body without end is no answer', async () => {
    await start({ baseURL: apiOrigin, maxResponseBytes: 1000 })
    answer = (res) => void res.writeHead(400).end('x'.repeat(2000))
    expect(await asUser(statusAndText)).toBe('response_too_large')
  })
})

test('compressed, the refusal is understood', async () => {
  await start({ baseURL: apiOrigin })
  answer = (res, times) => {
    if (times > 1) return void res.end('once more')
    res
      .writeHead(400, { 'content-encoding': 'gzip' })
      .end(gzipSync('{"code": 99991668, "msg": "Invalid access token"}'))
  }
  expect(await asUser(statusAndText)).toEqual([200, 'once more'])
  expect(countOf(emulator, 'refresh')).toBe(1)
})

test('an answer of another status is handed on before its body is there', async () => {
  await start({ baseURL: apiOrigin })
  let end = () => {}
  answer = (res) => {
    res.writeHead(206).write('first ')
    end = () => res.end('last')
  }
  const value = await asUser(async (req) => {
    const answer = await req.oauth.fetch('feishu', '/x')
    end() // would never be called where the whole body is waited for
    return answer.text()
  })
  expect(value).toBe('first last')
})
