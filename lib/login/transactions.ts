import { hash, timingSafeEqual } from 'node:crypto'
import type { Slot, Transaction, UsedTransaction } from '../session/slot'

// Pure functions on the logins of a slot; the caller stores the slot.

/** How many logins may be pending in a session; the oldest is dropped. */
const MAX_PENDING = 20
/** No login may take longer: `stateLifetime` is a day at most. */
const PENDING_FOR_MS = 86_400_000
/** A used login is kept only for repeats of its callback. */
const USED_FOR_MS = 3_600_000

/** Adds a login that begins. */
export function addPending(slot: Slot, transaction: Transaction): void {
  forgetOld(slot)
  slot.pending = [...slot.pending, transaction].slice(-MAX_PENDING)
}

/** The pending and the used login of a state; states are compared in constant time. */
export function findState(
  slot: Readonly<Slot>,
  state: string,
): { pending: Transaction | undefined; used: UsedTransaction | undefined } {
  const isIt = (entry: { state: string }) => isSameText(entry.state, state)
  return { pending: slot.pending.find(isIt), used: slot.used.find(isIt) }
}

/** Ends a login: removes it from the pending ones and marks its state as used. Transactions end only here. */
export function endTransaction(
  slot: Slot,
  transaction: Transaction,
  ok: boolean,
  credential: string | undefined,
): void {
  const { state, provider, client, returnTo, popup } = transaction
  slot.pending = slot.pending.filter((entry) => entry.state !== state)
  // Another process finished it: a repeat that failed here does not make it a failure.
  if (!ok && findState(slot, state).used?.ok) return
  const used: UsedTransaction = { state, provider, client, ok, at: Date.now() }
  if (credential !== undefined) used.credential = credentialHash(credential)
  if (returnTo !== undefined) used.returnTo = returnTo
  if (popup) used.popup = popup
  slot.used = [...slot.used.filter((entry) => entry.state !== state), used].slice(-MAX_PENDING)
  forgetOld(slot)
}

/** What the old id keeps after a login changed the session id: the pending logins of other tabs. */
export function leftBehind(slot: Readonly<Slot>, transaction: Transaction): Slot | undefined {
  const pending = slot.pending.filter((entry) => entry.state !== transaction.state)
  if (pending.length === 0) return undefined
  return { version: slot.version + 1, pending, used: slot.used, logins: [], tokens: {}, left: true }
}

/** Identifies a credential without storing it. */
function credentialHash(credential: string): string {
  return hash('sha256', credential, 'base64url').slice(0, 22)
}

/** Whether a used login was finished by this credential; without one, whether neither had any. */
export function isSameCredential({ credential: used }: UsedTransaction, credential: string | undefined): boolean {
  return used === undefined ? credential === undefined : credential !== undefined && used === credentialHash(credential)
}

function forgetOld(slot: Slot): void {
  const now = Date.now()
  slot.pending = slot.pending.filter(({ begunAt }) => begunAt > now - PENDING_FOR_MS)
  slot.used = slot.used.filter(({ at }) => at > now - USED_FOR_MS)
}

function isSameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

/**
 * Whether the session has a login at the provider of one that another site caused, as where two links in a mail were
 * opened: such a login is there, and its second callback only leads on.
 */
export function isThereBy(
  slot: Readonly<Slot> | undefined,
  { provider, begunBy, fromElsewhere }: Transaction,
): boolean {
  if (begunBy !== undefined || !fromElsewhere) return false
  return slot?.logins.includes(provider) === true
}

/**
 * Whether `user`, who is logged in now, may finish a login: only who began it. What nobody began may be finished by a user
 * who logged in meanwhile, but not where another site sent the browser: that would link somebody else's account.
 */
export function mayFinish({ begunBy, fromElsewhere }: Transaction, user: string | undefined): boolean {
  if (begunBy !== undefined) return begunBy === user
  return user === undefined || !fromElsewhere
}
