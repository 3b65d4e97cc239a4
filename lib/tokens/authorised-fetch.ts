import { Readable } from 'node:stream'
import { type AnswerDialect, readAnswer } from '../answers'
import type { CallLimits } from '../call-bounds'
import { OAuthError } from '../errors'
import { lazily } from '../lazily'
import { type OpenAnswer, openProvider, readAhead } from '../open-provider'
import type { Where } from '../session'

/** What `req.oauth.fetch` takes of a fetch's `init`; anything else of it means nothing here. */
export interface ApiCallInit {
  /** Default `GET`. */
  method?: string
  /** Whatever `new Headers` takes. `Authorization` is ours. */
  headers?: RequestInit['headers']
  body?: RequestInit['body'] | Readable | null
  signal?: AbortSignal | null
}

/** One call to a provider's API, ready but for its token. */
export interface ApiCall {
  url: URL
  init: ApiCallInit
  tokenRefused: readonly number[]
  tokenMayBeRefused: readonly number[]
  dialect: AnswerDialect
  tokenParameter: string | undefined
  limits: CallLimits
  where: Where
}

/** Where a provider's API lies. */
export interface ApiBase {
  origin: string
  /** Without a slash at its end. */
  address: string
}

export function apiBase(address: string): ApiBase {
  return { origin: new URL(address).origin, address: address.replace(/\/+$/, '') }
}

/**
 * The address of an API call: a path below `base`, or an absolute address of its origin. Any other origin is refused,
 * so that no token leaves for it.
 *
 * @throws OAuthError `config_invalid`
 */
export function apiAddress(path: string, base: ApiBase, where: Where): URL {
  const absolute = /^https?:\/\//i.test(path)
  const wellFormed = absolute || (path.startsWith('/') && !/^\/[/\\]/.test(path))
  const url = wellFormed ? parsed(absolute ? path : base.address + path) : undefined
  if (url?.origin === base.origin && !url.username && !url.password) return url
  const message = `The address must be a path that begins with /, or lie on ${base.origin}: the token goes nowhere else.`
  throw new OAuthError('config_invalid', { ...where, message })
}

function parsed(address: string): URL | undefined {
  try {
    return new URL(address)
  } catch {
    return undefined
  }
}

/** Whether the body can be sent a second time. */
export function canReplay(body: ApiCallInit['body']): boolean {
  return !isStream(body)
}

/** Sends `call` with `accessToken`. @throws as {@link openProvider} */
export async function sendWithToken(call: ApiCall, accessToken: string): Promise<OpenAnswer> {
  const { init, tokenParameter, limits, where } = call
  let { url } = call
  const headers: Record<string, string> = init.headers ? Object.fromEntries(new Headers(init.headers)) : {}
  if (tokenParameter === undefined) headers.authorization = `Bearer ${accessToken}`
  else {
    delete headers.authorization
    url = new URL(url)
    url.searchParams.set(tokenParameter, accessToken)
  }
  const { body, type } = init.body === undefined ? NO_BODY : await bodyOf(init.body)
  if (type !== undefined) headers['content-type'] ??= type
  const method = (init.method ?? 'GET').toUpperCase()
  return openProvider({ url, method, headers, body, signal: init.signal ?? undefined }, limits, where)
}

/** The answer as fetch gives it. */
export function responseOf({ where }: ApiCall, answer: OpenAnswer): Response {
  const { ProviderResponse } = loadResponse()
  return new ProviderResponse(answer, where) as unknown as Response // it is one, see there
}

/** Naming the global `Response` makes Node load a whole fetch of its own. */
const loadResponse = lazily(() => require('./provider-response') as typeof import('./provider-response')) // what stands there

/**
 * Whether the provider refuses the access token by this answer, and the answer to hand on. Where only the body tells,
 * it is read, within the bounds of a whole answer; all others keep theirs unread.
 */
export async function judge(call: ApiCall, sent: OpenAnswer): Promise<{ refused: boolean; answer: OpenAnswer }> {
  const { status } = sent
  if (!call.tokenMayBeRefused.includes(status)) return { refused: call.tokenRefused.includes(status), answer: sent }
  const { body, answer } = await readAhead(sent)
  try {
    readAnswer({ status, text: body.toString() }, call.dialect, call.where)
    return { refused: false, answer }
  } catch (error) {
    return { refused: OAuthError.is(error) && error.code === 'token_rejected', answer }
  }
}

type SentBody = { body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined; type?: string | undefined }

const NO_BODY: SentBody = { body: undefined }

async function bodyOf(body: ApiCallInit['body']): Promise<SentBody> {
  if (body === undefined || body === null) return NO_BODY
  if (typeof body === 'string') return { body, type: 'text/plain;charset=UTF-8' }
  if (isStream(body)) return { body: body as AsyncIterable<Uint8Array> } // web streams iterate in Node
  // Forms, blobs and buffers: fetch's own rules for content type and bytes.
  const whole = new Response(body as RequestInit['body'])
  return { body: new Uint8Array(await whole.arrayBuffer()), type: whole.headers.get('content-type') ?? undefined }
}

function isStream(body: ApiCallInit['body']): boolean {
  return body instanceof Readable || body instanceof ReadableStream || isAsyncIterable(body)
}

function isAsyncIterable(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
