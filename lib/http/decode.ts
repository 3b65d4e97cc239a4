import { Readable, type Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { lazily } from '../util/lazily'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The codings of RFC 9110 §8.4.1. */
const DECODERS: Readonly<Record<string, (zlib: typeof import('node:zlib')) => Transform>> = {
  gzip: (zlib) => zlib.createGunzip(),
  'x-gzip': (zlib) => zlib.createGunzip(),
  deflate: (zlib) => zlib.createInflate(),
  br: (zlib) => zlib.createBrotliDecompress(),
}

/** No server needs more than one. Each may multiply the size of a small body. */
const MOST_CODINGS = 3

const loadZlib = lazily(() => require('node:zlib') as typeof import('node:zlib')) // few responses are compressed

/** Whether a body is encoded. */
export function isEncoded(headers: Headers): boolean {
  return headers['content-encoding'] !== undefined && codingsOf(headers).length > 0
}

/** Decodes a whole body, to at most `cap` bytes. @throws an error with a `code` */
export async function decodeWhole(body: Buffer, headers: Headers, cap: number): Promise<Buffer> {
  if (body.length === 0) return body
  const decoders = decodersFor(headers)
  const pieces: Buffer[] = []
  let size = 0
  const collect = new Writable({
    write(piece: Buffer, _encoding, done) {
      size += piece.length
      pieces.push(piece)
      done(size > cap ? coded('ERR_BUFFER_TOO_LARGE', 'The decoded body is too large.') : null)
    },
  })
  await pipeline([Readable.from([body], { objectMode: false }), ...decoders, collect])
  return Buffer.concat(pieces, size)
}

/**
 * Decodes a body as a stream, without a limit. A broken connection ends the decoded stream too.
 * @throws as {@link decodeWhole}
 */
export function decodeStream(body: Readable, headers: Headers): Readable {
  const decoders = decodersFor(headers)
  const last = decoders.at(-1)
  if (!last) return body
  pipeline([body, ...decoders]).catch((error) => last.destroy(error))
  return last
}

/** Decodes UTF-8, without a byte order mark. @throws TypeError with a `code` */
export function decodeText(bytes: Uint8Array): string {
  return utf8.decode(bytes)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Undoes the codings in reverse order. */
function decodersFor(headers: Headers): Transform[] {
  const codings = codingsOf(headers)
  const makers = codings.map((name) => (Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined))
  if (makers.length > MOST_CODINGS || makers.includes(undefined)) {
    throw coded('UNKNOWN_ENCODING', 'The content-encoding of the response is unknown.')
  }
  return makers.reverse().flatMap((make) => make?.(loadZlib()) ?? [])
}

/** Coding names, without regard to case and without `identity`, which means none (RFC 9110 §8.4, §5.6.1). */
function codingsOf(headers: Headers): string[] {
  const names = String(headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
