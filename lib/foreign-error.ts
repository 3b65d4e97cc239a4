import { printable } from './redact'

/**
 * The error of somebody else's code, fit for `cause`: its name, code and redacted message, and nothing else of it. A
 * store's client puts the command and its arguments into its errors, and those hold states, verifiers and tokens.
 *
 * @param secrets what the call carried, where that is known
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

/** Twenty characters and more in which letters mix with digits, or small ones with capitals: a word of no language. */
const RANDOM =
  /(?=[\w+/=~-]*\d|(?:[\w+/=~-]*?[A-Z]){3})(?=[\w+/=~-]*[A-Za-z])(?=[\w+/=~-]*\d|(?:[\w+/=~-]*?[a-z]){3})[\w+/=~-]{20,}/g
