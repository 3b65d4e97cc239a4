import { type Language, languageOf } from './texts'

/** A response: one of `json`, `html` and `location`, or an empty body. */
export interface Reply {
  status?: number
  /** May replace the content type of `json`. */
  headers?: Record<string, string>
  json?: unknown
  /** Serialises `json` if `JSON.stringify` does not fit, such as for a signed response. */
  write?(json: unknown): string
  /** A page, in the reader's language. */
  html?: (language: Language) => string
  location?: string
}

/** A response on the wire. */
export interface Encoded {
  status: number
  headers: Record<string, string>
  body: string
}

/** @param acceptLanguage the request's `Accept-Language` */
export function encode(reply: Reply, acceptLanguage?: string): Encoded {
  const { status = reply.location === undefined ? 200 : 302, headers: own = {}, location } = reply
  const headers = location === undefined ? own : { ...own, location }
  if (reply.json !== undefined) {
    const type = { 'content-type': 'application/json; charset=utf-8' }
    return { status, headers: { ...type, ...headers }, body: reply.write?.(reply.json) ?? JSON.stringify(reply.json) }
  }
  if (reply.html === undefined) return { status, headers, body: '' }
  const type = { 'content-type': 'text/html; charset=utf-8', vary: 'accept-language' }
  return { status, headers: { ...headers, ...type }, body: reply.html(languageOf(acceptLanguage)) }
}
