import { type ErrorContext, OAuthError } from '../errors'
import { decodeText } from '../http/decode'
import type { SessionRequest } from '../session/request'

/** A request whose body may have been read already, by a parser of the app's. */
export interface PostedRequest extends SessionRequest {
  body?: unknown
}

/** A callback that was posted (OAuth 2.0 Form Post Response Mode). */
export interface PostedForm {
  params: URLSearchParams
  /** It comes from the page of ours that posts it again, and so with the browser's own cookies. */
  isAgain: boolean
}

/** The field by which {@link PostedForm.isAgain} is known: it ends what would be a loop where no cookie ever comes. */
export const AGAIN = 'passport-dialects-again'

/** Bytes. Far more than any provider posts. */
const MOST_BYTES = 128 * 1024

export function isForm({ headers }: SessionRequest): boolean {
  return /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i.test(headers['content-type'] ?? '')
}

/** The form of a request. @throws OAuthError `callback_invalid`, whose message says what is wrong with it */
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

/** What is wrong with a form, in words fit for an error message. */
class FormProblem extends Error {}

async function fieldsOf(req: PostedRequest): Promise<[string, string][]> {
  if (!isForm(req)) throw new FormProblem('is no form: its type must be application/x-www-form-urlencoded')
  const { body } = req
  if (isFilled(body)) return fieldsOfParsed(body)
  if (typeof body === 'string') return fieldsOfText(body)
  if (body instanceof Uint8Array) return fieldsOfBytes(body)
  // A parser that has read the stream and left nothing; others leave an empty object, and the stream as it is.
  if (req.readableDidRead) throw new FormProblem('is empty, or was read before and is not in `req.body`')
  return fieldsOfBytes(await bytesOf(req))
}

function isFilled(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array) && Object.keys(body).length > 0
}

/** Parsers make a list of a field that is there twice, and objects of names in brackets. */
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

/** By events: leaving a loop over the stream would cut the connection before anything is answered. */
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
