import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Kind } from './known'
import { learnAnswer, learnRequest } from './learn'
import { isShown } from './on-purpose'

/** A response of an app. */
export interface Answer {
  req: IncomingMessage
  res: ServerResponse
  body: string[]
}

/** Taps every HTTP server of this process. Express's responses are an app's; all others are a provider's. */
export function tapServers(onAnswer: (answer: Answer) => void): () => void {
  const onRequest = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse } // see Node's documentation
    tapRequest(request)
    tapResponse(request, response, onAnswer)
  }
  subscribe('http.server.request.start', onRequest)
  return () => void unsubscribe('http.server.request.start', onRequest)
}

function tapRequest(req: IncomingMessage): void {
  const chunks: Buffer[] = []
  let size = 0
  const { push } = req
  if (req.headers.authorization || req.url?.includes('?')) learnRequest(req, '')
  req.push = (chunk, ...rest) => {
    if (chunk === null && size > 0) learnRequest(req, Buffer.concat(chunks).toString())
    else if (chunk !== null && size < ENOUGH) {
      size += chunk.length
      chunks.push(Buffer.from(chunk))
    }
    return push.call(req, chunk, ...rest)
  }
}

function tapResponse(req: IncomingMessage, res: ServerResponse, onAnswer: (answer: Answer) => void): void {
  const body: string[] = []
  let isApp = false
  let size = 0
  const keep = (chunk: unknown) => {
    if (!isApp && 'app' in res) {
      isApp = true
      onAnswer({ req, res, body })
    }
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    size += chunk.length
    if (isApp || size < ENOUGH) body.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
  }
  const { write, end } = res
  res.write = ((...args: Parameters<typeof write>) => {
    keep(args[0])
    return write.apply(res, args)
  }) as typeof write
  res.end = ((...args: Parameters<typeof end>) => {
    keep(args[0])
    if (!isApp) learnAnswer(body.join(''))
    return end.apply(res, args)
  }) as typeof end
}

/** In bytes: no request or token response of the tests is larger. */
const ENOUGH = 64 * 1024

/** Each part of a response by name, with the kinds of secrets that it may contain. */
export function* partsOf({ req, res, body }: Answer): Iterable<{ outlet: string; text: string; allowed?: Kind[] }> {
  const from = `${req.method} ${req.url?.split('?', 1)[0]}`
  // The headers as sent: `getHeaders` omits those given to `writeHead`.
  const head = String(Reflect.get(res, '_header') ?? '')
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/s)
    if (/^location$/i.test(name)) yield { outlet: `redirect of ${from}`, text: withoutRequest(value, req) }
    else if (/^set-cookie$/i.test(name))
      yield { outlet: `cookie of ${from}`, text: value, allowed: inCookie(value, res) }
    else yield { outlet: `header of ${from}`, text: line }
  }
  if (isShown(res)) return
  const [page, fields] = apart(body.join(''), req)
  yield { outlet: `page of ${from}`, text: page, allowed: givesState(req) ? ['state or verifier'] : [] }
  yield { outlet: `fields of ${from}`, text: fields, allowed: ['code', 'state or verifier', 'verifier'] }
}

/** Whether the response gives a page the state of its login. */
function givesState({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && /\/entry\/?(?:\?|$)/i.test(url)
}

/** Separates the hidden fields that post a callback again: they return it to the browser that sent it. */
function apart(page: string, { method }: IncomingMessage): [page: string, fields: string] {
  const fields = method === 'POST' ? [...page.matchAll(/<input type="hidden"[^>]*>/g)].join('\n') : ''
  return [fields === '' ? page : page.replace(/<input type="hidden"[^>]*>/g, ''), fields]
}

/**
 * Removes what the authorization request sends through the browser: the state, and at BBScloud a code without a user.
 * Everything else in it is searched, also the challenge.
 */
function withoutRequest(location: string, req: IncomingMessage): string {
  if (!URL.canParse(location) || new URL(location).host === req.headers.host) return location
  const url = new URL(location)
  if (!['client_id', 'client_key', 'app_id', 'appId', 'appid'].some((name) => url.searchParams.has(name)))
    return location
  for (const name of ['state', 'stateKey']) url.searchParams.delete(name) // a dialect may rename it
  url.searchParams.delete('code')
  return url.href.replace(/login_state(?:=|%3D)[\w-]+/, '')
}

/**
 * The kinds that a cookie-session cookie may contain (SECURITY.md): its own pending logins, and its tokens if the app
 * has no `encryptionKey`. Never codes or the app's own secrets.
 */
function inCookie(cookie: string, res: ServerResponse): Kind[] {
  const content = Buffer.from(/=([^;]*)/.exec(cookie)?.[1] ?? '', 'base64').toString()
  if (!content.startsWith('{')) return []
  return Reflect.get(res, SEALED) ? ['state or verifier', 'verifier'] : ['state or verifier', 'verifier', 'token']
}

const SEALED = Symbol('sealed')

/** Marks a response whose app has an `encryptionKey`. */
export function markSealed(res: object): void {
  Reflect.set(res, SEALED, true)
}
