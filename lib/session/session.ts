// Over 300 lines because reading, updating and renewing a session are one protocol, whose steps depend on each other.
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

/** What {@link SessionSlot.renew} makes of a session. */
export interface Renewal {
  /** The slot of the new session. */
  slot: Slot
  /** The serialised user; absent if the current one stays. */
  user?: { serialised: unknown }
  /** Whether the app's content is kept: not if another user takes the session over. */
  keepsContent: boolean
  /** What the old id keeps, for logins that other tabs have in progress. */
  left?: Slot | undefined
}

/** A session at the moment of a write; older reads do not count. */
export interface Found {
  slot: Readonly<Slot>
  /** The serialised user; `undefined` for nobody. */
  user: unknown
}

/**
 * The engine's slot in a request's session, with express-session and any store, or with cookie-session.
 *
 * A write changes the store's copy of the session, after checking that the session still exists and still belongs to
 * the same user. So a log-out, a change of user and the app's own `destroy` are never undone. Requests of one session
 * write one after the other. docs/sessions.md says which of two requests wins.
 */
export class SessionSlot {
  constructor(
    private readonly req: SessionRequest,
    private readonly key: string,
    private readonly context: ErrorContext,
  ) {}

  /** Whether the request has a session. */
  get exists(): boolean {
    return hasSession(this.req)
  }

  /** This request's copy of the slot, for reading. */
  get own(): Readonly<Slot> | undefined {
    return this.slotIn(this.req.session)
  }

  /**
   * The newest slot that this process knows of, for reading: the request's own, or the store's if another request of
   * this session has written since.
   *
   * @param newest always read the store, because another process may have written; then `undefined` means that the
   * session is gone
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
    const stored = this.slotIn(session)
    if (stored) writtenSlots.set(req, stored)
    return stored
  }

  /**
   * Changes the slot and stores it. `work` may replace the slot's members. If a login has given the session a new id
   * meanwhile, the change is made there, provided that the user is the same.
   *
   * @returns what `work` returns; `undefined` if the session is gone or now belongs to another user: then nothing is
   * written
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
   * Like {@link update}, but for a login that begins: if the session is gone, it uses a new one without a user.
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
   * Gives the browser a new session id (against session fixation). The new session is stored before the old one is
   * removed, so that a failing store loses nothing.
   *
   * @param plan decides from the session as it is at this moment; if it throws, nothing is changed
   * @param gone the error if the session is gone or now belongs to another user
   * @throws OAuthError `session_missing`, `store_failed`
   */
  async renew(plan: (found: Found) => Renewal, gone: () => Error): Promise<void> {
    const { req } = this
    const { sessionID } = req
    if (isCookieSession(req) || sessionID === undefined || typeof req.sessionStore?.generate !== 'function') {
      return inQueue(sessionID, (entry) => this.renewOwn(entry, plan))
    }
    const done = await inQueue(sessionID, (entry) => this.renewStored(sessionID, entry, plan, gone))
    // A link of the same user gave the session a new id meanwhile: continue there.
    if (done === 'moved') await this.renew(plan, gone)
  }

  /**
   * Empties the session and gives it a new id, for a log-out. A session that a link made of this one belongs to the
   * same user, so it is ended too.
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
      // Only a link names a successor in the store. The one that this process remembers may come from a login that
      // began with no user.
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
   * Keeps pending logins through the `regenerate` of Passport's `req.logIn`, so that other tabs can finish theirs.
   * Tokens and logins are not kept: they belong to the previous user.
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

  /**
   * Changes the slot in the request's own session, from the newest copy that this process knows of; the caller has the
   * session saved.
   */
  async keep(work: (slot: Slot) => void): Promise<void> {
    const session = this.demand()
    const newest = await this.newest().catch(() => undefined)
    const slot = { ...(newest ?? this.own ?? emptySlot()) }
    work(slot)
    slot.version++
    session[this.key] = this.packed(slot)
  }

  /**
   * Makes this request use the session `id`, for the second of two identical callbacks. Resolves to whether it exists.
   */
  async adopt(id: string): Promise<boolean> {
    const { req } = this
    if (id === req.sessionID) return true
    const stored = await readSession(req, id, this.context)
    if (!stored || typeof req.sessionStore?.createSession !== 'function') return false
    this.moveTo(id, stored)
    return true
  }

  /** Copies the content of a session that lives in its cookie, for the second of two identical callbacks. */
  adoptContent(content: StoredSession): void {
    const session = this.demand()
    clearContent(session)
    Object.assign(session, structuredClone(content))
  }

  /** The content of a session that lives in its cookie; `undefined` if it lives in a store. */
  get cookieContent(): StoredSession | undefined {
    const { session } = this.req
    return session && isCookieSession(this.req) ? JSON.parse(JSON.stringify(session)) : undefined
  }

  private demand(): Session {
    if (this.req.session) return this.req.session
    throw noSession(this.context)
  }

  /** Updates the request's own session: it is new, or has no store. */
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
   * Updates only the slot in the store's copy: it overwrites neither unsaved changes of this request nor what others
   * have saved since. The request's own session object stays unchanged, so that the session middleware sees no change;
   * late-saves.ts does the rest.
   */
  private async updateStored<T>(id: string, entry: QueueEntry, work: (slot: Slot) => T): Promise<T | undefined> {
    const { req, key, context } = this
    const sight = firstSightOf(req, key)
    const { destroyed } = entry
    const stored = await readSession(req, id, context)
    const found = this.slotIn(stored)
    const successor = entry.successor ?? found?.successor
    const follows = !sight.left && successor !== undefined && (!stored || found?.left === true)
    if (follows) return this.updateSuccessor(successor, work)
    if (!stored || !isStill(sight, stored, found)) return undefined
    const slot = { ...(found ?? emptySlot()) }
    const result = work(slot)
    slot.version++
    stored[key] = textOfSlot(slot)
    await writeSession(req, id, stored, context)
    if (entry.destroyed !== destroyed) {
      // The app destroyed the session while the store was writing: undo the write.
      await destroySession(req, id, context)
      return undefined
    }
    entry.version = slot.version
    writtenSlots.set(req, slot)
    return result
  }

  /** Updates the session that a login in another tab made of this one; the browser uses that one by now. */
  private updateSuccessor<T>(id: string, work: (slot: Slot) => T): Promise<T | undefined> {
    const { req, key, context } = this
    const { user } = firstSightOf(req, key)
    return inQueue(id, async (entry) => {
      const { destroyed } = entry
      const stored = await readSession(req, id, context)
      // A logged-in user must be the same there. A request without a user can only be adding a login that begins.
      if (!stored || (user !== undefined && !isSameUser(userText(stored), user))) return undefined
      const slot = { ...(this.slotIn(stored) ?? emptySlot()) }
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
    const found = this.slotIn(stored)
    if (sight.existed && !isStill(sight, stored, found)) {
      const successor = entry.successor
      if (successor !== undefined && (await this.moveToSuccessor(successor, sight.user))) return 'moved'
      throw gone()
    }
    const { slot, user, keepsContent, left } = plan({ slot: found ?? emptySlot(), user: userIn(stored) })
    req.sessionStore?.generate?.(req)
    const session = this.demand()
    if (keepsContent) copyContent(withChangesOf(old, stored), session)
    // A session that was left behind has a short life of its own.
    if (!sight.left) copyCookie(old.cookie, session.cookie)
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

  /** Cleans up the old id after a renewal: keeps what other tabs need, or nothing. A failure here does no harm. */
  private async retire(id: string, cookie: unknown, left: Slot | undefined): Promise<void> {
    const { req, key, context } = this
    if (!left) return destroySession(req, id, context).catch(() => {})
    // The old id lives ten minutes, as a login may by default, not as long as a session of the app.
    const short: object = typeof cookie === 'object' && cookie !== null ? cookie : {}
    Reflect.set(short, 'maxAge', LEFT_BEHIND_MS)
    await writeSession(req, id, { cookie: short, [key]: textOfSlot(left) }, context).catch(() => {})
  }

  /**
   * Two links of one user may finish at the same moment: the second one then continues in the session that the first
   * one made. Never without a user, because such a session's id may be planted (session fixation).
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

  /** @param user `undefined` if the old id had already been left behind: then the successor's user does not matter */
  private async endSuccessor(id: string, user: string | undefined): Promise<Slot[]> {
    const { req, key, context } = this
    return inQueue(id, async (entry) => {
      const stored = await readSession(req, id, context)
      const slot = readSlot(stored?.[key])
      // A further link may have renewed it meanwhile.
      const ended = slot?.successor === undefined ? [] : await this.endSuccessor(slot.successor, user)
      const there = userText(stored)
      if (!stored || (user !== undefined && there !== undefined && !isSameUser(there, user))) return ended
      await destroySession(req, id, context)
      entry.version = ENDED
      return slot ? [slot, ...ended] : ended
    })
  }

  /** The slot in a copy of the session, without the data of another user. A request parses the same text once. */
  private slotIn(session: StoredSession | Session | null | undefined): Readonly<Slot> | undefined {
    const { req, key } = this
    const value = session?.[key]
    if (typeof value !== 'string') return ofItsUser(readSlot(value), session)
    const last = parsedSlots.get(req)
    if (last?.text === value) return ofItsUser(last.slot, session)
    const slot = readSlot(value)
    parsedSlots.set(req, { text: value, slot })
    return ofItsUser(slot, session)
  }

  private packed(slot: Slot): unknown {
    return isCookieSession(this.req) ? contentOf(slot) : textOfSlot(slot)
  }

  /** How many bytes of JSON the slot may take if the session lives in the cookie; otherwise `undefined`. */
  private roomInCookie(session: Session): number | undefined {
    if (!isCookieSession(this.req)) return undefined
    const others = Buffer.byteLength(JSON.stringify({ ...session, [this.key]: undefined }))
    return COOKIE_BYTES - others - (userIn(session) === undefined ? LOGIN_BYTES : 0)
  }
}

/**
 * The slot without the data of a user other than the session's. The app may log somebody in with `req.login` or another
 * strategy, and keep the session's content (`keepSessionInfo`).
 */
function ofItsUser(
  slot: Readonly<Slot> | undefined,
  session: StoredSession | Session | null | undefined,
): Readonly<Slot> | undefined {
  if (slot?.user === undefined) return slot
  const user = identityIn(session)
  if (slot.user === user) return slot
  const { owner, user: _user, ...rest } = slot
  return { ...rest, logins: [], tokens: {}, ...(owner !== undefined && isSameID(slot.user, user) && { owner }) }
}

/** Base64 turns these into 3880 characters; a browser keeps 4096, including the name. */
const COOKIE_BYTES = 2910
/** What the first login adds: a user and its provider. */
const LOGIN_BYTES = 450
/** Newer than any version, so that a slow request does not store an ended session again. */
const ENDED = Number.POSITIVE_INFINITY
const LEFT_BEHIND_MS = 600_000

/** The last parsed slot of each request. */
const parsedSlots = new WeakMap<SessionRequest, { text: string; slot: Readonly<Slot> | undefined }>()
/** The slot as each request last stored it, which its own session object does not have. */
const writtenSlots = new WeakMap<SessionRequest, Readonly<Slot>>()
