import { isSameUser } from './identity'
import { cameBack, type Session, type SessionRequest, userIn } from './request'
import { readSlot, type Slot } from './slot'

/** A session as a request found it, before the app or the engine did anything to it. */
export interface FirstSight {
  /** It was in the store: whoever writes to it later asks whether it still is. */
  existed: boolean
  /** Who was logged in, as text. */
  user: string | undefined
  /** It had been left behind by a login already. */
  left: boolean
}

/** What {@link FirstSight} says of a session; taken at the first call, which the router makes before anything else. */
export function firstSightOf(req: SessionRequest, key: string): FirstSight {
  const { session } = req
  if (!session) return { existed: false, user: undefined, left: false }
  const known = sights.get(session)
  if (known) return known
  const slot = readSlot(session[key])
  const user = userText(session)
  const sight = { existed: cameBack(req) || slot !== undefined || user !== undefined, user, left: slot?.left === true }
  sights.set(session, sight)
  return sight
}

/** A session that this request has just made, or taken over, is what it is: nothing of it is older than that. */
export function sawSession(session: Session, user: string | undefined): void {
  sights.set(session, { existed: true, user, left: false })
}

/** Who is logged in in a session, as a text to compare. */
export function userText(session: Record<string, unknown> | Session | undefined): string | undefined {
  const user = userIn(session)
  return user === undefined ? undefined : JSON.stringify(user)
}

/** Whether a stored session is still the one that was seen: there, and of the same user. */
export function isStill(
  sight: FirstSight,
  stored: Record<string, unknown> | undefined,
  slot: Slot | undefined,
): boolean {
  // Who saw nobody may write: a new user gets a new id from us and from Passport, so this one had the app take him out.
  if (!stored || (sight.user !== undefined && !isSameUser(userText(stored), sight.user))) return false
  return slot?.left !== true || sight.user === undefined
}

const sights = new WeakMap<Session, FirstSight>()
