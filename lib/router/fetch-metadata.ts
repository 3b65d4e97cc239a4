import type { Request } from 'express'

// Where a request comes from, by what browsers say of it (Fetch Metadata, RFC 6454 §7.3, RFC 9110 §10.1.3, Sec-Purpose).

/** A prefetch, a prerender or a preview: nobody has gone there yet. */
export function isSpeculative(req: Request): boolean {
  const purposes = [req.get('sec-purpose'), req.get('purpose'), req.get('x-purpose'), req.get('x-moz')]
  return purposes.some((purpose) => purpose !== undefined && /\b(prefetch|prerender|preview)\b/i.test(purpose))
}

/**
 * Whether the browser goes there: as a page, or in a frame of this site's own. A request that says nothing may.
 * @param anyFrame in a frame of another site too, for a provider that opens the app inside its own pages
 */
export function isNavigation(req: Request, { anyFrame = false } = {}): boolean {
  const destination = req.get('sec-fetch-dest')
  if (destination === undefined || destination === 'document') return true
  return /^(i?frame|fencedframe)$/.test(destination) && (anyFrame || !isFromElsewhere(req, undefined))
}

/**
 * Whether another site caused the request. `Sec-Fetch-Site` tells; a browser that does not know it, or plain http, has
 * `Origin` or `Referer`. Where nothing tells, as with a bookmark in an old browser, it counts as this site's own.
 *
 * @param baseURL the public origin of this app, where it is known
 */
export function isFromElsewhere(req: Request, baseURL: string | undefined): boolean {
  const site = req.get('sec-fetch-site')
  if (site !== undefined) return site === 'cross-site'
  // A page without referrer says `null` of its own forms too.
  const [source] = [req.get('origin'), req.get('referer')].filter((value) => value !== undefined && value !== 'null')
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
 * Whether a page of this very origin caused the request: another host of the same site is another origin. Where nothing
 * tells it counts as one: a page of another origin that could read the answer has an `Origin` (Fetch, the CORS protocol).
 *
 * @param baseURL the public origin of this app, where it is known
 */
export function isFromOwnOrigin(req: Request, baseURL: string | undefined): boolean {
  const site = req.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const source = req.get('origin') ?? req.get('referer')
  if (source === undefined) return true
  if (!URL.canParse(source)) return false // `null`: a page without an origin
  const { host, protocol } = new URL(source)
  const isSecure = req.secure || baseURL?.startsWith('https:')
  return !(isSecure && protocol === 'http:') && isOwnHost(req, host, protocol, baseURL)
}

/** A host as a URL has it: without the port that its scheme has anyhow. */
function hostIn(header: string | undefined, protocol: string): string | undefined {
  const url = `${protocol}//${header?.split(',', 1)[0]?.trim()}`
  return header !== undefined && URL.canParse(url) ? new URL(url).host : undefined
}
