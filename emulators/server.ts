import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { checkFault, checkTimes, DECOY, type Fault, sendFaulty, type TokenNames } from './faults'
import type { ForgeryQueue } from './forgery'
import type { IdTokenKeys } from './id-token'
import type { Grant, Ledger } from './ledger'
import { encode, type Reply } from './reply'
import type { EmulatorRequest, EmulatorUser, FaultEndpoint } from './types'

export type { Reply }

/** A request, as a route's handler gets it. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

/** One route of a provider. */
export interface Route {
  /** The HTTP method; `*` is any. */
  method: string
  path: string | RegExp
  /** If several routes share an address: whether a request is for this route. Default: every request is. */
  when?(call: Call): boolean
  endpoint: FaultEndpoint
  /**
   * How a token endpoint that also refreshes recognises a refresh. `true`: by `grant_type` in its form or JSON. A name: by
   * the parameter of that name, in query, form or JSON. A function: by the whole request.
   */
  refreshes?: boolean | string | ((call: Call) => boolean)
  /** Answers the request; `undefined` is a 404. */
  handle(call: Call): Reply | undefined
  /** For an address that the browser opens: redirects with one of the provider's errors, for the fault `refused`. */
  sendBack?(call: Call, error: string): Reply | undefined
}

/** Returns the body of a refusal in the provider's words, for a fault. */
export type Refuse = (endpoint: FaultEndpoint, status: number, code: string | undefined, call: Call) => unknown

/** What the emulator's server needs of a provider. */
export interface Provider {
  routes: Route[]
  refuse: Refuse
  /** The headers of a refusal, if the provider puts the error into one. */
  refuseHeaders?(endpoint: FaultEndpoint, status: number, code: string | undefined): Record<string, string>
  /**
   * Members that a response must have, besides the usual ones (`access_token`, `id`, `open_id`, `sub` …). Faults spoil
   * them.
   */
  essential?: readonly string[]
  /** The provider's names for the members of the token response, if they differ from RFC 6749. Faults spoil them. */
  tokenNames?: TokenNames
  /** The ledgers with its codes and tokens. */
  ledgers?: readonly Ledger[]
  /** The grant of the token in an API call, or the provider's refusal. */
  holder?(call: Call): Grant | Reply
  /** Answers an unknown address. Default: a bare 404. */
  notFound?(call: Call): Reply
  /** Ends the application tokens early. */
  expireAppTokens?(): void
  /** The keys that sign its id_tokens. */
  idTokenKeys?: IdTokenKeys
  /** The forgeries that a test has planned. Default: those of the id_tokens. */
  forgeries?: Pick<ForgeryQueue<string>, 'plan'>
  /** The app's start URL with the provider's signed parameters. */
  signedStart?(startURL: string, shop: string | undefined): string
  /** An unsolicited code. */
  entryCode?(user: EmulatorUser): string
}

/** The server under every emulator: routes, the log of requests, and faults. */
export class EmulatorServer {
  readonly requests: EmulatorRequest[] = []
  origin = ''
  private provider: Provider = { routes: [], refuse: () => ({}), ledgers: [], holder: () => ({ status: 404 }) }
  private readonly faults: { endpoint: FaultEndpoint; fault: Fault; left: number }[] = []
  private readonly sockets = new Set<Socket>()
  private readonly closing = new AbortController()
  private readonly server = http.createServer((req, res) => {
    this.answer(req, res).catch((problem) => res.writeHead(500).end(`The emulator is at fault: ${problem}`))
  })

  /** @param onRequest called for every request once it is answered or its connection is lost */
  constructor(private readonly onRequest?: (request: EmulatorRequest) => void) {}

  async listen(port: number, host: string, provider: (origin: string) => Provider): Promise<Provider> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
      socket.on('error', () => {}) // raw faults bypass http's error handling
    })
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, resolve)
    })
    const address = this.server.address() as AddressInfo // a TCP server's address
    // An address that means "every interface" is no address to send anyone to.
    const reached = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
    this.origin = `http://${reached.includes(':') ? `[${reached}]` : reached}:${address.port}`
    this.provider = provider(this.origin)
    return this.provider
  }

  /** The steps of this provider after the consent, in order. */
  steps(): FaultEndpoint[] {
    const { routes } = this.provider
    return STEPS.filter((step) =>
      routes.some(({ endpoint, refreshes }) => endpoint === step || (refreshes && step === 'refresh')),
    )
  }

  failNext(endpoint: FaultEndpoint, fault: Fault, times: number): void {
    checkFault(endpoint, fault)
    checkTimes(times)
    if (times > 0) this.faults.push({ endpoint, fault, left: times })
  }

  /** Closes every connection; after this the emulator does not keep the process alive. */
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
    const route = this.provider.routes.find(
      ({ method, path, when }) =>
        (method === call.method || method === '*') && isAt(path, call) && (when?.(call) ?? true),
    )
    const endpoint = route && isRefresh(route, call) ? 'refresh' : (route?.endpoint ?? 'request')
    const request: EmulatorRequest = { ...call, query: Object.fromEntries(call.query), endpoint, at: Date.now() }
    this.log(request, res)
    if (call.path === DECOY.path) return void res.writeHead(200, DECOY.headers).end(DECOY.body)
    const compute = () => route?.handle(call) ?? this.provider.notFound?.(call) ?? { status: 404 }
    const at = this.faults.findIndex((fault) => fault.endpoint === endpoint)
    const planned = this.faults[at]
    if (planned && --planned.left <= 0) this.faults.splice(at, 1)
    const language = call.headers['accept-language']
    if (!planned) return send(compute(), res, language)
    request.fault = planned.fault
    const error = /^refused(?::(.+))?$/.exec(planned.fault)
    const back = error && route?.sendBack?.(call, error[1] ?? 'server_error')
    if (back) return send(back, res, language)
    const refuse = (status: number, code: string | undefined): Reply => ({
      status,
      headers: this.provider.refuseHeaders?.(endpoint, status, code) ?? {},
      json: this.provider.refuse(endpoint, status, code, call),
    })
    sendFaulty(planned.fault, compute, res, {
      refuse,
      origin: this.origin,
      language,
      signal: this.closing.signal,
      essential: this.provider.essential,
      tokenNames: this.provider.tokenNames,
    })
  }

  private log(request: EmulatorRequest, res: ServerResponse): void {
    this.requests.push(request)
    res.once('close', () => {
      if (res.headersSent) request.status = res.statusCode
      this.onRequest?.(request)
    })
    // So that a long run does not fill the memory.
    if (this.requests.length >= 2 * LOGGED) this.requests.splice(0, LOGGED)
  }
}

function isAt(path: Route['path'], call: Call): boolean {
  return typeof path === 'string' ? path === call.path : path.test(call.path)
}

function isRefresh({ refreshes }: Route, call: Call): boolean {
  if (typeof refreshes === 'function') return refreshes(call)
  if (refreshes === undefined || refreshes === false) return false
  const name = refreshes === true ? 'grant_type' : refreshes
  return (formOf(call).get(name) ?? jsonOf(call)[name] ?? call.query.get(name)) === 'refresh_token'
}

const STEPS = ['code', 'appToken', 'token', 'keys', 'profile', 'refresh', 'revoke', 'request'] as const

/** At least this many recent requests are kept. */
const LOGGED = 10_000

/** The parameters of a form body. */
export function formOf(call: Call): URLSearchParams {
  return new URLSearchParams(call.body)
}

/** The members of a JSON body; none if it is not an object. */
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

/** The first repeated name. */
export function repeated(params: URLSearchParams): string | undefined {
  const names = [...params.keys()]
  return names.find((name, at) => names.indexOf(name) !== at)
}

/** The token of a Bearer header. */
export function bearerOf(call: Call): string | undefined {
  return /^Bearer ([^ ]+)$/i.exec(call.headers.authorization ?? '')?.[1]
}

function send(reply: Reply, res: ServerResponse, language?: string): void {
  const { status, headers, body } = encode(reply, language)
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
