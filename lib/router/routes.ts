import type { Request } from 'express'
import type { DialectStrategy, RouterLogin } from '../strategy'

/**
 * What a request asks of the router: a request of a login (`in-page`: the state for a page), or a route without a
 * provider.
 */
export interface Asked {
  page: RouterLogin['leg'] | 'in-page' | 'session' | 'logout'
  /** The name in the address; it may be unknown. */
  provider: string
}

/**
 * Reads the router's addresses: `GET MOUNT/:provider`, `…/callback`, `…/entry`, `GET MOUNT/session`, `POST
 * MOUNT/logout`, `POST MOUNT/:provider/callback`, `…/entry`. Like Express, it ignores case and a trailing slash, and
 * treats HEAD as GET. One regular expression instead of five routes, because every page of the app comes through here:
 * docs/performance.md has the figures.
 */
export function addressReader(mountPath: string): (req: Pick<Request, 'method' | 'url' | 'path'>) => Asked | undefined {
  const pattern = new RegExp(`^${mountPath.replaceAll('.', '\\.')}/([^/]+)(?:/(callback|entry))?/?$`, 'i')
  return (req) => {
    // One character rules out most pages. In an absolute-form address, the path is elsewhere.
    const { method, url } = req
    if (url.charCodeAt(0) === SLASH && url.charCodeAt(mountPath.length) !== SLASH) return undefined
    const [, name, leg] = pattern.exec(req.path) ?? []
    if (name === undefined) return undefined
    const provider = decoded(name)
    const own = leg === undefined ? provider.toLowerCase() : undefined
    if (method === 'POST' && own === 'logout') return { page: 'logout', provider }
    if (method === 'POST' && leg !== undefined) {
      return { page: leg.toLowerCase() === 'entry' ? 'in-page' : 'callback', provider }
    }
    if (method !== 'GET' && method !== 'HEAD') return undefined
    if (own === 'session') return { page: 'session', provider }
    if (leg === undefined) return { page: 'begin', provider }
    return { page: leg.toLowerCase() === 'entry' ? 'entry' : 'callback', provider }
  }
}

/**
 * The methods that a provider's address accepts; none if there is no such address. No HEAD, which must not use up a
 * code.
 */
export function methodsAt(
  page: RouterLogin['leg'] | 'in-page',
  { takesPost, takesUnsolicited, beginsInPage }: DialectStrategy,
): string[] {
  if (page === 'begin') return ['GET']
  if (page === 'callback') return takesPost ? ['GET', 'POST'] : ['GET']
  return [...(takesUnsolicited ? ['GET'] : []), ...(beginsInPage ? ['POST'] : [])]
}

const SLASH = 0x2f

/** Decodes a name; one with a malformed percent sign stays as it is, and is no provider's. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
