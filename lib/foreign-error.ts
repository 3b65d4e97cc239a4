import { printable } from './redact'

/**
 * Makes an error of other code fit for `cause`: only its name, its code and its redacted message stay. A store's client
 * puts the command and its arguments into its errors, and those hold states, verifiers and tokens.
 *
 * @param secrets the secrets of the call, if they are known
 */
export function foreignError(cause: unknown, secrets: readonly string[] = []): Error {
  const given: { name?: unknown; code?: unknown; message?: unknown } =
    typeof cause === 'object' && cause !== null ? cause : { message: cause }
  const words =
    typeof given.message === 'string' && given.message !== '' ? given.message : 'It failed without a message.'
  const error = new Error(printable(words, secrets).replace(RANDOM, '[redacted]'))
  if (typeof given.name === 'string' && /^\w{1,60}$/.test(given.name)) error.name = given.name
  const { code } = given
  if (typeof code === 'number' || (typeof code === 'string' && /^[\w-]{1,60}$/.test(code))) {
    Object.defineProperty(error, 'code', { value: code, enumerable: true })
  }
  return error
}

/** Twenty or more characters that mix letters with digits, or capitals with small letters, as no word does. */
const RANDOM =
  /(?=[\w+/=~-]*\d|(?:[\w+/=~-]*?[A-Z]){3})(?=[\w+/=~-]*[A-Za-z])(?=[\w+/=~-]*\d|(?:[\w+/=~-]*?[a-z]){3})[\w+/=~-]{20,}/g
