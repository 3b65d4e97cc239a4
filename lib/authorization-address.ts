import type { Params } from './provider-request'

/** `address` with `params` set in its query. */
export function withParams(address: string, params: Params): string {
  // Nothing to merge with and nothing to escape: what most addresses have, and a third of the work.
  if (PLAIN.test(address)) return `${address}?${queryOf(params)}`
  const url = new URL(address)
  const query = new URLSearchParams(url.search) // those of the address itself write it anew at every `set`
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) query.set(name, value)
  }
  url.search = query.toString()
  return url.href
}

const PLAIN = /^https?:\/\/[a-z\d.:-]+\/[\w./~-]*$/

function queryOf(params: Params): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) query.append(name, value)
  }
  return query
}
