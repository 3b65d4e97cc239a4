import { hash, timingSafeEqual } from 'node:crypto'
import { fitIntoCookie } from './cookie-room'
import { OAuthError } from './errors'
import { whoIs } from './identity'
import { randomText } from './random'
import { Remembered } from './remembered'
import {
  carrySlot,
  hasSession,
  noSession,
  roomInCookie,
  type SessionRequest,
  type Slot,
  type Where,
  withSlot,
} from './session'
import { newestSlot } from './session-guard'
import { cookiesOf } from './session-store'

/** One pending login, kept in the session that began it. */
export interface Transaction {
  /** 256 random bits, base64url: the only thing of a transaction that leaves this server. */
  state: string
  /** The strategy's name: a login begun for one provider or instance can't be finished at another. */
  provider: string
  /**
   * Which client of that name: tenants may share a name and a session. While the login is pending, the client's seal
   * over what it sent to the provider; its fingerprint after that.
   */
  client: string
  /** Milliseconds since the epoch. */
  begunAt: number
  /** The redirect address as it was sent: the token request must repeat it (RFC 6749 §4.1.3). */
  redirectURI: string
  /** PKCE (RFC 7636 §4.1). */
  verifier?: string
  /** Where the browser goes after the login: a path of this app. */
  returnTo?: string
  /** Begun in a popup: its callback tells the opener and closes the window. */
  popup?: true
  /** Who was logged in when it began. */
  begunBy?: string
  /** What the app gave as `state` to `passport.authenticate`: it comes back as `info.state`. */
  appState?: unknown
}

/** What becomes of a finished callback, for its double. */
export interface Finished {
  ok: boolean
  returnTo?: string | undefined
  popup?: boolean | undefined
  /** The session that the login ended in. */
  sessionID?: string | undefined
  error?: unknown
}

/** A callback that came before: at work in another request (`finished` is pending), or done. */
export interface Replay {
  finished: Finished | Promise<Finished>
}

const MAX_PENDING = 20

/** 256 bits from the system's random source, base64url (RFC 6749 §10.10). */
export function newState(): string {
  return randomText(32)
}

/** A PKCE verifier of 43 unreserved characters (RFC 7636 §4.1). */
export function newVerifier(): string {
  return randomText(32)
}

/** Keeps a pending login in the session and stores the session. The oldest goes where there are too many. */
export function beginTransaction(
  req: SessionRequest,
  key: string,
  where: Where,
  transaction: Transaction,
): Promise<void> {
  const begunBy = whoIs(req)
  if (begunBy !== undefined) transaction.begunBy = begunBy
  return withSlot(
    req,
    key,
    where,
    (slot) => {
      forgetOld(slot)
      slot.pending = [...pendingOf(slot), transaction].slice(-MAX_PENDING)
      fitIntoCookie(slot, roomInCookie(req, key))
    },
    { save: true, follow: true },
  )
}

/**
 * The pending login that a callback's `state` belongs to, for this request alone: nobody else gets it again.
 * Must be followed by {@link finishTransaction} or {@link markFinished} with {@link release}.
 *
 * @param expected the client that finishes it and its seal, the milliseconds it may take, the credential that came with it
 * @throws OAuthError `session_missing`, `state_missing`, `state_unknown`, `state_used`, `state_mismatch`, `state_expired`;
 *   {@link replayOf} tells more of `state_used`
 */
export async function takeTransaction(
  req: SessionRequest,
  key: string,
  where: Where,
  state: string | undefined,
  expected: {
    client: string
    sealOf(pending: Transaction): string
    lifetime: number
    credential: string | undefined
  },
): Promise<Transaction> {
  if (state === undefined) throw new OAuthError('state_missing', where)
  if (!hasSession(req)) throw noSession(where)
  const sender = senderOf(req, expected.credential)
  const slot = (await newestSlot(req, key, where)) ?? { version: 0 }
  const used = usedOf(slot).find((entry) => sameText(entry.state, state))
  const pending = pendingOf(slot).find((entry) => sameText(entry.state, state))
  const claim = claims.get(state)
  if (!used && !pending) {
    // The first of two clicks has just finished and taken the session away before the second could read it.
    if (claim?.sender === sender) throw usedBefore(where, { finished: claim.finished })
    const cookieless = slot.version === 0 && cookiesOf(req) === undefined
    throw new OAuthError(cookieless ? 'session_missing' : 'state_unknown', where)
  }
  const isOurs = used
    ? used.provider === where.provider && used.client === expected.client
    : pending?.provider === where.provider && pending.client === expected.sealOf(pending)
  if (!isOurs) throw new OAuthError('state_mismatch', where)
  if (used || !pending) throw usedBefore(where, { finished: { ...used, ok: used?.ok === true } })
  if (claim)
    throw usedBefore(where, { finished: claim.sender === sender ? claim.finished : outcomeOnly(claim.finished) })
  if (pending.begunBy !== undefined && pending.begunBy !== whoIs(req)) throw new OAuthError('state_mismatch', where)
  if (Date.now() - pending.begunAt > expected.lifetime) throw new OAuthError('state_expired', where)
  claims.set(state, newClaim(sender))
  return { ...pending, client: expected.client }
}

/**
 * The transaction of a login that the provider began by sending a code unasked: for this request alone, as a pending
 * one. Nothing but the code tells it from others.
 *
 * @throws OAuthError `state_used` where the same code came before; {@link replayOf} tells more
 */
export function takeUnsolicited(
  req: SessionRequest,
  where: Where,
  client: string,
  redirectURI: string,
  code: string,
): Transaction {
  const sender = senderOf(req, code)
  const state = `unsolicited:${hash('sha256', code, 'base64url')}`
  const claim = claims.get(state)
  // Without a cookie nothing tells the browser's second click from somebody who has seen the address.
  const sameBrowser = cookiesOf(req) !== undefined && claim?.sender === sender
  if (claim) throw usedBefore(where, { finished: sameBrowser ? claim.finished : outcomeOnly(claim.finished) })
  claims.set(state, newClaim(sender))
  return { state, provider: where.provider, client, begunAt: Date.now(), redirectURI }
}

/** Marks a pending login as used in `slot`. To be stored with it. */
export function markFinished(slot: Slot, transaction: Transaction, ok: boolean): void {
  slot.pending = pendingOf(slot).filter((entry) => entry.state !== transaction.state)
  const { state, provider, client, returnTo, popup } = transaction
  const done: Used = { state, provider, client, ok, at: Date.now() }
  if (returnTo !== undefined) done.returnTo = returnTo
  if (popup) done.popup = popup
  slot.used = [...usedOf(slot).filter((entry) => entry.state !== state), done].slice(-MAX_PENDING)
  forgetOld(slot)
}

/** Lets the doubles of a callback go on, and forgets the claim once no stale copy of the session can be at work. */
export function release(state: string, finished: Finished): void {
  const claim = claims.get(state)
  if (!claim) return
  claim.settle?.(finished)
  claims.set(state, { sender: claim.sender, finished }) // from now on it is remembered
}

/** Marks a login as used in the session, stores it, and lets its doubles go on. */
export async function finishTransaction(
  req: SessionRequest,
  key: string,
  where: Where,
  transaction: Transaction,
  finished: Finished,
): Promise<void> {
  try {
    await withSlot(req, key, where, (slot) => markFinished(slot, transaction, finished.ok), {
      save: !finished.ok,
    })
    if (finished.ok) carrySlot(req, key)
  } finally {
    release(transaction.state, finished)
  }
}

/** What the slot keeps for the other tabs of this browser after a login gave the session a new id. */
export function pendingElsewhere(slot: Slot, transaction: Transaction): Slot | undefined {
  const pending = pendingOf(slot).filter((entry) => entry.state !== transaction.state)
  return pending.length === 0 ? undefined : { version: slot.version + 1, pending, used: usedOf(slot), left: true }
}

const replays = new WeakMap<OAuthError, Replay>()

/** What became of the callback whose double failed with `state_used`. */
export function replayOf(error: OAuthError): Replay | undefined {
  return replays.get(error)
}

interface Used {
  state: string
  provider: string
  client: string
  ok: boolean
  at: number
  returnTo?: string
  popup?: true
}

/** Callbacks at work in this process, by state: a double waits for the first and asks the provider nothing. */
const CLAIM_REMEMBERED_MS = 30_000
const claims = new Remembered<Claim>(CLAIM_REMEMBERED_MS, ({ settle }) => settle !== undefined)
const FORGOTTEN_AFTER_MS = 3_600_000

interface Claim {
  /** {@link senderOf} the first one. */
  sender: string
  finished: Finished | Promise<Finished>
  /** While it is at work. */
  settle?: (finished: Finished) => void
}

function newClaim(sender: string): Claim {
  const claim: Partial<Claim> = {}
  const finished = new Promise<Finished>((settle) => {
    claim.settle = settle
  })
  return Object.assign(claim, { sender, finished })
}

/** Who sends a callback: the same cookies with the same credential are the same browser's second click. */
function senderOf(req: SessionRequest, credential: string | undefined): string {
  return hash('sha256', JSON.stringify([cookiesOf(req), credential]), 'base64url')
}

/** The login's outcome without its session: whoever lacks the credential knows the old session at most. */
async function outcomeOnly(finished: Claim['finished']): Promise<Finished> {
  return { ...(await finished), sessionID: undefined }
}

function usedBefore(where: Where, replay: Replay): OAuthError {
  const error = new OAuthError('state_used', where)
  replays.set(error, replay)
  return error
}

// A session's content is data from outside (a store, a cookie): its shape is checked before it is believed.
function pendingOf(slot: Slot): Transaction[] {
  return listOf(slot.pending).filter(
    (entry): entry is Transaction & Record<string, unknown> =>
      isEntry(entry) && typeof entry.begunAt === 'number' && typeof entry.redirectURI === 'string',
  )
}

function usedOf(slot: Slot): Used[] {
  return listOf(slot.used).filter(
    (entry): entry is Used & Record<string, unknown> => isEntry(entry) && typeof entry.at === 'number',
  )
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function isEntry(entry: unknown): entry is Record<string, unknown> & { state: string; provider: string } {
  if (typeof entry !== 'object' || entry === null) return false
  return (
    'state' in entry && typeof entry.state === 'string' && 'provider' in entry && typeof entry.provider === 'string'
  )
}

function forgetOld(slot: Slot): void {
  const since = Date.now() - FORGOTTEN_AFTER_MS
  slot.pending = pendingOf(slot).filter((entry) => entry.begunAt > since)
  slot.used = usedOf(slot).filter((entry) => entry.at > since)
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
