// One call to a provider's API with a user's token. The refresh, and the retry after a refused token (401), are in
// tokens/login-tokens.ts.
import { Readable } from 'node:stream'
import { type ErrorContext, OAuthError } from '../errors'
import { openProvider } from '../http/call'
import type { OpenResponse } from '../http/dispatch'
import type { CallLimits } from '../http/limits'
import { readAhead } from '../http/read-ahead'
import type { Params, ProviderRequest } from '../http/request'
import { withoutSlashes } from '../options'
import { lazily } from '../util/lazily'
import type { Dialect } from './definition'
import { type ResponseDialect, readResponse } from './read-response'
import type { TokenSet } from './token-set'

/** The members of fetch's `init` that `req.oauth.fetch` supports. All others are ignored. */
export interface ApiCallInit {
  /** Default `GET`. */
  method?: string
  /** Anything that `new Headers` takes. `Authorization` is replaced. */
  headers?: RequestInit['headers']
  body?: RequestInit['body'] | Readable | null
  signal?: AbortSignal | null
}

/** What a provider's API requires in every call besides the token. */
export interface ApiParameters {
  /** Query parameters, such as `openid` for WeChat and QQ. A parameter of the call itself takes precedence. */
  query?: Params
  /** Headers, such as `Notion-Version`. A header of the call itself takes precedence. */
  headers?: Params
  /** The address of the API for these tokens, if it has its own: a shop's. */
  baseURL?: string
}

/** The part of a dialect that an API call needs. */
export interface ApiDialect extends ResponseDialect {
  apiParameters(tokens: TokenSet): ApiParameters
  signRequest?(parameters: Params): Params
}

/** A call to a provider's API that only lacks its tokens. */
export interface ApiCall {
  path: string
  /** The address of the API for these tokens, unless `apiParameters` has one. */
  base(tokens: TokenSet): ApiBase
  init: ApiCallInit
  speaker: ApiDialect
  dialect: Pick<Dialect, 'tokenHeader' | 'tokenParameter' | 'tokenRefused' | 'tokenMayBeRefused'>
  limits: CallLimits
  context: ErrorContext
}

/** Puts the access token into a request (RFC 6750 §2.1), with whatever the API requires in every call. */
export function tokenPlacement(
  { tokenHeader, tokenParameter }: Pick<Dialect, 'tokenHeader' | 'tokenParameter'>,
  accessToken: string,
  { query, headers }: ApiParameters = {},
): Pick<ProviderRequest, 'query' | 'headers' | 'bearer'> {
  if (tokenParameter !== undefined) return { query: { ...query, [tokenParameter]: accessToken }, headers }
  if (tokenHeader === undefined) return { query, headers, bearer: accessToken }
  const { name, scheme } = tokenHeader
  return { query, headers: { ...headers, [name]: scheme === undefined ? accessToken : `${scheme} ${accessToken}` } }
}

/** The address of a provider's API. */
export interface ApiBase {
  origin: string
  /** Without a trailing slash. */
  url: string
}

export function apiBase(url: string): ApiBase {
  const { origin, pathname } = new URL(url)
  return { origin, url: origin + withoutSlashes(pathname) }
}

/**
 * The URL of an API call: a path below `base`, or an absolute URL of its origin. Any other origin is refused, so that
 * no token goes there.
 *
 * @throws OAuthError `config_invalid`
 */
function apiURL(path: string, base: ApiBase, context: ErrorContext): URL {
  const absolute = /^https?:\/\//i.test(path)
  const wellFormed = absolute || (path.startsWith('/') && !/^\/[/\\]/.test(path))
  const url = wellFormed ? parsed(absolute ? path : base.url + path) : undefined
  if (url?.origin === base.origin && !url.username && !url.password) return url
  const message = `The URL must be a path that begins with /, or an address on ${base.origin}: the token is sent nowhere else.`
  throw new OAuthError('config_invalid', { ...context, message })
}

function parsed(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

/** Whether the body can be sent a second time. */
export function canReplay(body: ApiCallInit['body']): boolean {
  return !isStream(body)
}

/**
 * Sends `call` with the access token of `tokens`.
 * @throws as {@link openProvider}; `config_invalid` for a URL of another origin
 */
export async function sendWithToken(call: ApiCall, tokens: TokenSet): Promise<OpenResponse> {
  const { path, init, speaker, limits, context } = call
  const parameters = speaker.apiParameters(tokens)
  const url = apiURL(path, parameters.baseURL === undefined ? call.base(tokens) : apiBase(parameters.baseURL), context)
  const headers: Record<string, string> = init.headers ? Object.fromEntries(new Headers(init.headers)) : {}
  const { tokenParameter, tokenHeader } = call.dialect
  const carriers = new Set(['authorization', tokenHeader?.name.toLowerCase()])
  for (const name of carriers) if (name !== undefined) delete headers[name]
  const placed = tokenPlacement(call.dialect, tokens.accessToken, parameters)
  if (placed.bearer !== undefined) headers.authorization = `Bearer ${placed.bearer}`
  for (const [name, value] of Object.entries(placed.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] ??= value
  }
  for (const [name, value] of Object.entries(placed.query ?? {})) {
    const isToken = name === tokenParameter
    if (value !== undefined && (isToken || !url.searchParams.has(name))) url.searchParams.set(name, value)
  }
  const { body, type } = init.body === undefined ? NO_BODY : await bodyOf(init.body)
  if (type !== undefined) headers['content-type'] ??= type
  if (speaker.signRequest) {
    const all = { ...Object.fromEntries(url.searchParams), ...formOf(body, headers['content-type']) }
    for (const [name, value] of Object.entries(speaker.signRequest(all))) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
  }
  const method = (init.method ?? 'GET').toUpperCase()
  return openProvider({ url, method, headers, body, signal: init.signal ?? undefined }, limits, context)
}

/** The response as a fetch `Response`. */
export function responseOf({ context }: ApiCall, response: OpenResponse): Response {
  const { ProviderResponse } = loadResponse()
  return new ProviderResponse(response, context)
}

/** Loaded at first use: naming the global `Response` makes Node load all of fetch. */
const loadResponse = lazily(() => require('../http/response') as typeof import('../http/response')) // `require` has no type of its own

/** Longer than any provider's refusal. */
const LONGEST_REFUSAL = 64 * 1024
const READABLE = /^(?:application\/(?:[\w.-]+\+)?json|text\/(?!event-stream\b))/i

/**
 * Whether the provider refuses the access token, and the response to pass on. If only the body can tell, it is read,
 * provided that it is text and short enough to be a refusal; any other body is passed on unread.
 */
export async function judge(call: ApiCall, sent: OpenResponse): Promise<{ refused: boolean; response: OpenResponse }> {
  const { status, headers } = sent
  const { tokenRefused = [401], tokenMayBeRefused = [] } = call.dialect
  if (!tokenMayBeRefused.includes(status)) return { refused: tokenRefused.includes(status), response: sent }
  if (!READABLE.test(headers['content-type'] ?? 'text/plain')) return { refused: false, response: sent }
  const { init, limits, context, speaker } = call
  const { body, response } = await readAhead(sent, LONGEST_REFUSAL, limits, context, init.signal ?? undefined)
  if (!body) return { refused: false, response }
  try {
    readResponse({ status, headers, text: body.toString() }, speaker, context)
    return { refused: false, response }
  } catch (error) {
    return { refused: OAuthError.is(error) && error.code === 'token_rejected', response }
  }
}

type SentBody = { body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined; type?: string | undefined }

const NO_BODY: SentBody = { body: undefined }

async function bodyOf(body: ApiCallInit['body']): Promise<SentBody> {
  if (body === undefined || body === null) return NO_BODY
  if (typeof body === 'string') return { body, type: 'text/plain;charset=UTF-8' }
  if (isStream(body)) return { body: body as AsyncIterable<Uint8Array> } // web streams iterate in Node
  // Forms, blobs and buffers: fetch's own rules for content type and bytes apply.
  const whole = new Response(body as RequestInit['body'])
  return { body: new Uint8Array(await whole.arrayBuffer()), type: whole.headers.get('content-type') ?? undefined }
}

/** The parameters of a form; none of any other body. */
function formOf(body: SentBody['body'], type = ''): Params {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(type)
  if (!isForm || (typeof body !== 'string' && !(body instanceof Uint8Array))) return {}
  return Object.fromEntries(new URLSearchParams(typeof body === 'string' ? body : new TextDecoder().decode(body)))
}

function isStream(body: ApiCallInit['body']): boolean {
  return body instanceof Readable || body instanceof ReadableStream || isAsyncIterable(body)
}

function isAsyncIterable(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
