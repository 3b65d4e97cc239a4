import type debug from 'debug'
import type { OAuthError } from './errors'
import { lazily } from './util/lazily'

/**
 * What `DEBUG=passport-dialects:*` shows: one line per event, with names, statuses, codes and times. Addresses appear
 * without their query; headers, bodies, states, codes and tokens never appear.
 */
export const log = {
  /** Each request of a login, and how it ended. */
  get login() {
    return loggers().login
  },
  /** Every call to a provider. */
  get call() {
    return loggers().call
  },
  /** Refreshes and their results. */
  get tokens() {
    return loggers().tokens
  },
}

const loggers = lazily(() => {
  const logger = require('debug') as typeof debug // the import's own type
  return {
    login: logger('passport-dialects:login'),
    call: logger('passport-dialects:call'),
    tokens: logger('passport-dialects:tokens'),
  }
})

/** Logs where a login stopped: the provider, the phase, the code, and the provider's response if there was one. */
export function logFailure(error: OAuthError, provider: string): void {
  const { phase, code, message, providerCode, providerStatus } = error
  const said = providerCode === undefined ? '' : ` (${providerCode})`
  const answered = providerStatus === undefined ? '' : ` after HTTP ${providerStatus}`
  log.login('%s: failed in phase %s: %s%s%s: %s', provider, phase, code, said, answered, message)
}
