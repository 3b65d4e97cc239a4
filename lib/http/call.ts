import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type ErrorContext, OAuthError } from '../errors'
import { log } from '../log'
import { bareAddress } from '../redact'
import { ownAgent } from './agent'
import { decodeStream, decodeText, decodeWhole, isEncoded } from './decode'
import { dispatch, type OpenResponse } from './dispatch'
import { CallBounds, type CallLimits } from './limits'
import { dispatchOptions, type OpenRequest, openOptions, type ProviderRequest } from './request'

/** A response with its whole body. */
export interface RawResponse {
  status: number
  headers: IncomingHttpHeaders
  /** The whole body, strictly decoded. */
  text: string
}

/**
 * Makes one call to a provider; all calls go through this file. Connections are kept alive. One deadline covers the
 * whole call, the size limit applies after decompression, redirects are not followed, and the body must be UTF-8.
 * Responses with any status but 3xx are returned as they are.
 *
 * @throws OAuthError `provider_unreachable`, `provider_timeout`, `provider_redirected`, `response_too_large`,
 * `response_invalid`; `internal_error` if HTTP does not allow the request
 */
export function callProvider(request: ProviderRequest, limits: CallLimits, where: ErrorContext): Promise<RawResponse> {
  const { url, method } = request
  const bounds = new CallBounds(url, limits, where)
  const call: Call = {
    url,
    method,
    options: dispatchOptions(request, limits),
    bounds,
    limits,
    where,
    signal: undefined,
  }
  return send(call, async (response) => {
    const { status, headers } = response
    const body = await response.bytes()
    const bytes = isEncoded(headers) ? await decodeWhole(body, headers, limits.maxResponseBytes) : body
    return { status, headers, text: decodeText(bytes) }
  })
}

/**
 * A call to a provider's API whose body the app reads itself, decompressed. The deadline covers the time until the
 * headers, and {@link OpenResponse.bytes} as a whole; a streamed body may not pause for longer. Redirects are not
 * followed.
 *
 * @throws OAuthError `provider_unreachable`, `provider_timeout`, `provider_redirected`; `internal_error` if HTTP does not
 * allow the request; the signal's own reason
 */
export async function openProvider(
  request: OpenRequest,
  limits: CallLimits,
  where: ErrorContext,
): Promise<OpenResponse> {
  const { url, method, body, signal } = request
  const bounds = new CallBounds(url.href, limits, where, true)
  const call: Call = { url: url.href, method, options: openOptions(request, limits), bounds, limits, where, signal }
  try {
    signal?.throwIfAborted()
    return await send(call, (response) => decoded(response, call))
  } catch (error) {
    if (body instanceof Readable) body.on('error', () => {}).destroy()
    throw error
  }
}

interface Call {
  url: string
  method: string
  options: Dispatcher.DispatchOptions
  bounds: CallBounds
  limits: CallLimits
  where: ErrorContext
  signal: AbortSignal | undefined
}

async function send<T>(call: Call, read: (response: OpenResponse) => T | Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    const dispatcher = call.limits.dispatcher ?? ownAgent()
    const response = await dispatch(dispatcher, call.options, call.bounds, call.signal)
    const result = await read(response)
    logCall(call, response.status, started)
    return result
  } catch (error) {
    const failure = failureOf(error, call)
    logCall(call, failure, started)
    throw failure
  }
}

/** The reason of the app's own signal takes precedence. */
function failureOf(error: unknown, { signal, bounds }: Call): unknown {
  return signal?.aborted ? signal.reason : bounds.failureOf(error)
}

function decoded(response: OpenResponse, call: Call): OpenResponse {
  const { status, headers } = response
  const coded = isEncoded(headers)
  return {
    status,
    headers: coded ? withoutCoding(headers) : headers,
    async bytes() {
      try {
        const body = await response.bytes()
        return coded ? await decodeWhole(body, headers, call.limits.maxResponseBytes) : body
      } catch (error) {
        throw failureOf(error, call)
      }
    },
    stream: () => (coded ? decodeStream(response.stream(), headers) : response.stream()),
  }
}

/** Drops headers that describe only the compressed body. */
function withoutCoding(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'content-encoding': _coding, 'content-length': _length, ...rest } = headers
  return rest
}

function logCall({ where, method, url }: Call, outcome: unknown, started: number): void {
  if (!log.call.enabled) return
  const told = OAuthError.is(outcome) ? outcome.code : outcome
  const ms = Math.round(performance.now() - started)
  log.call('%s %s: %s %s: %s in %d ms', where.provider, where.phase, method, bareAddress(url), told, ms)
}
