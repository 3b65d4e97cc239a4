import { OAuthError } from './errors'
import {
  glance,
  hasSession,
  isCookieSession,
  packed,
  peek,
  readSlot,
  type Slot,
  turnID,
  unpacked,
} from './session-slot'
import {
  promised,
  read,
  type Session,
  type SessionRequest,
  type SessionStore,
  saveOnce,
  storeFailure,
  type Where,
} from './session-store'
import { ENDED, inTurn, noteWritten, type Turn } from './session-turns'

export { glance, hasSession, isCookieSession, type SessionRequest, type Slot, type Where }

// Only the files session*.ts touch `req.session`. They work over express-session with any store and over cookie-session
// (which has neither an id nor `save`), and they keep two requests of one session from losing each other's changes:
// work on a session is done one request after the other (session-turns.ts), on the store's copy where this process
// has written it since the request read it.

/** The serialised user that Passport keeps in the session. */
export function sessionUser(req: SessionRequest): unknown {
  const passport = req.session?.passport
  return typeof passport === 'object' && passport !== null && 'user' in passport ? passport.user : undefined
}

/** Bytes of JSON that the slot may have where the session lives in the cookie; `undefined` where it does not. */
export function roomInCookie(req: SessionRequest, key: string): number | undefined {
  if (!isCookieSession(req)) return undefined
  const others = Buffer.byteLength(JSON.stringify({ ...req.session, [key]: undefined }))
  const login = sessionUser(req) === undefined ? LOGIN_BYTES : 0
  return COOKIE_BYTES - others - login
}

/** What base64 makes 3880 characters of: a browser keeps 4096, the name included. */
const COOKIE_BYTES = 2910
/** What the first login will add: a user, and where it came from. */
const LOGIN_BYTES = 450

/**
 * Runs `work` on the newest known slot of the session, one request of a session after the other.
 * `work` may replace the slot's members; `save` stores the session before this resolves. With `follow` the work is done
 * on the session that a login made of this one meanwhile: the browser has that one by now.
 *
 * @throws OAuthError `session_missing` where there is no session, or its store fails
 */
export function withSlot<T>(
  req: SessionRequest,
  key: string,
  where: Where,
  work: (slot: Slot) => T,
  { save, follow = false }: { save: boolean; follow?: boolean },
): Promise<T> {
  return inTurn(turnID(req), async (turn) => {
    const session = demand(req, where)
    const heir = follow && turn?.heir !== undefined ? await onHeir(req, key, turn.heir) : undefined
    if (heir) return withSlot(heir, key, where, work, { save, follow })
    const slot = ownSlot(req, key, turn) ?? (await storedSlot(req, session, key, where))
    const result = work(slot)
    if (save) await store(req, session, key, slot, where, turn)
    else session[key] = packed(req, slot)
    return result
  })
}

/**
 * Gives the browser a new session id (against session fixation) and keeps the session's content.
 * The new session is stored before the old one goes, so a failing store loses nothing. Where other logins
 * are pending, the old id keeps them, and nothing else, for those that are already on their way back.
 */
export function renewSession(
  req: SessionRequest,
  key: string,
  where: Where,
  fill: (slot: Slot, session: Session) => void,
  keepOld: (slot: Slot) => Slot | undefined,
): Promise<void> {
  return inTurn(turnID(req), async (turn) => {
    const moved = turn?.heir !== undefined && (await moveToHeir(req, key, turn.heir))
    if (moved) return renewSession(req, key, where, fill, keepOld)
    const old = demand(req, where)
    const slot = ownSlot(req, key, turn) ?? (await storedSlot(req, old, key, where))
    const { sessionStore, sessionID: oldId } = req
    if (typeof sessionStore?.generate !== 'function' || oldId === undefined) {
      await regenerate(req, old, where)
      const session = demand(req, where)
      copyContent(old, session)
      fill(slot, session)
      return store(req, session, key, slot, where, undefined)
    }
    sessionStore.generate(req)
    const session = demand(req, where)
    copyContent(old, session)
    const left = keepOld(slot)
    delete slot.left
    fill(slot, session)
    try {
      await store(req, session, key, slot, where, undefined)
    } catch (error) {
      req.sessionID = oldId
      req.session = old
      throw error
    }
    saveOnce(session)
    if (turn) turn.heir = req.sessionID
    if (turn && left) turn.version = left.version
    await retire(sessionStore, oldId, old, key, left)
  })
}

/** Takes over the session `id` in this request, for the second of two identical callbacks. */
export async function adoptSession(req: SessionRequest, id: string): Promise<void> {
  const { sessionStore } = req
  const data = await read(sessionStore, id).catch(() => undefined)
  if (!data || typeof sessionStore?.createSession !== 'function') return
  req.sessionID = id
  sessionStore.createSession(req, data)
  if (req.session) saveOnce(req.session)
}

/** Empties the session and gives it a new id: what a log-out leaves. */
export async function endSession(req: SessionRequest, where: Where): Promise<void> {
  const session = demand(req, where)
  if (typeof session.regenerate !== 'function') {
    for (const name of Object.keys(session)) delete session[name]
    return
  }
  const { sessionID } = req
  await inTurn(turnID(req), () => regenerate(req, session, where))
  if (sessionID !== undefined) noteWritten(sessionID, ENDED)
}

/**
 * Lets the slot survive the `regenerate` that Passport's own `req.logIn` does after a login,
 * so that the other tabs of this browser can finish theirs.
 */
export function carrySlot(req: SessionRequest, key: string): void {
  const session = req.session
  const slot = session?.[key]
  const regenerate = session?.regenerate
  if (!session || !unpacked(slot) || typeof regenerate !== 'function') return
  Object.defineProperty(session, 'regenerate', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(done: (error?: unknown) => void) {
      return regenerate.call(session, (error?: unknown) => {
        if (!error && req.session) req.session[key] = slot
        done(error)
      })
    },
  })
}

/** The error of an app that mounted no session middleware. */
export function noSession(where: Where): OAuthError {
  return new OAuthError('session_missing', {
    ...where,
    status: 500,
    message: 'There is no session. Mount express-session or cookie-session before the login routes.',
  })
}

function demand(req: SessionRequest, where: Where): Session {
  if (req.session) return req.session
  throw noSession(where)
}

/**
 * This request on the session that a login made of its own since it read it. Whoever comes with the old id after that
 * gets nothing of the new one: the old one is gone then, or its slot says that it was left behind.
 */
async function onHeir(req: SessionRequest, key: string, heir: string): Promise<SessionRequest | undefined> {
  const { sessionStore } = req
  if (glance(req, key)?.left === true) return undefined
  const data = await read(sessionStore, heir).catch(() => undefined)
  if (!data || typeof sessionStore?.createSession !== 'function') return undefined
  const standIn: SessionRequest = Object.create(req)
  standIn.sessionID = heir
  sessionStore.createSession(standIn, data)
  return standIn
}

/**
 * Two links of one user may be finished at the same moment: the second one goes on in the session that the first one
 * made. Never for a session that nobody is logged in at, for its id may be planted (session fixation).
 */
async function moveToHeir(req: SessionRequest, key: string, id: string): Promise<boolean> {
  const user = sessionUser(req)
  const heir = user === undefined ? undefined : await onHeir(req, key, id)
  if (!heir || JSON.stringify(sessionUser(heir)) !== JSON.stringify(user)) return false
  const { sessionID } = req
  await adoptSession(req, id)
  return req.sessionID !== sessionID
}

/** The slot as this request has it; `undefined` where this process has stored another one since. */
function ownSlot(req: SessionRequest, key: string, turn: Turn | undefined): Slot | undefined {
  const own = peek(req, key)
  const isNewest = turn?.version === undefined || turn.version === own?.version
  return isNewest ? (own ?? { version: 0 }) : undefined
}

/** The slot as the store has it. The rest of the session stays this request's own: the app may have changed it. */
async function storedSlot(req: SessionRequest, session: Session, key: string, where: Where): Promise<Slot> {
  const stored = await readSlot(req, key, where)
  if (stored) session[key] = stored
  return peek(req, key) ?? { version: 0 }
}

async function store(
  req: SessionRequest,
  session: Session,
  key: string,
  slot: Slot,
  where: Where,
  turn: Turn | undefined,
): Promise<void> {
  slot.version++
  session[key] = packed(req, slot)
  const { save } = session
  if (typeof save !== 'function') return // cookie-session: the content leaves with the response's headers
  try {
    await promised((done) => save.call(session, done))
  } catch (error) {
    slot.version--
    session[key] = packed(req, slot)
    throw storeFailure('saved', where, error)
  }
  if (turn) turn.version = slot.version
}

async function regenerate(req: SessionRequest, session: Session, where: Where): Promise<void> {
  const { regenerate } = session
  if (typeof regenerate !== 'function') return
  const { sessionID } = req
  try {
    await promised((done) => regenerate.call(session, done))
  } catch (error) {
    // express-session has made a new session all the same: a retry must find the one that could not be ended.
    req.sessionID = sessionID
    req.session = session
    throw storeFailure('renewed', where, error)
  }
  demand(req, where)
}

function copyContent(from: Session, to: Session): void {
  if (from === to) return
  for (const name of Object.keys(from)) {
    if (name !== 'cookie') to[name] = from[name]
  }
}

const LEFT_BEHIND_MS = 600_000

/** The old id after a renewal: only what other tabs need, or nothing. A failure here harms nobody. */
async function retire(
  sessionStore: SessionStore,
  id: string,
  old: Session,
  key: string,
  left: Slot | undefined,
): Promise<void> {
  if (left) {
    for (const name of Object.keys(old)) if (name !== 'cookie') delete old[name]
    old[key] = left
    // What is left lives as long as a login may be on its way, not as long as a session of the app.
    if (typeof old.cookie === 'object' && old.cookie !== null) Reflect.set(old.cookie, 'maxAge', LEFT_BEHIND_MS)
  }
  await promised((done) =>
    left && sessionStore.set ? sessionStore.set(id, old, done) : sessionStore.destroy?.(id, done),
  ).catch(() => {})
}
