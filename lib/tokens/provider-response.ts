import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { lookUp } from '../answers'
import { OAuthError } from '../errors'
import type { OpenAnswer } from '../open-provider'
import type { Where } from '../session'
import { strictUTF8 } from '../strict-utf8'

/**
 * A fetch `Response` over an answer whose body is still on its way. `json`, `text` and the like read it within the
 * strategy's `timeout` and `maxResponseBytes`; `body` streams it without a size cap. Nothing is made that is not asked
 * for: its constructor is not fetch's own, which would cost as much as a third of the request; `instanceof` holds.
 *
 * @public loaded by name, at the first use
 */
export class ProviderResponse {
  readonly #answer: OpenAnswer
  readonly #where: Where
  #headers: Headers | undefined
  #whole: Response | undefined
  #taken = false

  constructor(answer: OpenAnswer, where: Where) {
    this.#answer = answer
    this.#where = where
  }

  get status(): number {
    return this.#answer.status
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  /** As of every `Response` that is made and not fetched. */
  get type(): Response['type'] {
    return 'default'
  }

  get url(): string {
    return ''
  }

  get redirected(): boolean {
    return false
  }

  get statusText(): string {
    return ''
  }

  get headers(): Headers {
    this.#headers ??= headersOf(this.#answer)
    return this.#headers
  }

  async json(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch {
      throw this.#failure('The answer of the provider is not JSON.')
    }
  }

  async text(): Promise<string> {
    if (this.#whole) return this.#whole.text()
    const bytes = await this.#bytes()
    try {
      return strictUTF8(bytes)
    } catch {
      throw this.#failure('The answer of the provider is not UTF-8.')
    }
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.#whole) return this.#whole.arrayBuffer()
    const bytes = await this.#bytes()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer // never shared
  }

  /** Node's own `Response` has it since 20.16, and would read the empty body that this one was made with. */
  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.arrayBuffer())
  }

  async blob(): Promise<Blob> {
    return this.#streamed().blob()
  }

  async formData(): Promise<unknown> {
    return this.#streamed().formData()
  }

  clone(): Response {
    return this.#streamed().clone()
  }

  get body(): ReadableStream | null {
    return this.#taken && !this.#whole ? null : this.#streamed().body
  }

  get bodyUsed(): boolean {
    return this.#whole ? this.#whole.bodyUsed : this.#taken
  }

  #failure(message: string): OAuthError {
    return new OAuthError('response_invalid', { ...this.#where, message, providerStatus: this.#answer.status })
  }

  #bytes(): Promise<Buffer> {
    if (this.#taken) return Promise.reject(new TypeError('Body is unusable: Body has already been read'))
    this.#taken = true
    return this.#answer.bytes()
  }

  /** The same answer as fetch itself would give it. */
  #streamed(): Response {
    if (this.#taken && !this.#whole) throw new TypeError('Body is unusable: Body has already been read')
    this.#taken = true
    const { status } = this.#answer
    const hasBody = ![204, 205, 304].includes(status)
    const stream = hasBody ? (Readable.toWeb(decoded(this.#answer)) as ReadableStream) : null // Node's type has another name
    this.#whole ??= new Response(stream, { status, headers: this.headers })
    return this.#whole
  }
}

Object.setPrototypeOf(ProviderResponse.prototype, Response.prototype)

function headersOf({ headers }: OpenAnswer): Headers {
  const all = new Headers()
  const encoded = isEncoded(headers['content-encoding'])
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || (encoded && (name === 'content-encoding' || name === 'content-length'))) continue
    for (const item of Array.isArray(value) ? value : [value]) all.append(name, item)
  }
  return all
}

function decoded({ headers, stream }: OpenAnswer): Readable {
  const body = stream()
  const decoder = lookUp(DECODERS, String(headers['content-encoding'] ?? '').toLowerCase())?.()
  // Not `pipe`: a connection that is cut must end the decoded stream too.
  return decoder ? pipeline(body, decoder, () => {}) : body
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
}

function isEncoded(encoding: string | string[] | undefined): boolean {
  return encoding !== undefined && String(encoding).toLowerCase() !== 'identity'
}
