import { TtlMap } from '../util/ttl-map'

/**
 * Runs `work` after everything else that this process is doing with the session `id`: two requests of one session each
 * have a copy, and would lose each other's changes. Without an id, it runs at once.
 */
export async function inQueue<T>(id: string | undefined, work: (entry: QueueEntry) => Promise<T>): Promise<T> {
  if (id === undefined) return work(newEntry())
  const entry = entries.get(id) ?? newEntry()
  entries.set(id, entry)
  entry.waiting++
  const next = () => work(entry)
  const mine = entry.tail ? entry.tail.then(next, next) : next()
  entry.tail = mine
  try {
    return await mine
  } finally {
    entry.waiting--
    if (entry.waiting === 0) entry.tail = undefined
    entries.set(id, entry) // the time to remember it starts now
  }
}

/** What this process knows of the session `id`, if it used it recently. */
export function recentOf(id: string): Readonly<QueueEntry> | undefined {
  return entries.get(id)
}

/** Notes that a session was destroyed: a write that is in progress must be undone. */
export function noteDestroyed(id: string): void {
  const entry = entries.get(id)
  if (entry) entry.destroyed++
}

/** What this process last did to a session, and the work in progress. */
export interface QueueEntry {
  tail: Promise<unknown> | undefined
  waiting: number
  /** The version of the slot that was stored last. */
  version: number | undefined
  /** The id that a login gave the session. */
  successor: string | undefined
  /** How often the session was destroyed. */
  destroyed: number
}

function newEntry(): QueueEntry {
  return { tail: undefined, waiting: 0, version: undefined, successor: undefined, destroyed: 0 }
}

/** How long this process knows what it stored. */
const REMEMBERED_MS = 30_000
const entries = new TtlMap<QueueEntry>(REMEMBERED_MS, ({ waiting }) => waiting > 0)
