import { type ErrorContext, OAuthError } from '../errors'
import { decodeText } from '../http/decode'
import type { SessionRequest } from '../session/request'

/** A request whose body a parser of the app may have read. */
export interface PostedRequest extends SessionRequest {
  body?: unknown
}

/** A callback that was posted (OAuth 2.0 Form Post Response Mode). */
export interface PostedForm {
  params: URLSearchParams
  /** Our own page posted it again, so it comes with the browser's cookies. */
  isAgain: boolean
}

/** The field that marks {@link PostedForm.isAgain}. It prevents a loop if the cookie never comes. */
export const AGAIN = 'passport-dialects-again'

/** In bytes: far more than any provider posts. */
const MOST_BYTES = 128 * 1024

export function isForm({ headers }: SessionRequest): boolean {
  return /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i.test(headers['content-type'] ?? '')
}

/** The form of a request. @throws OAuthError `callback_invalid`; the message says what is wrong */
export async function readForm(req: PostedRequest, context: ErrorContext): Promise<PostedForm> {
  try {
    const params = new URLSearchParams(await fieldsOf(req))
    const names = [...params.keys()]
    if (new Set(names).size < names.length) throw new FormProblem('has a field twice')
    const isAgain = params.has(AGAIN)
    params.delete(AGAIN)
    return { params, isAgain }
  } catch (error) {
    if (!(error instanceof FormProblem)) throw error
    throw new OAuthError('callback_invalid', { ...context, message: `The callback that was posted ${error.message}.` })
  }
}

/** What is wrong with a form, worded for an error message. */
class FormProblem extends Error {}

async function fieldsOf(req: PostedRequest): Promise<[string, string][]> {
  if (!isForm(req)) throw new FormProblem('is no form: its type must be application/x-www-form-urlencoded')
  const { body } = req
  if (isFilled(body)) return fieldsOfParsed(body)
  if (typeof body === 'string') return fieldsOfText(body)
  if (body instanceof Uint8Array) return fieldsOfBytes(body)
  // A parser read the stream and left nothing. Other parsers leave an empty object, and the stream unread.
  if (req.readableDidRead) throw new FormProblem('is empty, or was read before and is not in `req.body`')
  return fieldsOfBytes(await bytesOf(req))
}

function isFilled(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array) && Object.keys(body).length > 0
}

/** Parsers turn a repeated field into an array, and names with brackets into objects. */
function fieldsOfParsed(body: object): [string, string][] {
  let size = 0
  return Object.entries(body).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw new FormProblem('has a field twice, or one that is no text')
    size += name.length + value.length
    if (size > MOST_BYTES) throw new FormProblem(TOO_LARGE)
    return [name, value]
  })
}

const TOO_LARGE = 'has more than 128 KiB'

/** Uses events: leaving a `for await` loop would close the connection before the response. */
function bytesOf(req: PostedRequest): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let size = 0
    const take = (piece: Buffer) => {
      size += piece.length
      if (size > MOST_BYTES) refuse(TOO_LARGE)
      else pieces.push(piece)
    }
    const refuse = (problem: string) => {
      req.off('data', take)
      reject(new FormProblem(problem))
    }
    if (req.headers['content-encoding'] !== undefined) return refuse('is compressed')
    if (Number(req.headers['content-length'] ?? 0) > MOST_BYTES) return refuse(TOO_LARGE)
    req.on('data', take)
    req.once('end', () => resolve(Buffer.concat(pieces)))
    req.once('error', () => refuse('broke off'))
    req.once('close', () => refuse('broke off'))
  })
}

function fieldsOfBytes(bytes: Uint8Array): [string, string][] {
  if (bytes.length > MOST_BYTES) throw new FormProblem(TOO_LARGE)
  return fieldsOfText(strictly(() => decodeText(bytes)))
}

function fieldsOfText(text: string): [string, string][] {
  if (text.length > MOST_BYTES) throw new FormProblem(TOO_LARGE)
  const pairs = text.split('&').filter((pair) => pair !== '')
  return pairs.map((pair) => {
    const at = pair.indexOf('=')
    return at === -1 ? [unescaped(pair), ''] : [unescaped(pair.slice(0, at)), unescaped(pair.slice(at + 1))]
  })
}

function unescaped(text: string): string {
  return strictly(() => decodeURIComponent(text.replaceAll('+', ' ')))
}

function strictly(decode: () => string): string {
  try {
    return decode()
  } catch {
    throw new FormProblem('is not encoded as a form: a percent sign is out of place, or the bytes are no UTF-8')
  }
}
