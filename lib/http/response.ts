import { Readable } from 'node:stream'
import { type ErrorContext, OAuthError } from '../errors'
import { decodeText } from './decode'
import type { OpenResponse } from './dispatch'

/** The ways to read that are bounded here. Node's types have them as properties, which no method may override. */
interface Readers {
  json(): Promise<unknown>
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<Blob>
  formData(): ReturnType<Response['formData']>
  clone(): Response
  /** Since Node 20.16 and 22.3; the base class of an older one has it not, and nothing here asks that one. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
}
type FetchResponse = new (...given: ConstructorParameters<typeof Response>) => Omit<Response, keyof Readers> & Readers
// Its types are of a Node that has no `bytes`; the class is the same.
const FetchResponse = Response as unknown as FetchResponse

/** Statuses whose responses have no body (fetch's standard, section 2.2.3). */
const WITHOUT_BODY = [204, 205, 304]

/**
 * A fetch `Response` whose body is still on its way. Each way to read it whole keeps the strategy's `timeout` and
 * `maxResponseBytes`, also of its clones; `body` streams it under neither.
 *
 * @public loaded by name, at the first use
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

  /** @throws OAuthError `response_invalid` where it is no JSON, or no UTF-8 */
  override async json(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch {
      throw this.#invalid('The response of the provider is not JSON.')
    }
  }

  /** @throws OAuthError `response_invalid` where it is no UTF-8 */
  override async text(): Promise<string> {
    const bytes = await this.#read()
    try {
      return decodeText(bytes)
    } catch {
      throw this.#invalid('The response of the provider is not UTF-8.')
    }
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#read()).buffer // a copy: a Buffer may lie in one that others share
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

  /** Both read a body that comes once, and is bounded once. */
  override clone(): ProviderResponse {
    this.#source.isWhole = true
    const twin = super.clone()
    const { status, headers } = this.#source.response
    const bytes = async () => Buffer.from(await twin.arrayBuffer())
    const stream = () => Readable.from(readOnce(bytes))
    return new ProviderResponse({ status, headers, bytes, stream }, this.#where)
  }

  /** The whole body. Past the stream, where nobody has that yet: it is cancelled, and so the body counts as used. */
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

/** The body of a response as fetch's `Response` wants it: nothing is read before somebody asks. */
class Source {
  /** Whether the body is read whole, within its bounds, as soon as anything of it is. */
  isWhole = false
  /** Whether it is read past the stream. */
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

/** A header's value as fetch has it, a character for each byte. */
function byteString(value: string): string {
  return /^[\0-\xff]*$/.test(value) ? value : Buffer.from(value, 'utf8').toString('latin1')
}
