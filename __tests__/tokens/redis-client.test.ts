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

test('what was given up is taken back from the client’s queue: it is not carried out when Redis returns', async () => {
  jest.useFakeTimers()
  try {
    const signals: AbortSignal[] = []
    const client = {
      isOpen: true,
      connect: async () => {},
      on: () => {},
      destroy: () => {},
      sendCommand: (_command: string[], options: { abortSignal?: AbortSignal } = {}) => {
        if (options.abortSignal) signals.push(options.abortSignal)
        return new Promise(() => {}) // as while a client reconnects
      },
    }
    const stored = new RedisTokenStore({ client, prefix: 'x:' })
      .set('key', 'value')
      .catch((error: Error) => error.message)
    await jest.advanceTimersByTimeAsync(14_000)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    await jest.advanceTimersByTimeAsync(2000)
    expect(await stored).toBe('Redis did not answer within 15000 ms.')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  } finally {
    jest.useRealTimers()
  }
})

test('a missing package `redis` is told at once', async () => {
  jest.doMock('redis', () => {
    throw Object.assign(new Error("Cannot find module 'redis'"), { code: 'MODULE_NOT_FOUND' })
  })
  await jest.isolateModulesAsync(async () => {
    const own: typeof import('../../lib/tokens/redis') = require('../../lib/tokens/redis')
    const started = performance.now()
    await expect(new own.RedisTokenStore({ url: 'redis://127.0.0.1:9' }).get('key')).rejects.toThrow(
      'npm install redis',
    )
    expect(performance.now() - started).toBeLessThan(5000) // it was tried for fifteen seconds
  })
  jest.dontMock('redis')
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
