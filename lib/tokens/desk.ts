import type { Request } from 'express'
import { configError, OAuthError } from '../errors'
import type { ProviderClient } from '../provider-client'
import { glance, type SessionRequest, type Slot, type Where } from '../session'
import type { Care } from './keeping'
import { isStored, type Kept, keepNew, keyOf, type StoredTokens, writeDown } from './kept'
import { type Place, storePlace, tokenStoreFailure, withoutTokens } from './place'
import type { Sealer } from './sealer'
import { endTokens, sessionPlace, tokensOf } from './session-place'
import type { TokenSet } from './token-set'
import type { TokenStore } from './token-store'

/** What `onLoggedOut` is told when a provider refuses a refresh token. */
export interface LoggedOut {
  provider: string
  /** The request that found out; none where a job did. */
  req?: Request
}

export interface TokenDeskOptions {
  store: TokenStore | undefined
  sealer: Sealer | undefined
  /** Milliseconds. */
  leadTime: number
  onLoggedOut: ((login: LoggedOut) => unknown) | undefined
  /** The engine's key of the session. */
  sessionKey: string
}

/** Hands out the tokens of logins: where they are kept, by which store, under which seal. */
export class TokenDesk {
  constructor(private readonly options: TokenDeskOptions) {}

  /**
   * Keeps the tokens of a login that has just succeeded.
   * @param client the fingerprint of the client that they were issued to
   * @returns what the session is to hold of them
   */
  async keep(provider: string, tokens: TokenSet, client: string): Promise<StoredTokens> {
    const { store, sealer } = this.options
    const kept = keepNew(tokens)
    const entry = await writeDown(kept, sealer, keyOf(provider, kept.id))
    if (!store) return Object.assign(entry, { client })
    await this.put(store, provider, kept.id, entry, tokens)
    return { id: kept.id, version: 0, elsewhere: true, client }
  }

  /** Keeps tokens under a key of the app's own, for {@link TokenKeeper}. */
  async keepUnder(provider: string, key: string, tokens: TokenSet): Promise<void> {
    const { store, sealer } = this.options
    if (!store) throw configError(provider, 'option `tokenStore` is needed to keep tokens without a session.')
    const entry = await writeDown(keepNew(tokens), sealer, keyOf(provider, key))
    await this.put(store, provider, key, entry, tokens)
  }

  /** The name of a request's login in the token store; `undefined` where there is none. */
  keyIn(req: SessionRequest, provider: string): string | undefined {
    return this.entryIn(glance(req, this.options.sessionKey), provider)?.id
  }

  /** The login of a request's session at a provider; `undefined` where there is none. */
  careIn(req: SessionRequest, client: ProviderClient): Care | undefined {
    const issuedTo = this.entryIn(glance(req, this.options.sessionKey), client.name)?.client
    if (issuedTo !== undefined && issuedTo !== client.fingerprint) return undefined // another tenant's login
    const place = this.placeIn(req, client.name)
    if (!place) return undefined
    return this.care(client, place, req)
  }

  careOf(key: string, client: ProviderClient): Care {
    const { store, sealer } = this.options
    if (!store) throw configError(client.name, 'option `tokenStore` is needed to use tokens without a session.')
    return this.care(client, storePlace(store, keyOf(client.name, key), sealer, at(client.name)), undefined)
  }

  /** What is kept of a provider's login in a request's session, without a refresh. */
  async look(req: SessionRequest, provider: string): Promise<Kept | undefined> {
    return this.placeIn(req, provider)?.read()
  }

  /** Forgets the tokens of logins that a slot holds: those of `providers`, or all. */
  async forget(slot: Slot | undefined, providers: readonly string[] = Object.keys(tokensOf(slot))): Promise<void> {
    const { store } = this.options
    const forgotten = providers.map(async (provider) => {
      const entry = this.entryIn(slot, provider)
      if (!entry) return
      endTokens(entry.id)
      if (store && entry.elsewhere === true) await store.delete(keyOf(provider, entry.id))
    })
    const failed = (await Promise.allSettled(forgotten)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  private placeIn(req: SessionRequest, provider: string): Place | undefined {
    const { store, sealer, sessionKey: key } = this.options
    const entry = this.entryIn(glance(req, key), provider)
    if (!entry) return undefined
    const where = at(provider)
    if (entry.elsewhere !== true) return sessionPlace({ req, key, where, sealer }, entry.id)
    if (store) return storePlace(store, keyOf(provider, entry.id), sealer, where)
    const message = 'The tokens of this login are in a token store, and option `tokenStore` is not set.'
    throw new OAuthError('config_invalid', { ...where, message })
  }

  private entryIn(slot: Slot | undefined, provider: string): StoredTokens | undefined {
    const tokens = tokensOf(slot)
    const entry = Object.hasOwn(tokens, provider) ? tokens[provider] : undefined
    return isStored(entry) ? entry : undefined
  }

  private care(client: ProviderClient, place: Place, req: SessionRequest | undefined): Care {
    const { leadTime, onLoggedOut } = this.options
    const loggedOut = () => {
      // The caller gets `refresh_rejected` whatever the app does here.
      Promise.resolve()
        .then(() => onLoggedOut?.({ provider: client.name, ...(req && { req: req as unknown as Request }) })) // the very request, as the router was given it
        .catch((error) => process.emitWarning(error instanceof Error ? error : String(error)))
    }
    return { client, place, leadTime, loggedOut }
  }

  private async put(store: TokenStore, provider: string, id: string, entry: StoredTokens, tokens: TokenSet) {
    try {
      await store.set(keyOf(provider, id), JSON.stringify(entry))
    } catch (cause) {
      throw tokenStoreFailure(at(provider), withoutTokens(cause, tokens))
    }
  }
}

function at(provider: string): Where {
  return { provider, phase: 'refresh' }
}
