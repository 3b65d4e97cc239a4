import { randomUUID } from 'node:crypto'
import type { Reply } from './reply'

/** The codes of developers.notion.com/reference/status-codes; the texts are its examples, or similar. */
const CODES: Record<string, readonly [status: number, message: string]> = {
  invalid_client: [401, 'Client authentication failed.'],
  invalid_grant: [400, 'Invalid code: this code has been revoked.'],
  invalid_json: [400, 'Error parsing JSON body.'],
  invalid_request: [400, 'Unsupported request: token.'],
  missing_version: [
    400,
    'Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`.',
  ],
  validation_error: [400, 'body failed validation.'],
  unauthorized: [401, 'API token is invalid.'],
  restricted_resource: [403, 'Insufficient permissions for this endpoint.'],
  rate_limited: [429, 'You have been rate limited. Please try again in a few minutes.'],
  internal_server_error: [500, 'Unexpected error occurred.'],
  service_unavailable: [503, 'Notion is unavailable, please try again later.'],
}

/** The code of a fault that names only a status. */
export function codeOf(status: number): string | undefined {
  if (status === 503 || status === 500) return status === 503 ? 'service_unavailable' : 'internal_server_error'
  return { 403: 'restricted_resource', 429: 'rate_limited' }[status]
}

/** A refusal in the API's shape. */
export function apiWords(code: string, message?: string, status?: number) {
  const [usual, text] = CODES[code] ?? [400, 'refused by the emulator']
  return { object: 'error', status: status ?? usual, code, message: message ?? text, request_id: randomUUID() }
}

export function apiRefused(code: string, message?: string): Reply {
  const json = apiWords(code, message)
  return { status: json.status, json }
}

/** A refusal of a grant or a client in the shape of RFC 6749 §5.2. */
export function oauthWords(error: string, message?: string) {
  return {
    error,
    error_description: message ?? CODES[error]?.[1] ?? 'refused by the emulator',
    request_id: randomUUID(),
  }
}

export function oauthRefused(error: string, message?: string): Reply {
  return { status: CODES[error]?.[0] ?? 400, json: oauthWords(error, message) }
}
