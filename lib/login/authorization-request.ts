import type { Params } from '../http/request'
import type { DialectOptions, OptionReader } from '../options'
import type { Dialect } from '../provider/definition'
import type { SessionRequest } from '../session/request'

/** The parameters of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export interface AuthorizationRequest {
  clientID: string
  redirectURI: string
  scope: readonly string[]
  state: string
  /** The PKCE challenge, if PKCE is on. */
  challenge: string | undefined
  /** OpenID Connect Core 1.0 §3.1.2.1, if the dialect uses one. */
  nonce: string | undefined
}

/**
 * The URL to redirect the browser to: `endpoint` with the protocol's parameters, in the dialect's names and order, and
 * those of `extra` that do not replace them.
 */
export function authorizationURL(
  endpoint: string,
  dialect: Dialect,
  { clientID, redirectURI, scope, state, challenge, nonce }: AuthorizationRequest,
  ...extra: readonly Params[]
): string {
  const { scopeSeparator = ' ', pkceMethod = 'S256', authorizationOrder, authorizationFragment } = dialect
  const protocol = onTheWire(dialect, {
    response_type: 'code',
    client_id: clientID,
    redirect_uri: redirectURI,
    scope: scope.length > 0 ? scope.join(scopeSeparator) : undefined,
    state,
    code_challenge: challenge,
    code_challenge_method: challenge === undefined ? undefined : pkceMethod,
    ...(nonce !== undefined && { nonce }),
    ...(dialect.callback && { response_mode: dialect.callback }),
  })
  const url = withParams(endpoint, protocol, extra, authorizationOrder)
  return authorizationFragment === undefined ? url : `${url}#${authorizationFragment}`
}

/**
 * The protocol's parameters under the dialect's names. The RFC's names stay reserved, without a value: a provider may
 * accept both, so `extra` must not set them either.
 */
function onTheWire({ clientIDName, authorizationNames }: Dialect, protocol: Params): Params {
  if (clientIDName === undefined && authorizationNames === undefined) return protocol
  const names: Readonly<Record<string, string | false | undefined>> = { client_id: clientIDName, ...authorizationNames }
  const renamed: Params = {}
  for (const name of Object.keys(protocol)) {
    const wireName = names[name] ?? name
    if (wireName !== false) renamed[wireName] = protocol[name]
  }
  for (const name of Object.keys(protocol)) if (!Object.hasOwn(renamed, name)) renamed[name] = undefined
  return renamed
}

/**
 * `endpoint` with parameters set in its query. They are set one by one, because merging them into one object first
 * takes several times as long.
 */
function withParams(
  endpoint: string,
  protocol: Params,
  extra: readonly Params[],
  order: readonly string[] | undefined,
): string {
  // An endpoint with no query and nothing to escape, as most are.
  const url = PLAIN.test(endpoint) ? undefined : new URL(endpoint)
  const query = new URLSearchParams(url?.search) // not `url.searchParams`, which rebuilds the URL at every `set`
  for (const params of extra) {
    for (const name of Object.keys(params)) if (!Object.hasOwn(protocol, name)) set(query, name, params[name])
  }
  for (const name of Object.keys(protocol)) set(query, name, protocol[name])
  const ordered = order ? inOrder(query, order) : query
  if (!url) return `${endpoint}?${ordered}`
  url.search = ordered.toString()
  return url.href
}

const PLAIN = /^https?:\/\/[a-z\d.:-]+\/[\w./~-]*$/

function set(query: URLSearchParams, name: string, value: string | undefined): void {
  if (value !== undefined) query.set(name, value)
}

function inOrder(query: URLSearchParams, order: readonly string[]): URLSearchParams {
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
  return new URLSearchParams([...query].sort(([a], [b]) => rank(a) - rank(b)))
}

/** Whether a strategy uses PKCE. @throws OAuthError `config_invalid` */
export function readPKCE(read: OptionReader, { pkce }: Pick<DialectOptions, 'pkce'>, dialect: Dialect): boolean {
  if (pkce === undefined) return dialect.pkce !== undefined && dialect.pkce !== false
  if (pkce === true || pkce === 'S256') return true
  if (pkce !== false) read.fail('pkce', "must be true, false or 'S256' (RFC 7636 §7.2 warns of plain)")
  return dialect.pkce === 'required' ? read.fail('pkce', 'must not be false: the provider requires PKCE') : false
}

/** What Express adds to a request, as far as the callback URL depends on it. */
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
 * The absolute callback URL. A path is resolved against the URL that the browser used. Forwarded headers count only
 * with `proxy`, or if Express's `trust proxy` trusts the peer (RFC 9700 §4.13).
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
  // Only the path of the request: a target such as //evil.example/x or http://evil.example/x must not change the host.
  from.pathname = requestPath(req)
  return new URL(callbackURL.replace(/^\/{2,}/, '/'), from).href
}

const ABSOLUTE = /^https?:\/\//i

/** The path that the browser requested, before a router removed its prefix. */
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
