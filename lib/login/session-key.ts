import type { OptionReader } from '../options'
import { TAKEN_KEYS } from '../session/request'

/**
 * Option `sessionKey`: must not be a key that the session or Passport uses.
 * @throws OAuthError `config_invalid`
 */
export function readSessionKey(read: OptionReader): string {
  const key = read.optionalText('sessionKey') ?? 'passport-dialects'
  if (TAKEN_KEYS.has(key)) read.fail('sessionKey', `must not be ${key}: the session has that of its own`)
  return key
}
