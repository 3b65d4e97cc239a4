import type { CryptoKey, JWTHeaderParameters, LocalJWKSet } from 'jose' with { 'resolution-mode': 'import' }
import { type ErrorContext, OAuthError } from '../errors'
import type { JsonObject } from '../json'
import { loadJose } from '../util/jose'

/** Between two asks for the same key set because of a key that is not in it. */
const MINUTE_MS = 60_000
/** A key that the provider has withdrawn is believed for no longer. */
const LONGEST_MS = 3_600_000

interface Known {
  find: LocalJWKSet
  since: number
}

/**
 * The keys that a provider signs with (RFC 7517 §5): asked for when one is first wanted, once for any number of callers,
 * and kept for an hour. A key that is not in it may be new: the set is asked for again, at most once a minute.
 */
export class KeySet {
  private known: Known | undefined
  private asking: Promise<Known> | undefined
  private askedAgainAt = Number.NEGATIVE_INFINITY

  /** @param ask the call to the provider */
  constructor(private readonly ask: (context: ErrorContext) => Promise<JsonObject>) {}

  /**
   * The key that a header names.
   * @throws whatever `ask` throws; OAuthError `response_invalid` where it is no key set; `jose`'s errors where it has no such key
   */
  async keyFor(header: JWTHeaderParameters, context: ErrorContext): Promise<CryptoKey> {
    const known = await this.current(context)
    try {
      return await known.find(header)
    } catch (error) {
      const { JWKSNoMatchingKey } = (await loadJose()).errors
      const newer = error instanceof JWKSNoMatchingKey ? await this.newerThan(known, context) : undefined
      if (!newer) throw error
      return newer.find(header)
    }
  }

  private async current(context: ErrorContext): Promise<Known> {
    if (this.known && Date.now() - this.known.since > LONGEST_MS) this.known = undefined
    return this.known ?? this.load(context)
  }

  private async newerThan(known: Known, context: ErrorContext): Promise<Known | undefined> {
    if (this.known && this.known !== known) return this.known
    const isSoon = Date.now() - this.askedAgainAt < MINUTE_MS
    return isSoon ? this.asking : this.load(context)
  }

  private load(context: ErrorContext): Promise<Known> {
    this.asking ??= this.loadOnce(context).finally(() => {
      this.asking = undefined
    })
    return this.asking
  }

  private async loadOnce(context: ErrorContext): Promise<Known> {
    const { createLocalJWKSet } = await loadJose()
    const set = await this.ask(context)
    // An ask that failed is not counted: the next login tries anew.
    if (this.known) this.askedAgainAt = Date.now()
    try {
      this.known = { find: createLocalJWKSet(set as unknown as { keys: [] }), since: Date.now() } // jose checks it
    } catch {
      throw new OAuthError('response_invalid', {
        ...context,
        message: 'The response of the provider is not a key set (RFC 7517).',
      })
    }
    return this.known
  }
}
