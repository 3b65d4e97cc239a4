import type { ErrorContext } from '../errors'
import { isCookieSession, type SessionRequest } from '../session/request'
import { SessionSlot } from '../session/session'
import type { Slot, StoredTokens } from '../session/slot'
import { TtlMap } from '../util/ttl-map'
import type { Sealer } from './sealer'
import { openRecord } from './store-record'
import { encodeRecord, keyOf, type StoredRecord, type TokenRecord } from './token-record'

/**
 * The record of a login in the session itself. One process refreshes once and never returns to older tokens, in
 * whatever order requests end. Two processes over one session store may both refresh; the one whose refresh token is
 * refused takes the other's tokens from the store.
 */
export function sessionRecord(
  req: SessionRequest,
  sessionKey: string,
  id: string,
  sealer: Sealer | undefined,
  context: ErrorContext,
): StoredRecord {
  const { provider } = context
  const key = keyOf(provider, id)
  const session = new SessionSlot(req, sessionKey, context)
  const write = async (next: TokenRecord): Promise<TokenRecord | undefined> => {
    const entry = await encodeRecord(next, sealer, key)
    const found = await session.update((slot) => {
      const stored = storedIn(slot, provider, id)
      if (stored && stored.version < entry.version) setTokens(slot, provider, entry)
      return stored
    })
    return found && found.version >= entry.version ? openRecord(found, sealer, context, key) : next
  }
  return {
    id,
    namespace: SESSIONS,
    grace: isCookieSession(req) ? 0 : 300,
    async read(newest = false) {
      const slot = await session.newest({ newest })
      const known = recent.get(id)
      if (known === ENDED) return undefined
      const record = await openRecord(storedIn(slot, provider, id), sealer, context, key)
      // A refresh that was not stored in this session: its id changed meanwhile, or an older cookie came late.
      return known && known.version > (record?.version ?? 0) ? write(known) : record
    },
    async replace(_previous, next) {
      if (recent.get(id) === ENDED) return undefined
      recent.set(id, next)
      return write(next)
    },
    async clear(previous) {
      if (recent.get(id) === ENDED) return false
      const cleared = await session.update((slot) => {
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

function setTokens(slot: Slot, provider: string, entry: StoredTokens): void {
  slot.tokens = { ...slot.tokens, [provider]: entry }
}

function dropTokens(slot: Slot, provider: string): void {
  const { [provider]: _dropped, ...rest } = slot.tokens
  slot.tokens = rest
  slot.logins = slot.logins.filter((name) => name !== provider)
}

/** Marks a login as over, so that no slow request restores its tokens. */
export function endTokens(id: string): void {
  recent.set(id, ENDED)
}

function storedIn(slot: Readonly<Slot> | undefined, provider: string, id: string): StoredTokens | undefined {
  const stored = slot && Object.hasOwn(slot.tokens, provider) ? slot.tokens[provider] : undefined
  return stored?.id === id ? stored : undefined
}

/** Ids of logins in sessions are random, so one namespace is enough. */
const SESSIONS = {}

const ENDED = Symbol('ended')
const REMEMBERED_MS = 600_000

/** What this process refreshed recently; it takes precedence over older copies of a session. */
const recent = new TtlMap<TokenRecord | typeof ENDED>(REMEMBERED_MS, () => false)
