import type { IncomingMessage } from 'node:http'
import { OAuthError, type Phase } from './errors'
import { Remembered } from './remembered'

/**
 * The one place that touches `req.session`. It works over express-session with any store and over
 * cookie-session (which has neither an id nor `save`), and it keeps two requests of one session
 * from losing each other's changes: work on a session is done one request after the other, on the
 * store's copy where this process has written it since the request read it.
 */
export interface SessionRequest extends IncomingMessage {
  session?: Session | null
  sessionID?: string
  sessionStore?: SessionStore
  originalUrl?: string
  query?: unknown
  user?: unknown
}

interface Session {
  save?(done?: (error?: unknown) => void): unknown
  regenerate?(done: (error?: unknown) => void): unknown
  [key: string]: unknown
}

interface SessionStore {
  get?(id: string, done: (error: unknown, session?: Record<string, unknown> | null) => void): void
  set?(id: string, session: Record<string, unknown>, done: (error?: unknown) => void): void
  destroy?(id: string, done: (error?: unknown) => void): void
  generate?(req: SessionRequest): void
  createSession?(req: SessionRequest, session: Record<string, unknown>): Session
}

/** What the engine keeps under one key of the session. */
export type Slot = Record<string, unknown> & { version: number }

/** Where in the conversation a session failed, for the error. */
export interface Where {
  provider: string
  phase: Phase
}

export function hasSession(req: SessionRequest): boolean {
  return req.session !== undefined && req.session !== null
}

/** The engine's slot as this request knows it, for reading only. */
export function peek(req: SessionRequest, key: string): Slot | undefined {
  return unpacked(req.session?.[key])
}

/** The serialised user that Passport keeps in the session. */
export function sessionUser(req: SessionRequest): unknown {
  const passport = req.session?.passport
  return typeof passport === 'object' && passport !== null && 'user' in passport ? passport.user : undefined
}

/** Whether the session lives in the cookie itself, which holds about 4 kB. */
export function isCookieSession(req: SessionRequest): boolean {
  return hasSession(req) && typeof req.session?.save !== 'function'
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
 * `work` may change the slot; `save` stores the session before this resolves.
 *
 * @throws OAuthError `session_missing` where there is no session, or its store fails
 */
export async function withSlot<T>(
  req: SessionRequest,
  key: string,
  where: Where,
  work: (slot: Slot) => T,
  { save }: { save: boolean },
): Promise<T> {
  return inTurn(req, async () => {
    const session = demand(req, where)
    const slot = await freshSlot(req, session, key, where)
    const result = work(slot)
    session[key] = packed(req, slot)
    if (save) await store(req, session, key, slot, where)
    return result
  })
}

/**
 * Gives the browser a new session id (RFC 9700 §4.5.3, session fixation) and keeps the session's content.
 * The new session is stored before the old one goes, so a failing store loses nothing. Where other logins
 * are pending, the old id keeps them, and nothing else, for those that are already on their way back.
 */
export async function renewSession(
  req: SessionRequest,
  key: string,
  where: Where,
  fill: (slot: Slot, session: Session) => void,
  keepOld: (slot: Slot) => Slot | undefined,
): Promise<void> {
  return inTurn(req, async () => {
    const old = demand(req, where)
    const slot = await freshSlot(req, old, key, where)
    const { sessionStore, sessionID: oldId } = req
    if (typeof sessionStore?.generate !== 'function' || oldId === undefined) {
      await regenerate(req, old, where)
      const session = demand(req, where)
      copyContent(old, session)
      fill(slot, session)
      return store(req, session, key, slot, where)
    }
    sessionStore.generate(req)
    const session = demand(req, where)
    copyContent(old, session)
    const left = keepOld(slot)
    fill(slot, session)
    try {
      await store(req, session, key, slot, where)
    } catch (error) {
      req.sessionID = oldId
      req.session = old
      throw error
    }
    saveOnce(session)
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
): Promise<Slot | undefined> {
  const own = peek(req, key)
  const { sessionID, sessionStore } = req
  if (sessionID === undefined || !sessionStore?.get || isCookieSession(req)) return own
  const written = turns.get(sessionID)?.version
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
  return inTurn(req, async () => {
    const stored = await read(sessionStore, sessionID).catch((error) => {
      throw storeFailure('read', where, error)
    })
    if (!stored) return undefined
    const slot = unpacked(stored[key]) ?? { version: 0 }
    const result = work(slot)
    slot.version++
    stored[key] = packed(req, slot)
    try {
      await promised((done) => sessionStore.set?.(sessionID, stored, done))
    } catch (error) {
      throw storeFailure('saved', where, error)
    }
    const turn = turns.get(sessionID)
    if (turn) turn.version = slot.version
    newerSlots.set(req, slot)
    return result
  })
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
  Object.defineProperty(session, 'save', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(done?: (error?: unknown) => void) {
      const own = unpacked(session[key])?.version ?? 0
      const written = turns.get(sessionID)?.version
      const outdated = written === undefined ? Date.now() - began > REMEMBERED_MS / 2 : written > own
      if (!outdated) return save.call(session, done)
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
    },
  })
}

/** Empties the session and gives it a new id: what a log-out leaves. */
export async function endSession(req: SessionRequest, where: Where): Promise<void> {
  const session = demand(req, where)
  if (typeof session.regenerate !== 'function') {
    for (const name of Object.keys(session)) delete session[name]
    return
  }
  const { sessionID } = req
  await inTurn(req, () => regenerate(req, session, where))
  const turn = sessionID === undefined ? undefined : turns.get(sessionID)
  if (turn) turn.version = ENDED
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
 * The slot as the session holds it: as one text while no login is pending, which is most of its life. express-session
 * hashes a session three times a request and calls a function for every value in it; a text is one value, and is
 * parsed by those who ask for it only. In a cookie its quotes would need room that is not there.
 */
function packed(req: SessionRequest, slot: Slot): unknown {
  const pending = Array.isArray(slot.pending) && slot.pending.length > 0
  return pending || isCookieSession(req) ? slot : JSON.stringify(slot)
}

function unpacked(value: unknown): Slot | undefined {
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

/** What this process last stored for a session, and the request that works on it now. */
interface Turn {
  tail: Promise<unknown> | undefined
  waiting: number
  version: number | undefined
}
const REMEMBERED_MS = 30_000
const turns = new Remembered<Turn>(REMEMBERED_MS, ({ waiting }) => waiting > 0)
/** Newer than any version: what a slow request still holds of the session is not to be stored again. */
const ENDED = Number.POSITIVE_INFINITY
const newerSlots = new WeakMap<SessionRequest, Slot>()
const LEFT_BEHIND_MS = 600_000

async function inTurn<T>(req: SessionRequest, work: () => Promise<T>): Promise<T> {
  const id = req.sessionID
  if (id === undefined || isCookieSession(req)) return work()
  const turn = turns.get(id) ?? { tail: undefined, waiting: 0, version: undefined }
  turns.set(id, turn)
  turn.waiting++
  const next = () => work()
  const mine = turn.tail ? turn.tail.then(next, next) : work()
  turn.tail = mine
  try {
    return await mine
  } finally {
    turn.waiting--
    if (turn.waiting === 0) turn.tail = undefined
    turns.set(id, turn) // from now on it is remembered
  }
}

async function freshSlot(req: SessionRequest, session: Session, key: string, where: Where): Promise<Slot> {
  const own = peek(req, key)
  const written = req.sessionID === undefined ? undefined : turns.get(req.sessionID)?.version
  if (written === undefined || written === own?.version || req.sessionID === undefined) {
    return own ?? { version: 0 }
  }
  // The rest of the session stays this request's own: the app may have changed it on the way here.
  const stored = await readSlot(req, key, where)
  if (stored) session[key] = stored
  return peek(req, key) ?? { version: 0 }
}

async function readSlot(req: SessionRequest, key: string, where: Where): Promise<Slot | undefined> {
  try {
    return req.sessionID === undefined ? undefined : unpacked((await read(req.sessionStore, req.sessionID))?.[key])
  } catch (error) {
    throw storeFailure('read', where, error)
  }
}

async function store(req: SessionRequest, session: Session, key: string, slot: Slot, where: Where): Promise<void> {
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
  const turn = req.sessionID === undefined ? undefined : turns.get(req.sessionID)
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

/** The old id after a renewal: only what other tabs need, or nothing. A failure here harms nobody. */
async function retire(
  sessionStore: SessionStore,
  id: string,
  old: Session,
  key: string,
  left: Slot | undefined,
): Promise<void> {
  for (const name of Object.keys(old)) if (name !== 'cookie') delete old[name]
  const turn = turns.get(id)
  if (turn && left) turn.version = left.version
  if (left) {
    old[key] = left
    // What is left lives as long as a login may be on its way, not as long as a session of the app.
    if (typeof old.cookie === 'object' && old.cookie !== null) Reflect.set(old.cookie, 'maxAge', LEFT_BEHIND_MS)
  }
  await promised((done) =>
    left && sessionStore.set ? sessionStore.set(id, old, done) : sessionStore.destroy?.(id, done),
  ).catch(() => {})
}

/** express-session saves a renewed session a second time at the end of the response: skip that where nothing changed. */
function saveOnce(session: Session): void {
  const { save } = session
  if (typeof save !== 'function') return
  const saved = contentOf(session)
  Object.defineProperty(session, 'save', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(done: (error?: unknown) => void) {
      if (contentOf(session) !== saved) return save.call(session, done)
      done?.()
    },
  })
}

function contentOf(session: Session): string {
  return JSON.stringify({ ...session, cookie: undefined }) // a replacer would take JSON's slow path
}

function read(sessionStore: SessionStore | undefined, id: string) {
  return new Promise<Record<string, unknown> | undefined>((resolve, reject) => {
    if (!sessionStore?.get) return resolve(undefined)
    sessionStore.get(id, (error, session) => (error ? reject(error) : resolve(session ?? undefined)))
  })
}

function promised(call: (done: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()))
  })
}

function storeFailure(what: string, where: Where, cause: unknown): OAuthError {
  return new OAuthError('session_missing', {
    ...where,
    status: 503,
    message: `The session could not be ${what}: its store failed. See \`cause\`; the login can be tried again.`,
    cause,
  })
}
