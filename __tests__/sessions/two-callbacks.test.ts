import { randomBytes } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import { RedisTokenStore } from 'passport-dialects/redis'
import { createClient } from 'redis'
import { Browser } from '../support/browser'
import { eventually } from '../support/eventually'
import { describeWith, SERVICES } from '../support/services'
import { Held, startCodeProvider, startInstance } from './pairs-app'

/** A process of its own, as far as memory goes. */
function isolated(...args: Parameters<typeof startInstance>) {
  let start = startInstance
  jest.isolateModules(() => {
    const own: typeof import('./pairs-app') = require('./pairs-app')
    start = own.startInstance
  })
  return start(...args)
}

describeWith('Redis', 'the same callback at two processes at once', () => {
  test.each([
    ['asks the provider once with RedisTokenStore', true, 1],
    ['asks it twice without a lock (the control)', false, 2],
  ])('%s', async (_title, hasLock, asked) => {
    const client = createClient({ url: SERVICES.Redis.url })
    await client.connect()
    const prefix = `passport-dialects:${randomBytes(6).toString('hex')}:`
    const store = new RedisStore({ client, prefix, ttl: 300 })
    const tokens = () => new RedisTokenStore({ url: SERVICES.Redis.url, prefix: `${prefix}tokens:` })
    const stores = hasLock ? [tokens(), tokens()] : []
    const provider = await startCodeProvider()
    const first = await isolated(provider.origin, store, stores[0])
    const second = await isolated(provider.origin, store, stores[1])
    try {
      const browser = new Browser()
      const state = new URL(await browser.location(`${first.origin}/auth/one`)).searchParams.get('state')
      const path = `/auth/one/callback?state=${state}&code=ann.${randomBytes(8).toString('hex')}`
      const atVerify = new Held(2) // after the session was read and the provider asked
      first.gates.next = atVerify
      const one = browser.get(`${first.origin}${path}`, { 'x-held': '1' })
      await atVerify.stopped
      const elsewhere = browser.at(first.origin, second.origin)
      const two = elsewhere.get(`${second.origin}${path}`, { accept: 'application/json' })
      if (!hasLock) await eventually(() => expect(provider.codes).toHaveLength(2))
      atVerify.release()
      // Without a lock either may be the first to store the login; the other finds its session gone.
      const statuses = [(await one).status, (await two).status]
      if (hasLock) expect(statuses[0]).toBe(303)
      else expect(statuses).toContain(303)
      expect(provider.codes).toHaveLength(asked)
    } finally {
      await Promise.all([first.close(), second.close(), provider.close(), ...stores.map((each) => each.close())])
      for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
        if (keys.length > 0) await client.del(keys)
      }
      await client.close()
    }
  })
})
