import { promisify } from 'node:util'
import type { Dispatcher } from 'undici'
import { CallBounds, type CallLimits } from './call-bounds'
import { type ErrorCode, OAuthError, type Phase } from './errors'
import { exchange } from './exchange'
import { lazily } from './lazily'
import { log } from './log'
import type { ProviderRequest } from './provider-request'
import { bareAddress } from './redact'
import { strictUTF8 } from './strict-utf8'
import { dispatchOptions } from './wire-request'

export type { Json, JsonObject, Params, ProviderRequest } from './provider-request'

export interface ProviderAnswer {
  status: number
  /** The whole body, strictly decoded. */
  text: string
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
  const started = performance.now()
  const bounds = new CallBounds(request.url, limits, where)
  try {
    const options = dispatchOptions(request, limits.customHeaders)
    const { status, headers, body } = await exchange(dispatcherOf(limits), options, bounds)
    logCall(where, request.method, request.url, status, started)
    const encoding = headers['content-encoding']
    const bytes = encoding === undefined ? body : await decompress(body, encoding, limits.maxResponseBytes)
    return { status, text: strictUTF8(bytes) }
  } catch (error) {
    const failure = OAuthError.is(error) ? error : bounds.failure(transportFailure(error), withoutBytes(error))
    logCall(where, request.method, request.url, failure, started)
    throw failure
  }
}

/** The app's own dispatcher, or ours. */
export function dispatcherOf(limits: Pick<CallLimits, 'dispatcher'>): Dispatcher {
  return limits.dispatcher ?? ownAgent()
}

const ownAgent = lazily((): Dispatcher => {
  const { Agent } = require('undici') as typeof import('undici') // what stands there
  // Ten seconds of keep-alive where the provider names none: most front ends keep 15 s or more.
  return new Agent({ keepAliveTimeout: 10_000, keepAliveMaxTimeout: 60_000, connect: { timeout: 30_000 } })
})

export function logCall(
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

const decoders = lazily(() => {
  const { brotliDecompress, gunzip, inflate } = require('node:zlib') as typeof import('node:zlib') // what stands there
  return {
    gzip: promisify(gunzip),
    'x-gzip': promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress),
  }
})

export async function decompress(body: Buffer, encoding: string | string[] | undefined, cap: number): Promise<Buffer> {
  const name = String(encoding ?? 'identity').toLowerCase()
  if (name === 'identity' || body.length === 0) return body
  const known = decoders()
  const decode = Object.hasOwn(known, name) ? known[name as keyof typeof known] : undefined // a key that is its own
  if (!decode) throw Object.assign(new Error(`unknown content-encoding`), { code: 'UNKNOWN_ENCODING' })
  return decode(body, { maxOutputLength: cap })
}

export function transportFailure(error: unknown): ErrorCode {
  const code = errorCode(error)
  if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'response_too_large'
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'provider_timeout'
  if (/^(Z_|ERR_ENCODING|ERR__?ERROR_|UNKNOWN_ENCODING|HPE_)/.test(code)) return 'response_invalid'
  return 'provider_unreachable'
}

/** undici's parser quotes what it could not read: a token maybe. */
export function withoutBytes(error: unknown): unknown {
  if (error instanceof Error && 'data' in error) Reflect.deleteProperty(error, 'data')
  return error
}

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
