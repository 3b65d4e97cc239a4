import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PROVIDER_NAMES } from 'passport-dialects'
import { addressOf, settingsFrom } from '../../example-app/settings'
import { eventually } from '../support/eventually'
import { expectInTime, timeOf } from '../support/in-time'
import { IS_WHOLE } from '../support/whole'
import { Started } from './start'

afterEach(() => Started.killAll())

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the app and its emulators', async (signal) => {
  const started = new Started({}, { alone: signal === 'SIGINT' && !IS_WHOLE })
  const address = await started.address()
  expect((await fetch(address)).status).toBe(200)
  const emulators = [...started.printed.matchAll(/emulated at (\S+)/g)].map(([, origin = '']) => origin)
  expect(emulators).toHaveLength(PROVIDER_NAMES.length)
  await started.stop(signal)
  // Another test's server may have got one of these ports by now, for a while.
  for (const origin of [address, ...emulators]) {
    await eventually(() => expect(fetch(origin)).rejects.toThrow('fetch failed'))
  }
})

test('it starts within five seconds', async () => {
  await expectInTime(5000, async () => {
    // With npm and tsx in `npm run test:whole`: they take most of it, and ten tries where the machine is busy.
    const started = new Started({}, { alone: !IS_WHOLE })
    const took = await timeOf(() => started.address())
    await started.stop()
    return took
  })
}, 120_000)

test('a port that is taken is replaced by a free one, and it says so', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo // a TCP server's
  const started = new Started({ PORT: String(port) }, { alone: true })
  try {
    const address = await started.address()
    expect(started.printed).toContain(`Port ${port} is taken`)
    expect((await fetch(address)).status).toBe(200)
  } finally {
    await started.stop()
    other.close()
  }
})

// Each of these is found at another moment: before the emulators run, while they do, and once the port is taken.
test.each([
  ['half a pair of credentials', { TAPD_CLIENT_ID: 'x' }, 'TAPD_CLIENT_SECRET is required'],
  ['an address that cannot be listened on', { HOST: '192.0.2.1' }, 'EADDRNOTAVAIL'],
  ['an option that a strategy refuses', { TAPD_CLIENT_ID: 'x', TAPD_CLIENT_SECRET: 'y', TAPD_SITE: 'z' }, 'TAPD_SITE'],
  ['a Redis that does not answer', { REDIS_URL: 'redis://127.0.0.1:1' }, 'REDIS_URL: there is no Redis'],
])('%s ends the start with a sentence', async (_name, env, sentence) => {
  const started = new Started(env, { alone: true })
  expect(await started.exitCode()).toBe(1)
  expect(started.printed).toContain(sentence)
  expect(started.printed).not.toMatch(/^\s+at /m)
})

test('the environment is read with care', () => {
  expect(settingsFrom({ PORT: '', HOST: ' ', BASE_URL: '', SESSION_SECRET: '' })).toEqual({
    port: 3000,
    host: '127.0.0.1',
  })
  for (const BASE_URL of ['app.example.com', 'https://app.example.com/path', 'ftp://app.example.com'])
    expect(() => settingsFrom({ BASE_URL })).toThrow('BASE_URL must be')
  expect(settingsFrom({ BASE_URL: 'HTTPS://App.example.com/' }).baseURL).toBe('https://app.example.com')
  expect(settingsFrom({ ENCRYPTION_KEY: ' ' }).encryptionKey).toBeUndefined()
  expect(settingsFrom({ ENCRYPTION_KEY: '7'.repeat(32) }).encryptionKey).toBe('7'.repeat(32))
  expect(() => settingsFrom({ ENCRYPTION_KEY: '7'.repeat(31) })).toThrow(/^ENCRYPTION_KEY must have[^7]*$/)
  for (const PORT of ['abc', '-1', '65536', '80.5']) expect(() => settingsFrom({ PORT })).toThrow('PORT must be')
  expect(addressOf('::1', 80)).toBe('http://[::1]:80')
  expect(addressOf('0.0.0.0', 80)).toBe('http://127.0.0.1:80')
  expect(addressOf('localhost', 80)).toBe('http://localhost:80')
})
