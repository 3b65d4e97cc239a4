import { read, type SessionRequest, storeFailure, type Where } from './session-store'

/** What the engine keeps under one key of the session. */
export type Slot = Record<string, unknown> & { version: number }

export function hasSession(req: SessionRequest): boolean {
  return req.session !== undefined && req.session !== null
}

/** The engine's slot as this request knows it, for reading only. */
export function peek(req: SessionRequest, key: string): Slot | undefined {
  const slot = req.session?.[key]
  return isSlot(slot) ? slot : undefined
}

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
    const slot = req.sessionID === undefined ? undefined : (await read(req.sessionStore, req.sessionID))?.[key]
    return isSlot(slot) ? slot : undefined
  } catch (error) {
    throw storeFailure('read', where, error)
  }
}

/** Whether a value out of a session is a slot: what a store gives is data from outside. */
export function isSlot(value: unknown): value is Slot {
  return typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'number'
}
