import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'

export const ISSUER = 'https://appleid.apple.com'

/** What the app has registered: its key, by id and team. */
export interface AppleRegistration {
  clientID: string
  teamID: string
  keyID: string
  publicKey: KeyObject
}

const made = new WeakMap<object, KeyObject>()

/** The app's private key at one running emulator, created at first use. */
export function privateKeyOf(settings: object): KeyObject {
  const key = made.get(settings) ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  made.set(settings, key)
  return key
}

/** As in the `.p8` file: PKCS#8 in PEM. */
export function pemOf(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}

export function publicKeyOf(privateKey: KeyObject): KeyObject {
  return createPublicKey(privateKey)
}

/** Six months, in seconds. */
const LONGEST = 15_777_000
const SKEW = 300

/** Whether a text is a client secret: a JWT that the app has signed (RFC 7515 §5.2, ES256 of RFC 7518 §3.4). */
export function isClientSecret(text: string, { clientID, teamID, keyID, publicKey }: AppleRegistration): boolean {
  const [header = '', payload = '', signature = '', ...rest] = text.split('.')
  const { alg, kid } = decoded(header)
  if (rest.length > 0 || alg !== 'ES256' || kid !== keyID) return false
  const bytes = Buffer.from(signature, 'base64url')
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  // 64 bytes, r and s; a longer signature is DER.
  if (bytes.length !== 64 || !verify('sha256', Buffer.from(`${header}.${payload}`), key, bytes)) return false
  const { iss, sub, aud, iat, exp } = decoded(payload)
  const now = Date.now() / 1000
  if (iss !== teamID || sub !== clientID || aud !== ISSUER) return false
  if (typeof iat !== 'number' || iat > now + SKEW) return false
  return typeof exp === 'number' && exp > now && exp <= now + LONGEST
}

function decoded(part: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(Buffer.from(part, 'base64url').toString()) }
  } catch {
    return {}
  }
}
