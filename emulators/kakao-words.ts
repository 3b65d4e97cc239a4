import type { Reply } from './reply'
import type { Why } from './texts'

/** By `error_code`, the third member of a refusal: the RFC 6749 code beside it, and its text. */
const AT_THE_TOKEN: Record<string, readonly [error: string, description: string]> = {
  KOE003: ['server_error', 'temporary internal failure'],
  KOE009: ['misconfigured', 'invalid android_key_hash or ios_bundle_id or web_site_url'],
  KOE010: ['invalid_client', 'Bad client credentials'],
  KOE101: ['invalid_client', 'Not exist client_id'],
  KOE237: ['too_many_requests', 'token request rate limit exceeded'],
  KOE303: ['invalid_grant', 'Redirect URI mismatch.'],
  KOE310: ['unsupported_grant_type', 'unsupported grant_type'],
  KOE319: ['invalid_grant', 'refresh_token is missing'],
  KOE320: ['invalid_grant', 'authorization code not found'],
  KOE322: ['invalid_grant', 'expired_or_invalid_refresh_token'],
}

const ON_THE_PAGE: Record<string, Why> = {
  KOE006: ({ wrong }) => wrong.notRegistered('redirect_uri'),
  KOE205: ({ wrong }) => wrong.notSetUp,
}

/** The page's text for a mistake of the app. */
export function pageWords(code: string): Why {
  return ON_THE_PAGE[code] ?? AT_THE_TOKEN[code]?.[1] ?? 'refused by the emulator'
}

/** A refusal of the token endpoint. */
export function words(error_code: string, description?: string) {
  const [error, usual] = AT_THE_TOKEN[error_code] ?? ['invalid_request', 'refused by the emulator']
  return { error, error_description: description ?? usual, error_code }
}

export function refused(code: string, description?: string): Reply {
  const json = words(code, description)
  return { status: json.error === 'invalid_client' ? 401 : 400, json }
}

const AT_THE_API: Record<number, readonly [status: number, msg: string]> = {
  [-1]: [400, 'internal error'],
  [-2]: [400, 'wrong parameter'],
  [-10]: [400, 'API limit has been exceeded.'],
  [-101]: [400, 'NotRegisteredUserException'],
  [-103]: [400, 'account does not exist'],
  [-401]: [401, 'this access token does not exist'],
  [-402]: [403, 'insufficient scopes.'],
  [-406]: [401, 'This user is under 14.'],
}

/** A refusal of the API: another shape, with negative numbers. */
export function apiWords(code: number): object {
  const msg = AT_THE_API[code]?.[1] ?? 'refused by the emulator'
  const scopes = { required_scopes: ['friends'], allowed_scopes: ['profile_nickname', 'profile_image'] }
  return { msg, code, ...(code === -402 && { api_type: 'TALK_FRIENDS', ...scopes }) }
}

export function apiRefused(code: number): Reply {
  return { status: AT_THE_API[code]?.[0] ?? 400, json: apiWords(code) }
}
