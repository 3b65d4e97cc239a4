/** Any JSON value (RFC 8259). */
export type Json = null | boolean | number | string | Json[] | JsonObject
/** A JSON object: a provider's answer, or a part of it. */
export type JsonObject = { [key: string]: Json | undefined }

/** One call to a provider, as a dialect writes it down. At most one of `form` and `json`. */
export interface ProviderRequest {
  /** The HTTP method. */
  method: 'GET' | 'POST'
  /** Absolute address; a query of its own stays. */
  url: string
  /** Set in the address's query. */
  query?: Params
  /** Sent as `application/x-www-form-urlencoded`, without a charset (one provider refuses it). */
  form?: Params
  /** Sent as `application/json`. */
  json?: JsonObject
  /** `Authorization: Basic`: user and password as they go into base64. */
  basic?: { user: string; password: string }
  /** `Authorization: Bearer` (RFC 6750 §2.1). */
  bearer?: string
}

/** Parameters by name; those that are `undefined` are left out. */
export type Params = Record<string, string | undefined>

/** The address with the query. */
export function addressOf({ url, query }: ProviderRequest): URL {
  const address = new URL(url)
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) address.searchParams.set(name, value)
  }
  return address
}

/** The headers; those of the protocol replace the app's own. */
export function headersOf(request: ProviderRequest, customHeaders: Record<string, string> | undefined) {
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': USER_AGENT }
  Object.assign(headers, lowerCase(customHeaders))
  if (request.form) headers['content-type'] = 'application/x-www-form-urlencoded'
  if (request.json) headers['content-type'] = 'application/json'
  if (request.basic) {
    const { user, password } = request.basic
    headers.authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  }
  if (request.bearer !== undefined) headers.authorization = `Bearer ${request.bearer}`
  return headers
}

/** Headers by their names in lower case. */
export function lowerCase(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The body, of a form or of JSON. */
export function bodyOf({ form, json }: ProviderRequest): string | undefined {
  if (json) return JSON.stringify(json)
  if (!form) return undefined
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(form)) {
    if (value !== undefined) fields.append(name, value)
  }
  return fields.toString()
}

/** What this package calls itself to a provider. */
export const USER_AGENT = 'passport-dialects'

/** Whatever of a request could be a credential: what no error may quote. */
export function secretsOf({ form, query, json, basic, bearer }: ProviderRequest): string[] {
  const named = Object.entries({ ...query, ...form, ...json }).filter(([name]) => !PUBLIC_NAMES.has(name))
  return [...named.map(([, value]) => value), basic?.password, bearer].filter((value) => typeof value === 'string')
}
const PUBLIC_NAMES = new Set(['grant_type', 'response_type', 'redirect_uri', 'client_id', 'client_key', 'fields'])
