import { createHmac } from 'node:crypto'
import { OAuthError } from '../errors'
import { log } from '../log'
import { TtlMap } from '../util/ttl-map'

/** Where processes share application tokens: the router's token store and encryption. */
export interface AppTokenHome {
  store:
    | {
        get(key: string): Promise<string | undefined>
        set(key: string, value: string): Promise<boolean>
        lock?(key: string, patience: number): Promise<() => Promise<void>>
      }
    | undefined
  sealer: { seal(text: string): Promise<string>; open(sealed: string): Promise<string | undefined> } | undefined
}

/** An application token as the provider issued it. */
export interface IssuedAppToken {
  token: string
  /** Its lifetime in milliseconds. */
  life: number
}

/** The client whose token it is. */
export interface AppTokenSource {
  /** For the log. */
  name(): string
  /** Calls the provider. */
  ask(): Promise<IssuedAppToken>
  /** How long another process may take for it, in milliseconds. */
  patience(): number
}

interface Kept {
  token: string
  /** When to renew it, in milliseconds since the epoch. */
  renewAt: number
  /** Milliseconds since the epoch. */
  endsAt: number
}

/** The token of one client in this process, shared by all its strategies. */
interface Held {
  kept?: Kept | undefined
  flight?: Promise<string> | undefined
  /** Tokens that the provider refused, the latest last: an older process may still have one in the store. */
  dead: string[]
}

/**
 * The token of an application, not of a user. It is requested once for any number of logins, in a process and, with the
 * lock of the app's token store, across processes. It is renewed before it expires, and when the provider refuses it.
 * It is kept in memory and in that store, and nowhere else.
 */
export class AppToken {
  readonly #source: AppTokenSource
  readonly #key: string
  #home: AppTokenHome = { store: undefined, sealer: undefined }

  /** Clients with different fingerprints or secrets share nothing: a tenant must not use another's token. */
  constructor(source: AppTokenSource, { fingerprint, clientSecret }: { fingerprint: string; clientSecret: string }) {
    this.#source = source
    const id = createHmac('sha256', clientSecret).update(fingerprint).digest('base64url')
    this.#key = `@app-token:${id}` // no provider's name begins so
  }

  /** Shares it with all processes that use the store of `home`. */
  moveTo(home: AppTokenHome): void {
    this.#home = home
  }

  /** The token. @throws the error of its request, if no valid one is left */
  async current(): Promise<string> {
    const { kept } = this.#held()
    if (kept && Date.now() < kept.renewAt) return kept.token
    return this.#oneFlight()
  }

  /**
   * A token other than `refused`, which the provider refuses; the same one if the provider has no other.
   * @throws as {@link current}
   */
  async instead(refused: string): Promise<string> {
    const held = this.#held()
    for (let joined = true; joined; ) {
      if (held.kept && held.kept.token !== refused) return this.current()
      held.kept = undefined
      held.dead = [...held.dead.filter((token) => token !== refused), refused].slice(-REMEMBERED)
      joined = held.flight !== undefined // it may have begun before this one died
      const token = await this.#oneFlight()
      if (token !== refused) return token
    }
    return refused
  }

  #oneFlight(): Promise<string> {
    const held = this.#held()
    held.flight ??= this.#renew(held).finally(() => {
      held.flight = undefined
    })
    return held.flight
  }

  async #renew(held: Held): Promise<string> {
    const before = held.kept
    const unlock = await this.#lock()
    try {
      const stored = await this.#stored()
      if (stored && Date.now() < stored.renewAt && !held.dead.includes(stored.token)) {
        held.kept = stored
        return stored.token
      }
      const issued = await this.#source.ask()
      const fresh = keptOf(issued, stored ?? before)
      log.tokens('%s: application token asked for, lives %d s', this.#source.name(), Math.round(issued.life / 1000))
      await this.#put(fresh)
      held.kept = fresh
      return fresh.token
    } catch (error) {
      // If an early renewal fails, the valid token is used on, and there is a pause before the next try.
      if (!before || before !== held.kept || Date.now() >= before.endsAt) throw error
      before.renewAt = Math.min(before.endsAt, Date.now() + PAUSE_MS)
      return before.token
    } finally {
      await unlock?.().catch(() => {}) // it expires anyway
    }
  }

  #held(): Held {
    const known = processTokens.get(this.#key)
    if (known) return known
    const held: Held = { dead: [] }
    processTokens.set(this.#key, held)
    return held
  }

  /** If the store fails, this process requests a token itself. */
  async #lock(): Promise<(() => Promise<void>) | undefined> {
    const { store } = this.#home
    return this.#try('lock', () => store?.lock?.(this.#key, this.#source.patience()))
  }

  async #stored(): Promise<Kept | undefined> {
    const { store, sealer } = this.#home
    const text = await this.#try('get', () => store?.get(this.#key))
    const opened = text === undefined || !sealer ? text : await sealer.open(text)
    return opened === undefined ? undefined : readKept(opened, this.#key)
  }

  async #put({ token, renewAt, endsAt }: Kept): Promise<void> {
    const { store, sealer } = this.#home
    if (!store) return
    const text = JSON.stringify({ key: this.#key, token, renewAt, endsAt })
    const sealed = sealer ? await sealer.seal(text) : text
    await this.#try('set', () => store.set(this.#key, sealed))
  }

  async #try<T>(what: string, call: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await call()
    } catch {
      log.tokens('%s: `%s` of the token store failed for the application token', this.#source.name(), what)
      return undefined
    }
  }
}

/** The tokens of this process, for all strategies of a client: a tenant's strategies are built again and again. */
const processTokens = new TtlMap<Held>(600_000, ({ kept, flight }) => {
  return flight !== undefined || (kept !== undefined && Date.now() < kept.endsAt)
})

/** How early it is renewed, in milliseconds, if it lives that long. */
const LEAD_MS = 300_000
/** The pause between two tries to renew a valid token. */
const PAUSE_MS = 30_000
const REMEMBERED = 8

/**
 * A provider may return the same token while it is valid. There is no other one before its end then, and repeated
 * requests are throttled.
 */
function keptOf({ token, life }: IssuedAppToken, before: Kept | undefined): Kept {
  const endsAt = Date.now() + life
  const renewAt = token === before?.token ? endsAt : endsAt - Math.min(LEAD_MS, life / 2)
  return { token, renewAt, endsAt }
}

/** The stored token, if it was stored for this key. */
function readKept(text: string, key: string): Kept | undefined {
  try {
    const { key: own, token, renewAt, endsAt } = JSON.parse(text)
    const fits = own === key && typeof token === 'string' && Number.isFinite(renewAt) && Number.isFinite(endsAt)
    return fits ? { token, renewAt, endsAt } : undefined
  } catch {
    return undefined
  }
}

/** The error of a call that the provider refuses with the application token and with its replacement. */
export function deadAppToken({ provider = '', phase, ...said }: OAuthError): OAuthError {
  const { providerCode, providerMessage, providerStatus, requestId } = said
  return new OAuthError('client_rejected', {
    provider,
    phase,
    ...(providerCode !== undefined && { providerCode }),
    ...(providerMessage !== undefined && { providerMessage }),
    ...(providerStatus !== undefined && { providerStatus }),
    ...(requestId !== undefined && { requestId }),
  })
}
