import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { checkFault, DECOY, type Fault, sendFaulty } from './faults'
import { encode, type Reply } from './reply'
import type { EmulatorRequest, FaultEndpoint } from './types'

export type { Reply }

/** A request, as a provider's handler reads it. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

export interface Route {
  method: string
  path: string
  /** The turn; a function where one address serves two (a token endpoint that refreshes too). */
  endpoint: FaultEndpoint | ((call: Call) => FaultEndpoint)
  /** `undefined`: there is nothing at this address after all. */
  handle(call: Call): Reply | undefined
}

/** How a provider words a refusal that a test asks for. */
export type Refuse = (endpoint: FaultEndpoint, status: number, code: string | undefined) => unknown

/** What a server needs of a provider. */
export interface Provider {
  routes: Route[]
  refuse: Refuse
  /** Members that an answer is of no use without, beside the usual ones (`access_token`, `id`, `open_id`, `sub` …): faults spoil them. */
  essential?: readonly string[]
  /** Default: a bare 404. */
  notFound?(call: Call): Reply
}

/** The server under every emulator: routes, the log of requests, and faults. */
export class EmulatorServer {
  readonly requests: EmulatorRequest[] = []
  origin = ''
  private provider: Provider = { routes: [], refuse: () => ({}) }
  private readonly faults: { endpoint: FaultEndpoint; fault: Fault }[] = []
  private readonly sockets = new Set<Socket>()
  private readonly closing = new AbortController()
  private readonly server = http.createServer((req, res) => {
    this.answer(req, res).catch((problem) => res.writeHead(500).end(`The emulator is at fault: ${problem}`))
  })

  async listen(port: number, host: string, provider: (origin: string) => Provider): Promise<void> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
      socket.on('error', () => {}) // raw faults write past http's own care of the socket
    })
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, resolve)
    })
    const address = this.server.address() as AddressInfo // a TCP server's, as listen() above asked
    this.origin = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
    this.provider = provider(this.origin)
  }

  failNext(endpoint: FaultEndpoint, fault: Fault, times: number): void {
    checkFault(endpoint, fault)
    for (let i = 0; i < times; i++) this.faults.push({ endpoint, fault })
  }

  /** Cuts every connection; nothing of the emulator keeps the process alive after this. */
  async close(): Promise<void> {
    this.closing.abort()
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
      for (const socket of this.sockets) socket.destroy()
    })
  }

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.on('error', () => {}) // the other side may leave at any time
    const call = await readCall(req).catch(() => undefined)
    if (!call) return void (res.destroyed || send({ status: 400, headers: { connection: 'close' } }, res))
    const route = this.provider.routes.find(({ method, path }) => method === call.method && path === call.path)
    const endpoint = typeof route?.endpoint === 'function' ? route.endpoint(call) : (route?.endpoint ?? 'request')
    this.log({ ...call, query: Object.fromEntries(call.query), endpoint, at: Date.now() })
    if (call.path === DECOY.path) return void res.writeHead(200, DECOY.headers).end(DECOY.body)
    const compute = () => route?.handle(call) ?? this.provider.notFound?.(call) ?? { status: 404 }
    const at = this.faults.findIndex((planned) => planned.endpoint === endpoint)
    const planned = at < 0 ? undefined : this.faults.splice(at, 1)[0]
    if (!planned) return send(compute(), res)
    const refuse = (status: number, code: string | undefined) => this.provider.refuse(endpoint, status, code)
    sendFaulty(planned.fault, compute, res, {
      refuse,
      origin: this.origin,
      signal: this.closing.signal,
      essential: this.provider.essential,
    })
  }

  private log(request: EmulatorRequest): void {
    this.requests.push(request)
    // A long run must not fill the memory.
    if (this.requests.length >= 2 * LOGGED) this.requests.splice(0, LOGGED)
  }
}

/** At least this many of the last requests are kept. */
const LOGGED = 10_000

/** Parameters of a form body. */
export function formOf(call: Call): URLSearchParams {
  return new URLSearchParams(call.body)
}

/** Members of a JSON body; none where it is no object. */
export function jsonOf(call: Call): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(call.body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** The content type as sent, in lower case, with its parameters. */
export function contentType(call: Call): string {
  return (call.headers['content-type'] ?? '').toLowerCase()
}

/** The content type without its parameters. */
export function mediaType(call: Call): string {
  return contentType(call).split(';', 1)[0]?.trim() ?? ''
}

export const FORM = 'application/x-www-form-urlencoded'

/** The first name that stands twice. */
export function repeated(params: URLSearchParams): string | undefined {
  const names = [...params.keys()]
  return names.find((name, at) => names.indexOf(name) !== at)
}

/** The token of a bearer header. */
export function bearerOf(call: Call): string | undefined {
  return /^Bearer ([^ ]+)$/i.exec(call.headers.authorization ?? '')?.[1]
}

function send(reply: Reply, res: ServerResponse): void {
  const { status, headers, body } = encode(reply)
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

const MAX_BODY = 56 * 1024

async function readCall(req: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    size += chunk.length
    if (size > MAX_BODY) throw new Error('body too large')
    chunks.push(chunk)
  }
  const target = req.url ?? '/'
  const { pathname, searchParams } = new URL(target.startsWith('/') ? `http://emulator${target}` : target)
  const body = Buffer.concat(chunks).toString('utf8')
  return { method: req.method ?? 'GET', path: pathname, query: searchParams, headers: req.headers, body }
}
