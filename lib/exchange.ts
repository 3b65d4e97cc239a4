import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** A whole answer, not decompressed yet. */
export interface Exchanged {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface Bounds {
  /** Milliseconds from here to the last byte of the answer. */
  timeout: number
  /** Refuses an answer by its head: the error to fail with. */
  refuseHead(status: number, headers: IncomingHttpHeaders): Error | undefined
  /** Refuses an answer by the bytes that came so far. */
  refuseSize(size: number, status: number): Error | undefined
  deadline(): Error
  /** Whether another call to the same provider follows at once. */
  isFollowed?: boolean
}

/**
 * One request and its whole answer, straight off the dispatcher: a stream and an abort signal for each answer would
 * cost more than the request itself. Fails with the error of the bound that was broken, or the dispatcher's own.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  bounds: Bounds,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const handler = new AnswerHandler(bounds, resolve, reject)
    try {
      dispatcher.dispatch(options, handler)
    } catch (error) {
      handler.fail(error)
    }
  })
}

type Abort = (error: Error) => void

/** The names that begin with `onRe` are undici's since 7; the others are all that a dispatcher of undici 6 knows. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = []
  private readonly timer: NodeJS.Timeout
  private status = 0
  private headers: IncomingHttpHeaders = {}
  private size = 0
  private abort: Abort | undefined
  private stopped: Error | undefined

  constructor(
    private readonly bounds: Bounds,
    private readonly resolve: (answer: Exchanged) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.timer = setTimeout(() => this.stop(bounds.deadline()), bounds.timeout)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.begin((error) => controller.abort(error))
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.status = status
    this.headers = headers
    const refused = this.bounds.refuseHead(status, headers)
    if (refused) this.stop(refused)
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.size += chunk.length
    const refused = this.bounds.refuseSize(this.size, this.status)
    if (refused) this.stop(refused)
    else this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    clearTimeout(this.timer)
    const { status, headers, chunks, size } = this
    const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
    const answer = { status, headers, body }
    // undici lends a connection out again one turn of the event loop after its answer has ended. A call that comes
    // before that, as the profile's after the token's, would open a connection of its own.
    if (this.bounds.isFollowed) queueMicrotask(() => setImmediate(this.resolve, answer))
    else this.resolve(answer)
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(error)
  }

  onConnect(abort: Abort): void {
    this.begin(abort)
  }

  onHeaders(status: number, raw: Buffer[]): boolean {
    this.onResponseStart(undefined, status, parseHeaders(raw))
    return true
  }

  onData(chunk: Buffer): boolean {
    this.onResponseData(undefined, chunk)
    return true
  }

  onComplete(): void {
    this.onResponseEnd()
  }

  onError(error: Error): void {
    this.fail(error)
  }

  /** The first failure counts; a dispatcher that hears of an abort tells it back. */
  fail(error: unknown): void {
    clearTimeout(this.timer)
    this.reject(this.stopped ?? error)
  }

  private begin(abort: Abort): void {
    this.abort = abort
    if (this.stopped) abort(this.stopped)
  }

  /** Ends the wait at once, also where no connection has come about yet. */
  private stop(error: Error): void {
    if (this.stopped) return
    this.stopped = error
    this.fail(error)
    this.abort?.(error)
  }
}

/** Headers as undici 6 gives them. */
export function parseHeaders(raw: Buffer[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [String(raw[i]).toLowerCase(), String(raw[i + 1])]
    const known = Object.hasOwn(headers, name) ? headers[name] : undefined
    headers[name] = known === undefined ? value : [known, value].flat()
  }
  return headers
}
