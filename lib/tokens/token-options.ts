import type { OptionReader } from '../options'
import { readKeys, Sealer } from './sealer'
import type { LoggedOut, SessionTokensOptions } from './session-tokens'
import { isTokenStore, type TokenStore } from './token-store'

/** The options about tokens, of the router and of a keeper. */
export interface TokenOptions {
  /** Where tokens live; default the session. */
  tokenStore?: TokenStore | undefined
  /**
   * Seals the tokens wherever they are: at least 32 random bytes, as text or bytes. An array opens what any of its
   * keys sealed and seals with the first.
   */
  encryptionKey?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** Seconds to live at which an access token is refreshed ahead; default 300. */
  refreshLeadTime?: number | undefined
  /** Told once when a provider refuses a login's refresh token: the user must log in there again. */
  onLoggedOut?: (login: LoggedOut) => unknown
}

/** How each is checked and read. @throws OAuthError `config_invalid`, naming the option */
export const TOKEN_OPTIONS = {
  tokenStore: (read: OptionReader, { tokenStore }: TokenOptions) => {
    if (tokenStore !== undefined && !isTokenStore(tokenStore)) {
      read.fail('tokenStore', 'must have the methods get, set and delete of a TokenStore')
    }
    if (tokenStore?.lock !== undefined && typeof tokenStore.lock !== 'function') {
      read.fail('tokenStore', 'must have a method where it has a `lock`')
    }
    return tokenStore
  },
  encryptionKey: (read: OptionReader, { encryptionKey }: TokenOptions) => {
    const keys = encryptionKey === undefined ? undefined : readKeys(encryptionKey)
    if (typeof keys === 'string') read.fail('encryptionKey', keys)
    return keys && new Sealer(keys)
  },
  refreshLeadTime: (read: OptionReader, { refreshLeadTime }: TokenOptions) =>
    (refreshLeadTime === 0 ? 0 : read.positive('refreshLeadTime', 300, 'seconds')) * 1000,
  onLoggedOut: (read: OptionReader, { onLoggedOut }: TokenOptions) => {
    read.optionalFunction('onLoggedOut')
    return onLoggedOut
  },
} satisfies { [Name in keyof TokenOptions]-?: (read: OptionReader, options: TokenOptions) => unknown }

/** @throws OAuthError `config_invalid`, naming the option */
export function readTokenOptions(options: TokenOptions, read: OptionReader): Omit<SessionTokensOptions, 'sessionKey'> {
  return {
    store: TOKEN_OPTIONS.tokenStore(read, options),
    sealer: TOKEN_OPTIONS.encryptionKey(read, options),
    leadTime: TOKEN_OPTIONS.refreshLeadTime(read, options),
    onLoggedOut: TOKEN_OPTIONS.onLoggedOut(read, options),
  }
}
