import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { TtlMap } from '../util/ttl-map'
import { type Flow, LegacyHandler } from './legacy-handler'
import type { CallBounds, Transport } from './limits'

/** A response whose headers have arrived. Its body waits, in a paused connection, until it is requested. */
export interface OpenResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The whole body as received, within the deadline and the size limit. @throws as {@link dispatch} */
  bytes(): Promise<Buffer>
  /** The body as a stream, without these limits. */
  stream(): Readable
}

/**
 * Sends one request through the dispatcher; resolves when the headers arrive. It uses no stream or abort signal per
 * response, which would cost more than the request itself. A GET or HEAD on a dead connection is sent once more.
 *
 * @param signal the app's own: it ends the request and the body, with its reason
 * @throws OAuthError of the limit that was exceeded, or what `bounds` makes of the dispatcher's error
 */
export function dispatch(
  dispatcher: Transport,
  options: Dispatcher.DispatchOptions,
  bounds: CallBounds,
  signal?: AbortSignal,
): Promise<OpenResponse> {
  return new Promise((resolve, reject) => {
    const send = () => dispatcher.dispatch(options, handler)
    const handler = new ResponseHandler(options, bounds, send, signal, resolve, reject)
    handler.start()
  })
}

/** How much of a body is buffered before it is requested. */
const HELD_BYTES = 64 * 1024

/** How many 1xx responses may come before the final one (RFC 9110 §15.2), so that a server cannot send them forever. */
const MOST_INTERIM = 20

class ResponseHandler extends LegacyHandler implements Dispatcher.DispatchHandler, OpenResponse {
  status = 0
  headers: IncomingHttpHeaders = {}
  private readonly body = new Collected()
  private interim = 0
  private isRepeated = false
  private isEnded = false
  private isLate = false
  private failure: { reason: unknown } | undefined
  private reader: Readable | WholeReader | undefined
  private readonly timer: NodeJS.Timeout
  private abort: ((reason: Error) => void) | undefined
  private flow: Flow = NO_FLOW

  constructor(
    private readonly options: Dispatcher.DispatchOptions,
    private readonly bounds: CallBounds,
    private readonly send: () => void,
    private readonly signal: AbortSignal | undefined,
    private readonly resolve: (response: OpenResponse) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    super()
    this.timer = setTimeout(() => this.late(), bounds.timeout)
    signal?.addEventListener('abort', this.onAbort)
  }

  start(): void {
    try {
      this.send()
    } catch (error) {
      this.fail(this.bounds.failureOf(error))
    }
  }

  // for the caller

  bytes(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const told = this.isEnded ? 0 : Number(this.headers['content-length'] ?? 0) || 0
      const refused = this.bounds.refuseSize(Math.max(this.body.size, told), this.status)
      if (refused) this.stop(refused)
      else if (this.isLate && !this.isEnded) this.stop(this.bounds.deadline())
      const failed = this.failure ?? (refused && { reason: refused }) // the whole body had arrived: nothing to stop
      if (failed) reject(failed.reason)
      else if (this.isEnded) this.handOver({ resolve })
      else {
        this.reader = { resolve, reject }
        this.flow.resume()
      }
    })
  }

  stream(): Readable {
    clearTimeout(this.timer)
    const stream = new Readable({
      read: () => this.flow.resume(),
      destroy: (error, done) => {
        if (!this.isEnded) this.stop(error ?? new Error('The body was left unread.'))
        done(error)
      },
    })
    stream.on('error', () => {}) // a body that nobody reads must not raise an unhandled 'error'
    this.reader = stream
    if (this.body.size > 0) stream.push(this.body.whole())
    if (this.failure) stream.destroy(asError(this.failure.reason))
    else if (this.isEnded) stream.push(null)
    return stream
  }

  // ---- for the dispatcher ---------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.begin((error) => controller.abort(error), controller)
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (this.failure) return
    if (status < 200) {
      if (++this.interim > MOST_INTERIM) this.stop(this.bounds.endless())
      return
    }
    this.status = status
    this.headers = headers
    const refused = this.bounds.refuseHead(status)
    if (refused) this.stop(refused)
    else this.resolve(this)
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.failure) return
    if (this.reader instanceof Readable) {
      if (!this.reader.push(chunk)) this.flow.pause()
      return
    }
    this.body.add(chunk)
    const refused = this.reader && this.bounds.refuseSize(this.body.size, this.status)
    if (refused) this.stop(refused)
    else if (!this.reader && this.body.size > HELD_BYTES) this.flow.pause()
  }

  onResponseEnd(): void {
    if (this.failure) return
    this.isEnded = true
    this.leave()
    heard.set(String(this.options.origin), performance.now())
    const { reader } = this
    if (reader instanceof Readable) reader.push(null)
    else if (reader) queueMicrotask(() => this.handOver(reader))
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.mayRepeat(error)) {
      this.isRepeated = true
      this.start()
    } else this.fail(this.bounds.failureOf(error))
  }

  protected begin(abort: (reason: Error) => void, flow: Flow): void {
    this.abort = abort
    this.flow = flow
    if (this.failure) abort(asError(this.failure.reason))
  }

  // ---- the end --------------------------------------------------------------------------------

  /**
   * RFC 9110 §9.2.2: a GET or HEAD may be repeated if its connection closed before a response. A server that closes an
   * idle connection just as it is reused either resets it or closes it in order.
   */
  private mayRepeat(error: Error): boolean {
    const { method, body, origin } = this.options
    if (this.isRepeated || this.failure || this.status !== 0) return false
    if ((method !== 'GET' && method !== 'HEAD') || body !== null) return false
    if (isReset(error)) return true
    const last = heard.get(String(origin))
    return isClosed(error) && last !== undefined && performance.now() - last > REST_MS
  }

  /** Only the first failure counts: a dispatcher reports an abort back. */
  private fail(reason: unknown): void {
    if (this.failure || this.isEnded) return
    this.failure = { reason }
    this.leave()
    this.body.drop()
    if (this.reader instanceof Readable) this.reader.destroy(asError(reason))
    else if (this.reader) this.reader.reject(reason)
    else this.reject(reason) // no effect once resolved: `bytes` and `stream` fail then
  }

  /** Ends the wait at once, even before there is a connection. */
  private stop(reason: unknown): void {
    if (this.failure) return
    this.fail(reason)
    this.abort?.(asError(reason))
  }

  private late(): void {
    this.isLate = true
    // If the app has the headers and has not requested the body, the delay is not the provider's.
    if (this.status === 0 || this.reader) this.stop(this.bounds.deadline())
  }

  /**
   * undici reuses a connection one turn of the event loop after its response ended. An earlier call, such as a
   * profile's after its token's, would open another connection.
   */
  private handOver({ resolve }: Pick<WholeReader, 'resolve'>): void {
    setImmediate(resolve, this.body.whole())
  }

  private readonly onAbort = () => this.stop(this.signal?.reason)

  private leave(): void {
    clearTimeout(this.timer)
    this.signal?.removeEventListener('abort', this.onAbort)
  }
}

/** Reset by the server: an error of the system, which names the system call. */
function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE') && 'syscall' in error
}

/** Closed in order before a response: undici's code and Node's. */
function isClosed(error: Error): boolean {
  return 'code' in error && (error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET')
}

/** A connection counts as idle after this time without a response. */
const REST_MS = 500

/** When each origin's last response ended. */
const heard = new TtlMap<number>(60_000, () => false)

interface WholeReader {
  resolve(whole: Buffer): void
  reject(reason: unknown): void
}

const NO_FLOW: Flow = { pause() {}, resume() {} }

/** Collects a body in one buffer, because a Buffer of a single byte takes a hundred and keeps more in memory. */
class Collected {
  size = 0
  private room: Buffer | undefined

  add(chunk: Buffer): void {
    const { size, room } = this
    this.size += chunk.length
    if (!room) {
      this.room = chunk // most responses come in one piece
      return
    }
    if (this.size > room.length) {
      this.room = Buffer.allocUnsafe(Math.max(this.size, 2 * room.length))
      room.copy(this.room, 0, 0, size)
    }
    this.room && chunk.copy(this.room, size)
  }

  whole(): Buffer {
    return this.room?.subarray(0, this.size) ?? Buffer.alloc(0)
  }

  drop(): void {
    this.room = undefined
    this.size = 0
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
