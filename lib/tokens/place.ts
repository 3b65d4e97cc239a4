import { inspect } from 'node:util'
import { OAuthError } from '../errors'
import { printable } from '../redact'
import type { Where } from '../session'
import { isStored, type Kept, readBack, SealProblem, writeDown } from './kept'
import type { Sealer } from './sealer'
import type { TokenSet } from './token-set'
import type { TokenStore } from './token-store'

/** Where the tokens of one login are kept. */
export interface Place {
  /** Names the login within its home: callers of one id share one refresh. */
  readonly id: string
  /** What the ids belong to: two stores may use the same key for two people. */
  readonly home: object
  /** Milliseconds to wait for another process's refresh to show, before a refused refresh token is believed dead. */
  readonly grace: number
  /** @param newest past every copy that this request or process may hold */
  read(newest?: boolean): Promise<Kept | undefined>
  /** Puts `next` in the place of `previous`. Resolves to what is kept then; `undefined` where the login is over. */
  replace(previous: Kept, next: Kept): Promise<Kept | undefined>
  /** Forgets the tokens where they are still `previous`, or whatever they are. Resolves to whether there were any. */
  clear(previous?: Kept): Promise<boolean>
  /** Keeps other processes from refreshing; resolves to what lets them. */
  lock?(patience: number): Promise<() => Promise<void>>
}

/** A login's tokens in a {@link TokenStore}. */
export function storePlace(store: TokenStore, key: string, sealer: Sealer | undefined, where: Where): Place {
  const texts = new WeakMap<Kept, string>()
  const unsaved = unsavedOf(store)
  const guarded = <T>(call: Promise<T>, tokens?: TokenSet) =>
    call.catch((cause) => {
      throw tokenStoreFailure(where, tokens ? withoutTokens(cause, tokens) : cause)
    })
  const read = async () => {
    const rescued = unsaved.get(key)
    if (rescued) {
      await guarded(store.set(key, rescued.text, rescued.expected))
      unsaved.delete(key)
    }
    const text = await guarded(store.get(key))
    if (text === undefined) return undefined
    const kept = await readKept(parse(text), sealer, where, key)
    if (kept) texts.set(kept, text)
    return kept
  }
  const lock = store.lock?.bind(store)
  return {
    id: key,
    home: store,
    grace: 1000,
    read,
    async replace(previous, next) {
      const text = JSON.stringify(await writeDown(next, sealer, key))
      const expected = texts.get(previous)
      // The provider has killed the old refresh token: until the store takes the new one, this process must not lose it.
      if (expected !== undefined) unsaved.set(key, { text, expected })
      const stored = await guarded(store.set(key, text, expected), next.tokens)
      unsaved.delete(key)
      return stored ? next : read()
    },
    clear(previous) {
      unsaved.delete(key)
      return guarded(store.delete(key, previous && texts.get(previous)))
    },
    ...(lock && { lock: (patience: number) => guarded(lock(key, patience)) }),
  }
}

/** What a store failed to take after a refresh, to be stored before the next reading. */
const unsavedByStore = new WeakMap<TokenStore, Map<string, { text: string; expected: string }>>()

function unsavedOf(store: TokenStore) {
  const known = unsavedByStore.get(store) ?? new Map<string, { text: string; expected: string }>()
  unsavedByStore.set(store, known)
  return known
}

/** @throws OAuthError `config_invalid` where the tokens are sealed, and no key opens them or they are another login's: nothing is lost by that */
export async function readKept(
  stored: unknown,
  sealer: Sealer | undefined,
  where: Where,
  key: string,
): Promise<Kept | undefined> {
  try {
    return await readBack(stored, sealer, key)
  } catch (error) {
    if (!(error instanceof SealProblem)) throw error
    const message = `The kept tokens of this login cannot be read: ${error.message}. Put the key back, or log in again.`
    throw new OAuthError('config_invalid', { ...where, message })
  }
}

/** The error of a token store that fails. */
export function tokenStoreFailure(where: Where, cause: unknown): OAuthError {
  if (OAuthError.is(cause)) return cause
  const message = 'The token store failed; see `cause`. Nothing was changed; the call can be tried again.'
  return new OAuthError('session_missing', { ...where, status: 503, message, cause })
}

/** What a store's client failed with; without its properties where they quote the command, and the tokens in it. */
export function withoutTokens(cause: unknown, { accessToken, refreshToken }: TokenSet): unknown {
  const secrets = [accessToken, refreshToken ?? ''].filter((secret) => secret !== '')
  const shown = inspect(cause, { depth: 6, maxStringLength: 100_000 })
  if (!secrets.some((secret) => shown.includes(secret))) return cause
  return new Error(printable(cause instanceof Error ? cause.message : 'The store failed.', secrets))
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isStored(value) ? value : undefined
  } catch {
    return undefined
  }
}
