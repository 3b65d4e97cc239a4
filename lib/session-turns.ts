import { Remembered } from './remembered'

/**
 * Runs `work` after whatever else this process does with the session `id`: two requests of one session, each with
 * a copy of its own, would lose each other's changes. Without an id it runs at once.
 */
export async function inTurn<T>(id: string | undefined, work: (turn: Turn | undefined) => Promise<T>): Promise<T> {
  if (id === undefined) return work(undefined)
  const turn: Turn = turns.get(id) ?? { tail: undefined, waiting: 0, version: undefined, heir: undefined }
  turns.set(id, turn)
  turn.waiting++
  const next = () => work(turn)
  const mine = turn.tail ? turn.tail.then(next, next) : next()
  turn.tail = mine
  try {
    return await mine
  } finally {
    turn.waiting--
    if (turn.waiting === 0) turn.tail = undefined
    turns.set(id, turn) // from now on it is remembered
  }
}

/** The version of the slot that this process last stored in the session `id`, while that is recent. */
export function writtenVersion(id: string): number | undefined {
  return turns.get(id)?.version
}

/** Notes what was just stored, for the requests that read the session before. */
export function noteWritten(id: string, version: number): void {
  const turn = turns.get(id)
  if (turn) turn.version = version
}

/** The id that a login gave the session `id`, while that is recent. */
export function heirOf(id: string): string | undefined {
  return turns.get(id)?.heir
}

/** Newer than any version: what a slow request still holds of an ended session is not to be stored again. */
export const ENDED = Number.POSITIVE_INFINITY

/** What this process last stored for a session, and the request that works on it now. */
export interface Turn {
  tail: Promise<unknown> | undefined
  waiting: number
  /** The version of the slot that was stored last. */
  version: number | undefined
  /** The id that a login gave the session. */
  heir: string | undefined
}
/** How long this process knows what it stored. */
export const REMEMBERED_MS = 30_000
const turns = new Remembered<Turn>(REMEMBERED_MS, ({ waiting }) => waiting > 0)
