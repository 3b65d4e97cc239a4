import type { KeyObject } from 'node:crypto'
import { loadJose } from '../util/jose'

/** The content of a client secret that the app signs itself, and its key. */
export interface SecretSigner {
  /** P-256. */
  key: KeyObject
  /** Its `kid`. */
  keyID: string
  issuer: string
  subject: string
  audience: string
}

/** In seconds. The provider's clock may differ from ours, so a secret is not used until its end. */
const LIFETIME = 300
const KEPT = 240

/** A client secret that the app signs itself: a JWT by ES256 (RFC 7515), kept for some minutes. Apple. */
export class SignedSecret {
  // Private fields, so that printing its holder does not show them.
  readonly #signer: SecretSigner
  #made: { at: number; secret: Promise<string> } | undefined

  constructor(signer: SecretSigner) {
    this.#signer = signer
  }

  /** The current secret. */
  get(): Promise<string> {
    const at = Math.floor(Date.now() / 1000)
    if (!this.#made || at < this.#made.at || at >= this.#made.at + KEPT) this.#made = { at, secret: this.#sign(at) }
    return this.#made.secret
  }

  async #sign(at: number): Promise<string> {
    const { SignJWT } = await loadJose()
    const { key, keyID, issuer, subject, audience } = this.#signer
    return new SignJWT({ iss: issuer, iat: at, exp: at + LIFETIME, aud: audience, sub: subject })
      .setProtectedHeader({ alg: 'ES256', kid: keyID })
      .sign(key)
  }
}
