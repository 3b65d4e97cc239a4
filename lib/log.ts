import type debug from 'debug'
import { lazily } from './lazily'

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
