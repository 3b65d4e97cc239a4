import type { ErrorContext } from '../errors'
import { isSameContent, snapshotOf } from './content'
import { type FirstSight, firstSightOf, isStill, userText } from './first-sight'
import { identityIn, identityOf, isSameID } from './identity'
import { inQueue, noteDestroyed } from './queue'
import { isCookieSession, readSession, type Session, type SessionRequest, type SessionStore } from './request'
import { readSlot, textOfSlot } from './slot'

/**
 * Keeps a slow request's late save from undoing what happened meanwhile. express-session writes the whole session that
 * the request has read, even if others have written since. Here a save first reads the store: it does not write a
 * session that has ended or now belongs to another user, and it keeps a newer slot. A request that changed nothing
 * neither saves nor reads.
 *
 * A session that lives in its cookie has no store to read; it only gets the two methods that Passport calls.
 */
export function guardSession(req: SessionRequest, key: string): void {
  const { session, sessionID, sessionStore } = req
  if (!session) return
  if (isCookieSession(req)) {
    addMethods(session)
    return
  }
  const { save } = session
  if (typeof save !== 'function' || sessionID === undefined || !sessionStore?.get) return
  watchDestroys(sessionStore)
  const sight = firstSightOf(req, key)
  const known = guardedKeys.get(session)
  known?.add(key) // a second router of the same app
  if (known || !sight.existed) return
  guardedKeys.set(session, new Set([key]))
  guardReload(req, session, key)
  replaceSave(session, looking(req, session, sessionID, sight, save))
}

/** A save that first reads the store. */
function looking(
  req: SessionRequest,
  session: Session,
  sessionID: string,
  sight: FirstSight,
  save: NonNullable<Session['save']>,
): NonNullable<Session['save']> {
  const context: ErrorContext = { provider: 'session', phase: 'request' }
  return (done) => {
    inQueue(sessionID, async (entry) => {
      const { destroyed } = entry
      const stored = await readSession(req, sessionID, context)
      for (const key of guardedKeys.get(session) ?? []) {
        const newest = readSlot(stored?.[key])
        if (!isStill(sight, stored, newest) || (newest?.left && !sight.left)) return
        if ((newest?.version ?? 0) > (readSlot(session[key])?.version ?? 0)) session[key] = stored?.[key]
        followUser(session, key, sight.user)
      }
      await new Promise<void>((resolve, reject) => {
        save.call(session, (error) => (error ? reject(error) : resolve()))
      })
      sight.user = userText(session) // the app may log somebody in or out in this request
      if (entry.destroyed !== destroyed) req.sessionStore?.destroy?.(sessionID, () => {})
    }).then(
      () => done?.(),
      (error) => done?.(error),
    )
  }
}

/** The app may change the kind of the user in the session; it is still the same user, with the same logins. */
function followUser(session: Session, key: string, before: string | undefined): void {
  const slot = readSlot(session[key])
  const user = identityIn(session)
  if (slot?.user === undefined || user === undefined || slot.user === user || before === undefined) return
  if (slot.user !== identityOf(JSON.parse(before)) || !isSameID(slot.user, user)) return
  session[key] = textOfSlot({ ...slot, user })
}

/** After `reload`, `req.session` is another object, whose save must be guarded too. */
function guardReload(req: SessionRequest, session: Session, key: string): void {
  const { reload } = session
  if (typeof reload !== 'function') return
  const value = (done: (error?: unknown) => void) =>
    reload.call(session, (error?: unknown) => {
      if (!error) guardSession(req, key)
      done(error)
    })
  Object.defineProperty(session, 'reload', { configurable: true, enumerable: false, writable: true, value })
}

/** The slot keys of each guarded session, one per router. */
const guardedKeys = new WeakMap<Session, Set<string>>()

/**
 * express-session saves a renewed session a second time, at the end of the response. This save is skipped if nothing
 * changed, and otherwise reads the store first.
 */
export function saveOnce(req: SessionRequest, session: Session, key: string): void {
  const { sessionID } = req
  const { save } = session
  if (typeof save !== 'function' || sessionID === undefined) return
  const saved = snapshotOf(session)
  guardedKeys.set(session, new Set([key]))
  guardReload(req, session, key)
  const later = req.sessionStore?.get ? looking(req, session, sessionID, firstSightOf(req, key), save) : save
  replaceSave(session, (done) => {
    if (!isSameContent(snapshotOf(session), saved)) return later.call(session, done)
    done?.()
  })
}

/** Notes every session that the app destroys, at that moment. */
function watchDestroys(store: SessionStore): void {
  if (watched.has(store)) return
  watched.add(store)
  const { destroy } = store
  if (typeof destroy !== 'function') return
  Object.defineProperty(store, 'destroy', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: SessionStore, id: string, done?: (error?: unknown) => void) {
      noteDestroyed(id)
      // Again afterwards: what was written while the store was destroying it is gone or comes too late.
      return destroy.call(this, id, (error) => {
        noteDestroyed(id)
        done?.(error)
      })
    },
  })
}

const watched = new WeakSet<SessionStore>()

/**
 * Methods that Passport 0.6 and later call on any session, and that cookie-session lacks. Hidden, so that no cookie
 * contains them.
 */
function addMethods(session: Session): void {
  const add = (name: string, value: unknown) =>
    Object.defineProperty(session, name, { configurable: true, enumerable: false, writable: true, value })
  if (typeof session.save !== 'function') add('save', (done?: (error?: unknown) => void) => done?.())
  if (typeof session.regenerate === 'function') return
  add('regenerate', (done: (error?: unknown) => void) => {
    for (const name of Object.keys(session)) delete session[name]
    done()
  })
}

/** If express-session defined a hidden `save` on the session itself, assignment keeps it hidden. */
function replaceSave(session: Session, value: NonNullable<Session['save']>): void {
  const isHidden = Object.hasOwn(session, 'save') && !Object.prototype.propertyIsEnumerable.call(session, 'save')
  if (isHidden) session.save = value
  else Object.defineProperty(session, 'save', { configurable: true, enumerable: false, writable: true, value })
}
