import type { Call, Reply } from './server'

const WORDS: Record<number, string> = {
  100000: 'param response_type is missing or illegal',
  100001: 'param client_id is missing',
  100002: 'param client_secret is missing',
  100004: 'param grant_type is wrong or lost',
  100005: 'param code is lost',
  100006: 'param refresh_token is lost',
  100007: 'param access_token is lost',
  100008: 'client_id is illegal',
  100009: 'client_secret is illegal',
  100010: 'redirect uri is illegal',
  100011: 'the app is not online',
  100013: 'access token is illegal',
  100014: 'access token is expired',
  100015: 'access token is revoked',
  100016: 'access token check failed',
  100017: 'get appid failed',
  100019: 'code to access token error',
  100020: 'code is reused error',
  100022: 'refresh token is illegal',
  100029: 'wrong http request',
  100030: 'user has not authorized this api',
  100031: 'the app has no right to this api',
  100048: 'the app has no right to get unionid',
  1002: 'please log in first',
}

export function shortWords(error: number): string {
  return WORDS[error] ?? 'refused by the emulator'
}

/** A refusal below `/oauth2.0/`. */
export function wordsOf(error: number): { error: number; error_description: string } {
  return { error, error_description: shortWords(error) }
}

/** A refusal of the API: another shape. */
export function apiWords(ret: number): { ret: number; msg: string } {
  return { ret, msg: shortWords(ret) }
}

/** For every response: HTTP 200, and a media type that never fits. */
export const HTML = { 'content-type': 'text/html; charset=utf-8' }

/** Responds in the format of `fmt`, unless the emulator ignores it. */
export class Speaker {
  /** @param deaf whether `fmt` is ignored, as if it were absent */
  constructor(private readonly deaf: boolean) {}

  /** JSON if it was requested; otherwise the format without `fmt`. */
  private say({ query }: Call, json: object, without: (json: object) => string): Reply {
    if (!this.deaf && query.get('fmt') === 'json') return { headers: HTML, json }
    return { headers: HTML, json, write: (value) => without(value as object) } // `json` is an object
  }

  /** Tokens: form text without `fmt`. */
  tokens(call: Call, members: Record<string, string | number | undefined>): Reply {
    const known = Object.entries(members).filter(([, value]) => value !== undefined)
    return this.say(call, Object.fromEntries(known), (json) => new URLSearchParams(Object.entries(json)).toString())
  }

  /** Everything else: JSONP without `fmt`. */
  object(call: Call, members: object): Reply {
    return this.say(call, members, (json) => `callback( ${JSON.stringify(json)} );\n`)
  }

  refused(call: Call, error: number): Reply {
    return this.object(call, wordsOf(error))
  }
}

/** The API has no `fmt`: JSON with its slashes escaped. */
export function apiReply(json: object): Reply {
  return { headers: HTML, json, write: (value) => JSON.stringify(value).replaceAll('/', '\\/') }
}
