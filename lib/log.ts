import debug from 'debug'

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
