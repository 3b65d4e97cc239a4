import type { OptionReader } from './options'
import type { SessionRequest } from './session'

/** What Express adds to a request, as far as an address depends on it. */
interface ProxiedRequest extends SessionRequest {
  app?: { get?(setting: string): unknown }
}

/** Option `callbackURL`: absolute, or a path. @throws OAuthError `config_invalid` */
export function readCallbackURL(read: OptionReader): string {
  const value = read.text('callbackURL')
  if (value.startsWith('/') && !value.startsWith('//')) return value
  if (!ABSOLUTE.test(value) || !URL.canParse(value) || value.includes('#')) {
    read.fail('callbackURL', 'must be an absolute http(s) address without a fragment, or a path that begins with /')
  }
  return value
}

/**
 * The absolute callback address. A path is resolved against the address that the browser used, which is
 * told by forwarded headers only where `proxy` is set or Express's `trust proxy` trusts the peer (RFC 9700 §4.13).
 */
export function absoluteCallbackURL(req: SessionRequest, callbackURL: string, proxy: boolean): string {
  if (ABSOLUTE.test(callbackURL)) return callbackURL
  const trusted = proxy || trustsPeer(req)
  const forwardedProto = trusted ? firstOf(req.headers['x-forwarded-proto']) : undefined
  const forwardedHost = trusted ? firstOf(req.headers['x-forwarded-host']) : undefined
  const secure = forwardedProto ? forwardedProto.toLowerCase() === 'https' : 'encrypted' in req.socket
  const host = forwardedHost ?? req.headers.host ?? 'localhost'
  const base = `${secure ? 'https' : 'http'}://${host}`
  const from = new URL(URL.canParse(base) ? base : 'http://localhost')
  // Only the path of the request: a target such as //evil.example/x or http://evil.example/x names no other host.
  from.pathname = requestPath(req)
  return new URL(callbackURL.replace(/^\/{2,}/, '/'), from).href
}

const ABSOLUTE = /^https?:\/\//i

/** The path that the browser asked for, before any router cut it. */
export function requestPath(req: SessionRequest): string {
  return (req.originalUrl ?? req.url ?? '/').split(/[?#]/, 1)[0] ?? '/'
}

function trustsPeer(req: ProxiedRequest): boolean {
  const trust = req.app?.get?.('trust proxy fn')
  return typeof trust === 'function' && trust(req.socket.remoteAddress, 0) === true
}

function firstOf(header: string | string[] | undefined): string | undefined {
  const first = String(header ?? '')
    .split(',', 1)[0]
    ?.trim()
  return first ? first : undefined
}
