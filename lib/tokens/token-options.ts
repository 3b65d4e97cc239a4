import type { OptionReader } from '../options'
import { readKeys, Sealer } from './sealer'
import type { LoggedOut, SessionTokensOptions } from './session-tokens'
import { isTokenStore, type TokenStore } from './token-store'

/** The options that the router and a `TokenKeeper` share. */
export interface TokenOptions {
  /** Where tokens are stored. Default: in the session. */
  tokenStore?: TokenStore | undefined
  /**
   * Encrypts the stored tokens: at least 32 random bytes, as a string or as bytes. With an array, the first key encrypts,
   * and every key decrypts what it has encrypted.
   */
  encryptionKey?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** An access token that expires within this many seconds is refreshed before it is used. Default 300. */
  refreshLeadTime?: number | undefined
  /** Called once when a provider refuses a login's refresh token: the user must log in there again. */
  onLoggedOut?: (login: LoggedOut) => unknown
}

/** Checks and reads each option. @throws OAuthError `config_invalid`, naming the option */
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
