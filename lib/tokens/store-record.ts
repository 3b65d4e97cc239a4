import { type ErrorContext, OAuthError } from '../errors'
import { foreignError } from '../foreign-error'
import { isStoredTokens, type StoredTokens } from '../session/slot'
import type { Sealer } from './sealer'
import { decodeRecord, encodeRecord, SealProblem, type StoredRecord, type TokenRecord } from './token-record'
import type { TokenStore } from './token-store'

/** The record of a login in a {@link TokenStore}. */
export function storeRecord(
  store: TokenStore,
  key: string,
  sealer: Sealer | undefined,
  context: ErrorContext,
): StoredRecord {
  const texts = new WeakMap<TokenRecord, string>()
  const unsaved = unsavedOf(store)
  const guarded = <T>(call: Promise<T>, ...carried: (string | undefined)[]) =>
    call.catch((cause) => {
      throw tokenStoreFailure(context, cause, ...carried)
    })
  const read = async () => {
    const rescued = unsaved.get(key)
    if (rescued) {
      await guarded(store.set(key, rescued.text, rescued.expected), rescued.text, rescued.expected)
      unsaved.delete(key)
    }
    const text = await guarded(store.get(key))
    if (text === undefined) return undefined
    const record = await openRecord(parse(text), sealer, context, key)
    if (record) texts.set(record, text)
    return record
  }
  const lock = store.lock?.bind(store)
  return {
    id: key,
    namespace: store,
    grace: 1000,
    read,
    async replace(previous, next) {
      const text = JSON.stringify(await encodeRecord(next, sealer, key))
      const expected = texts.get(previous)
      // The old refresh token is dead: this process must keep the new one until the store has it.
      if (expected !== undefined) unsaved.set(key, { text, expected })
      const stored = await guarded(store.set(key, text, expected), text, expected)
      unsaved.delete(key)
      return stored ? next : read()
    },
    clear(previous) {
      unsaved.delete(key)
      const expected = previous && texts.get(previous)
      return guarded(store.delete(key, expected), expected)
    },
    ...(lock && { lock: (patience: number) => guarded(lock(key, patience)) }),
  }
}

/** What a store failed to save after a refresh; it is saved before the next read. */
const unsavedByStore = new WeakMap<TokenStore, Map<string, { text: string; expected: string }>>()

function unsavedOf(store: TokenStore) {
  const known = unsavedByStore.get(store) ?? new Map<string, { text: string; expected: string }>()
  unsavedByStore.set(store, known)
  return known
}

/**
 * @throws OAuthError `config_invalid` if no key decrypts the tokens, or they are another login's: nothing is deleted
 */
export async function openRecord(
  stored: unknown,
  sealer: Sealer | undefined,
  context: ErrorContext,
  key: string,
): Promise<TokenRecord | undefined> {
  try {
    return await decodeRecord(stored, sealer, key)
  } catch (error) {
    if (!(error instanceof SealProblem)) throw error
    const message = `The stored tokens of this login cannot be read: ${error.message}. Put the key back, or log in again.`
    throw new OAuthError('config_invalid', { ...context, message })
  }
}

/**
 * The error of a failing token store.
 * @param carried the records in the call, whose tokens are redacted
 */
export function tokenStoreFailure(
  context: ErrorContext,
  cause: unknown,
  ...carried: (string | undefined)[]
): OAuthError {
  if (OAuthError.is(cause)) return cause
  const message = 'The token store failed; see `cause`. Nothing was changed; the call can be tried again.'
  return new OAuthError('store_failed', { ...context, message, cause: foreignError(cause, carried.flatMap(tokensIn)) })
}

function tokensIn(text: string | undefined): string[] {
  const entry = text === undefined ? undefined : parse(text)
  return [entry?.accessToken, entry?.refreshToken].filter((token) => typeof token === 'string')
}

function parse(text: string): StoredTokens | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isStoredTokens(value) ? value : undefined
  } catch {
    return undefined
  }
}
