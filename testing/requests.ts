import type { EmulatorRequest } from '../emulators/index'
import type { DialectEmulator } from './kit'

/** The members of a request's body, form or JSON, as text. */
export function bodyOf(request: EmulatorRequest): Record<string, string> {
  const members = Object.entries(bodyIn(request))
  return Object.fromEntries(members.filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}

/**
 * Every credential that an error could show: those of the app, those in its requests, and those that the callbacks and the
 * token responses brought.
 */
export function credentialsOf(
  { clientID, clientSecret, privateKey = '' }: DialectEmulator['options'],
  requests: readonly EmulatorRequest[],
  brought: Iterable<string>,
): string[] {
  const found = new Set(brought)
  if (clientSecret !== undefined) {
    found.add(clientSecret)
    found.add(Buffer.from(`${clientID}:${clientSecret}`).toString('base64'))
  }
  // Its lines one by one: an error that shows it may break it elsewhere.
  for (const line of privateKey.split('\n')) if (!line.startsWith('-----')) found.add(line)
  for (const request of requests) {
    for (const [name, value] of textsIn([request.query, bodyIn(request), request.headers])) {
      if (!TELLING.test(name) || HARMLESS.test(name)) continue
      found.add(value)
      found.add(value.replace(/^\w+ /, '')) // without `Bearer`
    }
  }
  return [...found].filter((secret) => secret.length >= 8)
}

/** What the parameters, members and headers with a credential are called. */
const TELLING = /secret|code|token|ticket|verifier|authorization/i
/** These only say what kind of a credential another one has: `token_type_hint`. */
const HARMLESS = /type|hint/i

function bodyIn({ body, headers }: EmulatorRequest): object {
  if (!/json/i.test(headers['content-type'] ?? '')) return Object.fromEntries(new URLSearchParams(body))
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** The texts in a value, each with the name of the member that has it. */
function textsIn(value: unknown, name = ''): [name: string, text: string][] {
  if (typeof value === 'string') return [[name, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, Array.isArray(value) ? name : key))
}
