import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { type ErrorCode, OAuthError, type Phase } from './errors'
import { type Bounds, exchange } from './exchange'
import { log } from './log'
import type { ProviderRequest } from './provider-request'
import { bareAddress } from './redact'
import { dispatchOptions, lowerCase, USER_AGENT } from './wire-request'

export type { Json, JsonObject, Params, ProviderRequest } from './provider-request'

export interface ProviderAnswer {
  status: number
  /** The whole body, strictly decoded. */
  text: string
}

/** What bounds a call and how it leaves the machine. */
export interface CallLimits {
  /** Milliseconds for the whole call: DNS, connect, TLS, headers and body. */
  timeout: number
  /** Bytes of body, on the wire and after decompression. */
  maxResponseBytes: number
  dispatcher?: Dispatcher | undefined
  customHeaders?: Record<string, string> | undefined
}

/**
 * The one door to a provider. Kept-alive connections, one deadline over everything, a size cap after
 * decompression, no redirect followed, strict UTF-8. Answers of any status but 3xx come back as they are.
 *
 * @throws OAuthError `provider_unreachable`, `provider_timeout`, `provider_redirected`,
 *   `response_too_large`, `response_invalid`
 */
export async function callProvider(
  request: ProviderRequest,
  limits: CallLimits,
  where: { provider: string; phase: Phase },
): Promise<ProviderAnswer> {
  const { timeout, maxResponseBytes } = limits
  const started = performance.now()
  const fail = (code: ErrorCode, providerStatus: number) => new OAuthError(code, { ...where, providerStatus })
  const bounds: Bounds = {
    timeout,
    deadline: () =>
      new OAuthError('provider_timeout', { ...where, message: explain('provider_timeout', request.url, limits) }),
    refuseHead(status, headers) {
      if (status >= 300 && status < 400) return fail('provider_redirected', status)
      return Number(headers['content-length']) > maxResponseBytes ? fail('response_too_large', status) : undefined
    },
    refuseSize: (size, status) => (size > maxResponseBytes ? fail('response_too_large', status) : undefined),
  }
  try {
    const dispatcher = limits.dispatcher ?? (await loadHttp()).agent
    const { status, headers, body } = await exchange(dispatcher, dispatchOptions(request, limits.customHeaders), bounds)
    logCall(where, request.method, request.url, status, started)
    const encoding = headers['content-encoding']
    const bytes = encoding === undefined ? body : await decompress(body, encoding, maxResponseBytes)
    return { status, text: UTF8.decode(bytes) }
  } catch (error) {
    const code = transportFailure(error)
    const failure = OAuthError.is(error)
      ? error
      : new OAuthError(code, { ...where, message: explain(code, request.url, limits), cause: withoutBytes(error) })
    logCall(where, request.method, request.url, failure, started)
    throw failure
  }
}

/** A request to a provider's API as an app writes it. */
export interface OpenRequest {
  url: URL
  method: string
  headers: Record<string, string>
  body: string | Uint8Array | FormData | AsyncIterable<Uint8Array> | undefined
  /** The app's own: it ends the request and the body. */
  signal: AbortSignal | undefined
}

/** An answer whose body has not been read. */
export interface OpenAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Readable
  /** The whole body within the deadline and the size cap, decompressed. @throws OAuthError */
  bytes(): Promise<Buffer>
}

/**
 * A call to a provider's API whose body the app reads itself. The deadline holds until the headers are there, and for
 * {@link OpenAnswer.bytes} as a whole; a body that is streamed may not pause for longer. No redirect is followed.
 *
 * @throws OAuthError `provider_unreachable`, `provider_timeout`, `provider_redirected`; the signal's own reason
 */
export async function openProvider(
  request: OpenRequest,
  limits: CallLimits,
  where: { provider: string; phase: Phase },
): Promise<OpenAnswer> {
  const { request: send, agent } = await loadHttp()
  const { url, method, headers, body, signal } = request
  const stop = new EventEmitter() // an AbortSignal for each call costs more than all else that it needs
  let late = false
  const giveUp = () => {
    late = true
    stop.emit('abort')
  }
  const timer = setTimeout(giveUp, limits.timeout)
  const onAbort = () => void stop.emit('abort')
  const leave = () => signal?.removeEventListener('abort', onAbort)
  signal?.addEventListener('abort', onAbort)
  const started = performance.now()
  const failed = (error: unknown): unknown => {
    if (OAuthError.is(error) || signal?.aborted) return signal?.aborted ? signal.reason : error
    const code = late ? 'provider_timeout' : transportFailure(error)
    return new OAuthError(code, { ...where, message: explain(code, url.href, limits), cause: withoutBytes(error) })
  }
  try {
    signal?.throwIfAborted()
    const sent = send(url, {
      method: method as Dispatcher.HttpMethod, // undici refuses what is none
      headers: { accept: 'application/json', 'user-agent': USER_AGENT, ...lowerCase(limits.customHeaders), ...headers },
      body: body as Dispatcher.DispatchOptions['body'], // its types know Node's FormData under another name
      dispatcher: limits.dispatcher ?? agent,
      signal: stop,
      headersTimeout: 0,
      bodyTimeout: limits.timeout,
    })
    const answer = await unless(stop, sent)
    logCall(where, method, url, answer.statusCode, started)
    if (signal) answer.body.once('close', leave)
    answer.body.on('error', () => {}) // a body that nobody reads must not raise an unhandled 'error'
    const moved = answer.statusCode >= 300 && answer.statusCode < 400 && answer.statusCode !== 304
    if (moved) {
      answer.body.destroy()
      throw new OAuthError('provider_redirected', { ...where, providerStatus: answer.statusCode })
    }
    clearTimeout(timer)
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body,
      async bytes() {
        const left = limits.timeout - (performance.now() - started)
        const bodyTimer = setTimeout(giveUp, Math.max(left, 0))
        try {
          return await readBody(answer, limits, where)
        } catch (error) {
          throw failed(error)
        } finally {
          clearTimeout(bodyTimer)
        }
      },
    }
  } catch (error) {
    clearTimeout(timer)
    leave()
    const failure = failed(error)
    logCall(where, method, url, failure, started)
    throw failure
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** undici is loaded at the first call: importing the package stays cheap. */
let http: Promise<{ request: typeof import('undici').request; agent: Dispatcher }> | undefined
function loadHttp() {
  http ??= import('undici').then(({ request, Agent }) => ({
    request,
    // Ten seconds of keep-alive where the provider names none: most front ends keep 15 s or more.
    agent: new Agent({ keepAliveTimeout: 10_000, keepAliveMaxTimeout: 60_000, connect: { timeout: 30_000 } }),
  }))
  return http
}

/** The answer, or a failure at once where the wait was given up: undici hears of it only once it has a connection. */
function unless<T>(stop: EventEmitter, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    stop.once('abort', () => reject(new Error('given up')))
    answer.then(resolve, reject)
  })
}

/** The whole body, decompressed. @throws OAuthError `response_too_large`; whatever the connection throws */
async function readBody(
  { statusCode, headers, body }: { statusCode: number; headers: OpenAnswer['headers']; body: Readable },
  limits: CallLimits,
  where: { provider: string; phase: Phase },
): Promise<Buffer> {
  const tooLarge = () => new OAuthError('response_too_large', { ...where, providerStatus: statusCode })
  const chunks: Buffer[] = []
  let size = 0
  // By its events: a stream's async iterator costs about as much as the request.
  await new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      reject(tooLarge())
      body.destroy()
    }
    if (body.destroyed) return reject(body.errored ?? new Error('the body is gone'))
    if (Number(headers['content-length']) > limits.maxResponseBytes) return giveUp()
    body.once('error', reject)
    body.once('close', () => body.readableEnded || reject(new Error('the body was cut')))
    body.once('end', resolve)
    body.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limits.maxResponseBytes) giveUp()
      else chunks.push(chunk)
    })
  })
  const wire = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
  return decompress(wire, headers['content-encoding'], limits.maxResponseBytes)
}

function logCall(
  where: { provider: string; phase: Phase },
  method: string,
  url: string | URL,
  outcome: unknown,
  started: number,
) {
  if (!log.call.enabled) return
  const told = OAuthError.is(outcome) ? outcome.code : outcome
  const ms = Math.round(performance.now() - started)
  log.call('%s %s: %s %s: %s in %d ms', where.provider, where.phase, method, bareAddress(url), told, ms)
}

const decoders = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) }

async function decompress(body: Buffer, encoding: string | string[] | undefined, cap: number): Promise<Buffer> {
  const name = String(encoding ?? 'identity').toLowerCase()
  if (name === 'identity' || body.length === 0) return body
  const decode =
    name === 'x-gzip'
      ? decoders.gzip
      : Object.hasOwn(decoders, name)
        ? decoders[name as keyof typeof decoders]
        : undefined // a key that is its own
  if (!decode) throw Object.assign(new Error(`unknown content-encoding`), { code: 'UNKNOWN_ENCODING' })
  return decode(body, { maxOutputLength: cap })
}

function transportFailure(error: unknown): ErrorCode {
  const code = errorCode(error)
  if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'response_too_large'
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'provider_timeout'
  if (/^(Z_|ERR_ENCODING|ERR__?ERROR_|UNKNOWN_ENCODING|HPE_)/.test(code)) return 'response_invalid'
  return 'provider_unreachable'
}

/** undici's parser quotes what it could not read: a token maybe. */
function withoutBytes(error: unknown): unknown {
  if (error instanceof Error && 'data' in error) Reflect.deleteProperty(error, 'data')
  return error
}

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

function explain(code: ErrorCode, url: string, limits: CallLimits): string | undefined {
  const address = bareAddress(url)
  if (code === 'provider_timeout') {
    return `No whole answer from ${address} within ${limits.timeout} ms. Try again, or raise \`timeout\`.`
  }
  if (code === 'provider_unreachable') {
    return `The connection to ${address} failed or was cut. Check the address, DNS, TLS and the \`dispatcher\`.`
  }
  return undefined
}
