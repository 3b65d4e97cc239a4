import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { types } from 'node:util'
import { OptionReader } from '../index' // what is built beside it is one file, and this another
import type { TokenStore } from './token-store'

/** What the store needs of a node-redis client (`createClient` of the package `redis`). It may be connected or not. */
export interface RedisClient {
  /** One Redis command and its reply. `options.abortSignal` takes back one that still waits for a connection. */
  sendCommand(command: string[], options?: object): Promise<unknown>
  /** Called if the client is not open. */
  connect(): Promise<unknown>
  /** Whether `connect` was called. */
  readonly isOpen: boolean
  /** The store listens, because without a listener the first lost connection would end the process. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Closes the connection at once. */
  destroy(): void
}

/** The options of {@link RedisTokenStore}. */
export interface RedisTokenStoreOptions {
  /** The app's own node-redis client. Without it, the store creates one and needs the package `redis`. */
  client?: RedisClient | undefined
  /** The address of Redis. Default: the environment variable `REDIS_URL`, else `redis://127.0.0.1:6379`. */
  url?: string | undefined
  /** The prefix of every key. Default `passport-dialects:`. */
  prefix?: string | undefined
  /**
   * Seconds that tokens are kept after they were last stored. Default 400 days, because the longest known lifetime of a
   * refresh token is 365.
   */
  ttl?: number | undefined
  /** Milliseconds after which the lock of a process that died is released. Default 10 000. A living holder renews it. */
  lockTimeout?: number | undefined
}

/**
 * Stores tokens in Redis, for any number of processes. Only one of them refreshes a login at a time, and an older token
 * never replaces a newer one. The store survives a restart of Redis, as far as Redis itself keeps its data on disk.
 *
 * @example
 * ```ts
 * const tokenStore = new RedisTokenStore({ url: 'redis://127.0.0.1:6379' })
 * app.use(oauthRouter({ providers, tokenStore, encryptionKey: process.env.TOKEN_KEY }))
 * ```
 */
export class RedisTokenStore implements TokenStore {
  /** The store's own client; `undefined` if the app gave one. */
  readonly #own: Promise<RedisClient> | undefined
  readonly #client: () => Promise<RedisClient>
  readonly #prefix: string
  readonly #ttl: number
  readonly #lockTimeout: number

  /** @throws OAuthError `config_invalid`, naming the option */
  constructor(options: RedisTokenStoreOptions = {}) {
    const read = new OptionReader('RedisTokenStore', options)
    read.optionalObject('client', 'sendCommand')
    const url = read.optionalText('url') ?? process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'
    this.#prefix = read.optionalText('prefix') ?? 'passport-dialects:'
    this.#ttl = Math.ceil(read.positive('ttl', 400 * 24 * 3600, 'seconds'))
    this.#lockTimeout = Math.ceil(read.positive('lockTimeout', 10_000, 'milliseconds'))
    const { client } = options
    client?.on('error', () => {}) // a lost connection must not end the process; commands report it
    // The app may connect its client later, or again after it gave up.
    if (client) {
      let opening: Promise<RedisClient> | undefined
      this.#client = () => {
        opening ??= opened(client).finally(() => {
          opening = undefined
        })
        return opening
      }
    } else {
      const own = connect(url)
      own.catch(() => {}) // each use reports it
      this.#own = own
      this.#client = () => own
    }
  }

  /** The entry of a login; `undefined` if there is none or it has expired. */
  async get(key: string): Promise<string | undefined> {
    const value = await this.#send('GET', this.#prefix + key)
    return typeof value === 'string' ? value : undefined
  }

  async set(key: string, value: string, expected?: string): Promise<boolean> {
    const name = this.#prefix + key
    if (expected === undefined) return (await this.#send('SET', name, value, 'EX', String(this.#ttl))) === 'OK'
    return (await this.#send('EVAL', REPLACE, '1', name, expected, value, String(this.#ttl))) === 1
  }

  async delete(key: string, expected?: string): Promise<boolean> {
    const name = this.#prefix + key
    if (expected === undefined) return Number(await this.#send('DEL', name)) > 0
    return (await this.#send('EVAL', DELETE, '1', name, expected)) === 1
  }

  async lock(key: string, patience: number): Promise<() => Promise<void>> {
    const name = `${this.#prefix}lock:${key}`
    const holder = randomBytes(16).toString('hex')
    const ms = String(this.#lockTimeout)
    const until = Date.now() + patience
    // A script, not SET NX: if the answer to the first try is lost, the second must recognise its own lock.
    while ((await this.#send('EVAL', TAKE, '1', name, holder, ms)) !== 1) {
      if (Date.now() > until) throw new Error(`The lock of a login was not free within ${patience} ms.`)
      await sleep(20 + Math.random() * 60)
    }
    const renewal = setInterval(() => {
      // If Redis does not answer, the next interval tries again. An expired lock is not taken again.
      this.#send('EVAL', RENEW, '1', name, holder, ms).then(
        (held) => held === 1 || clearInterval(renewal),
        () => {},
      )
    }, this.#lockTimeout / 3)
    renewal.unref()
    return async () => {
      clearInterval(renewal)
      await this.#send('EVAL', DELETE, '1', name, holder)
    }
  }

  /** Closes the connection that the store opened. The app's own client stays open. */
  async close(): Promise<void> {
    const client = await this.#own?.catch(() => undefined)
    client?.destroy()
  }

  /** Sends a command and repeats it while the connection is down: all commands here can be repeated. */
  async #send(...command: string[]): Promise<unknown> {
    const until = Date.now() + PATIENCE_MS
    for (;;) {
      try {
        return await within(until, async (abortSignal) => (await this.#client()).sendCommand(command, { abortSignal }))
      } catch (error) {
        if (!isConnectionFailure(error) || Date.now() >= until) throw error
        await sleep(50)
      }
    }
  }
}

/** A reconnecting client queues its commands without a time limit; what was given up must not be carried out later. */
async function within<T>(until: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const given = new AbortController()
  const { promise: late, reject } = newPromise()
  const timer = setTimeout(() => {
    reject(new Error(`Redis did not answer within ${PATIENCE_MS} ms.`))
    given.abort()
  }, until - Date.now())
  try {
    return await Promise.race([work(given.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

function newPromise(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<never>((_resolve, fail) => {
    reject = fail
  })
  return { promise, reject }
}

const PATIENCE_MS = 15_000

const REPLACE = `
local now = redis.call('GET', KEYS[1])
if now == ARGV[2] then return 1 end
if now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1`

const DELETE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

const TAKE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

const RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

async function connect(url: string): Promise<RedisClient> {
  const { createClient } = await importRedis()
  const client = createClient({ url, socket: { reconnectStrategy: (tries: number) => Math.min(50 * tries, 1000) } })
  client.on('error', () => {})
  return opened(client)
}

async function opened(client: RedisClient): Promise<RedisClient> {
  if (!client.isOpen) await client.connect()
  return client
}

class PackageMissing extends Error {}

function importRedis() {
  return import('redis').catch((cause) => {
    throw new PackageMissing('RedisTokenStore needs the package `redis`: npm install redis, or give a `client`.', {
      cause,
    })
  })
}

/**
 * Errors that Redis itself answers, or that follow the app's `close`, are final. All others are of the connection, or
 * of a Redis that is loading.
 */
function isConnectionFailure(error: unknown): boolean {
  if (!types.isNativeError(error) || error instanceof PackageMissing) return false
  if (/^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY)/.test(error.message)) return true
  return !/ErrorReply|SimpleError|BlobError|ClientClosed/.test(error.constructor.name)
}
