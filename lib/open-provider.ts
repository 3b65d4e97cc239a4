import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type CallLimits, OpenBounds } from './call-bounds'
import { OAuthError, type Phase } from './errors'
import { type OpenExchange, openExchange } from './open-exchange'
import { decompress, dispatcherOf, logCall, transportFailure, withoutBytes } from './provider-call'
import { lowerCase, USER_AGENT } from './wire-request'

/** A request to a provider's API as an app writes it. */
export interface OpenRequest {
  url: URL
  method: string
  headers: Record<string, string>
  body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
  /** The app's own: it ends the request and the body. */
  signal: AbortSignal | undefined
}

/** An answer whose body has not been read. */
export interface OpenAnswer {
  status: number
  headers: OpenExchange['headers']
  /** The body as it comes in, without a size cap and not decompressed. */
  stream(): Readable
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
  const { url, method, body, signal } = request
  const started = performance.now()
  const bounds = new OpenBounds(url.href, limits, where)
  const failed = (error: unknown): unknown => {
    if (signal?.aborted) return signal.reason
    if (OAuthError.is(error)) return error
    return bounds.failure(transportFailure(error), withoutBytes(error))
  }
  try {
    signal?.throwIfAborted()
    const sent = openExchange(dispatcherOf(limits), optionsOf(request, limits), bounds, signal)
    const answer = await sent
    logCall(where, method, url, answer.status, started)
    const { status, headers } = answer
    return {
      status,
      headers,
      stream: () => answer.stream(),
      async bytes() {
        try {
          const wire = await answer.bytes()
          const encoding = headers['content-encoding']
          return encoding === undefined ? wire : await decompress(wire, encoding, limits.maxResponseBytes)
        } catch (error) {
          throw failed(error)
        }
      },
    }
  } catch (error) {
    const failure = failed(error)
    if (body instanceof Readable) body.on('error', () => {}).destroy()
    logCall(where, method, url, failure, started)
    throw failure
  }
}

/** The whole body of an answer, and the same answer to hand on, whose body can be read once more. @throws as its `bytes` */
export async function readAhead(answer: OpenAnswer): Promise<{ body: Buffer; answer: OpenAnswer }> {
  const body = await answer.bytes()
  // Decompressed by now, so that these two are not true any more.
  const { 'content-encoding': encoding, 'content-length': length, ...rest } = answer.headers
  const headers = encoding === undefined ? answer.headers : rest
  return {
    body,
    answer: { status: answer.status, headers, stream: () => Readable.from([body]), bytes: async () => body },
  }
}

function optionsOf({ url, method, headers, body }: OpenRequest, limits: CallLimits): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: method as Dispatcher.HttpMethod, // undici refuses what is none
    headers: { accept: 'application/json', 'user-agent': USER_AGENT, ...lowerCase(limits.customHeaders), ...headers },
    body: (body ?? null) as Exclude<Dispatcher.DispatchOptions['body'], undefined>, // an iterable, which its types leave out
    headersTimeout: 0,
    bodyTimeout: limits.timeout,
  }
}
