import type { Reply } from './reply'

/** The texts of the error page, abridged. */
const WORDS: Record<number, string> = {
  12304: 'client secret is invalid',
  20002: 'client_id is missing',
  20003: 'client_id is invalid',
  20022: 'redirect_uri is missing',
  20023: 'redirect_uri is malformed',
  20024: 'redirect_uri is not registered',
  20085: 'client secret is invalid',
  20086: 'a parameter is invalid',
  20152: 'code is malformed',
  20154: 'code is of another client',
  20155: 'code is expired',
  20156: 'code has been used',
  20158: 'code has been withdrawn',
  20171: 'client_secret is missing',
  20172: 'client_secret is malformed',
  20182: 'the request is not supported',
  20191: 'refresh_token is missing',
  20192: 'refresh_token is malformed',
  20193: 'refresh_token is invalid',
  22023: 'redirect_uri is another one than at the authorization',
}

/** The page lists no number for it: this is the next free one. */
export const DEAD_REFRESH = 20193

export function shortWords(subError: number): string {
  return WORDS[subError] ?? 'refused by the emulator'
}

/** Numbers where RFC 6749 has words. */
export function wordsOf(sub_error: number) {
  return { sub_error, error_description: shortWords(sub_error), error: 1101 }
}

export function refused(subError: number): Reply {
  return { status: 400, json: wordsOf(subError) }
}

export const TEXT = { 'content-type': 'text/plain; charset=utf-8' }

/** JSON with the media type of text. */
export function text(json: object): Reply {
  return { headers: TEXT, json }
}

/** The error is only in a header, not in the status. */
export function verdict(status: number): Reply {
  return { headers: { ...TEXT, NSP_STATUS: String(status) }, json: { error: verdictWords(status) } }
}

export function verdictWords(status: number): string {
  if (status === 6) return 'session timeout'
  return status === 102 ? 'invalid session' : 'refused by the emulator'
}

/** The header's code for a fault: the requested code, else the one that fits the HTTP status. */
export function verdictOf(status: number, code: string | undefined): number {
  return Number(code ?? (status >= 500 ? 500 : status === 429 ? 503 : status === 403 ? 403 : 102))
}
