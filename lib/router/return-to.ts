import type { Request } from 'express'
import type { entryLookUp } from './entries'
import { paramOf } from './query'
import type { addressReader } from './routes'

/**
 * Reads where a login leads, from the parameter `returnTo`. Not to the start of another login: the browser would take that
 * for this app's own doing, so that it would link without the user's.
 */
export function returnToReader(
  readAddress: ReturnType<typeof addressReader>,
  entriesOf: ReturnType<typeof entryLookUp>,
): (req: Request) => Promise<string | undefined> {
  return async (req) => {
    const address = safeReturnTo(paramOf(req, 'returnTo'))
    if (!address?.toLowerCase().startsWith(req.baseUrl.toLowerCase())) return address
    const [path = ''] = address.slice(req.baseUrl.length).split(/[?#]/, 1)
    const asked = readAddress({ method: 'GET', url: path, path })
    return asked && (await entriesOf(req)).has(asked.provider) ? undefined : address
  }
}

/**
 * The path to go to after a login; `undefined` unless `value` is a path of this origin.
 *
 * Accepted: `/`, `/a/b?c=d#e`. Ignored: absolute and protocol-relative addresses, backslashes, control characters and
 * white space, encoded slashes that a proxy may decode, dot segments that end in `//`. Source: RFC 9700 §4.11 (open
 * redirection).
 */
export function safeReturnTo(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined
  if (!value.startsWith('/') || !looksSafe(value)) return undefined
  try {
    const once = decodeURIComponent(value.split(/[?#]/, 1)[0] ?? '')
    if (CONTROL.test(once)) return undefined
    const url = new URL(value, ORIGIN)
    // The result of a proxy that decodes it: dot segments may have hidden an encoded slash.
    const decoded = new URL(once, ORIGIN)
    if ([url, decoded].some(({ origin, pathname }) => origin !== ORIGIN || DOUBLE_SLASH.test(pathname)))
      return undefined
    return url.pathname + url.search + url.hash
  } catch {
    return undefined // a percent sign out of place, or no address once it is decoded: `/%2F[`
  }
}

const MAX_LENGTH = 2048
const ORIGIN = 'http://passport-dialects.invalid'
const DOUBLE_SLASH = /^\/(?:[/\\]|%2f|%5c)/i

/** Browsers drop control characters: `/\t/evil` becomes `//evil`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this looks for them
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

function looksSafe(path: string): boolean {
  return !/^\/[/\\]|[\\ ]/.test(path) && !CONTROL.test(path)
}
