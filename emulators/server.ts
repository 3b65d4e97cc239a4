import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { checkFault, type Fault, sendFaulty } from './faults'
import type { EmulatorRequest, FaultEndpoint } from './types'

/** A request, as a provider's handler reads it. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

/** An answer: one of `json`, `html` and `location`, or an empty body. */
export interface Reply {
  status?: number
  headers?: Record<string, string>
  json?: unknown
  html?: string
  location?: string
}

export interface Route {
  method: string
  path: string
  /** The turn; a function where one address serves two (a token endpoint that refreshes too). */
  endpoint: FaultEndpoint | ((call: Call) => FaultEndpoint)
  handle(call: Call): Reply
}

/** How a provider words a refusal that a test asks for. */
export type Refuse = (endpoint: FaultEndpoint, status: number, code: string | undefined) => unknown

/** What a server needs of a provider. */
export interface Provider {
  routes: Route[]
  refuse: Refuse
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
  private readonly server = http.createServer((req, res) => void this.answer(req, res))

  async listen(port: number, host: string, provider: (origin: string) => Provider): Promise<void> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
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
    checkFault(fault)
    for (let i = 0; i < times; i++) this.faults.push({ endpoint, fault })
  }

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
    if (!call) return
    const route = this.provider.routes.find(({ method, path }) => method === call.method && path === call.path)
    const endpoint = typeof route?.endpoint === 'function' ? route.endpoint(call) : (route?.endpoint ?? 'request')
    this.requests.push({ ...call, query: Object.fromEntries(call.query), endpoint, at: Date.now() })
    const reply = route?.handle(call) ?? this.provider.notFound?.(call) ?? { status: 404 }
    const at = this.faults.findIndex((planned) => planned.endpoint === endpoint)
    const planned = at < 0 ? undefined : this.faults.splice(at, 1)[0]
    if (planned) {
      const refuse = (status: number, code: string | undefined) => this.provider.refuse(endpoint, status, code)
      sendFaulty(planned.fault, reply, res, { refuse, origin: this.origin, signal: this.closing.signal })
    } else {
      send(reply, res)
    }
  }
}

/** Parameters of a form body. */
export function formOf(call: Call): URLSearchParams {
  return new URLSearchParams(call.body)
}

export function contentType(call: Call): string {
  return String(call.headers['content-type'] ?? '').toLowerCase()
}

/** The first name that stands twice. */
export function repeated(params: URLSearchParams): string | undefined {
  const names = [...params.keys()]
  return names.find((name, at) => names.indexOf(name) !== at)
}

function send(reply: Reply, res: ServerResponse): void {
  const { status = reply.location === undefined ? 200 : 302, headers = {} } = reply
  if (reply.location !== undefined) res.setHeader('location', reply.location)
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (reply.json !== undefined) {
    res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(reply.json))
  } else if (reply.html !== undefined) {
    res.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(reply.html)
  } else {
    res.writeHead(status).end()
  }
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
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://emulator')
  const body = Buffer.concat(chunks).toString('utf8')
  return { method: req.method ?? 'GET', path: pathname, query: searchParams, headers: req.headers, body }
}
