import session from 'express-session'

const METHODS = ['get', 'set', 'destroy', 'touch'] as const

/** The same store, and how often it was called. */
export function countCalls(store: session.Store): { store: session.Store; calls(): number } {
  let calls = 0
  for (const name of METHODS) {
    const method = store[name]?.bind(store) as ((...args: unknown[]) => void) | undefined // four signatures in one
    if (!method) continue
    Reflect.set(store, name, (...args: unknown[]) => {
      calls++
      method(...args)
    })
  }
  return { store, calls: () => calls }
}

/** `memory`, `redis` at `REDIS_URL` or on loopback, or `last-N`: a memory that forgets, for the long run. */
export async function openStore(kind: string): Promise<session.Store> {
  if (kind === 'redis') return openRedis()
  const last = /^last-(\d+)$/.exec(kind)?.[1]
  return last === undefined ? new session.MemoryStore() : new ForgetfulStore(Number(last))
}

async function openRedis(): Promise<session.Store> {
  const [{ createClient }, { RedisStore }] = await Promise.all([import('redis'), import('connect-redis')])
  const client = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' })
  client.on('error', () => {}) // the calls themselves fail
  await client.connect()
  return new RedisStore({ client, prefix: `bench:${process.pid}:`, ttl: 120 })
}

/** What a store with an expiry comes down to in a long run: the oldest sessions go. */
class ForgetfulStore extends session.MemoryStore {
  private readonly ids = new Set<string>()

  constructor(private readonly most: number) {
    super()
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    this.ids.add(id)
    const [oldest] = this.ids
    if (this.ids.size > this.most && oldest !== undefined) this.destroy(oldest)
    super.set(id, data, done)
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    this.ids.delete(id)
    super.destroy(id, done)
  }
}
