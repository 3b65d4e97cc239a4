import type { ErrorContext } from '../errors'
import { type FirstSight, firstSightOf, isStill, userText } from './first-sight'
import { identityIn, identityOf, isSameID } from './identity'
import { inQueue, noteDestroyed } from './queue'
import { isCookieSession, readSession, type Session, type SessionRequest, type SessionStore } from './request'
import { readSlot, textOfSlot } from './slot'

/**
 * Keeps the late save of a slow request from undoing what happened meanwhile. express-session writes the whole session
 * that a request has read, whoever wrote since. Here a save first asks the store: a session that has ended, or is another
 * user's by now, is not written; a newer slot is kept. A request that changed nothing saves nothing, and asks nothing.
 *
 * In a session that lives in its cookie there is nothing to ask; it gets the two methods that Passport calls.
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

/** A save that first asks the store. */
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
      sight.user = userText(session) // the app itself may log somebody in or out in this request
      if (entry.destroyed !== destroyed) req.sessionStore?.destroy?.(sessionID, () => {})
    }).then(
      () => done?.(),
      (error) => done?.(error),
    )
  }
}

/** A page of the app may write another word for the user's kind into the session: he is the same, and his logins are. */
function followUser(session: Session, key: string, before: string | undefined): void {
  const slot = readSlot(session[key])
  const user = identityIn(session)
  if (slot?.user === undefined || user === undefined || slot.user === user || before === undefined) return
  if (slot.user !== identityOf(JSON.parse(before)) || !isSameID(slot.user, user)) return
  session[key] = textOfSlot({ ...slot, user })
}

/** An app that reads its session anew gets another object, whose save is to be looked at too. */
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

/** The keys of the slots in a session, one of each router, by the session whose save is looked at. */
const guardedKeys = new WeakMap<Session, Set<string>>()

/**
 * express-session saves a renewed session a second time at the end of the response: that is skipped where nothing changed,
 * and asks the store where something did.
 */
export function saveOnce(req: SessionRequest, session: Session, key: string): void {
  const { sessionID } = req
  const { save } = session
  if (typeof save !== 'function' || sessionID === undefined) return
  const saved = contentOf(session)
  guardedKeys.set(session, new Set([key]))
  guardReload(req, session, key)
  const later = req.sessionStore?.get ? looking(req, session, sessionID, firstSightOf(req, key), save) : save
  replaceSave(session, (done) => {
    if (!isEqual(contentOf(session), saved)) return later.call(session, done)
    done?.()
  })
}

/** Hears of every session that the app itself destroys, at the moment when it does. */
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
      // Again once it is done: what was written while the store was at it is gone, or comes too late.
      return destroy.call(this, id, (error) => {
        noteDestroyed(id)
        done?.(error)
      })
    },
  })
}

const watched = new WeakSet<SessionStore>()

/** What Passport 0.6 and later call on any session; cookie-session has neither. Hidden, so that no cookie holds them. */
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

/** Where express-session gave the session a `save` of its own, which is hidden, another can simply take its place. */
function replaceSave(session: Session, value: NonNullable<Session['save']>): void {
  const isHidden = Object.hasOwn(session, 'save') && !Object.prototype.propertyIsEnumerable.call(session, 'save')
  if (isHidden) session.save = value
  else Object.defineProperty(session, 'save', { configurable: true, enumerable: false, writable: true, value })
}

/** Texts as they are, the slot above all: only what can change in place has to be written down to be compared. */
function contentOf(session: Session): unknown[] {
  const content: unknown[] = []
  for (const name of Object.keys(session)) {
    const value = session[name]
    if (name !== 'cookie') content.push(name, typeof value === 'object' ? JSON.stringify(value) : value)
  }
  return content
}

function isEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}
