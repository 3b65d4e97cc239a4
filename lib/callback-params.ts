import { OAuthError } from './errors'
import type { SessionRequest, Where } from './session'

/**
 * The parameters of a callback, from the request's own address. An app's query parser (Express has three) does
 * not matter; `req.query` serves where there is no address to read.
 */
export function callbackParams(req: SessionRequest): URLSearchParams {
  const address = req.originalUrl ?? req.url ?? ''
  const at = address.indexOf('?')
  const query = at === -1 ? '' : (address.slice(at + 1).split('#', 1)[0] ?? '')
  if (address !== '') return new URLSearchParams(query) // not `req.query`: Express 5 parses anew whenever it is asked
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(typeof req.query === 'object' && req.query ? req.query : {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'string') params.append(name, item)
    }
  }
  return params
}

/**
 * Refuses a callback that repeats a parameter (RFC 6749 §3.1) or leaves one of `meaningful` empty.
 * @throws OAuthError `callback_invalid`
 */
export function refuseMalformed(params: URLSearchParams, meaningful: readonly string[], where: Where): void {
  const names = [...params.keys()]
  const repeated = names.find((name, at) => names.indexOf(name) !== at)
  const empty = meaningful.find((name) => params.get(name) === '')
  if (repeated !== undefined || empty !== undefined) throw new OAuthError('callback_invalid', where)
}
