import { OptionReader } from '../options'
import type { DialectProfile } from '../profile'
import type { ProviderClient } from '../provider-client'
import { buildEntries, type Entry, type Providers } from '../router-config'
import { fetchWith, profileWith, revokeWith, topupWith } from './actions'
import type { ApiCallInit } from './authorised-fetch'
import { type LoggedOut, TokenDesk } from './desk'
import { freshTokens, unknownProvider } from './keeping'
import { readTokenOptions } from './token-options'
import { copyOf, type TokenSet } from './token-set'
import type { TokenStore } from './token-store'

/** What a {@link TokenKeeper} needs; the same as the routers over the same store. */
export interface TokenKeeperOptions {
  /** The router's `providers`; those of many tenants have a keeper each. */
  providers: Providers
  /** The store that the router's option `tokenStore` names. */
  tokenStore: TokenStore
  /** The key, or keys, that the router's option `encryptionKey` has. */
  encryptionKey?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Seconds; default 300. */
  refreshLeadTime?: number
  /** Told once when a provider refuses a refresh token. */
  onLoggedOut?: (login: LoggedOut) => unknown
}

/**
 * The tokens of logins without a request, for jobs that act for a user. Shares its refreshes, within this process and
 * through the store's lock, with every router over the same store. A login's key is `req.oauth.tokenKey(provider)`.
 */
export class TokenKeeper {
  readonly #desk: TokenDesk
  readonly #entries: ReadonlyMap<string, Entry>

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(options: TokenKeeperOptions) {
    const read = new OptionReader('TokenKeeper', options)
    if (options.tokenStore === undefined) read.fail('tokenStore', 'is required')
    // No login begins here: what concerns only logins has its defaults.
    this.#entries = buildEntries(options.providers, {
      mountPath: '',
      sessionKey: 'passport-dialects',
      stateLifetime: 600,
    })
    this.#desk = new TokenDesk({ ...readTokenOptions(options, read), sessionKey: '' })
  }

  /** Keeps tokens of an app's own making under a key of its choice. */
  async keep(provider: string, key: string, tokens: TokenSet): Promise<void> {
    return this.#desk.keepUnder(this.#client(provider).name, key, tokens)
  }

  /** As `req.oauth.tokens`. */
  async tokens(provider: string, key: string): Promise<TokenSet | undefined> {
    const tokens = await freshTokens(this.#care(provider, key))
    return tokens && copyOf(tokens)
  }

  /** As `req.oauth.fetch`. */
  async fetch(provider: string, key: string, path: string, init?: ApiCallInit): Promise<Response> {
    return fetchWith(this.#care(provider, key), path, init)
  }

  /** As `req.oauth.profile`. */
  async profile(provider: string, key: string): Promise<DialectProfile> {
    return profileWith(this.#care(provider, key))
  }

  /** As `req.oauth.revoke`. */
  async revoke(provider: string, key: string): Promise<boolean> {
    return revokeWith(this.#care(provider, key))
  }

  /** As `req.oauth.topupURL`. */
  async topupURL(provider: string, key: string): Promise<string> {
    return topupWith(this.#care(provider, key))
  }

  #care(provider: string, key: string) {
    return this.#desk.careOf(key, this.#client(provider))
  }

  #client(provider: string): ProviderClient {
    const entry = this.#entries.get(provider)
    if (entry) return entry.strategy
    throw unknownProvider('TokenKeeper', provider)
  }
}
