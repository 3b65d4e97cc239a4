import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type Bounds, parseHeaders } from './exchange'

/** An answer whose head is there. Its body waits, in a connection that is held back, until someone asks for it. */
export interface OpenExchange {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The whole body within the deadline and the size cap. */
  bytes(): Promise<Buffer>
  /** The body as it comes in, under neither. */
  stream(): Readable
}

/**
 * One request and the head of its answer, straight off the dispatcher. undici's own `request` makes a stream for every
 * body, and reads it by events; most answers of an API are read whole, and need none.
 *
 * @param signal the app's own: it ends the request and the body, with its reason
 */
export function openExchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  bounds: Bounds,
  signal: AbortSignal | undefined,
): Promise<OpenExchange> {
  return new Promise((resolve, reject) => {
    const handler = new OpenHandler(bounds, signal, resolve, reject)
    try {
      dispatcher.dispatch(options, handler)
    } catch (error) {
      handler.fail(error)
    }
  })
}

/** What may wait of a body that nobody has asked for. */
const HELD_BYTES = 64 * 1024

/** The names that begin with `onRe` are undici's since 7; the others are all that a dispatcher of undici 6 knows. */
class OpenHandler implements Dispatcher.DispatchHandler, OpenExchange {
  status = 0
  headers: IncomingHttpHeaders = {}
  private held: Buffer[] = []
  private size = 0
  private ended = false
  private failure: { reason: unknown } | undefined
  private reader: Readable | Reader | undefined
  private isLate = false
  private timer: NodeJS.Timeout | undefined
  private abort: ((reason: Error) => void) | undefined
  private flow: Flow = NO_FLOW

  constructor(
    private readonly bounds: Bounds,
    private readonly signal: AbortSignal | undefined,
    private readonly resolve: (answer: OpenExchange) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.timer = setTimeout(() => this.late(), bounds.timeout)
    signal?.addEventListener('abort', this.onAbort)
  }

  bytes(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const told = Number(this.headers['content-length'] ?? 0) || 0
      const refused = this.bounds.refuseSize(Math.max(this.size, told), this.status)
      if (refused) this.stop(refused)
      else if (this.isLate && !this.ended) this.stop(this.bounds.deadline())
      if (this.failure) reject(this.failure.reason)
      else if (refused)
        reject(refused) // all of it had come already, and there was nothing left to stop
      else if (this.ended) resolve(this.whole())
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
        if (!this.ended) this.stop(error ?? new Error('The body was left unread.'))
        done(error)
      },
    })
    stream.on('error', () => {}) // a body that nobody reads must not raise an unhandled 'error'
    this.reader = stream
    for (const chunk of this.held) stream.push(chunk)
    this.held = []
    if (this.failure) stream.destroy(asError(this.failure.reason))
    else if (this.ended) stream.push(null)
    return stream
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.flow = controller
    this.begin((error) => controller.abort(error))
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.failure) return
    this.status = status
    this.headers = headers
    const refused = this.bounds.refuseHead(status, headers)
    if (refused) this.stop(refused)
    else this.resolve(this)
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.reader instanceof Readable) {
      if (!this.reader.push(chunk)) this.flow.pause()
      return
    }
    this.held.push(chunk)
    this.size += chunk.length
    const refused = this.reader && this.bounds.refuseSize(this.size, this.status)
    if (refused) this.stop(refused)
    else if (!this.reader && this.size > HELD_BYTES) this.flow.pause()
  }

  onResponseEnd(): void {
    if (this.failure) return
    this.ended = true
    this.leave()
    if (this.reader instanceof Readable) this.reader.push(null)
    else this.reader?.resolve(this.whole())
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(error)
  }

  onConnect(abort: (error?: Error) => void): void {
    this.begin(abort)
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    this.flow = new ReturnedFlow(resume)
    this.onResponseStart(undefined, status, parseHeaders(raw))
    return true
  }

  onData(chunk: Buffer): boolean {
    this.onResponseData(undefined, chunk)
    return !(this.flow instanceof ReturnedFlow && this.flow.isPaused)
  }

  onComplete(): void {
    this.onResponseEnd()
  }

  onError(error: Error): void {
    this.fail(error)
  }

  /** The first failure counts; a dispatcher that hears of an abort tells it back. */
  fail(reason: unknown): void {
    if (this.failure || this.ended) return
    this.failure = { reason }
    this.leave()
    this.held = []
    if (this.reader instanceof Readable) this.reader.destroy(asError(reason))
    else if (this.reader) this.reader.reject(reason)
    else this.reject(reason) // without effect once the head is there: `bytes` and `stream` tell of it then
  }

  private begin(abort: (reason: Error) => void): void {
    this.abort = abort
    if (this.failure) abort(asError(this.failure.reason))
  }

  /** Ends the wait at once, also where no connection has come about yet. */
  private stop(reason: unknown): void {
    if (this.failure) return
    this.fail(reason)
    this.abort?.(asError(reason))
  }

  private late(): void {
    this.isLate = true
    // An app that has the head and has not asked for the body is not the provider's delay.
    if (this.status === 0 || this.reader) this.stop(this.bounds.deadline())
  }

  private readonly onAbort = () => this.stop(this.signal?.reason)

  private leave(): void {
    clearTimeout(this.timer)
    this.signal?.removeEventListener('abort', this.onAbort)
  }

  private whole(): Buffer {
    const { held, size } = this
    return held.length === 1 && held[0] ? held[0] : Buffer.concat(held, size)
  }
}

interface Reader {
  resolve(whole: Buffer): void
  reject(reason: unknown): void
}

/** How a body is held back. */
interface Flow {
  pause(): void
  resume(): void
}

const NO_FLOW: Flow = { pause() {}, resume() {} }

/** undici 6: a pause is what a handler returns. */
class ReturnedFlow implements Flow {
  isPaused = false

  constructor(private readonly go: () => void) {}

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.go()
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
