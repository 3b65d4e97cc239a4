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
  query?: Params | undefined
  /** Sent as `application/x-www-form-urlencoded`, without a charset (one provider refuses it). */
  form?: Params | undefined
  /** Sent as `application/json`. */
  json?: JsonObject | undefined
  /** `Authorization: Basic`: user and password as they go into base64. */
  basic?: { user: string; password: string } | undefined
  /** `Authorization: Bearer` (RFC 6750 §2.1). */
  bearer?: string | undefined
  /** Headers of the provider's own; they can't replace those that the members above set. */
  headers?: Params | undefined
}

/** Parameters by name; those that are `undefined` are left out. */
export type Params = Record<string, string | undefined>

/** Whatever of a request could be a credential: what no error may quote. */
export function secretsOf({ form, query, json, basic, bearer, headers }: ProviderRequest): string[] {
  const named = Object.entries({ ...query, ...form, ...json }).filter(([name]) => !PUBLIC_NAMES.has(name))
  const header = basic && Buffer.from(`${basic.user}:${basic.password}`).toString('base64')
  return [...named.map(([, value]) => value), basic?.password, header, bearer, ...Object.values(headers ?? {})].filter(
    (value) => typeof value === 'string',
  )
}
const PUBLIC_NAMES = new Set(['grant_type', 'response_type', 'redirect_uri', 'client_id', 'client_key', 'fields'])
