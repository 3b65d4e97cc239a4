import { setTimeout as sleep } from 'node:timers/promises'
import { RedisTokenStore } from 'passport-dialects/redis'
import { createClient } from 'redis'
import { eventually } from '../support/eventually'
import { OwnRedis } from '../support/redis-server'
import { describeWith } from '../support/services'

const LOCK = 'passport-dialects:lock:a-login'

describeWith('RedisServer', 'the lock of a login', () => {
  let redis: OwnRedis
  let client: ReturnType<typeof createClient>
  let store: RedisTokenStore
  beforeAll(async () => {
    redis = await OwnRedis.start()
    client = createClient({ url: redis.url })
    await client.connect()
  })
  beforeEach(() => {
    store = new RedisTokenStore({ url: redis.url, lockTimeout: 1500 })
  })
  afterEach(() => store.close())
  afterAll(async () => {
    client.destroy()
    await redis.stop()
  })

  test('control: who holds it renews it, past its time', async () => {
    const unlock = await store.lock('a-login', 1000)
    const holder = await client.get(LOCK)
    expect(holder).toEqual(expect.any(String))
    await client.pExpire(LOCK, 900)
    await eventually(async () => expect(await client.pTTL(LOCK)).toBeGreaterThan(1000))
    expect(await client.get(LOCK)).toBe(holder)
    await unlock()
    expect(await client.get(LOCK)).toBeNull()
  })

  test('who lost it to nobody does not take it again by a renewal', async () => {
    const unlock = await store.lock('a-login', 1000)
    await client.del(LOCK) // as if it had fallen free
    await sleep(1100) // two renewals
    expect(await client.get(LOCK)).toBeNull()
    await unlock()
  })

  test('who lost it to another one leaves that one’s as it is, and lets go of nothing', async () => {
    const unlock = await store.lock('a-login', 1000)
    await client.set(LOCK, 'another holder', { PX: 20_000 })
    await sleep(1100)
    expect(await client.get(LOCK)).toBe('another holder')
    expect(await client.pTTL(LOCK)).toBeGreaterThan(5000)
    await unlock()
    expect(await client.get(LOCK)).toBe('another holder')
    await client.del(LOCK)
  })
})
