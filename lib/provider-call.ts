import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { type ErrorCode, OAuthError, type Phase } from './errors'
import { exchange } from './exchange'
import { bareAddress } from './redact'

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json | undefined }

/** One call to a provider, as a dialect writes it down. At most one of `form` and `json`. */
export interface ProviderRequest {
  method: 'GET' | 'POST'
  /** Absolute address; a query of its own stays. */
  url: string
  query?: Params
  /** Sent as `application/x-www-form-urlencoded`, without a charset (one provider refuses it). */
  form?: Params
  json?: JsonObject
  /** `Authorization: Basic`: user and password as they go into base64. */
  basic?: { user: string; password: string }
  /** `Authorization: Bearer` (RFC 6750 §2.1). */
  bearer?: string
}

/** Parameters by name; those that are `undefined` are left out. */
export type Params = Record<string, string | undefined>

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
  const fail = (code: ErrorCode, providerStatus: number) => new OAuthError(code, { ...where, providerStatus })
  try {
    const { status, headers, body } = await exchange(
      limits.dispatcher ?? (await ownAgent()),
      optionsOf(request, limits),
      {
        timeout,
        deadline: () =>
          new OAuthError('provider_timeout', { ...where, message: explain('provider_timeout', request, limits) }),
        refuseHead(status, headers) {
          if (status >= 300 && status < 400) return fail('provider_redirected', status)
          return Number(headers['content-length']) > maxResponseBytes ? fail('response_too_large', status) : undefined
        },
        refuseSize: (size, status) => (size > maxResponseBytes ? fail('response_too_large', status) : undefined),
      },
    )
    const encoding = headers['content-encoding']
    const bytes = encoding === undefined ? body : await decompress(body, encoding, maxResponseBytes)
    return { status, text: UTF8.decode(bytes) }
  } catch (error) {
    if (OAuthError.is(error)) throw error
    const code = transportFailure(error)
    throw new OAuthError(code, { ...where, message: explain(code, request, limits), cause: error })
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })
const USER_AGENT = 'passport-dialects'

/** undici is loaded at the first call: importing the package stays cheap. */
let agent: Promise<Dispatcher> | undefined
function ownAgent(): Promise<Dispatcher> {
  // Ten seconds of keep-alive where the provider names none: most front ends keep 15 s or more.
  const options = { keepAliveTimeout: 10_000, keepAliveMaxTimeout: 60_000, connect: { timeout: 30_000 } }
  agent ??= import('undici').then(({ Agent }) => new Agent(options))
  return agent
}

function optionsOf(request: ProviderRequest, limits: CallLimits): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = addressOf(request)
  return {
    origin,
    path: pathname + search,
    method: request.method,
    headers: headersOf(request, limits.customHeaders),
    body: bodyOf(request) ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
  }
}

function addressOf({ url, query }: ProviderRequest): URL {
  const address = new URL(url)
  if (!query) return address
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, value)
  }
  return address
}

function headersOf(request: ProviderRequest, customHeaders: Record<string, string> = {}) {
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': USER_AGENT }
  for (const [name, value] of Object.entries(customHeaders)) headers[name.toLowerCase()] = value
  if (request.form) headers['content-type'] = 'application/x-www-form-urlencoded'
  if (request.json) headers['content-type'] = 'application/json'
  if (request.basic) {
    const { user, password } = request.basic
    headers.authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  }
  if (request.bearer !== undefined) headers.authorization = `Bearer ${request.bearer}`
  return headers
}

function bodyOf({ form, json }: ProviderRequest): string | undefined {
  if (json) return JSON.stringify(json)
  if (!form) return undefined
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(form)) {
    if (value !== undefined) fields.append(name, value)
  }
  return fields.toString()
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

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

function explain(code: ErrorCode, request: ProviderRequest, limits: CallLimits): string | undefined {
  const address = bareAddress(request.url)
  if (code === 'provider_timeout') {
    return `No whole answer from ${address} within ${limits.timeout} ms. Try again, or raise \`timeout\`.`
  }
  if (code === 'provider_unreachable') {
    return `The connection to ${address} failed or was cut. Check the address, DNS, TLS and the \`dispatcher\`.`
  }
  return undefined
}
