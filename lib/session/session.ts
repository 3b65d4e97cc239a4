// Over 300 lines because reading, updating and renewing a session are one protocol: each step counts on the others.
import type { ErrorContext } from '../errors'
import { clearContent, copyContent, copyCookie, withChangesOf } from './content'
import { firstSightOf, isStill, sawSession, userText } from './first-sight'
import { identityIn, isSameID, isSameUser } from './identity'
import { saveOnce } from './late-saves'
import { inQueue, type QueueEntry, recentOf } from './queue'
import {
  destroySession,
  hasSession,
  isCookieSession,
  noSession,
  readSession,
  type Session,
  type SessionRequest,
  type StoredSession,
  saveSession,
  userIn,
  writeSession,
} from './request'
import { contentOf, emptySlot, fitSlot, readSlot, type Slot, textOfSlot } from './slot'

/** What a login makes of a session: {@link SessionSlot.renew}. */
export interface Renewal {
  /** The slot of the new session. */
  slot: Slot
  /** The serialised user; absent where the one who is logged in stays. */
  user?: { serialised: unknown }
  /** Whether the app's content goes along: not where one user takes another's place. */
  keepsContent: boolean
  /** What the old id keeps, for logins of other tabs that are on their way back. */
  left?: Slot | undefined
}

/** How a session is found at the moment of a write; nothing older than that counts. */
export interface Found {
  slot: Slot
  /** The serialised user; `undefined` for nobody. */
  user: unknown
}

/**
 * The engine's slot in a request's session, over express-session with any store and over cookie-session.
 *
 * A write is made on the store's copy of the session, after asking whether that is still there and still of the same
 * user: a log-out, a change of user and the app's own `destroy` stay what they are, whatever was at work meanwhile.
 * Requests of one session write one after the other. See docs/sessions.md for who wins against whom.
 */
export class SessionSlot {
  constructor(
    private readonly req: SessionRequest,
    private readonly key: string,
    private readonly context: ErrorContext,
  ) {}

  /** Whether there is a session at all. */
  get exists(): boolean {
    return hasSession(this.req)
  }

  /** The slot as this request has it, for reading. Its text is parsed once a request. */
  get own(): Readonly<Slot> | undefined {
    const { session } = this.req
    const value = session?.[this.key]
    if (typeof value !== 'string') return ofItsUser(readSlot(value), session)
    const last = parsedSlots.get(this.req)
    if (last?.text === value) return ofItsUser(last.slot, session)
    const slot = readSlot(value)
    parsedSlots.set(this.req, { text: value, slot })
    return ofItsUser(slot, session)
  }

  /**
   * The newest slot that this process can know of: the request's own, or the store's where another request of this
   * session wrote since. For reading.
   *
   * @param newest ask the store in any case: another process may have written. `undefined` then: the session is gone.
   * @throws OAuthError `store_failed`
   */
  async newest({ newest = false } = {}): Promise<Readonly<Slot> | undefined> {
    const { req, own } = this
    const { sessionID } = req
    if (sessionID === undefined || !req.sessionStore?.get) return own
    const known = writtenSlots.get(req)
    if (!newest) {
      const written = recentOf(sessionID)?.version
      if (written === undefined || written === own?.version) return own
      if (known?.version === written) return known
    }
    const session = await readSession(req, sessionID, this.context)
    const stored = ofItsUser(readSlot(session?.[this.key]), session)
    if (stored) writtenSlots.set(req, stored)
    return stored
  }

  /**
   * Changes the slot and stores it. `work` may replace the slot's members. Where a login gave the session a new id
   * meanwhile, the change is made there, by those who came before it.
   *
   * @returns what `work` returns; `undefined` where the session is gone, or is another user's by now: nothing is written
   * @throws OAuthError `session_missing`, `store_failed`
   */
  async update<T>(work: (slot: Slot) => T): Promise<T | undefined> {
    const { req } = this
    const session = this.demand()
    const { sessionID } = req
    const sight = firstSightOf(req, this.key)
    if (sessionID === undefined || !req.sessionStore?.get || !req.sessionStore.set || !sight.existed) {
      return inQueue(sessionID, (entry) => this.updateOwn(session, entry, work))
    }
    return inQueue(sessionID, (entry) => this.updateStored(sessionID, entry, work))
  }

  /**
   * As {@link update}; where the session is gone, in a new one that nobody is logged in at: for a login that begins.
   * @throws OAuthError `session_missing`, `store_failed`
   */
  async updateOrBegin<T>(work: (slot: Slot) => T): Promise<T> {
    const result = await this.update((slot) => ({ value: work(slot) }))
    if (result) return result.value
    const { req } = this
    req.sessionStore?.generate?.(req)
    req.user = undefined
    const session = this.demand()
    const value = await inQueue(req.sessionID, (entry) => this.updateOwn(session, entry, work))
    sawSession(session, undefined)
    saveOnce(req, session, this.key)
    return value
  }

  /**
   * Gives the browser a new session id (against session fixation). The new session is stored before the old one goes,
   * so that a failing store loses nothing.
   *
   * @param plan decides, by the session as it is at this moment; what it throws ends the renewal, and nothing is changed
   * @param gone the error where the session is not there any more, or is another user's
   * @throws OAuthError `session_missing`, `store_failed`
   */
  async renew(plan: (found: Found) => Renewal, gone: () => Error): Promise<void> {
    const { req } = this
    const { sessionID } = req
    if (isCookieSession(req) || sessionID === undefined || typeof req.sessionStore?.generate !== 'function') {
      return inQueue(sessionID, (entry) => this.renewOwn(entry, plan))
    }
    const done = await inQueue(sessionID, (entry) => this.renewStored(sessionID, entry, plan, gone))
    // A link of the same user gave the session a new id meanwhile: this one goes on there.
    if (done === 'moved') await this.renew(plan, gone)
  }

  /**
   * Empties the session and gives it a new id: what a log-out leaves. A session that a link made of this one is ended
   * too, for it is the same user's.
   *
   * @returns the slots that ended, as they were at that moment
   * @throws OAuthError `session_missing`, `store_failed`
   */
  async end(): Promise<Slot[]> {
    const { req } = this
    const session = this.demand()
    const { sessionID } = req
    if (isCookieSession(req) || sessionID === undefined) {
      const { own } = this
      clearContent(session)
      if (!isCookieSession(req)) await saveSession(session, this.context)
      return own ? [own] : []
    }
    const { user } = firstSightOf(req, this.key)
    return inQueue(sessionID, async (entry) => {
      const stored = await readSession(req, sessionID, this.context)
      const slot = readSlot(stored?.[this.key])
      // Only a link names one in the store; what this process remembers may be of a login that nobody had before.
      const successor = slot?.successor ?? (user === undefined ? undefined : entry.successor)
      const ended = successor === undefined ? [] : await this.endSuccessor(successor, user)
      await destroySession(req, sessionID, this.context)
      entry.version = ENDED
      req.sessionStore?.generate?.(req)
      const fresh = this.demand()
      sawSession(fresh, undefined)
      return slot ? [slot, ...ended] : ended
    })
  }

  /**
   * Lets what is pending survive the `regenerate` that Passport's own `req.logIn` does after a login, so that the other
   * tabs of this browser can finish theirs. Tokens and logins do not: they are the user's who was there before.
   */
  carryPending(): void {
    const { req, key } = this
    const { session } = req
    const slot = this.own
    const regenerate = session?.regenerate
    if (!session || !slot || typeof regenerate !== 'function') return
    const carried: Slot = { ...emptySlot(), version: slot.version, pending: slot.pending, used: slot.used }
    Object.defineProperty(session, 'regenerate', {
      configurable: true,
      enumerable: false,
      writable: true,
      value: (done: (error?: unknown) => void) =>
        regenerate.call(session, (error?: unknown) => {
          if (!error && req.session) req.session[key] = this.packed(carried)
          done(error)
        }),
    })
  }

  /** Keeps a change in the request's own session, to be stored with it by whoever saves it. */
  keep(work: (slot: Slot) => void): void {
    const session = this.demand()
    const slot = { ...(this.own ?? emptySlot()) }
    work(slot)
    slot.version++
    session[this.key] = this.packed(slot)
  }

  /** Takes over the session `id` in this request, for the second of two identical callbacks. Resolves to whether it is there. */
  async adopt(id: string): Promise<boolean> {
    const { req } = this
    if (id === req.sessionID) return true
    const stored = await readSession(req, id, this.context)
    if (!stored || typeof req.sessionStore?.createSession !== 'function') return false
    this.moveTo(id, stored)
    return true
  }

  /** Takes over the content of a session that lives in its cookie, for the second of two identical callbacks. */
  adoptContent(content: StoredSession): void {
    const session = this.demand()
    clearContent(session)
    Object.assign(session, structuredClone(content))
  }

  /** The content of a session that lives in its cookie; `undefined` where it lives in a store. */
  get cookieContent(): StoredSession | undefined {
    const { session } = this.req
    return session && isCookieSession(this.req) ? JSON.parse(JSON.stringify(session)) : undefined
  }

  private demand(): Session {
    if (this.req.session) return this.req.session
    throw noSession(this.context)
  }

  /** On the request's own session: it is new, or has no store to ask. */
  private async updateOwn<T>(session: Session, entry: QueueEntry, work: (slot: Slot) => T): Promise<T> {
    const slot = { ...(this.own ?? emptySlot()) }
    const before = session[this.key]
    const result = work(slot)
    fitSlot(slot, this.roomInCookie(session))
    slot.version++
    session[this.key] = this.packed(slot)
    try {
      await saveSession(session, this.context)
    } catch (error) {
      session[this.key] = before
      throw error
    }
    entry.version = slot.version
    if (!isCookieSession(this.req)) sawSession(session, userText(session))
    return result
  }

  /**
   * On the store's copy, and nothing else of it: neither what this request has changed and not yet saved, nor what
   * others have saved since it began, is written over. The request's own session object stays as it is, so that the
   * session middleware sees no change in it; late-saves.ts does the rest.
   */
  private async updateStored<T>(id: string, entry: QueueEntry, work: (slot: Slot) => T): Promise<T | undefined> {
    const { req, key, context } = this
    const sight = firstSightOf(req, key)
    const { destroyed } = entry
    const stored = await readSession(req, id, context)
    const found = ofItsUser(readSlot(stored?.[key]), stored)
    const successor = entry.successor ?? found?.successor
    const follows = !sight.left && successor !== undefined && (!stored || found?.left === true)
    if (follows) return this.updateSuccessor(successor, work)
    if (!stored || !isStill(sight, stored, found)) return undefined
    const slot = found ?? emptySlot()
    const result = work(slot)
    slot.version++
    stored[key] = textOfSlot(slot)
    await writeSession(req, id, stored, context)
    if (entry.destroyed !== destroyed) {
      // The app ended it while the store was writing: what was written is taken back.
      await destroySession(req, id, context)
      return undefined
    }
    entry.version = slot.version
    writtenSlots.set(req, slot)
    return result
  }

  /** On the session that a login of another tab made of this one: the browser has that one by now. */
  private updateSuccessor<T>(id: string, work: (slot: Slot) => T): Promise<T | undefined> {
    const { req, key, context } = this
    const { user } = firstSightOf(req, key)
    return inQueue(id, async (entry) => {
      const { destroyed } = entry
      const stored = await readSession(req, id, context)
      // Whoever was logged in must be the same there; who was nobody brings nothing but a login that begins.
      if (!stored || (user !== undefined && !isSameUser(userText(stored), user))) return undefined
      const slot = ofItsUser(readSlot(stored[key]), stored) ?? emptySlot()
      const result = work(slot)
      slot.version++
      stored[key] = textOfSlot(slot)
      await writeSession(req, id, stored, context)
      if (entry.destroyed !== destroyed) {
        await destroySession(req, id, context)
        return undefined
      }
      entry.version = slot.version
      return result
    })
  }

  private async renewOwn(entry: QueueEntry, plan: (found: Found) => Renewal): Promise<void> {
    const session = this.demand()
    const { slot, user, keepsContent } = plan({ slot: { ...(this.own ?? emptySlot()) }, user: userIn(session) })
    const before = { ...session }
    if (!keepsContent) clearContent(session)
    if (user) session.passport = { user: user.serialised }
    fitSlot(slot, this.roomInCookie(session))
    slot.version++
    session[this.key] = this.packed(slot)
    try {
      await saveSession(session, this.context)
    } catch (error) {
      clearContent(session)
      Object.assign(session, before)
      throw error
    }
    entry.version = slot.version
  }

  private async renewStored(
    id: string,
    entry: QueueEntry,
    plan: (found: Found) => Renewal,
    gone: () => Error,
  ): Promise<'done' | 'moved'> {
    const { req, key, context } = this
    const old = this.demand()
    const sight = firstSightOf(req, key)
    const { destroyed } = entry
    const stored = sight.existed ? await readSession(req, id, context) : { ...old }
    const found = ofItsUser(readSlot(stored?.[key]), stored)
    if (sight.existed && !isStill(sight, stored, found)) {
      const successor = entry.successor
      if (successor !== undefined && (await this.moveToSuccessor(successor, sight.user))) return 'moved'
      throw gone()
    }
    const { slot, user, keepsContent, left } = plan({ slot: found ?? emptySlot(), user: userIn(stored) })
    req.sessionStore?.generate?.(req)
    const session = this.demand()
    if (keepsContent) copyContent(withChangesOf(old, stored), session)
    copyCookie(old.cookie, session.cookie)
    if (user) session.passport = { user: user.serialised }
    slot.version++
    session[key] = textOfSlot(slot)
    try {
      await saveSession(session, context)
      if (entry.destroyed !== destroyed) {
        await destroySession(req, req.sessionID ?? '', context)
        throw gone()
      }
    } catch (error) {
      req.sessionID = id
      req.session = old
      throw error
    }
    sawSession(session, userText(session))
    saveOnce(req, session, this.key)
    entry.successor = req.sessionID
    entry.version = left?.version ?? ENDED
    const isLink = sight.user !== undefined && isSameUser(sight.user, userText(session))
    const kept =
      isLink && req.sessionID ? { ...(left ?? emptySlot()), left: true as const, successor: req.sessionID } : left
    await this.retire(id, old.cookie, kept)
    return 'done'
  }

  /** The old id after a renewal: only what other tabs need, or nothing. A failure here harms nobody. */
  private async retire(id: string, cookie: unknown, left: Slot | undefined): Promise<void> {
    const { req, key, context } = this
    if (!left) return destroySession(req, id, context).catch(() => {})
    // What is left lives as long as a login may be on its way, not as long as a session of the app.
    const short: object = typeof cookie === 'object' && cookie !== null ? cookie : {}
    Reflect.set(short, 'maxAge', LEFT_BEHIND_MS)
    await writeSession(req, id, { cookie: short, [key]: textOfSlot(left) }, context).catch(() => {})
  }

  /**
   * Two links of one user may be finished at the same moment: the second one goes on in the session that the first one
   * made. Never for a session that nobody was logged in at, for its id may be planted (session fixation).
   */
  private async moveToSuccessor(id: string, user: string | undefined): Promise<boolean> {
    const { req, context } = this
    if (user === undefined) return false
    const stored = await readSession(req, id, context)
    if (!stored || !isSameUser(userText(stored), user)) return false
    if (typeof req.sessionStore?.createSession !== 'function') return false
    this.moveTo(id, stored)
    return true
  }

  private moveTo(id: string, stored: StoredSession): void {
    const { req } = this
    req.sessionID = id
    req.sessionStore?.createSession?.(req, stored)
    if (!req.session) return
    sawSession(req.session, userText(stored))
    saveOnce(req, req.session, this.key)
  }

  /** @param user `undefined` where the old id had been left behind already: its successor is of whoever was there */
  private async endSuccessor(id: string, user: string | undefined): Promise<Slot[]> {
    const { req, key, context } = this
    return inQueue(id, async (entry) => {
      const stored = await readSession(req, id, context)
      const slot = readSlot(stored?.[key])
      // It may have been linked once more by now.
      const ended = slot?.successor === undefined ? [] : await this.endSuccessor(slot.successor, user)
      const there = userText(stored)
      if (!stored || (user !== undefined && there !== undefined && !isSameUser(there, user))) return ended
      await destroySession(req, id, context)
      entry.version = ENDED
      return slot ? [slot, ...ended] : ended
    })
  }

  private packed(slot: Slot): unknown {
    return isCookieSession(this.req) ? contentOf(slot) : textOfSlot(slot)
  }

  /** Bytes of JSON that the slot may have where the session lives in the cookie; `undefined` where it does not. */
  private roomInCookie(session: Session): number | undefined {
    if (!isCookieSession(this.req)) return undefined
    const others = Buffer.byteLength(JSON.stringify({ ...session, [this.key]: undefined }))
    return COOKIE_BYTES - others - (userIn(session) === undefined ? LOGIN_BYTES : 0)
  }
}

/**
 * A slot without what is of another user than the session's: the app may log somebody in by `req.login`, or by a strategy
 * beside the router, and carry the session's content along (`keepSessionInfo`).
 */
function ofItsUser(slot: Slot | undefined, session: StoredSession | Session | null | undefined): Slot | undefined {
  if (slot?.user === undefined) return slot
  const user = identityIn(session)
  if (slot.user === user) return slot
  const { owner, user: _user, ...rest } = slot
  return { ...rest, logins: [], tokens: {}, ...(owner !== undefined && isSameID(slot.user, user) && { owner }) }
}

/** What base64 makes 3880 characters of: a browser keeps 4096, the name included. */
const COOKIE_BYTES = 2910
/** What the first login will add: a user, and where it came from. */
const LOGIN_BYTES = 450
/** Newer than any version: what a slow request still holds of an ended session is not stored again. */
const ENDED = Number.POSITIVE_INFINITY
const LEFT_BEHIND_MS = 600_000

/** The slot as it was last parsed, by request, and gone with it. */
const parsedSlots = new WeakMap<SessionRequest, { text: string; slot: Slot | undefined }>()
/** The slot as this request last stored it beside its own session object. */
const writtenSlots = new WeakMap<SessionRequest, Slot>()
