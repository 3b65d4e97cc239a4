import debug from 'debug'
import type { OAuthError } from './errors'

/**
 * What `DEBUG=passport-dialects:*` shows: one line a turn, with names, statuses, codes and times. Addresses without
 * their query; never a header, a body, a state, a code or a token.
 */
export const log = {
  /** Which leg of which login, and how it ended. */
  login: debug('passport-dialects:login'),
  /** Every call to a provider. */
  call: debug('passport-dialects:call'),
  /** Refreshes, and what became of them. */
  tokens: debug('passport-dialects:tokens'),
}

/** One line that says where a login stopped: provider, phase, code, and what the provider answered where it did. */
export function logFailure({ phase, code, message, providerStatus }: OAuthError, provider: string): void {
  const answered = providerStatus === undefined ? '' : ` after HTTP ${providerStatus}`
  log.login('%s: failed in phase %s: %s%s: %s', provider, phase, code, answered, message)
}
