import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** The types of keys that providers sign with. */
export type KeyType = 'rsa' | 'ec'

export const KEY_FORMS = 'in PEM or in base64'

/**
 * A private key in any of the usual forms; `undefined` if it is none. The reason is not reported, because OpenSSL might
 * quote the key.
 */
export function readPrivateKey(text: string): KeyObject | undefined {
  if (text.includes('-----BEGIN')) return attempt(() => createPrivateKey(text))
  const key = bytesOf(text)
  if (!key) return undefined
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    const read = attempt(() => createPrivateKey({ key, format: 'der', type }))
    if (read) return read
  }
  return undefined
}

/** A public key likewise. A private key is not accepted in its place: the app did not mean to give it. */
export function readPublicKey(text: string): KeyObject | undefined {
  if (text.includes('-----BEGIN')) {
    // Not a private key, and not a certificate, of which OpenSSL would take the key out.
    return text.includes('-----BEGIN PUBLIC KEY-----') || text.includes('-----BEGIN RSA PUBLIC KEY-----')
      ? attempt(() => createPublicKey(text))
      : undefined
  }
  const key = bytesOf(text)
  if (!key || readPrivateKey(text)) return undefined
  for (const type of ['spki', 'pkcs1'] as const) {
    const read = attempt(() => createPublicKey({ key, format: 'der', type }))
    if (read) return read
  }
  return undefined
}

function attempt(read: () => KeyObject): KeyObject | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Base64, with or without line breaks. */
function bytesOf(text: string): Buffer | undefined {
  const letters = text.replace(/\s/g, '')
  return /^[A-Za-z\d+/]+={0,2}$/.test(letters) ? Buffer.from(letters, 'base64') : undefined
}
