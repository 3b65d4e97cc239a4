import type { Request } from 'express'
import { callbackParams } from '../login/callback'
import { sessionRequest } from '../session/request'

/** A query parameter, if it occurs exactly once. */
export function paramOf(req: Request, name: string): string | undefined {
  const values = callbackParams(sessionRequest(req)).getAll(name)
  return values.length === 1 ? values[0] : undefined
}

/** Adds parameters to an address's query; its fragment stays. */
export function withQuery(address: string, params: Record<string, string>): string {
  const [rest = '', hash] = address.split('#', 2)
  const query = new URLSearchParams(params).toString()
  return `${rest}${rest.includes('?') ? '&' : '?'}${query}${hash === undefined ? '' : `#${hash}`}`
}
