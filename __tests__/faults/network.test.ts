import { createServer, type Socket } from 'node:net'
import type { OAuthError, ProviderConfig } from 'passport-dialects'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { Agent } from 'undici'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { selfSigned } from '../support/certificate'
import { closedPort, type Front, forward, startFront } from '../support/front'

type Endpoint = 'code' | 'token' | 'profile'

/** The calls that a login makes to each provider. */
const CALLS: { name: EmulatorName; endpoint: Endpoint }[] = [
  { name: 'tailchat', endpoint: 'token' },
  { name: 'tailchat', endpoint: 'profile' },
  { name: 'tapd', endpoint: 'token' },
  { name: 'tapd', endpoint: 'profile' },
  { name: 'bbscloud', endpoint: 'code' },
  { name: 'bbscloud', endpoint: 'profile' },
  { name: 'tiktok', endpoint: 'token' },
  { name: 'tiktok', endpoint: 'profile' },
  { name: 'aihubmix', endpoint: 'token' },
  { name: 'aihubmix', endpoint: 'profile' },
]
const OPTION = { code: 'codeURL', token: 'tokenURL', profile: 'userProfileURL' } as const
const TIMEOUT = 1000

/** What goes wrong with a connection: where a call goes, by which dispatcher, and what the cause must say. */
interface Fault {
  broken: { origin: string; dispatcher?: Agent }
  /** The same endpoint with the mistake put right; default the emulator itself. */
  mended?: { origin: string; dispatcher?: Agent }
  cause: RegExp
  server?: Front
}

type Opened = Fault & { close(): Promise<unknown> }

const FAULTS: Record<string, (emulator: Emulator) => Promise<Opened>> = {
  async 'connection refused'() {
    return {
      broken: { origin: `http://127.0.0.1:${await closedPort()}` },
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

describe.each(Object.entries(FAULTS))('%s', (_title, openFault) => {
  describe.each(CALLS)('$name, $endpoint', ({ name, endpoint }) => {
    let emulator: Emulator
    let app: RunningApp
    let fault: Opened
    let failure: OAuthError | undefined
    let config: 'good' | 'broken' | 'mended' = 'good'

    beforeAll(async () => {
      emulator = await startEmulator(name)
      fault = await openFault(emulator)
      // A dispatcher keeps its own connections to the emulator: they belong to the count before the fault.
      const good = { ...emulator.options, timeout: TIMEOUT, dispatcher: fault.broken.dispatcher }
      const at = (place: Fault['broken'] | undefined): ProviderConfig => {
        const path = new URL(String(Reflect.get(emulator.options, OPTION[endpoint]))).pathname
        return place
          ? {
              ...good,
              [OPTION[endpoint]]: place.origin + path,
              ...(place.dispatcher && { dispatcher: place.dispatcher }),
            }
          : good
      }
      const configs = {
        good: { [name]: good },
        broken: { [name]: at(fault.broken) },
        mended: { [name]: at(fault.mended) },
      }
      app = await startRouterApp({
        providers: () => configs[config],
        onError: (error, _req, res) => {
          failure = error
          res.status(error.status).end()
        },
      })
    })
    afterAll(async () => {
      await app.close()
      await fault.close()
      await emulator.close()
    })

    /** One login; resolves to the status of its last answer, and how long that took. */
    async function login(browser: Browser, which: typeof config) {
      config = which
      failure = undefined
      let started = performance.now()
      const begun = await browser.get(`${app.origin}/auth/${name}`)
      if (begun.status !== 302) return { status: begun.status, took: performance.now() - started }
      const callback = await emulator.approve(begun.headers.get('location') ?? '')
      started = performance.now()
      const finished = await browser.get(callback)
      return { status: finished.status, took: performance.now() - started }
    }

    test('is provider_unreachable in time, leaves no socket, and the next try logs in', async () => {
      const browser = new Browser()
      expect(await login(browser, 'good')).toMatchObject({ status: 303 })
      const before = openSockets()
      const { status, took } = await login(browser, 'broken')
      expect(status).toBe(502)
      expect(failure).toMatchObject({ code: 'provider_unreachable', provider: name, phase: endpoint, retryable: true })
      expect(causesOf(failure)).toMatch(fault.cause)
      expect(took).toBeLessThan(TIMEOUT + 200)
      await until(() => openSockets() <= before && (fault.server?.open() ?? 0) === 0)
      expect(openSockets()).toBeLessThanOrEqual(before)
      if (fault.server)
        expect({ open: fault.server.open(), came: fault.server.accepted() > 0 }).toEqual({ open: 0, came: true })
      expect(await login(browser, 'mended')).toMatchObject({ status: 303 })
      // Jest fails the test that an unhandled rejection falls into: let late ones come.
      await new Promise((resolve) => setImmediate(resolve))
    })
  })
})

function forwarder(origin: string): Parameters<typeof startFront>[0] {
  return (req, res) => {
    forward(req, origin).then(
      ({ status, body }) => res.writeHead(status, { 'content-type': 'application/json' }).end(body),
      () => res.destroy(),
    )
  }
}

/** The codes and messages of an error and of everything that caused it. */
function causesOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const of = (name: string) => String(Reflect.get(error, name) ?? '')
  return `${of('code')} ${of('message')}\n${causesOf(Reflect.get(error, 'cause'))}`
}

/** Connections of this process, both ends of those to its own servers. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /TCPSocketWrap|TLSWrap/.test(kind)).length
}

async function until(done: () => boolean): Promise<void> {
  for (let waited = 0; !done() && waited < 2000; waited += 10) await new Promise((resolve) => setTimeout(resolve, 10))
}
