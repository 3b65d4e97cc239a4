import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Agent, request } from 'undici'
import { OwnAgent } from '../../lib/http/agent'
import { NameLookups } from '../../lib/http/lookup'
import { call } from '../support/provider-call'

const servers: Server[] = []
const sockets: Socket[] = []
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) server.close()
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** A server that writes bytes of its own. */
async function serve(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a TCP server's
}

/** Writes `piece` over and over, as fast as it is taken, `times` times or until the socket is closed. */
function pour(socket: Socket, piece: Buffer, times = Number.POSITIVE_INFINITY): void {
  let left = times
  const more = () => {
    while (left-- > 0 && !socket.destroyed) if (!socket.write(piece)) return void socket.once('drain', more)
  }
  more()
}

describe('bounds', () => {
  const HINT = Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')

  test('interim responses without end are response_invalid at once, and some of them harm nobody', async () => {
    const endless = await serve(
      (socket) => void socket.once('data', () => pour(socket, Buffer.concat(Array(500).fill(HINT)))),
    )
    const started = performance.now()
    await expect(call(endless, { timeout: 3000 })).rejects.toMatchObject({ code: 'response_invalid' })
    expect(performance.now() - started).toBeLessThan(2500)

    const few = await serve((socket) => {
      socket.once('data', () =>
        socket.end(`${HINT}${HINT}HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`),
      )
    })
    expect(await call(few)).toMatchObject({ status: 200, text: '{}' })
  })

  test('the control: a client without that bound listens until its deadline, and nothing else runs well meanwhile', async () => {
    const endless = await serve(
      (socket) => void socket.once('data', () => pour(socket, Buffer.concat(Array(500).fill(HINT)))),
    )
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const naive = request(endless, { signal: AbortSignal.timeout(1000), dispatcher: new Agent() })
    await expect(naive).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(delay.max / 1e6).toBeGreaterThan(10)
  })

  test('a body in chunks of one byte takes what it weighs, not a Buffer for each', async () => {
    const many = 60_000
    const ends: (() => void)[] = []
    const url = await serve((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n')
        pour(socket, Buffer.from('1\r\nx\r\n'.repeat(1000)), many / 1000)
        ends.push(() => void socket.end('0\r\n\r\n'))
      })
    })
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const inUse = () => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    // What the tests before left behind goes in its own time, and not at the first collection.
    const settled = async () => {
      for (let last = inUse(); ; ) {
        await sleep(50)
        const now = inUse()
        if (now > last - 1024 * 1024) return now
        last = now
      }
    }
    const before = await settled()
    const naive: Buffer[] = []
    const agent = new Agent()
    const whole = new Promise<void>((resolve, reject) => {
      agent.dispatch(
        { origin: new URL(url).origin, path: '/', method: 'GET' },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData: (_controller, chunk) => void naive.push(chunk),
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      )
    })
    while (naive.length < many) await sleep(10)
    const control = inUse() - before
    ends.pop()?.()
    await whole
    naive.length = 0

    const start = await settled()
    const ours = call(url, { maxResponseBytes: many })
    while (ends.length === 0) await sleep(10)
    await sleep(600) // nobody can say from outside that the last byte came
    const held = inUse() - start
    ends.pop()?.()
    expect((await ours).text).toHaveLength(many)
    expect(control).toBeGreaterThan(4 * 1024 * 1024)
    expect(held).toBeLessThan(control / 5)
  })
})

test('a process that gets warm goes over to the other client, and no call notices', async () => {
  const peers = new Set<number | undefined>()
  const server = createHttpServer((req, res) => {
    peers.add(req.socket.remotePort)
    setTimeout(() => res.end('{}'), 5)
  })
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const dispatcher = new OwnAgent(new NameLookups(), 3)
    const one = async () => (await call(url, { dispatcher })).text
    expect(await Promise.all(Array.from({ length: 12 }, one))).toEqual(Array(12).fill('{}'))
    const [before, connected] = [new Set(peers), peers.size]
    for (let calls = 0; calls < 8; calls++) expect(await one()).toBe('{}')
    // The one that it goes on with keeps its connections as well.
    expect([connected, peers]).toEqual([12, before])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

describe('a connection that is reset as it is used again', () => {
  /** Responds once on each connection; what comes after that, it counts and resets. */
  async function startForgetful(end: (socket: Socket) => void) {
    const seen: string[] = []
    const url = await serve((socket) => {
      let served = 0
      socket.on('data', (data) => {
        seen.push(String(data).split(' ')[0] ?? '')
        if (served++ > 0) return end(socket)
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
      })
    })
    return { url, seen }
  }
  const reset = (socket: Socket) => void socket.resetAndDestroy()
  const close = (socket: Socket) => void socket.end()

  test('a GET is sent once more, on another one', async () => {
    const { url, seen } = await startForgetful(reset)
    const dispatcher = new Agent()
    await call(url, { dispatcher })
    await sleep(20)
    expect(await call(url, { dispatcher })).toMatchObject({ status: 200 })
    expect(seen).toEqual(['GET', 'GET', 'GET'])
  })

  test('the control: a client that tries once fails', async () => {
    const { url } = await startForgetful(reset)
    const dispatcher = new Agent()
    await (await request(url, { dispatcher })).body.text()
    await sleep(20)
    await expect(request(url, { dispatcher })).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('a POST is not: it may have been obeyed', async () => {
    const { url, seen } = await startForgetful(reset)
    const dispatcher = new Agent()
    await call(url, { dispatcher }, 'POST')
    await sleep(20)
    await expect(call(url, { dispatcher }, 'POST')).rejects.toMatchObject({ code: 'provider_unreachable' })
    expect(seen).toEqual(['POST', 'POST'])
  })

  test('one that rested and is closed counts as reset', async () => {
    const { url, seen } = await startForgetful(close)
    const dispatcher = new Agent()
    await call(url, { dispatcher })
    await sleep(700)
    expect(await call(url, { dispatcher })).toMatchObject({ status: 200 })
    expect(seen).toEqual(['GET', 'GET', 'GET'])
  })

  test('a server that resets each connection is asked twice, not for ever', async () => {
    let asked = 0
    const url = await serve((socket) => {
      socket.once('data', () => {
        asked++
        socket.resetAndDestroy()
      })
    })
    await expect(call(url)).rejects.toMatchObject({ code: 'provider_unreachable' })
    expect(asked).toBe(2)
  })
})

describe('a provider with two addresses', () => {
  /** A process that listens on 127.0.0.1, and stands still when it is told to. */
  async function startSlow() {
    const source =
      "require('http').createServer((q, r) => r.end('{}')).listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })"
    const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const [port] = await once(child.stdout, 'data')
    const fillers: Socket[] = []
    return {
      port: Number(String(port)),
      /** Until then it takes no connection: its queue is full, and what comes is dropped, as on a long way. */
      async stopFor(ms: number): Promise<void> {
        child.kill('SIGSTOP')
        for (let i = 0; i < 4; i++) fillers.push(openSocket(Number(String(port)), '127.0.0.1').on('error', () => {}))
        await sleep(100)
        setTimeout(() => child.kill('SIGCONT'), ms).unref()
      },
      close() {
        for (const socket of fillers) socket.destroy()
        child.kill('SIGKILL')
      },
    }
  }
  const resolver = (addresses: string[]) =>
    new NameLookups((_name, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      ),
    )

  /** Node's client, with which a process begins, and undici's, with which it goes on. */
  const CLIENTS = [
    ["Node's client", undefined],
    ["undici's", 0],
  ] as const

  test.each(CLIENTS)(
    'is reached where its handshake takes a second, and the other address leads nowhere: %s',
    async (_client, cold) => {
      const slow = await startSlow()
      try {
        await slow.stopFor(600)
        const lookups = resolver(['127.0.0.1', '127.0.0.2'])
        const naive = new Agent({ connect: { lookup: lookups.lookup } })
        const [ours, control] = await Promise.allSettled([
          call(`http://provider.test:${slow.port}/`, { dispatcher: new OwnAgent(lookups, cold) }),
          call(`http://provider.test:${slow.port}/`, { dispatcher: naive }),
        ])
        expect(ours).toMatchObject({ status: 'fulfilled', value: { text: '{}' } })
        expect(control).toMatchObject({ status: 'rejected' })
        expect(String(Reflect.get(control, 'reason'))).not.toMatch(/within/) // no deadline passed
      } finally {
        slow.close()
      }
    },
  )

  test.each(CLIENTS)('is reached at the second where the first never accepts: %s', async (_client, cold) => {
    const slow = await startSlow()
    const good = createHttpServer((_req, res) => void res.end('{"at":2}'))
    try {
      await new Promise<void>((resolve) => good.listen(slow.port, '127.0.0.2', resolve))
      await slow.stopFor(30_000)
      const url = `http://provider.test:${slow.port}/`
      expect(await call(url, { dispatcher: new OwnAgent(resolver(['127.0.0.1', '127.0.0.2']), cold) })).toMatchObject({
        text: '{"at":2}',
      })
      const alone = call(url, { dispatcher: new OwnAgent(resolver(['127.0.0.1']), cold), timeout: 500 })
      await expect(alone).rejects.toMatchObject({ code: 'provider_timeout' })
    } finally {
      good.closeAllConnections()
      good.close()
      slow.close()
    }
  })
})
