import { Readable } from 'node:stream'
import { type ErrorContext, OAuthError } from '../errors'
import { decodeText } from './decode'
import type { OpenResponse } from './dispatch'

/** The methods that are limited here. Node's types declare them as properties, which a method cannot override. */
interface Readers {
  json(): Promise<unknown>
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<Blob>
  formData(): ReturnType<Response['formData']>
  clone(): Response
  /** Since Node 20.16 and 22.3; nothing here calls it on an older base class. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
}
type FetchResponse = new (...given: ConstructorParameters<typeof Response>) => Omit<Response, keyof Readers> & Readers
// Its types are those of a Node without `bytes`; the class is the same.
const FetchResponse = Response as unknown as FetchResponse

/** Statuses whose responses have no body (Fetch standard, section 2.2.3). */
const WITHOUT_BODY = [204, 205, 304]

/**
 * A fetch `Response` whose body is still arriving. Methods that read the whole body keep to the strategy's `timeout`
 * and `maxResponseBytes`, also on clones; `body` streams it without these limits.
 *
 * @public loaded by name, at first use
 */
export class ProviderResponse extends FetchResponse {
  readonly #source: Source
  readonly #where: ErrorContext

  constructor(response: OpenResponse, where: ErrorContext) {
    const source = new Source(response)
    const { status } = response
    super(WITHOUT_BODY.includes(status) ? null : source.stream, { status, headers: headersOf(response) })
    this.#source = source
    this.#where = where
  }

  /** @throws OAuthError `response_invalid` if the body is not JSON or not UTF-8 */
  override async json(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch {
      throw this.#invalid('The response of the provider is not JSON.')
    }
  }

  /** @throws OAuthError `response_invalid` if the body is not UTF-8 */
  override async text(): Promise<string> {
    const bytes = await this.#read()
    try {
      return decodeText(bytes)
    } catch {
      throw this.#invalid('The response of the provider is not UTF-8.')
    }
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#read()).buffer // a copy: a Buffer may share its memory
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#read())
  }

  override blob(): Promise<Blob> {
    this.#source.isWhole = true
    return super.blob()
  }

  override formData(): ReturnType<Response['formData']> {
    this.#source.isWhole = true
    return super.formData()
  }

  /** Both share one body, received once and limited once. */
  override clone(): ProviderResponse {
    this.#source.isWhole = true
    const twin = super.clone()
    const { status, headers } = this.#source.response
    const bytes = async () => Buffer.from(await twin.arrayBuffer())
    const stream = () => Readable.from(readOnce(bytes))
    return new ProviderResponse({ status, headers, bytes, stream }, this.#where)
  }

  /** The whole body. If nobody has the stream yet, it bypasses it and cancels it, so that the body counts as used. */
  async #read(): Promise<Uint8Array> {
    const { body, bodyUsed } = this
    const source = this.#source
    source.isWhole = true
    if (bodyUsed || body !== source.stream || body.locked) return new Uint8Array(await super.arrayBuffer())
    source.isTaken = true
    body.cancel()
    return source.response.bytes()
  }

  #invalid(message: string): OAuthError {
    return new OAuthError('response_invalid', { ...this.#where, message, providerStatus: this.status })
  }
}

/** The body of a response in the form that fetch's `Response` expects. Nothing is read before it is requested. */
class Source {
  /** Whether the whole body is read, within its limits, as soon as any of it is requested. */
  isWhole = false
  /** Whether the stream is bypassed. */
  isTaken = false
  readonly stream: ReadableStream<Uint8Array>
  private body: Readable | undefined
  private pieces: AsyncIterator<Uint8Array> | undefined

  constructor(readonly response: OpenResponse) {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => this.pull(controller)
    this.stream = new ReadableStream({ pull, cancel: () => this.cancel() }, { highWaterMark: 0 })
  }

  private async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.isWhole) {
      const whole = await this.response.bytes()
      if (whole.length > 0) controller.enqueue(whole)
      return controller.close()
    }
    this.body ??= this.response.stream()
    this.pieces ??= this.body[Symbol.asyncIterator]()
    const { done, value } = await this.pieces.next()
    if (done) controller.close()
    else controller.enqueue(value)
  }

  private cancel(): void {
    if (this.isTaken) return
    this.body ??= this.response.stream()
    this.body.destroy()
  }
}

async function* readOnce(bytes: () => Promise<Buffer>): AsyncGenerator<Buffer> {
  yield await bytes()
}

function headersOf({ headers }: OpenResponse): [string, string][] {
  const all: [string, string][] = []
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (typeof value === 'string') all.push([name, byteString(value)])
    else for (const item of value ?? []) all.push([name, byteString(item)])
  }
  return all
}

/** A header's value in fetch's form: one character per byte. */
function byteString(value: string): string {
  return /^[\0-\xff]*$/.test(value) ? value : Buffer.from(value, 'utf8').toString('latin1')
}
