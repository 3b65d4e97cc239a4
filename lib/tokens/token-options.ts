import type { OptionReader } from '../options'
import type { LoggedOut, TokenDeskOptions } from './desk'
import { readKeys, Sealer } from './sealer'
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

/** @throws OAuthError `config_invalid`, naming the option */
export function readTokenOptions(options: TokenOptions, read: OptionReader): Omit<TokenDeskOptions, 'sessionKey'> {
  const { tokenStore, encryptionKey, onLoggedOut } = options
  if (tokenStore !== undefined && !isTokenStore(tokenStore)) {
    read.fail('tokenStore', 'must have the methods get, set and delete of a TokenStore')
  }
  if (onLoggedOut !== undefined && typeof onLoggedOut !== 'function') read.fail('onLoggedOut', 'must be a function')
  const keys = encryptionKey === undefined ? undefined : readKeys(encryptionKey)
  if (typeof keys === 'string') read.fail('encryptionKey', keys)
  return {
    store: tokenStore,
    sealer: keys && new Sealer(keys),
    leadTime: (options.refreshLeadTime === 0 ? 0 : read.positive('refreshLeadTime', 300, 'seconds')) * 1000,
    onLoggedOut,
  }
}
