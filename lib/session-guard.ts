import { withSlot } from './session'
import { glance, isCookieSession, packed, readSlot, type Slot, unpacked } from './session-slot'
import { promised, read, replaceSave, type SessionRequest, storeFailure, type Where } from './session-store'
import { heirOf, inTurn, noteWritten, REMEMBERED_MS, writtenVersion } from './session-turns'

/**
 * The newest slot that this process can know of: the request's own, or the store's where another request of this
 * session wrote since. For reading.
 *
 * @param newest ask the store in any case: another process may have written. `undefined` then: the session is gone.
 * @throws OAuthError `session_missing` where the store fails
 */
export async function newestSlot(
  req: SessionRequest,
  key: string,
  where: Where,
  { newest = false } = {},
): Promise<Readonly<Slot> | undefined> {
  const own = glance(req, key)
  const { sessionID, sessionStore } = req
  if (sessionID === undefined || !sessionStore?.get || isCookieSession(req)) return own
  const written = writtenVersion(sessionID)
  if (!newest) {
    if (written === undefined || written === own?.version) return own
    const known = newerSlots.get(req)
    if (known?.version === written) return known
  }
  const stored = await readSlot(req, key, where)
  if (stored) newerSlots.set(req, stored)
  return stored
}

/**
 * Changes the slot in the store's copy of the session and nothing else there: neither what this request has changed
 * and not yet saved, nor what others have saved since this request began, is written over. The request's own session
 * object stays as it is, so that the session middleware sees no change in it; {@link guardSlot} does the rest.
 * Where a login gave the session a new id meanwhile, the change is made there: whoever did the work began before it.
 * Resolves to `undefined` where the session is gone.
 *
 * @throws OAuthError `session_missing` where the store fails
 */
export async function changeSlot<T>(
  req: SessionRequest,
  key: string,
  where: Where,
  work: (slot: Slot) => T,
): Promise<T | undefined> {
  const { sessionStore, sessionID } = req
  if (!sessionStore?.get || !sessionStore.set || sessionID === undefined || isCookieSession(req)) {
    return withSlot(req, key, where, work, { save: true })
  }
  const change = (id: string): Promise<T | undefined> => inTurn(id, () => changeStored(id))
  const changeStored = async (id: string): Promise<T | undefined> => {
    const stored = await read(sessionStore, id).catch((error) => {
      throw storeFailure('read', where, error)
    })
    const heir = stored && unpacked(stored[key])?.left !== true ? undefined : heirOf(id)
    if (heir !== undefined) return change(heir)
    if (!stored) return undefined
    const slot = unpacked(stored[key]) ?? { version: 0 }
    const result = work(slot)
    slot.version++
    stored[key] = packed(req, slot)
    try {
      await promised((done) => sessionStore.set?.(id, stored, done))
    } catch (error) {
      throw storeFailure('saved', where, error)
    }
    noteWritten(id, slot.version)
    if (id === sessionID) newerSlots.set(req, slot)
    return result
  }
  return change(sessionID)
}

/**
 * Keeps a slow request from writing an older slot over a newer one when the session middleware saves its session at
 * the end (express-session is last-write-wins), and from bringing back a session that has ended meanwhile.
 */
export function guardSlot(req: SessionRequest, key: string): void {
  const { session, sessionID, sessionStore } = req
  const save = session?.save
  if (!session || typeof save !== 'function' || sessionID === undefined || !sessionStore?.get) return
  const began = Date.now()
  replaceSave(session, (done) => {
    const written = writtenVersion(sessionID)
    if (written === undefined && Date.now() - began <= REMEMBERED_MS / 2) return save.call(session, done)
    const own = unpacked(session[key])?.version ?? 0
    if (written !== undefined && written <= own) return save.call(session, done)
    read(sessionStore, sessionID).then(
      (stored) => {
        const ended = own > 0 && stored === undefined
        if (ended) return done?.()
        const newest = unpacked(stored?.[key])?.version ?? 0
        if (newest > own) session[key] = stored?.[key]
        save.call(session, done)
      },
      (error) => done?.(error),
    )
  })
}

const newerSlots = new WeakMap<SessionRequest, Slot>()
