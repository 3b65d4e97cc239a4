import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { checkFault, DECOY, type Fault, sendFaulty, type TokenNames } from './faults'
import type { ForgeryQueue } from './forgery'
import type { IdTokenKeys } from './id-token'
import type { Grant, Ledger } from './ledger'
import { encode, type Reply } from './reply'
import type { EmulatorRequest, EmulatorUser, FaultEndpoint } from './types'

export type { Reply }

/** A request, as a provider's handler reads it. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

/** One address of a provider. */
export interface Route {
  /** `*`: any. */
  method: string
  path: string | RegExp
  /** Where several share one address: whether a request is for this one. Default all. */
  when?(call: Call): boolean
  endpoint: FaultEndpoint
  /**
   * A token endpoint that refreshes too. `true`: `grant_type` in its form or JSON says which it is; a name: the
   * parameter of that name does, in query, form or JSON; a function tells by the whole request.
   */
  refreshes?: boolean | string | ((call: Call) => boolean)
  /** `undefined`: there is nothing at this address after all. */
  handle(call: Call): Reply | undefined
  /** An address of the browser's: where it is sent with the provider's error, for the fault `refused`. */
  sendBack?(call: Call, error: string): Reply | undefined
}

/** How a provider words a refusal that a test asks for. */
export type Refuse = (endpoint: FaultEndpoint, status: number, code: string | undefined, call: Call) => unknown

/** What a server needs of a provider. */
export interface Provider {
  routes: Route[]
  refuse: Refuse
  /** Headers beside what `refuse` says, where the provider's verdict stands in one. */
  refuseHeaders?(endpoint: FaultEndpoint, status: number, code: string | undefined): Record<string, string>
  /** Members that an answer is of no use without, beside the usual ones (`access_token`, `id`, `open_id`, `sub` …): faults spoil them. */
  essential?: readonly string[]
  /** What the provider calls the members of a token answer, where not as RFC 6749 does: faults spoil these. */
  tokenNames?: TokenNames
  /** Where its codes and tokens are. */
  ledgers?: readonly Ledger[]
  /** Whose token an API call brings, or the provider's refusal. */
  holder?(call: Call): Grant | Reply
  /** Default: a bare 404. */
  notFound?(call: Call): Reply
  /** The application's token dies before its time. */
  expireAppTokens?(): void
  /** What signs its id_tokens. */
  idTokenKeys?: IdTokenKeys
  /** What a test wants forged; default of id_tokens. */
  forgeries?: Pick<ForgeryQueue<string>, 'plan'>
  /** The app's start URL, as the provider opens it: with parameters that it has signed. */
  signedStart?(startURL: string, shop: string | undefined): string
  /** A code that no one asked for. */
  entryCode?(user: EmulatorUser): string
}

/** The server under every emulator: routes, the log of requests, and faults. */
export class EmulatorServer {
  readonly requests: EmulatorRequest[] = []
  origin = ''
  private provider: Provider = { routes: [], refuse: () => ({}), ledgers: [], holder: () => ({ status: 404 }) }
  private readonly faults: { endpoint: FaultEndpoint; fault: Fault }[] = []
  private readonly sockets = new Set<Socket>()
  private readonly closing = new AbortController()
  private readonly server = http.createServer((req, res) => {
    this.answer(req, res).catch((problem) => res.writeHead(500).end(`The emulator is at fault: ${problem}`))
  })

  /** @param onRequest told of every request once it is answered, or once its connection is gone */
  constructor(private readonly onRequest?: (request: EmulatorRequest) => void) {}

  async listen(port: number, host: string, provider: (origin: string) => Provider): Promise<Provider> {
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
    // An address that means "every interface" is no address to send anyone to.
    const reached = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
    this.origin = `http://${reached.includes(':') ? `[${reached}]` : reached}:${address.port}`
    this.provider = provider(this.origin)
    return this.provider
  }

  /** The turns of this provider after the consent, in the order of a conversation. */
  steps(): FaultEndpoint[] {
    const { routes } = this.provider
    return STEPS.filter((step) =>
      routes.some(({ endpoint, refreshes }) => endpoint === step || (refreshes && step === 'refresh')),
    )
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
    const route = this.provider.routes.find(
      ({ method, path, when }) =>
        (method === call.method || method === '*') && isAt(path, call) && (when?.(call) ?? true),
    )
    const endpoint = route && isRefresh(route, call) ? 'refresh' : (route?.endpoint ?? 'request')
    const request: EmulatorRequest = { ...call, query: Object.fromEntries(call.query), endpoint, at: Date.now() }
    this.log(request, res)
    if (call.path === DECOY.path) return void res.writeHead(200, DECOY.headers).end(DECOY.body)
    const compute = () => route?.handle(call) ?? this.provider.notFound?.(call) ?? { status: 404 }
    const at = this.faults.findIndex((planned) => planned.endpoint === endpoint)
    const planned = at < 0 ? undefined : this.faults.splice(at, 1)[0]
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
    // A long run must not fill the memory.
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
