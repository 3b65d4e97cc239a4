import { type Call, contentType, FORM, formOf, jsonOf, mediaType, type Reply, repeated } from './server'
import type { Settings } from './settings'

/** A refusal of any of Slack's methods: on HTTP 200. */
export function refused(error: string, more: object = {}): Reply {
  return { json: { ok: false, error, ...more } }
}

/** The arguments of a POST, from its form or JSON, or a refusal of its format. */
export function argumentsOf(call: Call): URLSearchParams | Reply {
  const type = mediaType(call)
  if (type === '') return refused('missing_post_type')
  const charset = /charset=("?)([\w-]+)\1/.exec(contentType(call))?.[2]
  if (charset !== undefined && charset !== 'utf-8') return refused('invalid_charset')
  if (type === FORM) return repeated(formOf(call)) ? refused('invalid_form_data') : formOf(call)
  if (type !== 'application/json') return refused('invalid_post_type')
  const members = Object.entries(jsonOf(call)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return new URLSearchParams(members)
}

/** What is wrong with the app's credentials: by Basic, or in the body. */
export function clientProblem({ headers }: Call, args: URLSearchParams, settings: Settings): Reply | undefined {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headers.authorization ?? '')?.[1]
  const [id, secret] = basic === undefined ? [args.get('client_id'), args.get('client_secret')] : pairOf(basic)
  if (!isText(id, settings.clientID)) return refused('invalid_client_id')
  return isText(secret, settings.clientSecret) ? undefined : refused('bad_client_secret')
}

function pairOf(basic: string): [string, string] {
  const text = Buffer.from(basic, 'base64').toString()
  const colon = text.indexOf(':')
  return [text.slice(0, colon), text.slice(colon + 1)]
}

/** Plain, or encoded as RFC 6749 §2.3.1 requires for Basic; for Slack's hex they are the same. */
function isText(given: string | null, known: string): boolean {
  return given === known || given === new URLSearchParams([['', known]]).toString().slice(1)
}

/** The refusal of a fault that names none. */
export function usualError(endpoint: string, status: number): string {
  if (status === 429) return 'ratelimited'
  if (status >= 500) return status === 503 ? 'service_unavailable' : 'internal_error'
  return { token: 'invalid_code', refresh: 'invalid_refresh_token' }[endpoint] ?? 'invalid_auth'
}

/** Https, or loopback for tests; a registered URL, or one below it. */
export function isRedirectURL(redirectURI: string, { redirectURIs }: Settings): boolean {
  if (!URL.canParse(redirectURI) || redirectURI.includes('#')) return false
  const { protocol, hostname } = new URL(redirectURI)
  const isLoopback = protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
  if (protocol !== 'https:' && !isLoopback) return false
  const isBelow = (known: string) => redirectURI === known || /^[/?]/.test(redirectURI.split(known, 2)[1] ?? '')
  return redirectURIs?.some((known) => redirectURI.startsWith(known) && isBelow(known)) ?? true
}

export function words(text: string | null, between: string | RegExp): string[] {
  return (text ?? '').split(between).filter((word) => word !== '')
}
