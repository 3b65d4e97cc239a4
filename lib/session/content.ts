import type { Session, SessionRequest, StoredSession } from './request'

/** Remembers the content of a request's session before this request changes anything. */
export function noteContent({ session }: SessionRequest): void {
  if (session && !noted.has(session)) noted.set(session, snapshotOf(session))
}

const noted = new WeakMap<Session, Snapshot>()

/** A session's content at one moment, to be compared with a later one. */
export type Snapshot = ReadonlyMap<string, unknown>

export function snapshotOf(session: Session): Snapshot {
  const content = new Map<string, unknown>()
  for (const name of Object.keys(session)) if (name !== 'cookie') content.set(name, comparable(session[name]))
  return content
}

export function isSameContent(a: Snapshot, b: Snapshot): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.has(name) && b.get(name) === value)
}

/** Only objects become JSON: they can change in place. Texts, such as the slot, stay as they are. */
function comparable(value: unknown): unknown {
  if (typeof value === 'function') return undefined
  return typeof value === 'object' ? JSON.stringify(value) : value
}

/**
 * The stored session plus the changes of this request that the session middleware has not saved yet. Only a difference
 * from what this request found counts as its change, so what others have stored meanwhile stays.
 */
export function withChangesOf(own: Session, stored: StoredSession | undefined): StoredSession {
  const found = noted.get(own)
  const whole: StoredSession = { ...stored }
  for (const name of new Set([...Object.keys(own), ...(found?.keys() ?? [])])) {
    if (name === 'passport' || name === 'cookie') continue
    const before = found ? found.get(name) : comparable(stored?.[name])
    if (comparable(own[name]) === before) continue
    if (Object.hasOwn(own, name)) whole[name] = own[name]
    else delete whole[name]
  }
  return whole
}

export function copyContent(from: StoredSession, to: Session): void {
  for (const name of Object.keys(from)) if (name !== 'cookie') to[name] = from[name]
}

/** Copies the cookie's settings: an app may have given this browser a longer one. */
export function copyCookie(from: unknown, to: unknown): void {
  if (typeof from !== 'object' || from === null || typeof to !== 'object' || to === null) return
  for (const name of ['path', 'domain', 'httpOnly', 'sameSite', 'priority', 'partitioned']) {
    if (name in from) Reflect.set(to, name, Reflect.get(from, name))
  }
  const maxAge: unknown = Reflect.get(from, 'originalMaxAge')
  if (typeof maxAge !== 'number' && maxAge !== null) return
  Reflect.set(to, 'maxAge', maxAge)
  // express-session computes it from the time left, so each login would lose a millisecond.
  Reflect.set(to, 'originalMaxAge', maxAge)
}

/** Empties a session; methods that an app added stay. */
export function clearContent(session: Session): void {
  for (const name of Object.keys(session)) if (typeof session[name] !== 'function') delete session[name]
}
