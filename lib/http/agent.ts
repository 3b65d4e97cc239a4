import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import type { Agent, Dispatcher } from 'undici'
import { lazily } from '../util/lazily'
import type { Transport } from './limits'
import { NameLookups } from './lookup'

/** How long an idle connection is kept, in milliseconds: if the server does not say, and at most. */
const REST_MS = 10_000
const MOST_REST_MS = 60_000

/**
 * How long to wait for a connection to one of several addresses before trying the next, in milliseconds. Node's 250 are
 * too few for a handshake between continents; a lost first packet is resent after a second.
 */
const ATTEMPT_MS = 2500

/** Sends the calls of an app without a `dispatcher`. */
export const ownAgent = lazily(() => new OwnAgent())

/** The calls of a new process: those of its first hundred logins, and some more. */
const COLD_CALLS = 300

/**
 * Uses Node's own client at first, behind undici's dispatcher interface, and undici once the process is warm. undici
 * takes 0.1 ms less CPU per call (a login makes two), but 33 ms and 11 MiB to load, which the first logins do not wait
 * for.
 */
export class OwnAgent implements Transport {
  private calls = 0
  private readonly plain: http.Agent
  private readonly secure: () => http.Agent
  private readonly warm: () => Transport

  /** @param coldCalls how many calls use Node's client */
  constructor(
    { lookup } = new NameLookups(),
    private readonly coldCalls = COLD_CALLS,
  ) {
    const options = { keepAlive: true, timeout: REST_MS, lookup, autoSelectFamilyAttemptTimeout: ATTEMPT_MS }
    this.plain = resting(new http.Agent(options))
    this.secure = lazily(() => resting(new (https().Agent)(options)))
    this.warm = lazily(() => undiciAgent(lookup))
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.calls++ >= this.coldCalls) return this.warm().dispatch(options, handler)
    const { path, method, body, bodyTimeout } = options
    const { protocol, hostname, port } = new URL(String(options.origin))
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    const headers = options.headers as Record<string, string> // see request.ts
    const isSecure = protocol === 'https:'
    const agent = isSecure ? this.secure() : this.plain
    const request = (isSecure ? https() : http).request({ agent, protocol, host, port, path, method, headers })
    const exchange = new Exchange(request, handler)
    if (bodyTimeout) request.setTimeout(bodyTimeout, () => exchange.stall())
    handler.onRequestStart?.(exchange, {})
    if (body === null || body === undefined || typeof body === 'string' || body instanceof Uint8Array) request.end(body)
    else pipeline(body instanceof Readable ? body : Readable.from(body), request, () => {}) // see openOptions
    return true
  }
}

function undiciAgent(lookup: NameLookups['lookup']): Transport {
  return new (loadAgent())({
    keepAliveTimeout: REST_MS,
    keepAliveMaxTimeout: MOST_REST_MS,
    connect: { timeout: 30_000, autoSelectFamilyAttemptTimeout: ATTEMPT_MS, lookup },
  })
}

/**
 * Loads only undici's Agent; the whole package, with fetch, WebSocket and caches, takes four times as long. The file is
 * not a documented entry point: if it has changed, the whole package is loaded.
 */
function loadAgent(): typeof Agent {
  try {
    const found: unknown = require('undici/lib/dispatcher/agent.js')
    if (isAgent(found)) return found
  } catch {
    // Another layout: load the whole package.
  }
  return (require('undici') as typeof import('undici')).Agent // `require` has no type of its own
}

function isAgent(found: unknown): found is typeof Agent {
  return typeof found === 'function' && typeof found.prototype?.dispatch === 'function'
}

const https = lazily(() => require('node:https') as typeof import('node:https')) // a plain http app needs no TLS

/** One request and its response, reported to a handler. */
class Exchange implements Dispatcher.DispatchController {
  aborted = false
  reason: Error | null = null
  private response: IncomingMessage | undefined

  constructor(
    private readonly request: ClientRequest,
    private readonly handler: Dispatcher.DispatchHandler,
  ) {
    request.on('information', ({ statusCode, headers }) => handler.onResponseStart?.(this, statusCode, headers, ''))
    request.on('response', (response) => this.read(response))
    request.on('error', (error) => handler.onResponseError?.(this, error))
  }

  get paused(): boolean {
    return this.response?.isPaused() ?? false
  }

  pause(): void {
    this.response?.pause()
  }

  resume(): void {
    this.response?.resume()
  }

  abort(reason: Error): void {
    this.aborted = true
    this.reason = reason
    this.request.destroy(reason)
  }

  /** Ends a response that has paused too long, unless the app itself is not reading. */
  stall(): void {
    if (!this.response || this.paused) return
    this.request.destroy(Object.assign(new Error('The body pauses.'), { code: 'ETIMEDOUT' }))
  }

  private read(response: IncomingMessage): void {
    const { handler } = this
    this.response = response
    rests.set(response.socket, restOf(response))
    response.on('data', (chunk) => handler.onResponseData?.(this, chunk))
    response.on('end', () => handler.onResponseEnd?.(this, {}))
    response.on('error', (error) => handler.onResponseError?.(this, error))
    handler.onResponseStart?.(this, response.statusCode ?? 0, response.headers, response.statusMessage)
  }
}

/** How long each connection may stay idle after its last response. */
const rests = new WeakMap<Socket, number>()

/** A second less than the server says, so that the server does not close the connection just as it is reused. */
function restOf({ headers }: IncomingMessage): number {
  const told = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(String(headers['keep-alive'] ?? ''))?.[1]
  return told === undefined ? REST_MS : Math.min(Number(told) * 1000 - 1000, MOST_REST_MS)
}

/** Node's agent keeps a connection exactly as long as the server says, so both would close it at the same moment. */
function resting(agent: http.Agent): http.Agent {
  const keep = agent.keepSocketAlive.bind(agent)
  const keepSocketAlive = (socket: Socket) => {
    const ms = rests.get(socket) ?? REST_MS
    if (ms <= 0) return false
    const isKept = keep(socket)
    socket.setTimeout(ms)
    return isKept
  }
  return Object.assign(agent, { keepSocketAlive })
}
