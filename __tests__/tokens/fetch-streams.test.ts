import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { openProvider } from '../../lib/http/call'
import type { OpenResponse } from '../../lib/http/dispatch'
import { eventually } from '../support/eventually'
import { inOneOfTenTries } from '../support/in-time'

// The door of `req.oauth.fetch`, with bodies that do not fit into one piece.
const MANY = 8 * 1024 * 1024
let server: Server
let url: URL
let sent = 0
let answer: (res: ServerResponse) => void

beforeAll(async () => {
  server = createServer((_req, res) => answer(res)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`) // a TCP server's
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  sent = 0
  answer = (res) => {
    const more = () => {
      while (sent < MANY) {
        sent += 65_536
        if (!res.write(Buffer.alloc(65_536, 'x'))) return void res.once('drain', more)
      }
      res.end()
    }
    more()
  }
})

/** A dispatcher that knows only the handler names of undici 6. */
class OldAgent extends Agent {
  override dispatch(...[options, handler]: Parameters<Agent['dispatch']>): boolean {
    const names = ['onConnect', 'onHeaders', 'onData', 'onComplete', 'onError'] as const
    const old = Object.fromEntries(names.map((name) => [name, handler[name]?.bind(handler)]))
    return super.dispatch(options, old)
  }
}

async function open(timeout = 10_000, dispatcher = new Agent(), signal?: AbortSignal): Promise<OpenResponse> {
  const request = { url, method: 'GET', headers: {}, body: undefined, signal }
  return openProvider(
    request,
    { timeout, maxResponseBytes: 1024 * 1024, dispatcher },
    { provider: 'p', phase: 'request' },
  )
}

describe.each([
  ['today’s dispatcher', () => new Agent()],
  ['a dispatcher of undici 6', () => new OldAgent()],
])('through %s', (_name, dispatcher) => {
  test('a body that nobody reads is held back at the provider', async () => {
    await open(10_000, dispatcher())
    await eventually(async () => {
      const before = sent
      await sleep(300)
      expect({ grows: sent > before, sent: before > 0 }).toEqual({ grows: false, sent: true })
    })
    expect(sent).toBeLessThan(MANY)
  })

  test('a body that is read late arrives whole', async () => {
    const { stream } = await open(10_000, dispatcher())
    await sleep(100)
    let size = 0
    for await (const chunk of stream()) size += chunk.length
    expect(size).toBe(MANY)
  })

  test('a body too large is refused, also where it waited', async () => {
    const { bytes } = await open(10_000, dispatcher())
    await sleep(100)
    await expect(bytes()).rejects.toMatchObject({ code: 'response_too_large' })
  })

  test('a stream that is left closes its connection', async () => {
    const closed = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)))
    const { stream } = await open(10_000, dispatcher())
    stream().destroy()
    await closed
  })

  test('the app’s signal ends a body that it streams', async () => {
    const stop = new AbortController()
    const { stream } = await open(10_000, dispatcher(), stop.signal)
    const read = (async () => {
      for await (const _chunk of stream()) stop.abort(new Error('enough'))
    })()
    await expect(read).rejects.toThrow('enough')
  })
})

test('a body that the app asks for too late, and that is not there, is provider_timeout', async () => {
  answer = (res) => void res.write('some')
  const { bytes } = await inOneOfTenTries(() => open(1000))
  await sleep(1100)
  await expect(bytes()).rejects.toMatchObject({ code: 'provider_timeout' })
})

test('a body that is whole may be read however late', async () => {
  answer = (res) => void res.end('whole')
  await inOneOfTenTries(async () => {
    const { bytes } = await open(1000)
    await sleep(1100)
    expect(String(await bytes())).toBe('whole')
  })
})

test('a repeated header keeps both its values', async () => {
  answer = (res) => void res.setHeader('set-cookie', ['a=1', 'b=2']).end()
  const found = [(await open()).headers, (await open(10_000, new OldAgent())).headers]
  expect(found.map((headers) => headers['set-cookie'])).toEqual([
    ['a=1', 'b=2'],
    ['a=1', 'b=2'],
  ])
})
