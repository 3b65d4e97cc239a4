import { createServer, type Socket } from 'node:net'
import type { Emulator } from 'passport-dialects/emulators'
import { Agent } from 'undici'
import { selfSigned } from '../support/certificate'
import { freePort } from '../support/free-port'
import { type Front, forward, startFront } from '../support/front'

/** What goes wrong with a connection: where a call goes, by which dispatcher, and what the cause must say. */
export interface ConnectionFault {
  broken: { origin: string; dispatcher?: Agent }
  /** The same endpoint with the mistake put right; default the emulator itself. */
  mended?: { origin: string; dispatcher?: Agent }
  cause: RegExp
  server?: Front
}

export type Opened = ConnectionFault & { close(): Promise<unknown> }

export const CONNECTION_FAULTS: Record<string, (emulator: Emulator) => Promise<Opened>> = {
  async 'connection refused'() {
    return {
      broken: { origin: `http://127.0.0.1:${await freePort()}` },
      cause: /ECONNREFUSED/,
      close: async () => {},
    }
  },

  async 'connection cut before an answer'() {
    let sockets = 0
    const server = createServer((socket: Socket) => {
      sockets++
      socket.on('error', () => {})
      socket.once('data', () => socket.resetAndDestroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    return {
      broken: { origin: `http://127.0.0.1:${port}` },
      cause: /ECONNRESET|UND_ERR_SOCKET/,
      close: async () => {
        expect(sockets).toBeGreaterThan(0)
        server.close()
      },
    }
  },

  async 'a host name that does not exist'() {
    const asked = new Set<string>()
    // The answer of a resolver that knows no such name (RFC 6761 §6.4), without asking one.
    const lookup = (hostname: string, _options: object, done: (error: Error, address: '') => void) => {
      asked.add(hostname)
      const problem = new Error(`getaddrinfo ENOTFOUND ${hostname}`)
      done(Object.assign(problem, { code: 'ENOTFOUND', syscall: 'getaddrinfo' }), '')
    }
    const dispatcher = new Agent({ connect: { lookup } })
    return {
      broken: { origin: 'https://provider.invalid', dispatcher },
      cause: /ENOTFOUND/,
      close: async () => {
        expect([...asked]).toEqual(['provider.invalid'])
        await dispatcher.close()
      },
    }
  },

  async 'a certificate that nobody vouches for'({ origin }) {
    const pair = selfSigned()
    const server = await startFront(forwarder(origin), pair)
    const dispatcher = new Agent({ connect: { ca: pair.cert } })
    const address = `https://127.0.0.1:${server.port}`
    return {
      broken: { origin: address },
      mended: { origin: address, dispatcher },
      cause: /DEPTH_ZERO_SELF_SIGNED_CERT/,
      server,
      close: async () => {
        await dispatcher.close()
        await server.close()
      },
    }
  },

  async 'plain http spoken on an https port'({ origin }) {
    const server = await startFront(forwarder(origin))
    return {
      broken: { origin: `https://127.0.0.1:${server.port}` },
      mended: { origin: `http://127.0.0.1:${server.port}` },
      cause: /ERR_SSL|ERR_TLS|EPROTO|ECONNRESET/,
      server,
      close: () => server.close(),
    }
  },

  async 'https spoken on a port of plain http'({ origin }) {
    const server = await startFront(forwarder(origin), selfSigned())
    return {
      broken: { origin: `http://127.0.0.1:${server.port}` },
      cause: /ECONNRESET|UND_ERR_SOCKET|HPE_/,
      server,
      close: () => server.close(),
    }
  },
}

function forwarder(origin: string): Parameters<typeof startFront>[0] {
  return (req, res) => {
    forward(req, origin).then(
      ({ status, body }) => res.writeHead(status, { 'content-type': 'application/json' }).end(body),
      () => res.destroy(),
    )
  }
}

/** The codes and messages of an error and of everything that caused it. */
export function causesOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const of = (name: string) => String(Reflect.get(error, name) ?? '')
  return `${of('code')} ${of('message')}\n${causesOf(Reflect.get(error, 'cause'))}`
}

/** Connections of this process, both ends of those to its own servers. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /TCPSocketWrap|TLSWrap/.test(kind)).length
}
