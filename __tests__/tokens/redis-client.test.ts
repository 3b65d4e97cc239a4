import { randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { RedisTokenStore } from 'passport-dialects/redis'
import { createClient } from 'redis'
import { freePort } from '../support/free-port'
import { describeWith, SERVICES } from '../support/services'

describeWith('Redis', 'a client of the app', () => {
  const prefix = `test-${randomBytes(6).toString('hex')}:`

  test('may be connected after the store was made, by the app itself', async () => {
    const client = createClient({ url: SERVICES.Redis.url })
    const store = new RedisTokenStore({ client, prefix })
    await client.connect()
    await store.set('key', 'value')
    expect(await store.get('key')).toBe('value')
    await store.delete('key')
    client.destroy()
  })

  test('that could not connect at first is used once it can', async () => {
    const port = await freePort()
    const url = new URL(SERVICES.Redis.url)
    const client = createClient({ socket: { host: url.hostname, port, reconnectStrategy: false } })
    const store = new RedisTokenStore({ client, prefix })
    const waiting = store.set('key', 'value')
    const forward = await startForward(port, Number(url.port || 6379))
    expect(await waiting).toBe(true)
    await store.delete('key')
    client.destroy()
    forward.close()
  })
})

/** A port that leads to Redis. */
async function startForward(port: number, to: number) {
  const server = createServer((socket) => {
    const other = connect(to, '127.0.0.1')
    socket.pipe(other).pipe(socket)
    for (const end of [socket, other]) end.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}
