import type { Dialect } from './provider-dialect'
import type { Params } from './provider-request'

/**
 * The protocol's parameters by the names that the dialect gives them. The names of the RFC stay in it, without a value:
 * a provider may know both, so nobody else may set them either.
 */
export function onTheWire({ clientIDName, authorizationNames }: Dialect, protocol: Params): Params {
  if (clientIDName === undefined && authorizationNames === undefined) return protocol
  const names: Readonly<Record<string, string | undefined>> = { client_id: clientIDName, ...authorizationNames }
  const renamed: Params = {}
  for (const name of Object.keys(protocol)) renamed[names[name] ?? name] = protocol[name]
  for (const name of Object.keys(protocol)) if (!Object.hasOwn(renamed, name)) renamed[name] = undefined
  return renamed
}

/**
 * `address` with parameters set in its query: those of the protocol, and of the `extra` ones whatever is not theirs.
 * One after the other into the query itself: an object made of them all would take several times as long.
 */
export function withParams(address: string, protocol: Params, ...extra: Params[]): string {
  // Nothing to merge with and nothing to escape: what most addresses have.
  const url = PLAIN.test(address) ? undefined : new URL(address)
  const query = new URLSearchParams(url?.search) // those of the address itself write it anew at every `set`
  for (const params of extra) {
    for (const name of Object.keys(params)) if (!Object.hasOwn(protocol, name)) set(query, name, params[name])
  }
  for (const name of Object.keys(protocol)) set(query, name, protocol[name])
  if (!url) return `${address}?${query}`
  url.search = query.toString()
  return url.href
}

const PLAIN = /^https?:\/\/[a-z\d.:-]+\/[\w./~-]*$/

function set(query: URLSearchParams, name: string, value: string | undefined): void {
  if (value !== undefined) query.set(name, value)
}
