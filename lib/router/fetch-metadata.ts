import type { Request } from 'express'

// Where a request comes from, according to the browser (Fetch Metadata, RFC 6454 §7.3, RFC 9110 §10.1.3, Sec-Purpose).

/** Whether it is a prefetch, a prerender or a preview: the user has not gone there yet. */
export function isSpeculative({ headers }: Request): boolean {
  return PURPOSES.some((name) => name in headers && /\b(prefetch|prerender|preview)\b/i.test(String(headers[name])))
}

const PURPOSES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/**
 * Whether the browser navigates there, as a page or in a frame of this site. Without the header, it counts as a
 * navigation.
 * @param anyFrame also in a frame of another site, for a provider that opens the app inside its own pages
 */
export function isNavigation(req: Request, { anyFrame = false } = {}): boolean {
  const destination = req.headers['sec-fetch-dest']
  if (destination === undefined || destination === 'document') return true
  return /^(i?frame|fencedframe)$/.test(String(destination)) && (anyFrame || !isFromElsewhere(req, undefined))
}

/**
 * Whether another site caused the request. `Sec-Fetch-Site` says so; without it (old browsers, plain http), `Origin` or
 * `Referer` does. Without any of them, as with a bookmark in an old browser, the request counts as this site's own.
 *
 * @param baseURL the public origin of this app, if it is known
 */
export function isFromElsewhere(req: Request, baseURL: string | undefined): boolean {
  const { headers } = req
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'cross-site'
  // A page with a no-referrer policy sends `null` even for its own forms.
  const [source] = [headers.origin, headers.referer].filter((value) => value !== undefined && value !== 'null')
  if (source === undefined) return false
  if (!URL.canParse(source)) return true
  const { host, protocol } = new URL(source)
  return !isOwnHost(req, host, protocol, baseURL)
}

function isOwnHost(req: Request, host: string, protocol: string, baseURL: string | undefined): boolean {
  const own = [req.get('host'), baseURL === undefined ? undefined : new URL(baseURL).host]
  if (req.app?.get?.('trust proxy fn')?.(req.socket.remoteAddress, 0) === true) own.push(req.get('x-forwarded-host'))
  return own.some((name) => hostIn(name, protocol) === host)
}

/**
 * Whether a page of exactly this origin caused the request; another host of the same site is another origin. Without
 * any header it counts as this origin: a page of another origin that could read the response sends an `Origin` (Fetch,
 * CORS protocol).
 *
 * @param baseURL the public origin of this app, if it is known
 */
export function isFromOwnOrigin(req: Request, baseURL: string | undefined): boolean {
  const { headers } = req
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const source = headers.origin ?? headers.referer
  if (source === undefined) return true
  if (!URL.canParse(source)) return false // `null`: a page without an origin
  const { host, protocol } = new URL(source)
  const isSecure = req.secure || baseURL?.startsWith('https:')
  return !(isSecure && protocol === 'http:') && isOwnHost(req, host, protocol, baseURL)
}

/** A host as in a URL: without the default port of its scheme. */
function hostIn(header: string | undefined, protocol: string): string | undefined {
  const url = `${protocol}//${header?.split(',', 1)[0]?.trim()}`
  return header !== undefined && URL.canParse(url) ? new URL(url).host : undefined
}
