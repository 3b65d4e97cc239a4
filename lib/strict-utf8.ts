import { isUtf8 } from 'node:buffer'

/**
 * The text of bytes that must be UTF-8, without a byte order mark. A strict `TextDecoder` takes several times as long.
 * @throws TypeError as that does
 */
export function strictUTF8(bytes: Buffer): string {
  if (!isUtf8(bytes))
    throw Object.assign(new TypeError('The bytes are not UTF-8.'), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA' })
  const text = bytes.toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
