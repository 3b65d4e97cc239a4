import { RedisStore } from 'connect-redis'
import type { CookieOptions, Store } from 'express-session'
import type { TokenStore } from 'passport-dialects'
import { RedisTokenStore } from 'passport-dialects/redis'
import { createClient } from 'redis'
import type { AppOptions } from './options'
import { logsInSilently } from './protection'

/** The stores of sessions and tokens. */
export interface Stores {
  store?: Store
  tokenStore?: TokenStore
  close(): void
}

/**
 * In memory, or in Redis for several processes and restarts.
 * @throws Error if that Redis does not answer
 */
export async function storesAt(redisURL: string | undefined): Promise<Stores> {
  if (redisURL === undefined) return { close: () => {} }
  let answered = false
  const reconnectStrategy = (tries: number) => answered && Math.min(50 * tries, 1000)
  const client = createClient({ url: redisURL, socket: { reconnectStrategy } })
  client.on('error', () => {}) // without a listener, a lost connection would end the process
  try {
    await client.connect()
  } catch (cause) {
    throw new Error(`REDIS_URL: there is no Redis that answers (${(cause as Error).message}).`, { cause }) // the client throws only Errors
  }
  answered = true
  return {
    store: new RedisStore({ client, prefix: 'example:session:' }),
    tokenStore: new RedisTokenStore({ client, prefix: 'example:tokens:' }),
    close: () => client.destroy(),
  }
}

/**
 * The session's cookie. In TAPD's frame the app is a third party: the cookie needs `SameSite=None` and `Partitioned`.
 */
export function cookieFor({ baseURL, providers }: AppOptions): CookieOptions {
  const secure = baseURL.startsWith('https:')
  if (secure && logsInSilently(providers.tapd)) {
    return { httpOnly: true, secure, sameSite: 'none', partitioned: true }
  }
  return { httpOnly: true, secure, sameSite: 'lax' }
}
