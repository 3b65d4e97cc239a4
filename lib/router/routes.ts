import type { Request } from 'express'
import type { DialectStrategy, RouterLogin } from '../strategy'

/** What a request asks the router for: a request of a login at a provider (`in-page`: the state for a page), or one of the two pages of its own. */
export interface Asked {
  page: RouterLogin['leg'] | 'in-page' | 'session' | 'logout'
  /** As the address names it; nobody has looked whether there is such a provider. */
  provider: string
}

/**
 * Reads the router's addresses: `GET MOUNT/:provider`, `…/callback`, `…/entry`, `GET MOUNT/session`,
 * `POST MOUNT/logout`, `POST MOUNT/:provider/callback`, `…/entry`. As Express compares paths: whatever their case, with or without a slash at the end; HEAD as GET.
 * One expression in place of five routes, for every page of the app comes this way: docs/performance.md has its figure.
 */
export function addressReader(mountPath: string): (req: Request) => Asked | undefined {
  const pattern = new RegExp(`^${mountPath.replaceAll('.', '\\.')}/([^/]+)(?:/(callback|entry))?/?$`, 'i')
  return (req) => {
    // Most pages of an app are ruled out by one character. An address that begins with a host has its path elsewhere.
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

/** The methods that an address of a provider takes, none where there is no such address. HEAD must not use up a code. */
export function methodsAt(
  page: RouterLogin['leg'] | 'in-page',
  { takesPost, takesUnsolicited, beginsInPage }: DialectStrategy,
): string[] {
  if (page === 'begin') return ['GET']
  if (page === 'callback') return takesPost ? ['GET', 'POST'] : ['GET']
  return [...(takesUnsolicited ? ['GET'] : []), ...(beginsInPage ? ['POST'] : [])]
}

const SLASH = 0x2f

/** A malformed percent sign is the browser's fault, and no provider's name. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
