import { randomBytes } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { eventually } from '../support/eventually'
import { loginSuite, type SessionPlace, USUAL } from '../support/login-suite'
import { describeWith, SERVICES } from '../support/services'

describeWith('Redis', 'connect-redis', () => {
  describe.each(USUAL)('sessions in Redis', (setting) => loginSuite(setting, openRedis))
})

/** A store under a prefix of its own, which leaves nothing behind. */
async function openRedis(): Promise<SessionPlace> {
  const client = connection()
  await client.connect()
  const prefix = `passport-dialects:${randomBytes(6).toString('hex')}:`
  const store = new RedisStore({ client, prefix })
  return {
    hasID: true,
    middleware: session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }),
    close: async () => {
      const sessions = await keysOf(client, prefix)
      // A store that kept its sessions somewhere else would have tested nothing.
      expect(sessions.length).toBeGreaterThan(0)
      await eventually(async () => {
        const left = await keysOf(client, prefix)
        if (left.length > 0) await client.del(left)
        expect(left).toEqual([])
      })
      await client.close()
    },
  }
}

function connection() {
  return createClient({ url: SERVICES.Redis.url })
}

async function keysOf(client: ReturnType<typeof connection>, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) keys.push(...batch)
  return keys
}
