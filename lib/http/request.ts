import type { Dispatcher } from 'undici'
import type { JsonObject } from '../json'
import type { CallLimits } from './limits'

/** One call to a provider, as a dialect describes it. It has at most one of `form` and `json`. */
export interface ProviderRequest {
  /** The HTTP method. */
  method: 'GET' | 'POST'
  /** The absolute address. A query in it is kept. */
  url: string
  /** Parameters for the address's query. */
  query?: Params | undefined
  /** The body, sent as `application/x-www-form-urlencoded`, without a charset (one provider refuses it). */
  form?: Params | undefined
  /** The body, sent as `application/json`. */
  json?: JsonObject | undefined
  /** `Authorization: Basic`. User and password are put into base64 unchanged. */
  basic?: { user: string; password: string } | undefined
  /** `Authorization: Bearer` (RFC 6750 §2.1). */
  bearer?: string | undefined
  /** Other headers; they cannot replace those that the members above set. */
  headers?: Params | undefined
}

/** Parameters by name; those that are `undefined` are left out. */
export type Params = Record<string, string | undefined>

/** An app's own request to a provider's API. */
export interface OpenRequest {
  url: URL
  method: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
  /** The app's own signal; it ends the request and the body. */
  signal: AbortSignal | undefined
}

/** A call in the form that undici's dispatchers expect. The caller keeps the deadline. */
export function dispatchOptions(request: ProviderRequest, limits: CallLimits): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = urlOf(request)
  return {
    origin,
    path: pathname + search,
    method: request.method,
    headers: headersOf(request, limits.customHeaders),
    body: bodyOf(request) ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
  }
}

/** The same for an app's own request. Its streamed body may not pause for longer than the deadline. */
export function openOptions(request: OpenRequest, limits: CallLimits): Dispatcher.DispatchOptions {
  const { url, method, headers, body } = request
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: method as Dispatcher.HttpMethod, // undici refuses other values
    headers: { ...DEFAULT_HEADERS, ...limits.customHeaders, ...headers },
    body: (body ?? null) as Exclude<Dispatcher.DispatchOptions['body'], undefined>, // its types lack iterables
    headersTimeout: 0,
    bodyTimeout: limits.timeout,
  }
}

const DEFAULT_HEADERS = { accept: 'application/json', 'user-agent': 'passport-dialects' }

function urlOf({ url, query }: ProviderRequest): URL {
  const whole = new URL(url)
  if (!query) return whole
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) whole.searchParams.set(name, value)
  }
  return whole
}

function headersOf(request: ProviderRequest, customHeaders: Record<string, string> | undefined) {
  const headers: Record<string, string> = Object.assign({}, DEFAULT_HEADERS, customHeaders)
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = value
  }
  if (request.form) headers['content-type'] = 'application/x-www-form-urlencoded'
  if (request.json) headers['content-type'] = 'application/json'
  if (request.basic) {
    const { user, password } = request.basic
    headers.authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  }
  if (request.bearer !== undefined) headers.authorization = `Bearer ${request.bearer}`
  return headers
}

function bodyOf({ form, json }: ProviderRequest): string | undefined {
  if (json) return JSON.stringify(json)
  if (!form) return undefined
  const fields = new URLSearchParams()
  for (const name of Object.keys(form)) {
    const value = form[name]
    if (value !== undefined) fields.append(name, value)
  }
  return fields.toString()
}
