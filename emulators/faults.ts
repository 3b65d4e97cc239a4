import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Reply } from './server'

/** What can go wrong at an endpoint, by name; `refused:CODE` is `refused` with a provider's own code. */
export const FAULTS = [
  'reset',
  'silent',
  'slow-headers',
  'drip',
  'truncated',
  'wrong-length',
  'empty',
  'html',
  'not-json',
  'bom',
  'invalid-utf8',
  'split-utf8',
  'proto',
  'deep',
  'wrong-types',
  'missing-token',
  'token-type-mac',
  'expires-text',
  'expires-negative',
  'expires-missing',
  'expires-huge',
  'oversize',
  'gzip-bomb',
  'redirect',
  'http-401',
  'http-403',
  'http-429',
  'http-500',
  'http-503',
  'refused',
] as const

/** @throws TypeError where there is no such fault */
export function checkFault(fault: string): void {
  if (!FAULTS.some((known) => known === fault) && !/^(refused|http-\d{3}):/.test(fault)) {
    throw new TypeError(`There is no fault named ${fault}; there are ${FAULTS.join(', ')}, and refused:CODE.`)
  }
}

export type Fault = (typeof FAULTS)[number] | `refused:${string}`

export interface FaultContext {
  /** The provider's own words for a refusal. */
  refuse(status: number, code: string | undefined): unknown
  origin: string
  /** Aborted when the emulator closes: what drips stops. */
  signal: AbortSignal
}

/** Answers with a fault in place of `reply`, or with `reply` spoilt. */
export function sendFaulty(fault: Fault, reply: Reply, res: ServerResponse, context: FaultContext): void {
  const [name = '', code] = splitOnce(fault, ':')
  const status = name.startsWith('http-') ? Number(name.slice(5)) : 200
  const spoil = SPOILT[name]
  if (name === 'refused' || status !== 200) sendText(res, status, JSON.stringify(context.refuse(status, code)))
  else if (spoil) sendText(res, reply.status ?? 200, JSON.stringify(spoil(reply.json)))
  else RAW[name]?.(res, JSON.stringify(reply.json ?? {}), context)
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }
const HUGE = 50 * 1024 * 1024

/** Faults of the wire. */
const RAW: Record<string, (res: ServerResponse, text: string, context: FaultContext) => void> = {
  reset: (res) => void res.socket?.destroy(),
  silent: () => {},
  'slow-headers': (res, _text, { signal }) => {
    res.socket?.write('HTTP/1.1 200 OK\r\n')
    every(100, signal, res, () => res.socket?.write('x-slow: 1\r\n'))
  },
  drip: (res, text, { signal }) => {
    res.writeHead(200, JSON_TYPE)
    // White space first, so that no client can be done before it has waited.
    let at = 0
    every(50, signal, res, () => res.write(at++ < 2000 ? ' ' : text))
  },
  truncated: (res, text) => {
    res.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) + 100 })
    res.write(text, () => res.socket?.destroy())
  },
  'wrong-length': (res, text) => {
    const { socket } = res
    socket?.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n')
    socket?.end(`${(Buffer.byteLength(text) + 50).toString(16)}\r\n${text}`)
  },
  empty: (res) => sendText(res, 200, ''),
  html: (res) => {
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end('<!doctype html><title>Hello</title><a href="/?a=b&access_token=evil&token_type=bearer">x</a>')
  },
  'not-json': (res, text) => sendText(res, 200, text.slice(0, -1)),
  bom: (res, text) => sendText(res, 200, `\ufeff${text}`),
  'invalid-utf8': (res, text) => {
    const bytes = Buffer.from(text.replace(/[^{}[\]":,]/, '\u00ff'), 'latin1')
    res.writeHead(200, JSON_TYPE).end(bytes)
  },
  'split-utf8': (res, text, { signal }) => {
    res.socket?.setNoDelay(true)
    res.writeHead(200, JSON_TYPE)
    const bytes = [...Buffer.from(text)]
    let at = 0
    const step = () => {
      if (signal.aborted || res.destroyed) return
      const byte = bytes[at++]
      if (byte === undefined) return res.end()
      res.write(Buffer.from([byte]), () => setImmediate(step))
    }
    step()
  },
  deep: (res) => sendText(res, 200, `${'{"data":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
  oversize: (res, _text, { signal }) => {
    res.writeHead(200, JSON_TYPE)
    res.write('{"padding":"')
    let sent = 0
    const step = () => {
      if (signal.aborted || res.destroyed) return
      if (sent >= HUGE) return void res.end('"}')
      sent += CHUNK.length
      res.write(CHUNK, () => setImmediate(step))
    }
    step()
  },
  'gzip-bomb': (res) => {
    BOMB ??= gzipSync(Buffer.concat([Buffer.from('{"padding":"'), Buffer.alloc(HUGE, 97), Buffer.from('"}')]))
    res.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(BOMB)
  },
  redirect: (res, _text, { origin }) => {
    res.writeHead(302, { location: `${origin}/elsewhere`, 'content-type': 'application/x-www-form-urlencoded' })
    res.end('access_token=stolen&token_type=bearer')
  },
}

const CHUNK = Buffer.alloc(64 * 1024, 97)
let BOMB: Buffer | undefined

/** Faults of the content: the right answer, spoilt. */
const SPOILT: Record<string, (json: unknown) => unknown> = {
  proto: (json) => JSON.parse(JSON.stringify(json).replace(/^\{/, '{"__proto__":{"polluted":"yes","admin":true},')),
  'wrong-types': (json) => everywhere(json, (object) => forKeys(object, IDENTIFYING, () => ({ unexpected: true }))),
  'missing-token': (json) => everywhere(json, (object) => forKeys(object, IDENTIFYING, () => undefined)),
  'token-type-mac': (json) => everywhere(json, (object) => withToken(object, { token_type: 'mac' })),
  'expires-text': (json) => everywhere(json, (object) => withToken(object, { expires_in: 'soon' })),
  'expires-negative': (json) => everywhere(json, (object) => withToken(object, { expires_in: -1 })),
  'expires-missing': (json) => everywhere(json, (object) => withToken(object, { expires_in: undefined })),
  'expires-huge': (json) => everywhere(json, (object) => withToken(object, { expires_in: 1e300 })),
}

const IDENTIFYING = new Set(['access_token', 'id', 'user_id', 'open_id', 'sub', 'topup_url'])

type Fields = Record<string, unknown>

function everywhere(json: unknown, change: (object: Fields) => Fields): unknown {
  if (Array.isArray(json)) return json.map((item) => everywhere(item, change))
  if (typeof json !== 'object' || json === null) return json
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, everywhere(value, change)]))
  // BBScloud's first step: the code is the whole of `data`.
  const bareCode = typeof inner.data === 'string' ? change({ id: inner.data }).id : inner.data
  return change('data' in inner ? { ...inner, data: bareCode } : inner)
}

function forKeys(object: Fields, keys: ReadonlySet<string>, value: () => unknown): Fields {
  return Object.fromEntries(Object.entries(object).map(([key, old]) => [key, keys.has(key) ? value() : old]))
}

function withToken(object: Fields, fields: Fields): Fields {
  return 'access_token' in object ? { ...object, ...fields } : object
}

function every(ms: number, signal: AbortSignal, res: ServerResponse, step: () => void): void {
  const timer = setInterval(step, ms)
  const stop = () => clearInterval(timer)
  signal.addEventListener('abort', stop, { once: true })
  res.once('close', stop)
  res.socket?.once('close', stop)
}

function sendText(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) }).end(text)
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at)
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)]
}
