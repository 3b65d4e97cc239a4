import { read, type SessionRequest, storeFailure, type Where } from './session-store'

/** What the engine keeps under one key of the session. */
export type Slot = Record<string, unknown> & { version: number }

export function hasSession(req: SessionRequest): boolean {
  return req.session !== undefined && req.session !== null
}

/** The engine's slot as this request knows it, for reading only: its text is parsed once a request. */
export function glance(req: Glancing, key: string): Readonly<Slot> | undefined {
  const value = req.session?.[key]
  if (typeof value !== 'string') return unpacked(value)
  const last = req[GLANCED]
  if (last?.text === value) return last.slot
  const slot = unpacked(value)
  req[GLANCED] = { text: value, slot }
  return slot
}

/** A copy of the slot whose members may be replaced; what they hold is never changed in place. */
export function peek(req: SessionRequest, key: string): Slot | undefined {
  const slot = glance(req, key)
  return slot && { ...slot }
}

/** On the request itself, and gone with it. */
const GLANCED = Symbol('the slot as it was last parsed')
type Glancing = SessionRequest & { [GLANCED]?: { text: string; slot: Slot | undefined } }

/** Whether the session lives in the cookie itself, which holds about 4 kB. */
export function isCookieSession(req: SessionRequest): boolean {
  return hasSession(req) && typeof req.session?.save !== 'function'
}

/** What lives in the cookie itself has no id and no copy elsewhere: nothing to take turns for. */
export function turnID(req: SessionRequest): string | undefined {
  return isCookieSession(req) ? undefined : req.sessionID
}

/** The slot as the store has it. @throws OAuthError `session_missing` where the store fails */
export async function readSlot(req: SessionRequest, key: string, where: Where): Promise<Slot | undefined> {
  try {
    return req.sessionID === undefined ? undefined : unpacked((await read(req.sessionStore, req.sessionID))?.[key])
  } catch (error) {
    throw storeFailure('read', where, error)
  }
}

/**
 * The slot as the session holds it: as one text. express-session hashes a session three times a request and calls a
 * function for every value in it; a text is one value, and is parsed by those who ask for it only. In a cookie its
 * quotes would need room that is not there.
 */
export function packed(req: SessionRequest, slot: Slot): unknown {
  return isCookieSession(req) ? slot : JSON.stringify(slot)
}

/** The slot in a value out of a session: what a store gives is data from outside. */
export function unpacked(value: unknown): Slot | undefined {
  if (typeof value !== 'string') return isSlot(value) ? value : undefined
  try {
    const slot: unknown = JSON.parse(value)
    return isSlot(slot) ? slot : undefined
  } catch {
    return undefined // not ours
  }
}

function isSlot(value: unknown): value is Slot {
  return typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'number'
}
