import type { Request } from 'express'
import type { Flow } from './legs'

/** What a request asks the router for: a leg of a login at a provider, or one of the two pages of its own. */
export interface Asked {
  page: Flow['leg'] | 'session' | 'logout'
  /** As the address names it; nobody has looked whether there is such a provider. */
  provider: string
}

/**
 * Reads the router's addresses: `GET MOUNT/:provider`, `…/callback`, `…/entry`, `GET MOUNT/session`,
 * `POST MOUNT/logout`. As Express compares paths: whatever their case, with or without a slash at the end; HEAD as GET.
 * One expression in place of five routes, for every page of the app comes this way.
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
    if (method === 'POST') return own === 'logout' ? { page: 'logout', provider } : undefined
    if (method !== 'GET' && method !== 'HEAD') return undefined
    if (own === 'session') return { page: 'session', provider }
    if (leg === undefined) return { page: 'begin', provider }
    return { page: leg.toLowerCase() === 'entry' ? 'entry' : 'callback', provider }
  }
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
