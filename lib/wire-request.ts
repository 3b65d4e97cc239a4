import type { Dispatcher } from 'undici'
import type { ProviderRequest } from './provider-request'

/** A call as undici's dispatchers take it. Its deadline is the caller's own. */
export function dispatchOptions(
  request: ProviderRequest,
  customHeaders: Record<string, string> | undefined,
): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = addressOf(request)
  return {
    origin,
    path: pathname + search,
    method: request.method,
    headers: headersOf(request, customHeaders),
    body: bodyOf(request) ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
  }
}

export const USER_AGENT = 'passport-dialects'

function addressOf({ url, query }: ProviderRequest): URL {
  const address = new URL(url)
  if (!query) return address
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, value)
  }
  return address
}

function headersOf(request: ProviderRequest, customHeaders: Record<string, string> | undefined) {
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': USER_AGENT }
  Object.assign(headers, lowerCase(customHeaders))
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = value
  }
  if (request.form) headers['content-type'] = 'application/x-www-form-urlencoded'
  if (request.json) headers['content-type'] = 'application/json'
  if (request.basic) {
    const { user, password } = request.basic
    headers.authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  }
  if (request.bearer !== undefined) headers.authorization = `Bearer ${request.bearer}`
  return headers
}

export function lowerCase(headers: Record<string, string> | undefined): Record<string, string> | undefined {
  return headers && Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function bodyOf({ form, json }: ProviderRequest): string | undefined {
  if (json) return JSON.stringify(json)
  if (!form) return undefined
  const fields = new URLSearchParams()
  for (const name of Object.keys(form)) {
    const value = form[name]
    if (value !== undefined) fields.append(name, value)
  }
  return fields.toString()
}
