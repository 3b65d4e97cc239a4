import { isSameUser } from './identity'
import { cameBack, type Session, type SessionRequest, userIn } from './request'
import { isLeftBehind, readSlot, type Slot } from './slot'

/** A session as a request found it, before the app or the engine changed it. */
export interface FirstSight {
  /** Whether it was in the store: then a later write checks that it still is. */
  existed: boolean
  /** The user, as text. */
  user: string | undefined
  /** Whether a login had already left it behind. */
  left: boolean
}

/** The {@link FirstSight} of a session, taken at the first call; the router makes that before anything else. */
export function firstSightOf(req: SessionRequest, key: string): FirstSight {
  const { session } = req
  if (!session) return { existed: false, user: undefined, left: false }
  const known = sights.get(session)
  if (known) return known
  const value = session[key]
  const user = userText(session)
  const existed = user !== undefined || cameBack(req) || readSlot(value) !== undefined
  const sight = { existed, user, left: isLeftBehind(value) }
  sights.set(session, sight)
  return sight
}

/** Marks a session that this request has just created or taken over as its own starting point. */
export function sawSession(session: Session, user: string | undefined): void {
  sights.set(session, { existed: true, user, left: false })
}

/** The user of a session, as a text to compare. */
export function userText(session: Record<string, unknown> | Session | undefined): string | undefined {
  const user = userIn(session)
  return user === undefined ? undefined : JSON.stringify(user)
}

/** Whether a stored session is still the one that was seen: it exists, with the same user. */
export function isStill(
  sight: FirstSight,
  stored: Record<string, unknown> | undefined,
  slot: Slot | undefined,
): boolean {
  // A request that saw nobody may write: a new user gets a new id from us and from Passport, so only the app can have
  // changed the user under this id.
  if (!stored || (sight.user !== undefined && !isSameUser(userText(stored), sight.user))) return false
  return slot?.left !== true || sight.user === undefined
}

const sights = new WeakMap<Session, FirstSight>()
