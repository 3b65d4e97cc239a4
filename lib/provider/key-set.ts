import type { CryptoKey, JWTHeaderParameters, LocalJWKSet } from 'jose' with { 'resolution-mode': 'import' }
import { type ErrorContext, OAuthError } from '../errors'
import type { JsonObject } from '../json'
import { loadJose } from '../util/jose'

/** The least time between two requests for a key set because of an unknown key. */
const MINUTE_MS = 60_000
/** How long a key that the provider has withdrawn may still be trusted. */
const LONGEST_MS = 3_600_000

interface Known {
  find: LocalJWKSet
  since: number
}

/**
 * The keys that a provider signs with (RFC 7517 §5): requested at first use, once for any number of callers, and kept
 * for an hour. An unknown key may be new, so the set is requested again, at most once a minute.
 */
export class KeySet {
  private known: Known | undefined
  private asking: Promise<Known> | undefined
  private askedAgainAt = Number.NEGATIVE_INFINITY

  /** @param ask the call to the provider */
  constructor(private readonly ask: (context: ErrorContext) => Promise<JsonObject>) {}

  /**
   * The key that a header names.
   * @throws the error of `ask`; OAuthError `response_invalid` if the response is not a key set; jose's errors if it has
   * no such key
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
    // A failed request does not count: the next login tries again.
    if (this.known) this.askedAgainAt = Date.now()
    try {
      this.known = { find: createLocalJWKSet(set as { keys: [] }), since: Date.now() } // jose checks it
    } catch {
      throw new OAuthError('response_invalid', {
        ...context,
        message: 'The response of the provider is not a key set (RFC 7517).',
      })
    }
    return this.known
  }
}
