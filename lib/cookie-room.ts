import type { Slot } from './session'
import { isStored } from './tokens/kept'

/** The logins of this many tabs come before tokens. */
const TABS = 8

/**
 * Makes a slot fit into the `room` that a session in a cookie has, in bytes of JSON. What goes first: the provider's raw
 * answers, the record of used logins, logins of more than eight tabs, the largest tokens, the oldest of the other tabs.
 * A login whose tokens went stays one; only what `req.oauth` could do with it is gone.
 */
export function fitIntoCookie(slot: Slot, room: number | undefined): void {
  if (room === undefined) return
  const isTooLarge = () => Buffer.byteLength(JSON.stringify(slot)) > room
  const tokens = typeof slot.tokens === 'object' && slot.tokens !== null ? { ...slot.tokens } : {}
  const kept = new Map<string, unknown>(Object.entries(tokens))
  const dropOldest = (list: 'used' | 'pending', atLeast: number) => {
    let entries: unknown[] = Array.isArray(slot[list]) ? slot[list] : []
    for (; isTooLarge() && entries.length > atLeast; slot[list] = entries) entries = entries.slice(1)
  }
  for (const [provider, entry] of kept) {
    if (!isTooLarge()) return
    if (isStored(entry) && entry.raw !== undefined) kept.set(provider, { ...entry, raw: {} })
    slot.tokens = Object.fromEntries(kept)
  }
  dropOldest('used', 0)
  dropOldest('pending', TABS)
  while (isTooLarge() && kept.size > 0) {
    const [largest = ''] = [...kept].sort(([, a], [, b]) => sizeOf(b) - sizeOf(a)).map(([provider]) => provider)
    kept.delete(largest)
    slot.tokens = Object.fromEntries(kept)
    process.emitWarning(`The tokens of ${largest} do not fit into a session cookie. Name a \`tokenStore\`.`)
  }
  dropOldest('pending', 1)
}

function sizeOf(entry: unknown): number {
  return JSON.stringify(entry).length
}
