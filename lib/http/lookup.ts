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
/** How long addresses may stand in for a look-up that is slow (RFC 8767 §5 has up to three days). */
const KNOWN_MS = 60 * 60_000
const MOST_NAMES = 500

interface Name {
  pending?: Promise<Found> | undefined
  known?: { addresses: LookupAddress[]; at: number }
  failed?: { error: Failure; at: number } | undefined
  /** Whether its last look-up was. */
  isSlow: boolean
}

/**
 * Look-ups of providers' names. The system's resolver waits some ten seconds for a name server that is silent, in one
 * of the two threads that Node has for it, whatever our deadline says: two of them keep every other name waiting.
 * So each name is looked up once at a time; names that were slow go one after the other, in one thread; a failure is
 * remembered for a moment; and a name that was found before does not wait for long.
 */
export class NameLookups {
  private readonly names = new Map<string, Name>()
  private slowOnes: Promise<unknown> = Promise.resolve()

  /** @param resolve by the system, unless told otherwise */
  constructor(private readonly resolve: Resolve = (name, options, done) => dns.lookup(name, options, done)) {}

  /** As `net.connect` takes it. */
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

/** A name server that could not be asked says nothing against the addresses it gave before. */
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
