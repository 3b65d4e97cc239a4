import type { Reply } from './reply'

/** A refusal of VK ID; VK documents no texts, these are inferred. */
const AT_VK_ID: Record<string, readonly [status: number, description: string]> = {
  access_denied: [403, 'access_token is not good for this request'],
  invalid_client: [401, 'client_id is incorrect'],
  invalid_grant: [400, 'code is invalid or expired'],
  invalid_request: [400, 'request is malformed'],
  invalid_scope: [400, 'scope is invalid'],
  invalid_token: [401, 'access_token is invalid or expired'],
  server_error: [500, 'Internal server error'],
  slow_down: [429, 'Too many requests'],
  unsupported_grant_type: [400, 'grant_type is not supported'],
}

export function words(error: string, description = AT_VK_ID[error]?.[1] ?? 'refused by the emulator') {
  return { error, error_description: description }
}

/** Its HTTP status, if VK uses one. */
export function statusOf(error: string): number {
  return AT_VK_ID[error]?.[0] ?? 400
}

/** Numbers of VK's API (dev.vk.com/ru/reference/errors). */
const AT_THE_API: Record<number, string> = {
  1: 'Unknown error occurred',
  3: 'Unknown method passed',
  5: 'User authorization failed: invalid access_token (4).',
  6: 'Too many requests per second',
  7: 'Permission to perform this action is denied',
  8: 'Invalid request: v (version) is required',
  9: 'Flood control',
  10: 'Internal server error',
  14: 'Captcha needed',
  15: 'Access denied',
  17: 'Validation required: please open redirect_uri in browser',
  18: 'User was deleted or banned',
  29: 'Rate limit reached',
}

/** A refusal of the API: on HTTP 200. */
export function apiWords(error_code: number, error_msg = AT_THE_API[error_code] ?? 'refused by the emulator') {
  return { error: { error_code, error_msg, request_params: [] } }
}

export function apiRefused(code: number, message?: string): Reply {
  return { json: apiWords(code, message) }
}
