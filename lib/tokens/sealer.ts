import { createHash, hkdfSync } from 'node:crypto'
import { loadJose } from '../util/jose'

/**
 * Encrypts tokens (token-record.ts, app-token.ts). The first of its keys encrypts; every key decrypts what it has
 * encrypted: JWE, `dir`, A256GCM (RFC 7516, RFC 7518 §5.3).
 */
export class Sealer {
  private readonly keys: { id: string; bytes: Uint8Array }[]

  /** @param secrets at least 32 bytes of key material each; the first one encrypts */
  constructor(secrets: readonly (string | Uint8Array)[]) {
    this.keys = secrets.map((secret) => {
      const bytes = new Uint8Array(hkdfSync('sha256', secret, '', 'passport-dialects token sealing', 32))
      return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, 8), bytes }
    })
  }

  async seal(text: string): Promise<string> {
    const [key] = this.keys
    if (!key) throw new Error('There is no key to seal with.')
    const { CompactEncrypt } = await loadJose()
    const content = new TextEncoder().encode(text)
    return new CompactEncrypt(content)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id })
      .encrypt(key.bytes)
  }

  /** The text; `undefined` if no key decrypts it. */
  async open(sealed: string): Promise<string | undefined> {
    const { compactDecrypt, decodeProtectedHeader } = await loadJose()
    try {
      const { kid } = decodeProtectedHeader(sealed)
      const key = this.keys.find(({ id }) => id === kid)
      if (!key) return undefined
      const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] }
      const { plaintext } = await compactDecrypt(sealed, key.bytes, options)
      return new TextDecoder().decode(plaintext)
    } catch {
      return undefined // tampered with, or not ours
    }
  }
}

/** The keys of the option `encryptionKey`, or what is wrong with it. */
export function readKeys(option: unknown): (string | Uint8Array)[] | string {
  const list: unknown[] = Array.isArray(option) ? option : [option]
  if (list.length === 0) return 'must hold at least one key'
  const keys: (string | Uint8Array)[] = []
  for (const key of list) {
    const fits =
      (typeof key === 'string' && Buffer.byteLength(key) >= 32) || (key instanceof Uint8Array && key.length >= 32)
    if (!fits)
      return 'must be at least 32 random bytes, as text or bytes, or an array of such keys: the first one seals'
    keys.push(key)
  }
  return keys
}
