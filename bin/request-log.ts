import type { EmulatorRequest } from '../emulators/index'

/** A request as one line: time, provider, endpoint, method, path, status. Secrets are masked. */
export function logLine(
  provider: string,
  { at, endpoint, method, path, query, status, fault }: EmulatorRequest,
): string {
  const time = new Date(at).toTimeString().slice(0, 8)
  const search = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${shown(name, value)}`)
  const target = search.length > 0 ? `${path}?${search.join('&')}` : path
  const struck = fault === undefined ? '' : `  fault ${printable(fault)}`
  return `${time}  ${provider.padEnd(8)}  ${endpoint.padEnd(9)}  ${method.padEnd(4)} ${target}  ${status ?? 'no answer'}${struck}`
}

/** The parameters that are known not to be secret. Of all others, only the name is shown. */
const HARMLESS = new Set([
  'auth_by',
  'auto_authorize',
  'client_id',
  'client_key',
  'code_challenge_method',
  'disable_auto_auth',
  'fields',
  'grant_type',
  'prompt',
  'response_type',
  'scope',
  'user',
])

function shown(name: string, value: string): string {
  if (!HARMLESS.has(name)) return '…'
  return encodeURIComponent(value).replace(/%2C/g, ',').replace(/%20/g, '+').replace(/%23/g, '#')
}

/** A fault's code may be any text: nothing in it may control a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
