import type { Request } from 'express'
import { buildEntries, type Entry, type Providers } from '../registry'
import { type OAuthRouterConfig, tenantError } from './config'

/** The strategies of a config, built once; with a function, once for each object that it returns. */
export function entryLookUp(
  providers: OAuthRouterConfig['providers'],
  shared: Parameters<typeof buildEntries>[1],
): (req: Request) => Promise<ReadonlyMap<string, Entry>> {
  if (typeof providers !== 'function') {
    const entries = Promise.resolve(buildEntries(providers, shared))
    return () => entries
  }
  const built = new WeakMap<Providers, ReadonlyMap<string, Entry>>()
  return async (req) => {
    try {
      const current = await providers(req)
      const entries = built.get(current) ?? buildEntries(current, shared)
      built.set(current, entries)
      return entries
    } catch (error) {
      throw tenantError(error)
    }
  }
}
