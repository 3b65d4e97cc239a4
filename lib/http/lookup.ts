import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'

type Failure = NodeJS.ErrnoException
type Found = { addresses: LookupAddress[] } | { error: Failure }
type Resolve = (
  name: string,
  options: LookupAllOptions,
  done: (error: Failure | null, addresses: LookupAddress[]) => void,
) => void

/** In milliseconds: how long a failure is remembered. */
const FAILED_MS = 2000
/** A look-up that takes longer is slow. */
const SLOW_MS = 1000
/** How long known addresses may be used during a slow look-up (RFC 8767 §5 allows up to three days). */
const KNOWN_MS = 60 * 60_000
const MOST_NAMES = 500

interface Name {
  pending?: Promise<Found> | undefined
  known?: { addresses: LookupAddress[]; at: number }
  failed?: { error: Failure; at: number } | undefined
  /** Whether its last look-up was slow. */
  isSlow: boolean
}

/**
 * Looks up providers' names. If a name server is silent, the system's resolver blocks one of Node's two threads for
 * name look-ups for about ten seconds, whatever our deadline is; two such names block all others. So a name is looked
 * up only once at a time; names that were slow go one after the other, in one thread; a failure is remembered for a
 * moment; and a name that was found before does not wait for long.
 */
export class NameLookups {
  private readonly names = new Map<string, Name>()
  private slowOnes: Promise<unknown> = Promise.resolve()

  /** @param resolve default: the system's resolver */
  constructor(private readonly resolve: Resolve = (name, options, done) => dns.lookup(name, options, done)) {}

  /** In the form that `net.connect` expects. */
  readonly lookup: LookupFunction = (hostname, { family, hints, all }, done) => {
    this.find(hostname, { family, hints, all: true }).then((found) => {
      if ('error' in found) return done(found.error, '')
      const [first] = found.addresses
      if (all || !first) done(null, found.addresses)
      else done(null, first.address, first.family)
    })
  }

  private async find(hostname: string, options: LookupAllOptions): Promise<Found> {
    const name = this.nameOf(`${hostname} ${options.family ?? 0} ${options.hints ?? 0}`)
    const { known, failed } = name
    const fallback = known && performance.now() - known.at < KNOWN_MS ? { addresses: known.addresses } : undefined
    if (failed && performance.now() - failed.at < FAILED_MS) return instead(fallback, failed.error)
    name.pending ??= this.ask(name, hostname, options)
    const found = await (fallback ? unlessSlow(name.pending, fallback) : name.pending)
    return 'error' in found ? instead(fallback, found.error) : found
  }

  private nameOf(key: string): Name {
    const there = this.names.get(key)
    if (there) return there
    const [oldest] = this.names.keys()
    if (this.names.size >= MOST_NAMES && oldest !== undefined) this.names.delete(oldest)
    const name: Name = { isSlow: false }
    this.names.set(key, name)
    return name
  }

  private ask(name: Name, hostname: string, options: LookupAllOptions): Promise<Found> {
    const asked = async (): Promise<Found> => {
      const started = performance.now()
      const found = await new Promise<Found>((resolve) => {
        this.resolve(hostname, options, (error, addresses) => resolve(error ? { error } : { addresses }))
      })
      const at = performance.now()
      name.pending = undefined
      name.isSlow = at - started > SLOW_MS
      name.failed = 'error' in found ? { error: found.error, at } : undefined
      if ('addresses' in found) name.known = { addresses: found.addresses, at }
      return found
    }
    if (!name.isSlow) return asked()
    const inTurn = this.slowOnes.then(asked)
    this.slowOnes = inTurn
    return inTurn
  }
}

/** If the name server cannot be reached, the addresses it returned before stay valid. */
function instead(fallback: Found | undefined, error: Failure): Found {
  return fallback && error.code === 'EAI_AGAIN' ? fallback : { error }
}

async function unlessSlow(pending: Promise<Found>, fallback: Found): Promise<Found> {
  let timer: NodeJS.Timeout | undefined
  const slow = new Promise<Found>((resolve) => {
    timer = setTimeout(resolve, SLOW_MS, fallback)
  })
  const found = await Promise.race([pending, slow])
  clearTimeout(timer)
  return found
}
