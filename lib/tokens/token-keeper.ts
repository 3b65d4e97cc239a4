import { OptionReader } from '../options'
import type { ApiCallInit } from '../provider/api-call'
import type { ProviderClient } from '../provider/client'
import type { DialectProfile } from '../provider/profile'
import type { TokenSet } from '../provider/token-set'
import { buildEntries, type Entry, type Providers } from '../registry'
import { type LoginTokens, unknownProvider } from './login-tokens'
import { type LoggedOut, SessionTokens } from './session-tokens'
import { readTokenOptions } from './token-options'
import type { TokenStore } from './token-store'

/** The options of a {@link TokenKeeper}. Give it the same values as the routers that use the same store. */
export interface TokenKeeperOptions {
  /** The router's `providers`. With many tenants, create one keeper for each. */
  providers: Providers
  /** The router's `tokenStore`. */
  tokenStore: TokenStore
  /** The router's `encryptionKey`. */
  encryptionKey?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** An access token that expires within this many seconds is refreshed before it is used. Default 300. */
  refreshLeadTime?: number
  /** Called once when a provider refuses a refresh token. */
  onLoggedOut?: (login: LoggedOut) => unknown
}

/**
 * Uses the tokens of logins without a request, for jobs that act for a user. It shares refreshes with every router over
 * the same store: within this process, and across processes by the store's lock. A login's key is
 * `req.oauth.tokenKey(provider)`.
 *
 * @example
 * ```ts
 * const keeper = new TokenKeeper({ providers, tokenStore })
 * const response = await keeper.fetch('tiktok', key, '/v2/video/list/?fields=id', { method: 'POST' })
 * ```
 */
export class TokenKeeper {
  readonly #manager: SessionTokens
  readonly #entries: ReadonlyMap<string, Entry>

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(options: TokenKeeperOptions) {
    const read = new OptionReader('TokenKeeper', options)
    if (options.tokenStore === undefined) read.fail('tokenStore', 'is required')
    // No login begins here, so options for logins have their defaults.
    this.#entries = buildEntries(options.providers, {
      mountPath: '',
      sessionKey: 'passport-dialects',
      stateLifetime: 600,
    })
    this.#manager = new SessionTokens({ ...readTokenOptions(options, read), sessionKey: '' })
  }

  /** Stores tokens that the app obtained itself, under a key of its choice. */
  async keep(provider: string, key: string, tokens: TokenSet): Promise<void> {
    return this.#manager.addUnder(key, this.#client(provider), tokens)
  }

  /** As `req.oauth.tokens`. */
  async tokens(provider: string, key: string): Promise<TokenSet | undefined> {
    return this.#login(provider, key).current()
  }

  /** As `req.oauth.fetch`. */
  async fetch(provider: string, key: string, path: string, init?: ApiCallInit): Promise<Response> {
    return this.#login(provider, key).fetch(path, init)
  }

  /** As `req.oauth.profile`. */
  async profile(provider: string, key: string): Promise<DialectProfile> {
    return this.#login(provider, key).profile()
  }

  /** As `req.oauth.revoke`. */
  async revoke(provider: string, key: string): Promise<boolean> {
    return this.#login(provider, key).revoke()
  }

  /** As `req.oauth.topupURL`. */
  async topupURL(provider: string, key: string): Promise<string> {
    return this.#login(provider, key).topup()
  }

  #login(provider: string, key: string): LoginTokens {
    return this.#manager.loginUnder(key, this.#client(provider))
  }

  #client(provider: string): ProviderClient {
    const entry = this.#entries.get(provider)
    if (entry) return entry.strategy
    throw unknownProvider('TokenKeeper', provider)
  }
}
