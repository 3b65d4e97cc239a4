import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { FAULTS } from './fault-names'
import { encode, type Reply } from './reply'
import type { FaultEndpoint } from './types'

/** One of {@link FAULTS}, or `refused` or `http-STATUS` with one of the provider's codes after a colon. */
export type Fault = (typeof FAULTS)[number] | `refused:${string}` | `http-${number}:${string}`

/** The groups of faults in a list to choose from. */
export type FaultGroup = 'way' | 'body' | 'content' | 'refusal'

export function groupOf(fault: (typeof FAULTS)[number]): FaultGroup {
  if (fault in SPOILT) return 'content'
  if (fault === 'refused' || fault.startsWith('http-')) return 'refusal'
  return ON_THE_WAY.has(fault) ? 'way' : 'body'
}

const ON_THE_WAY = new Set<string>(['reset', 'silent', 'slow-headers', 'drip', 'truncated', 'wrong-length', 'redirect'])

const ENDPOINTS: readonly FaultEndpoint[] = [
  'authorize',
  'code',
  'appToken',
  'token',
  'keys',
  'profile',
  'refresh',
  'revoke',
  'request',
]

/** How often something strikes: `Infinity` is always. @throws TypeError */
export function checkTimes(times: number): void {
  if (times === Number.POSITIVE_INFINITY || (Number.isSafeInteger(times) && times >= 0)) return
  throw new TypeError(`A number of times is 0 or more, or Infinity; not ${times}.`)
}

/** @throws TypeError if the endpoint or fault does not exist, or the fault has nothing to spoil */
export function checkFault(endpoint: FaultEndpoint, fault: string): void {
  if (!ENDPOINTS.includes(endpoint)) {
    throw new TypeError(`There is no endpoint named ${endpoint}; there are ${ENDPOINTS.join(', ')}.`)
  }
  if (!FAULTS.some((known) => known === fault) && !/^(refused|http-[1-5]\d\d):./.test(fault)) {
    throw new TypeError(`There is no fault named ${fault}; there are ${FAULTS.join(', ')}, and refused:CODE.`)
  }
  if (endpoint === 'authorize' && fault in SPOILT) {
    throw new TypeError(`The fault ${fault} spoils a JSON answer; the authorization page has none.`)
  }
}

/** The target of the fault `redirect`: it looks like a token. */
export const DECOY = {
  path: '/elsewhere',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'access_token=stolen&token_type=bearer',
}

export interface FaultContext {
  /** The provider's own words for a refusal. */
  refuse(status: number, code: string | undefined): Reply
  origin: string
  /** The request's `Accept-Language`. */
  language: string | undefined
  /** Aborted when the emulator closes, to stop slow responses. */
  signal: AbortSignal
  /** Members without which this provider's responses are useless, besides the usual ones. */
  essential?: readonly string[] | undefined
  /** Its names for the members of a token response. */
  tokenNames?: TokenNames | undefined
}

/** The provider's own names for the members of RFC 6749's token response. */
export type TokenNames = Readonly<Partial<Record<'access_token' | 'token_type' | 'expires_in', string>>>

/**
 * Responds with a fault.
 * @param compute the right response, with its effects: a code used up, a refresh token rotated. Called only by faults
 * that spoil the right response; with the others, the request never got that far.
 */
export function sendFaulty(fault: Fault, compute: () => Reply, res: ServerResponse, context: FaultContext): void {
  const [name = '', code] = splitOnce(fault, ':')
  const [instead, cut, spoil] = [INSTEAD[name], CUT[name], SPOILT[name]]
  if (instead) {
    instead(res, context)
  } else if (cut) {
    cut(res, answerOf(compute(), context), context)
  } else if (spoil) {
    const reply = compute()
    whole(res, answerOf(reply.json === undefined ? reply : { ...reply, json: spoil(reply.json, context) }, context))
  } else {
    const status = name.startsWith('http-') ? Number(name.slice('http-'.length)) : 200
    whole(res, answerOf(context.refuse(status, code), context))
  }
}

interface Answer {
  status: number
  headers: Record<string, string>
  bytes: Buffer
}

function answerOf(reply: Reply, { language }: FaultContext): Answer {
  const { status, headers, body } = encode(reply, language)
  return { status, headers, bytes: Buffer.from(body) }
}

function whole(res: ServerResponse, { status, headers, bytes }: Answer): void {
  res.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes)
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }
const HUGE = 50 * 1024 * 1024
const PIECE = Buffer.alloc(64 * 1024, 'a')

/** Faults instead of a response. */
const INSTEAD: Record<string, (res: ServerResponse, context: FaultContext) => void> = {
  reset: (res) => void res.socket?.destroy(),
  silent: () => {},
  'slow-headers': (res, { signal }) => {
    res.socket?.write('HTTP/1.1 200 OK\r\n')
    every(100, signal, res, () => res.socket?.write('x-slow: 1\r\n'))
  },
  empty: (res) => void res.writeHead(200, { ...JSON_TYPE, 'content-length': 0 }).end(),
  html: (res) => {
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end('<!doctype html><title>Hello</title><a href="/?a=b&access_token=evil&token_type=bearer">x</a>')
  },
  deep: (res) => void res.writeHead(200, JSON_TYPE).end(`${'{"data":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
  oversize: (res, { signal }) => {
    res.writeHead(200, JSON_TYPE)
    res.write('{"padding":"')
    let sent = 0
    const step = () => {
      if (signal.aborted || res.destroyed) return
      if (sent >= HUGE) return void res.end('"}')
      sent += PIECE.length
      res.write(PIECE, () => setImmediate(step))
    }
    step()
  },
  'gzip-bomb': (res) => void res.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(bomb()),
  redirect: (res, { origin }) => {
    res.writeHead(302, { ...DECOY.headers, location: `${origin}${DECOY.path}` }).end(DECOY.body)
  },
}

/** Faults on the way: the right response, damaged in transit. */
const CUT: Record<string, (res: ServerResponse, answer: Answer, context: FaultContext) => void> = {
  drip: (res, { status, headers, bytes }, { signal }) => {
    res.writeHead(status, headers)
    // White space first: it is valid in JSON, and takes 100 s.
    let at = -2000
    every(50, signal, res, () => {
      if (at >= bytes.length) return void res.end()
      res.write(at < 0 ? ' ' : bytes.subarray(at, at + 1))
      at++
    })
  },
  truncated: (res, { status, headers, bytes }) => {
    res.writeHead(status, { ...headers, 'content-length': bytes.length + 1 })
    res.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => res.socket?.destroySoon())
  },
  // The body is complete but shorter than announced: a client that does not count accepts it.
  'wrong-length': (res, { status, bytes }) => {
    const head = `HTTP/1.1 ${status} OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    res.socket?.write(head)
    res.socket?.write(`${(bytes.length + 50).toString(16)}\r\n`)
    res.socket?.end(bytes)
  },
  'not-json': (res, answer) => whole(res, { ...answer, bytes: answer.bytes.subarray(0, -1) }),
  bom: (res, answer) =>
    whole(res, { ...answer, bytes: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), answer.bytes]) }),
  // In an unneeded member: a lenient decoder would accept the rest.
  'invalid-utf8': (res, answer) => {
    const text = answer.bytes.toString()
    const rest = text === '{}' ? '}' : `,${text.slice(1)}`
    const [before, after] = text.startsWith('{') ? ['{"note":"', `"${rest}`] : ['', text]
    const bytes = Buffer.concat([Buffer.from(before), Buffer.from([0xe5, 0xbc, 0x28, 0xff]), Buffer.from(after)])
    whole(res, { ...answer, bytes })
  },
  'split-utf8': (res, { status, headers, bytes }, { signal }) => {
    res.socket?.setNoDelay(true)
    res.writeHead(status, headers)
    let at = 0
    const step = () => {
      if (signal.aborted || res.destroyed) return
      if (at >= bytes.length) return void res.end()
      res.write(bytes.subarray(at, ++at), () => setImmediate(step))
    }
    step()
  },
}

/** Faults of the content: the right response, with changed members. */
const SPOILT: Record<string, (json: unknown, words: Words) => unknown> = {
  proto: (json) => everywhere(json, withProto),
  'wrong-types': (json, words) => everywhere(json, (object) => forKeys(object, words, () => ({ unexpected: true }))),
  'missing-token': (json, words) => everywhere(json, (object) => forKeys(object, words, () => undefined)),
  'token-type-mac': (json, words) => withToken(json, words, 'token_type', 'mac'),
  'expires-text': (json, words) => withToken(json, words, 'expires_in', 'soon'),
  'expires-negative': (json, words) => withToken(json, words, 'expires_in', -1),
  'expires-missing': (json, words) => withToken(json, words, 'expires_in', undefined),
  'expires-huge': (json, words) => withToken(json, words, 'expires_in', 1e300),
}

type Words = Pick<FaultContext, 'essential' | 'tokenNames'>

/** Members without which a response is useless. */
const ESSENTIAL = new Set(['access_token', 'id', 'user_id', 'open_id', 'sub', 'topup_url', 'client_id', 'keys'])

type Fields = Record<string, unknown>

function everywhere(json: unknown, change: (object: Fields) => Fields): unknown {
  if (Array.isArray(json)) return json.map((item) => everywhere(item, change))
  if (typeof json !== 'object' || json === null) return json
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, everywhere(value, change)]))
  // BBScloud's first step: `data` is the code itself.
  return change(typeof inner.data === 'string' ? { ...inner, data: change({ id: inner.data }).id } : inner)
}

function forKeys(object: Fields, { essential = [], tokenNames }: Words, value: () => unknown): Fields {
  const own = [...essential, tokenNames?.access_token]
  const spoilt = (key: string) => ESSENTIAL.has(key) || own.includes(key)
  return Object.fromEntries(Object.entries(object).map(([key, old]) => [key, spoilt(key) ? value() : old]))
}

/** Changes one member of the token object, under the provider's name for it. */
function withToken(json: unknown, { tokenNames }: Words, member: keyof TokenNames, value: unknown): unknown {
  const { access_token = 'access_token', [member]: name = member } = tokenNames ?? {}
  return everywhere(json, (object) => (access_token in object ? { ...object, [name]: value } : object))
}

/** An own member `__proto__`, which only JSON can create. */
function withProto(object: Fields): Fields {
  const value = { polluted: 'yes', admin: true, access_token: 'evil', id: 'evil' }
  return Object.defineProperty({ ...object }, '__proto__', { value, enumerable: true })
}

let packed: Buffer | undefined

/**
 * 50 MiB of letters in a few kB, in gzip members of 1 MiB (RFC 1952, section 2.2), so that creating it does not block.
 */
function bomb(): Buffer {
  if (packed) return packed
  const mebibyte = gzipSync(Buffer.alloc(1024 * 1024, 'a'))
  const padding = Array.from({ length: 51 }, () => mebibyte)
  packed = Buffer.concat([gzipSync('{"padding":"'), ...padding, gzipSync('"}')])
  return packed
}

function every(ms: number, signal: AbortSignal, res: ServerResponse, step: () => void): void {
  const timer = setInterval(step, ms)
  const stop = () => {
    clearInterval(timer)
    signal.removeEventListener('abort', stop)
  }
  signal.addEventListener('abort', stop)
  res.once('close', stop)
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at)
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)]
}
