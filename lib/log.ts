import type debug from 'debug'
import type { OAuthError } from './errors'
import { lazily } from './util/lazily'

/**
 * What `DEBUG=passport-dialects:*` shows: one line a turn, with names, statuses, codes and times. Addresses without
 * their query; never a header, a body, a state, a code or a token.
 */
export const log = {
  /** Which leg of which login, and how it ended. */
  get login() {
    return loggers().login
  },
  /** Every call to a provider. */
  get call() {
    return loggers().call
  },
  /** Refreshes, and what became of them. */
  get tokens() {
    return loggers().tokens
  },
}

const loggers = lazily(() => {
  const logger = require('debug') as typeof debug // what stands there
  return {
    login: logger('passport-dialects:login'),
    call: logger('passport-dialects:call'),
    tokens: logger('passport-dialects:tokens'),
  }
})

/** One line that says where a login stopped: provider, phase, code, and what the provider answered where it did. */
export function logFailure(error: OAuthError, provider: string): void {
  const { phase, code, message, providerCode, providerStatus } = error
  const said = providerCode === undefined ? '' : ` (${providerCode})`
  const answered = providerStatus === undefined ? '' : ` after HTTP ${providerStatus}`
  log.login('%s: failed in phase %s: %s%s%s: %s', provider, phase, code, said, answered, message)
}
