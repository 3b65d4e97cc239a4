import type { FaultEndpoint } from './types'

/** A problem of the API (RFC 7807); the type is `about:blank` if the status says everything. */
interface Problem {
  title: string
  type: string
  status: number
  detail: string
  [more: string]: unknown
}

export const PROBLEM = { 'content-type': 'application/problem+json; charset=utf-8' }

const TYPES = 'https://api.twitter.com/2/problems/'

const TITLES: Record<number, string> = {
  400: 'Invalid Request',
  401: 'Unauthorized',
  402: 'CreditsDepleted',
  403: 'Forbidden',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export function problem(status: number, detail?: string): Problem {
  const title = TITLES[status] ?? 'Error'
  return { title, type: 'about:blank', status, detail: detail ?? title }
}

const NOT_ENROLLED =
  'When authenticating requests to the API v2 endpoints, you must use keys and tokens from an App that belongs to a Project.'

/**
 * The API's response to a fault.
 * @param code `client-not-enrolled` or another last part of a problem's type; with HTTP 200 the problem is in `errors`
 */
export function apiWords(status: number, code: string | undefined): object {
  if (status === 200) {
    const detail = 'Could not find the user of this request.'
    const title = 'Not Found Error'
    return { errors: [{ title, type: `${TYPES}${code ?? 'resource-not-found'}`, status: 404, detail }] }
  }
  if (code === undefined) return problem(status)
  const reason = code === 'client-not-enrolled' ? { reason: code, title: 'Client Forbidden', detail: NOT_ENROLLED } : {}
  const type = TYPES + (code === 'client-not-enrolled' ? 'client-forbidden' : code)
  return { ...problem(status), ...reason, type }
}

/** The token and revocation endpoints' response to a fault. */
export function tokenWords(endpoint: FaultEndpoint, status: number, code: string | undefined): object {
  if (code !== undefined) return { error: code, error_description: 'refused by the emulator' }
  if (status >= 500) return { error: 'server_error', error_description: TITLES[status] ?? 'refused by the emulator' }
  if (status === 429) return { error: 'too_many_requests', error_description: TITLES[429] }
  if (endpoint === 'refresh') return { error: 'invalid_request', error_description: invalidValue('token') }
  return { error: 'unauthorized_client', error_description: NO_HEADER }
}

export const NO_HEADER = 'Missing valid authorization header'

export function invalidValue(of: 'authorization code' | 'token'): string {
  return `Value passed for the ${of} was invalid.`
}

/** The headers after a limit was reached. */
export function limitHeaders(resetsAt: number): Record<string, string> {
  return { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(Math.ceil(resetsAt / 1000)) }
}
