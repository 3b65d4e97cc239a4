/** Where the example listens, and its public address. */
export interface Settings {
  port: number
  host: string
  /** The public origin, if it differs from the address that the app listens on. */
  baseURL: string | undefined
  sessionSecret: string | undefined
  /** Encrypts the stored tokens. */
  encryptionKey: string | undefined
  /** The Redis for sessions and tokens; without it they are in memory. */
  redisURL: string | undefined
}

/**
 * Reads the environment. A blank variable, as in a copy of `.env.example`, counts as not set: a blank HOST would
 * otherwise listen on every interface.
 * @throws Error naming the malformed variable
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const given = (name: string) => env[name]?.trim() || undefined
  const port = given('PORT') ?? '3000'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Error('PORT must be a number from 0 to 65535.')
  return {
    port: Number(port),
    host: given('HOST') ?? '127.0.0.1',
    baseURL: originIn(given('BASE_URL')),
    sessionSecret: given('SESSION_SECRET'),
    encryptionKey: keyIn(given('ENCRYPTION_KEY')),
    redisURL: given('REDIS_URL'),
  }
}

function keyIn(key: string | undefined): string | undefined {
  if (key === undefined || Buffer.byteLength(key) >= 32) return key
  throw new Error('ENCRYPTION_KEY must have at least 32 random bytes, such as those of `openssl rand -base64 32`.')
}

function originIn(address: string | undefined): string | undefined {
  if (address === undefined) return undefined
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin
  throw new Error('BASE_URL must be the public origin, such as https://app.example.com.')
}

/** The address to open for a listening host; one that means "every interface" becomes loopback. */
export function addressOf(host: string, port: number): string {
  const opened = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${opened.includes(':') ? `[${opened}]` : opened}:${port}`
}
