import { setTimeout as sleep } from 'node:timers/promises'
import { OAuthError } from '../errors'
import { foreignError } from '../foreign-error'
import { log } from '../log'
import { type ApiCallInit, canReplay, judge, responseOf, sendWithToken } from '../provider/api-call'
import type { ProviderClient } from '../provider/client'
import type { DialectProfile } from '../provider/profile'
import { copyOf, type TokenSet } from '../provider/token-set'
import { renewedRecord, type StoredRecord, type TokenRecord } from './token-record'

/** How the tokens of logins are refreshed. */
export interface RefreshSettings {
  /** An access token with no more than this many milliseconds left is refreshed before it is used. */
  leadTime: number
  /** Called once per login, when the provider refuses the refresh token. */
  loggedOut(): void
}

/**
 * The tokens of one login, and their uses. Any number of callers cause one refresh per process and, if the record has a
 * lock, across processes. Callers that wait for a failed refresh share its error; the next call tries again. If the
 * refresh fails, a token that is still valid is used.
 */
export class LoginTokens {
  readonly #client: ProviderClient
  readonly #record: StoredRecord
  readonly #settings: RefreshSettings

  constructor(client: ProviderClient, record: StoredRecord, settings: RefreshSettings) {
    this.#client = client
    this.#record = record
    this.#settings = settings
  }

  /**
   * Valid tokens; `undefined` without a login. Every call resolves to a new object.
   * @throws OAuthError of phase `refresh`
   */
  async current(): Promise<TokenSet | undefined> {
    const tokens = await this.#fresh()
    return tokens && copyOf(tokens)
  }

  /**
   * Calls the provider's API with the access token, which is refreshed before it expires. If the provider refuses it,
   * the call is repeated once with a new one, provided that the body can be sent twice. Never after 403.
   */
  async fetch(path: string, init: ApiCallInit = {}): Promise<Response> {
    const call = this.#client.openAPI(path, init)
    const tokens = await this.#demand()
    const sent = await sendWithToken(call, tokens)
    if (tokens.refreshToken === undefined || !canReplay(init.body)) return responseOf(call, sent)
    const { refused, response: judged } = await judge(call, sent)
    const response = responseOf(call, judged)
    if (!refused) return response
    const renewed = await this.#fresh(tokens.accessToken).catch(async (error) => {
      await response.body?.cancel() // an unread body would hold its connection
      throw error
    })
    if (!renewed || renewed.accessToken === tokens.accessToken) return response
    await response.body?.cancel()
    return responseOf(call, await sendWithToken(call, renewed))
  }

  /** Requests the profile. */
  profile(): Promise<DialectProfile> {
    return this.#use((tokens) => this.#client.profileOf(tokens))
  }

  /** The address where the user can buy more credit. */
  topup(): Promise<string> {
    const client = this.#client
    return this.#use(async (tokens) => {
      if (client.topup) return client.topup(tokens)
      const message = `${client.name} has no top-up page.`
      throw new OAuthError('config_invalid', { provider: client.name, phase: 'request', message })
    })
  }

  /**
   * Revokes the tokens at the provider and deletes them here in any case. Resolves to whether the provider has a
   * revocation.
   */
  async revoke(): Promise<boolean> {
    const record = await this.#read()
    if (!record) return false
    try {
      // A dead access token cannot revoke anything. If it cannot be refreshed, it is tried as it is.
      const tokens = await this.#fresh().catch(() => undefined)
      return await this.#client.revoke(tokens ?? record.tokens)
    } finally {
      await this.#record.clear()
      log.tokens('%s: login forgotten', this.#client.name)
    }
  }

  /** Uses the tokens; if the provider refuses the access token, uses refreshed ones once more. */
  async #use<T>(work: (tokens: TokenSet) => Promise<T>): Promise<T> {
    const tokens = await this.#demand()
    try {
      return await work(tokens)
    } catch (error) {
      const refused = OAuthError.is(error) && error.code === 'token_rejected'
      if (!refused || tokens.refreshToken === undefined) throw error
      return work((await this.#fresh(tokens.accessToken)) ?? tokens)
    }
  }

  /** @throws OAuthError `token_rejected` without a login */
  async #demand(): Promise<TokenSet> {
    const tokens = await this.#fresh()
    if (tokens) return tokens
    throw noTokens(this.#client)
  }

  /**
   * Reads nothing if the tokens were issued to another client of this name: a tenant's tokens go to no other tenant's
   * server.
   */
  async #read(newest = false): Promise<TokenRecord | undefined> {
    const record = await this.#record.read(newest)
    return record?.client === this.#client.fingerprint ? record : undefined
  }

  /** @param refused an access token that the provider has just refused, whatever its age */
  async #fresh(refused?: string): Promise<TokenSet | undefined> {
    const record = await this.#read()
    if (!record || !this.#isDue(record, refused)) return record?.tokens
    const renewed = await this.#oneFlight(refused)
    // The refresh that was in progress may have begun because of the token's age, not its refusal.
    if (refused === undefined || renewed?.tokens.accessToken !== refused) return renewed?.tokens
    return (await this.#oneFlight(refused))?.tokens
  }

  /** Whether a token must be refreshed: refused, expired, or expiring within the lead time. */
  #isDue({ tokens, issuedAt, version }: TokenRecord, refused: string | undefined): boolean {
    const { accessToken, expiresAt, refreshToken } = tokens
    const { leadTime } = this.#settings
    if (accessToken === refused) return true
    if (!expiresAt) return false
    const left = expiresAt.getTime() - Date.now()
    if (refreshToken === undefined) return left <= 0
    if (left > leadTime) return false
    // Tokens that never live longer than the lead time are refreshed at half their life.
    const lifetime = expiresAt.getTime() - issuedAt
    const wasRenewed = version > 1
    return !wasRenewed || lifetime > leadTime || left <= lifetime / 2
  }

  /** The refresh in progress, or a new one. */
  #oneFlight(refused: string | undefined): Promise<TokenRecord | undefined> {
    const { namespace } = this.#record
    const id = `${this.#client.fingerprint} ${this.#record.id}`
    const known = flights.get(namespace) ?? new Map<string, Promise<TokenRecord | undefined>>()
    flights.set(namespace, known)
    const flying = known.get(id)
    if (flying) return flying
    const flight = this.#renew(refused).finally(() => known.delete(id))
    known.set(id, flight)
    return flight
  }

  async #renew(refused: string | undefined): Promise<TokenRecord | undefined> {
    let unlock: (() => Promise<void>) | undefined
    try {
      unlock = await this.#record.lock?.(this.#client.patience)
    } catch (error) {
      const record = await this.#read(true)
      if (record && isAlive(record) && record.tokens.accessToken !== refused) return record
      throw error
    }
    try {
      const record = await this.#read(true)
      if (!record || !this.#isDue(record, refused)) return record // another process did it
      return await this.#refresh(record, refused)
    } finally {
      await unlock?.().catch(() => {}) // it expires anyway
    }
  }

  async #refresh(record: TokenRecord, refused: string | undefined): Promise<TokenRecord | undefined> {
    const { name } = this.#client
    const started = Date.now()
    try {
      const tokens = await this.#client.refresh(record.tokens)
      log.tokens('%s: refreshed in %d ms', name, Date.now() - started)
      // Stored before the access token is used: losing a rotated refresh token logs the user out.
      return await this.#record.replace(record, renewedRecord(record, tokens))
    } catch (error) {
      const code = OAuthError.is(error) ? error.code : undefined
      log.tokens('%s: refresh failed after %d ms: %s', name, Date.now() - started, code ?? foreignError(error))
      if (code === 'refresh_rejected') {
        const successor = await this.#successorOf(record)
        if (successor) return successor
        if (await this.#record.clear(record)) this.#settings.loggedOut()
        throw error
      }
      if (isAlive(record) && record.tokens.accessToken !== refused && code !== 'store_failed') return record
      throw error
    }
  }

  /** The tokens of another process that used the same refresh token; it may be about to store them. */
  async #successorOf(record: TokenRecord): Promise<TokenRecord | undefined> {
    for (let waited = 0; ; waited += 100) {
      const current = await this.#read(true)
      if (!current || current.version !== record.version) return current
      if (waited >= this.#record.grace) return undefined
      await sleep(100)
    }
  }
}

/** Refreshes in progress, by the namespace of their records, then by client and id. */
const flights = new WeakMap<object, Map<string, Promise<TokenRecord | undefined>>>()

function isAlive({ tokens }: TokenRecord): boolean {
  return !tokens.expiresAt || tokens.expiresAt.getTime() > Date.now()
}

/** The error of a call for a provider that is not configured. */
export function unknownProvider(where: string, provider: string): OAuthError {
  const message = `${where}: there is no provider named ${JSON.stringify(provider)}.`
  return new OAuthError('config_invalid', { phase: 'request', message })
}

/** The error of a call without tokens: there is no login, or it has none. */
export function noTokens(client: ProviderClient): OAuthError {
  const { name: provider, issuesUserTokens } = client // not in the signature, where it would be published
  const context = { provider, phase: 'request' as const }
  if (!issuesUserTokens) {
    const message = `A login at ${provider} brings no user token: its API cannot be called for a user.`
    return new OAuthError('config_invalid', { ...context, message })
  }
  const message = `The user is not logged in at ${provider}. Let the user log in.`
  return new OAuthError('token_rejected', { ...context, message })
}
