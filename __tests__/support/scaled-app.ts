import { RedisStore } from 'connect-redis'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { RedisTokenStore } from 'passport-dialects/redis'
import { createClient } from 'redis'
import { startTokenApp } from './token-app'

/** The options of a process of the scaled app. */
export interface ScaledAppOptions {
  redisURL: string
  prefix: string
  lockTimeout: number
  providers: Record<string, Record<string, unknown> & { clientID: string; clientSecret: string }>
}

// One process of an app that runs in several: sessions and tokens are in Redis. It starts an app for each message of
// its parent, and reports its address, each request for tokens with its session, and each login that a provider ended.
async function start({ redisURL, prefix, lockTimeout, providers }: ScaledAppOptions): Promise<string> {
  const client = createClient({ url: redisURL, socket: { reconnectStrategy: () => 50 } })
  client.on('error', () => {})
  await client.connect()
  const store = new RedisStore({ client, prefix: `${prefix}session:` })
  const sessions = session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store })
  const middleware: RequestHandler = (req, res, next) =>
    sessions(req, res, (problem?: unknown) => {
      if (req.path.startsWith('/tokens/')) process.send?.({ asked: req.path })
      next(problem)
    })
  const app = await startTokenApp(
    {
      providers,
      tokenStore: new RedisTokenStore({ url: redisURL, prefix: `${prefix}tokens:`, lockTimeout }),
      onLoggedOut: ({ provider }) => void process.send?.({ loggedOut: provider }),
    },
    { middleware },
  )
  return app.origin
}

process.on('disconnect', () => process.exit())
process.on('message', (options: ScaledAppOptions) => {
  start(options).then(
    (origin) => process.send?.({ origin }),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
