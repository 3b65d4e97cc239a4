import type { Request } from 'express'
import { configError, type ErrorContext, OAuthError } from '../errors'
import type { ProviderClient } from '../provider/client'
import type { TokenSet } from '../provider/token-set'
import type { SessionRequest } from '../session/request'
import { SessionSlot } from '../session/session'
import type { Slot, StoredTokens } from '../session/slot'
import { LoginTokens } from './login-tokens'
import type { Sealer } from './sealer'
import { endTokens, sessionRecord } from './session-record'
import { storeRecord, tokenStoreFailure } from './store-record'
import { encodeRecord, keyOf, newRecord, type StoredRecord, type TokenRecord } from './token-record'
import type { TokenStore } from './token-store'

/** What `onLoggedOut` gets when a provider refuses a refresh token. */
export interface LoggedOut {
  provider: string
  /** The request during which it happened; absent if a job caused the refresh. */
  req?: Request
}

export interface SessionTokensOptions {
  store: TokenStore | undefined
  sealer: Sealer | undefined
  /** Milliseconds. */
  leadTime: number
  onLoggedOut: ((login: LoggedOut) => unknown) | undefined
  /** The engine's key of the session. */
  sessionKey: string
}

/** Finds the tokens of logins: in the session or the token store, encrypted or not. */
export class SessionTokens {
  constructor(private readonly options: SessionTokensOptions) {}

  /**
   * Stores the tokens of a new login.
   * @param client the fingerprint of the client that they were issued to
   * @returns the entry for the session
   */
  async add(provider: string, tokens: TokenSet, client: string): Promise<StoredTokens> {
    const { store, sealer } = this.options
    const record = newRecord(tokens, client)
    const entry = await encodeRecord(record, sealer, keyOf(provider, record.id))
    if (!store) return entry
    await this.put(store, { provider, phase: 'callback' }, record.id, entry)
    return { id: record.id, version: 0, elsewhere: true }
  }

  /** Stores tokens under the app's own key, for {@link TokenKeeper}. */
  async addUnder(key: string, client: ProviderClient, tokens: TokenSet): Promise<void> {
    const { store, sealer } = this.options
    const { name } = client
    if (!store) throw configError(name, 'option `tokenStore` is needed to store tokens without a session.')
    const entry = await encodeRecord(newRecord(tokens, client.fingerprint), sealer, keyOf(name, key))
    await this.put(store, refreshAt(name), key, entry)
  }

  /** The key of a request's login in the token store; `undefined` if there is none. */
  keyIn(req: SessionRequest, provider: string): string | undefined {
    return entryIn(this.slotOf(req), provider)?.id
  }

  /** The tokens of a request's login at a provider; `undefined` if there is none. */
  loginIn(req: SessionRequest, client: ProviderClient): LoginTokens | undefined {
    const record = this.storedIn(req, client.name)
    return record && this.loginOf(client, record, req)
  }

  /** The tokens of the login with this key in the token store. */
  loginUnder(key: string, client: ProviderClient): LoginTokens {
    const { store, sealer } = this.options
    const { name } = client
    if (!store) throw configError(name, 'option `tokenStore` is needed to use tokens without a session.')
    return this.loginOf(client, storeRecord(store, keyOf(name, key), sealer, refreshAt(name)))
  }

  /** The record of a request's login at a provider, without a refresh. */
  async recordIn(req: SessionRequest, provider: string): Promise<TokenRecord | undefined> {
    return this.storedIn(req, provider)?.read()
  }

  /** Deletes the tokens of logins in a slot: those of `providers`, or all. */
  async forget(slot: Readonly<Slot>, providers: readonly string[] = Object.keys(slot.tokens)): Promise<void> {
    if (providers.length === 0) return
    const { store } = this.options
    const forgotten = providers.map(async (provider) => {
      const entry = entryIn(slot, provider)
      if (!entry) return
      endTokens(entry.id)
      if (store && entry.elsewhere === true) await store.delete(keyOf(provider, entry.id))
    })
    const failed = (await Promise.allSettled(forgotten)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  /** Removes a login without tokens from the session's list. */
  async dropLogin(req: SessionRequest, provider: string): Promise<void> {
    const session = new SessionSlot(req, this.options.sessionKey, refreshAt(provider))
    if (!session.own?.logins.includes(provider)) return
    await session.update((slot) => {
      slot.logins = slot.logins.filter((name) => name !== provider)
    })
  }

  private storedIn(req: SessionRequest, provider: string): StoredRecord | undefined {
    const { store, sealer, sessionKey } = this.options
    const entry = entryIn(this.slotOf(req), provider)
    if (!entry) return undefined
    const context = refreshAt(provider)
    if (entry.elsewhere !== true) return sessionRecord(req, sessionKey, entry.id, sealer, context)
    if (store) return storeRecord(store, keyOf(provider, entry.id), sealer, context)
    const message = 'The tokens of this login are in a token store, and option `tokenStore` is not set.'
    throw new OAuthError('config_invalid', { ...context, message })
  }

  private slotOf(req: SessionRequest): Readonly<Slot> | undefined {
    return new SessionSlot(req, this.options.sessionKey, refreshAt('session')).own
  }

  private loginOf(client: ProviderClient, record: StoredRecord, req?: SessionRequest): LoginTokens {
    const { leadTime, onLoggedOut } = this.options
    const loggedOut = () => {
      // The caller gets `refresh_rejected` whatever `onLoggedOut` does.
      Promise.resolve()
        .then(() => onLoggedOut?.({ provider: client.name, ...(req && { req: req as unknown as Request }) })) // the router's own request
        .catch((error) => process.emitWarning(error instanceof Error ? error : String(error)))
    }
    return new LoginTokens(client, record, { leadTime, loggedOut })
  }

  private async put(store: TokenStore, { provider, phase }: ErrorContext, id: string, entry: StoredTokens) {
    const text = JSON.stringify(entry)
    try {
      await store.set(keyOf(provider, id), text)
    } catch (cause) {
      throw tokenStoreFailure({ provider, phase }, cause, text)
    }
  }
}

function entryIn(slot: Readonly<Slot> | undefined, provider: string): StoredTokens | undefined {
  return slot && Object.hasOwn(slot.tokens, provider) ? slot.tokens[provider] : undefined
}

function refreshAt(provider: string): ErrorContext {
  return { provider, phase: 'refresh' }
}
