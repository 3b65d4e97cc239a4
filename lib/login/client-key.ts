import { hash } from 'node:crypto'
import type { Transaction } from '../session/slot'

/**
 * What only the holder of a client's secret can compute of a login. The key stands on both sides, so that nothing can be
 * appended.
 */
export class ClientKey {
  readonly #key: string

  /** @param client its fingerprint covers its endpoints */
  constructor({ fingerprint, clientSecret }: { fingerprint: string; clientSecret: string }) {
    this.#key = hash('sha256', JSON.stringify([fingerprint, clientSecret]), 'base64url')
  }

  /**
   * The nonce of a login (OpenID Connect Core 1.0 §15.5.2), derived from the state. So it needs no storage, works with
   * an app's own store, and nobody who writes to the session can replace it.
   */
  nonceOf(state: string): string {
    return this.#of(`nonce ${state}`)
  }

  /**
   * Binds a pending login to this client and to what was sent to the provider: nothing that somebody else wrote into
   * the session is sent on.
   */
  macOf({ provider, state, redirectURI, verifier, nonce, about }: Transaction): string {
    return this.#of(JSON.stringify([provider, state, redirectURI, verifier, nonce, about])).slice(0, 22)
  }

  #of(text: string): string {
    return hash('sha256', `${this.#key}${text}${this.#key}`, 'base64url')
  }
}
