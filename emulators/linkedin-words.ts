import type { Reply } from './reply'

/** The text for every invalid code, whatever the reason; quoted from issues. */
const BAD_CODE =
  'Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or authorization code expired. Or external member binding exists'

const AT_THE_TOKEN: Record<string, readonly [status: number, description: string]> = {
  invalid_request: [400, BAD_CODE],
  invalid_redirect_uri: [400, BAD_CODE],
  invalid_client: [401, 'Client authentication failed'],
  invalid_grant: [400, 'The provided authorization grant or refresh token is invalid, expired or revoked'],
  unsupported_grant_type: [400, 'The grant type is not supported'],
  server_error: [500, 'Internal Server Error'],
}

export function words(error: string, description?: string) {
  return { error, error_description: description ?? AT_THE_TOKEN[error]?.[1] ?? 'refused by the emulator' }
}

export function refused(error: string, description?: string): Reply {
  return { status: AT_THE_TOKEN[error]?.[0] ?? 400, json: words(error, description) }
}

export function missing(name: string): Reply {
  return refused('invalid_request', `A required parameter "${name}" is missing`)
}

const AT_THE_API: Record<string, readonly [status: number, serviceErrorCode: number | undefined, message: string]> = {
  INVALID_ACCESS_TOKEN: [401, 65600, 'Invalid access token'],
  REVOKED_ACCESS_TOKEN: [401, 65601, 'The token used in the request has been revoked by the user'],
  EXPIRED_ACCESS_TOKEN: [401, 65602, 'The token used in the request has expired'],
  EMPTY_ACCESS_TOKEN: [401, 65604, 'Empty oauth2 access token'],
  ACCESS_DENIED: [403, 100, 'Not enough permissions to access: userinfo.GET.NO_VERSION'],
  TOO_MANY_REQUESTS: [429, 101, 'Resource level throttle APPLICATION DAY limit for calls to this resource is reached.'],
  INTERNAL_SERVER_ERROR: [500, undefined, 'Internal Server Error'],
}

const BY_STATUS: Record<number, string> = { 403: 'ACCESS_DENIED', 429: 'TOO_MANY_REQUESTS' }

/** A refusal of the API, whose body repeats the status. */
export function apiWords(status: number, code?: string) {
  const name = code ?? BY_STATUS[status] ?? (status >= 500 ? 'INTERNAL_SERVER_ERROR' : 'REVOKED_ACCESS_TOKEN')
  const [usual, serviceErrorCode, message] = AT_THE_API[name] ?? [status, undefined, 'refused by the emulator']
  return { status: status === 200 ? usual : status, serviceErrorCode, code: name, message }
}

export function apiRefused(code: string): Reply {
  const status = AT_THE_API[code]?.[0] ?? 400
  return { status, json: apiWords(status, code) }
}
