import type { JsonObject } from '../provider-call'
import { Remembered } from '../remembered'
import { isCookieSession, type SessionRequest, type Slot, type Where } from '../session'
import { changeSlot, newestSlot } from '../session-guard'
import { isStored, type Kept, keyOf, type StoredTokens, writeDown } from './kept'
import { type Place, readKept } from './place'
import type { Sealer } from './sealer'

/** Where in a request's session the tokens of a provider are. */
export interface SessionSpot {
  req: SessionRequest
  /** The engine's key of the session. */
  key: string
  where: Where
  sealer: Sealer | undefined
}

/**
 * A login's tokens in the session itself. One process refreshes once and never goes back to older tokens, whichever
 * request ends last. Two processes over one session store may both refresh; whose refresh token the provider then
 * refuses takes the other's tokens from the store.
 */
export function sessionPlace(spot: SessionSpot, id: string): Place {
  const { req, key, where, sealer } = spot
  const provider = where.provider
  const sealKey = keyOf(provider, id)
  const write = async (next: Kept): Promise<Kept | undefined> => {
    const entry = await writeDown(next, sealer, sealKey)
    const found = await changeSlot(req, key, where, (slot) => {
      const stored = storedIn(slot, provider, id)
      if (stored && stored.version < entry.version) {
        const { client } = stored
        setTokens(slot, provider, client === undefined ? entry : { ...entry, client })
      }
      return stored
    })
    return found && found.version >= entry.version ? readKept(found, sealer, where, sealKey) : next
  }
  return {
    id,
    home: SESSIONS,
    grace: isCookieSession(req) ? 0 : 300,
    async read(newest = false) {
      const slot = await newestSlot(req, key, where, { newest })
      const known = recent.get(id)
      if (known === ENDED) return undefined
      const kept = await readKept(storedIn(slot, provider, id), sealer, where, sealKey)
      // A refresh that never reached this session: it got a new id meanwhile, or an older cookie came late.
      return known && known.version > (kept?.version ?? 0) ? write(known) : kept
    },
    async replace(_previous, next) {
      if (recent.get(id) === ENDED) return undefined
      remember(id, next)
      return write(next)
    },
    async clear(previous) {
      if (recent.get(id) === ENDED) return false
      const cleared = await changeSlot(req, key, where, (slot) => {
        const stored = storedIn(slot, provider, id)
        if (!stored || (previous && stored.version > previous.version)) return false
        dropTokens(slot, provider)
        return true
      })
      if (cleared !== false) endTokens(id)
      return cleared === true
    },
  }
}

/** The tokens in a slot, by provider. */
export function tokensOf(slot: Slot | undefined): Record<string, unknown> {
  const tokens = slot?.tokens
  return typeof tokens === 'object' && tokens !== null ? (tokens as Record<string, unknown>) : {} // an object's members
}

function setTokens(slot: Slot, provider: string, entry: StoredTokens | JsonObject): void {
  slot.tokens = { ...tokensOf(slot), [provider]: entry }
}

function dropTokens(slot: Slot, provider: string): void {
  const { [provider]: _dropped, ...rest } = tokensOf(slot)
  slot.tokens = rest
  if (Array.isArray(slot.logins)) slot.logins = slot.logins.filter((login) => login?.name !== provider)
}

/** The login is over: no slow request brings its tokens back. */
export function endTokens(id: string): void {
  remember(id, ENDED)
}

function storedIn(slot: Slot | undefined, provider: string, id: string): StoredTokens | undefined {
  const stored = tokensOf(slot)[provider]
  return isStored(stored) && stored.id === id ? stored : undefined
}

/** Ids of logins in sessions are random: one home is enough for all. */
const SESSIONS = {}

const ENDED = Symbol('ended')
const REMEMBERED_MS = 600_000

/** What this process refreshed lately: it stands over any older copy of a session that is still under way. */
const recent = new Remembered<Kept | typeof ENDED>(REMEMBERED_MS, () => false)

function remember(id: string, kept: Kept | typeof ENDED): void {
  recent.set(id, kept)
}
