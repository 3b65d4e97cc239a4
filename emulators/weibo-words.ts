import type { Reply } from './reply'

/** The error code beside a number of the login: RFC 6749's, or a similar one. */
const WORDS: Record<number, string> = {
  21321: 'applications over the unaudited use restrictions!',
  21322: 'redirect_uri_mismatch',
  21323: 'invalid_request',
  21324: 'invalid_client',
  21325: 'invalid_grant',
  21326: 'unauthorized_client',
  21327: 'expired_token',
  21328: 'unsupported_grant_type',
  21329: 'unsupported_response_type',
  21330: 'access_denied',
  21331: 'temporarily_unavailable',
  21332: 'invalid_access_token',
  21337: 'appkey permission denied',
  10001: 'System error!',
  10002: 'Service unavailable!',
  10006: 'Source paramter(appkey) is missing',
  10014: 'Insufficient app permissions!',
  10016: 'Miss required parameter (uid) , see doc for more info',
  10022: 'IP requests out of rate limit!',
  10023: 'User requests out of rate limit!',
  20003: 'User does not exists!',
}

function wordOf(code: number): string {
  return WORDS[code] ?? 'refused by the emulator'
}

/** A refusal of the login's calls. */
export function loginWords(error_code: number, request: string, error_description = wordOf(error_code)) {
  return { error: wordOf(error_code), error_code, request, error_uri: request, error_description }
}

export function refused(code: number, request: string, description?: string): Reply {
  return { status: 400, json: loginWords(code, request, description) }
}

/** What the application or token may not do; the rest is malformed. */
const FORBIDDEN = [10014, 21321, 21327, 21332]

/** Refusals of the API: another shape, whose number may be text. */
export class ApiRefusals {
  constructor(private readonly type: 'text' | 'number') {}

  words(code: number, request: string): object {
    return { request, error_code: this.type === 'text' ? String(code) : code, error: wordOf(code) }
  }

  reply(code: number, request: string): Reply {
    return { status: FORBIDDEN.includes(code) ? 403 : 400, json: this.words(code, request) }
  }
}
