import { createHash, createHmac, generateKeyPairSync, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { ForgeryQueue, forgedToken, ID_TOKEN_FORGERIES, signedToken } from './forgery'
import { nextRsaPair } from './key-pool'
import { hex } from './ledger'
import type { Reply } from './reply'

/**
 * The value of `at_hash` and `c_hash` for a token or code, with any `…256` algorithm (OpenID Connect Core 1.0
 * §3.1.3.6).
 */
export function halfHash(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')
}

interface SigningKey {
  kid: string
  publicKey: KeyObject
  privateKey: KeyObject
}

/**
 * The keys that sign id_tokens (RFC 7515, RFC 7518 §3): the current one and the previous one, both in the key set.
 * They are created when they are first needed.
 */
export class IdTokenKeys {
  /** The forgeries that a test has planned. */
  readonly forgeries = new ForgeryQueue(ID_TOKEN_FORGERIES)
  private pair: readonly [now: SigningKey, before: SigningKey] | undefined

  constructor(private readonly alg: 'RS256' | 'ES256' = 'RS256') {}

  /**
   * Returns a signed id_token, or the planned forgery; `undefined` if the forgery is to send none.
   * @param claims the claims, except `iat` and `exp`
   * @param seconds the lifetime
   * @param secret signs with HS256, without a `kid`, instead of a key
   */
  issue(claims: Record<string, unknown>, seconds: number, secret?: string): string | undefined {
    const { alg } = this
    const [{ kid, privateKey, publicKey }] = this.keys()
    const iat = Math.floor(Date.now() / 1000)
    const draft = {
      header: secret === undefined ? { alg, typ: 'JWT', kid } : { typ: 'JWT', alg: 'HS256' },
      claims: { ...claims, iat, exp: iat + seconds },
      key: secret ?? privateKey,
      published: { kid, publicKey, alg },
    }
    const forgery = this.forgeries.next()
    return forgery === undefined ? signedToken(draft) : forgedToken(forgery, draft)
  }

  /** The response with the public keys (RFC 7517 §5). */
  keySet(): Reply {
    const keys = this.keys().map(({ kid, publicKey }) => {
      return { ...publicKey.export({ format: 'jwk' }), kid, alg: this.alg, use: 'sig' }
    })
    return { json: { keys } }
  }

  /** Signs with a new key from now on. The previous key stays in the key set; the one before it is removed. */
  rotate(): void {
    this.pair = [this.make(), this.keys()[0]]
  }

  /** The claims of an id_token with a valid signature, for a provider with an endpoint that returns them. */
  claimsOf(token: string, secret: string): Record<string, unknown> | undefined {
    const [header = '', payload = '', made = ''] = token.split('.')
    const [input, bytes] = [`${header}.${payload}`, Buffer.from(made, 'base64url')]
    const mac = createHmac('sha256', secret).update(input).digest()
    const isMac = bytes.length === mac.length && timingSafeEqual(bytes, mac)
    const isOurs = this.keys().some(({ publicKey: key }) =>
      verify('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, bytes),
    )
    return isMac || isOurs ? JSON.parse(Buffer.from(payload, 'base64url').toString()) : undefined
  }

  private keys(): readonly [SigningKey, SigningKey] {
    this.pair ??= [this.make(), this.make()]
    return this.pair
  }

  private make(): SigningKey {
    const pair = this.alg === 'RS256' ? nextRsaPair() : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return { kid: hex(5), publicKey: pair.publicKey, privateKey: pair.privateKey }
  }
}
