import { Readable } from 'node:stream'
import { type ErrorContext, OAuthError } from '../errors'
import type { OpenResponse } from './dispatch'
import type { CallLimits } from './limits'

/**
 * Reads the body of a response if it has at most `most` bytes, within the deadline. Also returns the response with its
 * whole body, to pass on.
 *
 * @throws OAuthError `provider_timeout`, and what the response's own body throws; the signal's own reason
 */
export async function readAhead(
  response: OpenResponse,
  most: number,
  limits: CallLimits,
  context: ErrorContext,
  signal?: AbortSignal,
): Promise<{ body: Buffer | undefined; response: OpenResponse }> {
  const { status, headers } = response
  if (Number(headers['content-length'] ?? 0) > most) return { body: undefined, response }
  const source = new BodySource(response.stream(), limits, context, signal)
  const begun = await source.read(Math.min(most, limits.maxResponseBytes))
  if (source.isEnded) {
    const body = Buffer.concat(begun)
    return { body, response: { status, headers, bytes: async () => body, stream: () => Readable.from([body]) } }
  }
  return {
    body: undefined,
    response: {
      status,
      headers,
      stream: () => source.streamAfter(begun),
      async bytes() {
        const rest = await source.read(limits.maxResponseBytes - sizeOf(begun))
        if (source.isEnded) return Buffer.concat([...begun, ...rest])
        source.stop()
        throw new OAuthError('response_too_large', { ...context, providerStatus: status })
      },
    },
  }
}

/** A body whose beginning is read before the rest. */
class BodySource {
  isEnded = false
  private readonly pieces: AsyncIterator<Buffer>

  constructor(
    private readonly stream: Readable,
    private readonly limits: CallLimits,
    private readonly context: ErrorContext,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.pieces = stream[Symbol.asyncIterator]()
  }

  /** Reads until the body ends or exceeds `most` bytes, within the deadline. */
  async read(most: number): Promise<Buffer[]> {
    const read: Buffer[] = []
    const late = () => this.stream.destroy(new OAuthError('provider_timeout', this.context))
    const timer = setTimeout(late, this.limits.timeout)
    try {
      for (let size = 0; size <= most; ) {
        const { done, value } = await this.pieces.next()
        if (done) {
          this.isEnded = true
          break
        }
        read.push(value)
        size += value.length
      }
      return read
    } catch (error) {
      if (OAuthError.is(error) || this.signal?.aborted) throw error
      throw new OAuthError('response_invalid', { ...this.context, cause: error }) // cannot be decompressed
    } finally {
      clearTimeout(timer)
    }
  }

  streamAfter(begun: readonly Buffer[]): Readable {
    const stream = Readable.from(this.all(begun))
    return stream.once('close', () => this.stop()).on('error', () => {}) // may stay unread
  }

  stop(): void {
    this.stream.destroy()
  }

  private async *all(begun: readonly Buffer[]): AsyncGenerator<Buffer> {
    yield* begun
    for (let next = await this.pieces.next(); !next.done; next = await this.pieces.next()) yield next.value
  }
}

function sizeOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((size, { length }) => size + length, 0)
}
