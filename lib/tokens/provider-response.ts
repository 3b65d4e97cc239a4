import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { lookUp } from '../answers'
import { OAuthError } from '../errors'
import type { OpenAnswer } from '../provider-call'
import type { Where } from '../session'

/** fetch declares the readers of a body as plain members, which no class can override by methods and getters. */
const FetchResponse = Response as unknown as new (
  body: null,
  init: ResponseInit,
) => Pick<Response, 'headers' | 'status'>

/**
 * A fetch `Response` over an answer whose body is still on its way. `json`, `text` and the like read it within the
 * strategy's `timeout` and `maxResponseBytes`; `body` streams it without a size cap. No web stream is made unless asked for.
 *
 * @public loaded by name, at the first use
 */
export class ProviderResponse extends FetchResponse {
  readonly #answer: OpenAnswer
  readonly #where: Where
  #whole: Response | undefined
  #taken = false

  constructor(answer: OpenAnswer, where: Where) {
    super(null, { status: answer.status, headers: headersOf(answer) })
    this.#answer = answer
    this.#where = where
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
      return UTF8.decode(bytes)
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
    if (!hasBody) this.#answer.body.resume()
    this.#whole ??= new Response(stream, { status, headers: this.headers })
    return this.#whole
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function headersOf({ headers }: OpenAnswer): Headers {
  const all = new Headers()
  const encoded = isEncoded(headers['content-encoding'])
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || (encoded && (name === 'content-encoding' || name === 'content-length'))) continue
    for (const item of Array.isArray(value) ? value : [value]) all.append(name, item)
  }
  return all
}

function decoded({ headers, body }: OpenAnswer): Readable {
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
