import type { OptionReader } from '../options'
import { TAKEN_KEYS } from '../session/request'

/**
 * The key of a session under which the engine keeps what it has to: none that the session, or Passport, has of its own.
 * @throws OAuthError `config_invalid`
 */
export function readSessionKey(read: OptionReader): string {
  const key = read.optionalText('sessionKey') ?? 'passport-dialects'
  if (TAKEN_KEYS.has(key)) read.fail('sessionKey', `must not be ${key}: the session has that of its own`)
  return key
}
