import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { createApp } from '../../example-app/app'
import type { AppOptions } from '../../example-app/options'
import { en } from '../../example-app/texts-en'
import { Browser } from '../support/browser'

let emulator: Emulator<'aihubmix'>
let printed: jest.SpyInstance
beforeAll(async () => {
  emulator = await startEmulator('aihubmix')
})
afterAll(() => emulator.close())
beforeEach(() => {
  printed = jest.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => printed.mockRestore())

/** The app in this process, with one provider. */
async function withApp(options: Partial<AppOptions>, visit: (origin: string) => Promise<void>): Promise<void> {
  let app = express()
  const server = express()
    .use((req, res, next) => app(req, res, next))
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
  app = createApp({ baseURL: origin, providers: { aihubmix: { ...emulator.options } }, ...options })
  try {
    await visit(origin)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

async function loggedIn(origin: string): Promise<Browser> {
  const browser = new Browser()
  await browser.get(await emulator.approve(await browser.location(`${origin}/auth/aihubmix`)))
  return browser
}

test('what a provider does wrong at an action is one line for the operator; what a user does is none', () =>
  withApp({}, async (origin) => {
    const browser = await loggedIn(origin)
    emulator.failNext('profile', 'http-500')
    const failed = await browser.post(`${origin}/balance/aihubmix`, {}, { origin })
    expect(failed.headers.get('location')).toContain('error=provider_unavailable')
    const line = expect.stringMatching(/^OAuthError: .*code: 'provider_unavailable'.*$/)
    expect(printed.mock.calls).toEqual([[line]])
    await browser.post(`${origin}/disconnect/aihubmix`, {}, { origin })
    const refused = await browser.post(`${origin}/balance/aihubmix`, {}, { origin })
    expect(refused.headers.get('location')).toContain('error=token_rejected')
    expect(printed).toHaveBeenCalledTimes(1)
  }))

class FailingStore extends session.MemoryStore {
  isDown = false
  override get(id: string, done: (error: unknown, session?: session.SessionData | null) => void): void {
    if (this.isDown) done(new Error('the store\nis down'))
    else super.get(id, done)
  }
}

test('an error that no route answers is one line for the operator, and a sentence for the user', async () => {
  const store = new FailingStore()
  await withApp({ store }, async (origin) => {
    const browser = await loggedIn(origin)
    store.isDown = true
    const failed = await browser.get(origin)
    expect(failed.status).toBe(500)
    expect(await failed.text()).toBe(en.unknownFailure)
    expect(printed.mock.calls).toEqual([[expect.stringMatching(/^Error: the store is down at .*$/)]])
    const malformed = await new Browser().post(`${origin}/balance/%E0%A4`, {}, { origin })
    expect(malformed.status).toBe(400)
    expect(await malformed.text()).toBe(en.unknownFailure)
    expect(printed).toHaveBeenCalledTimes(1)
  })
})

test.each([undefined, 'a canary key of thirty-two bytes, or more'])(
  'tokens in the session are encrypted with an encryption key: %s',
  async (encryptionKey) => {
    const store = new session.MemoryStore()
    await withApp({ store, encryptionKey }, async (origin) => {
      const browser = await loggedIn(origin)
      expect(await (await browser.get(origin)).text()).toContain(en.signOut)
      const kept = JSON.stringify(Reflect.get(store, 'sessions'))
      expect(kept.includes('sealed')).toBe(encryptionKey !== undefined)
      expect(kept.includes('accessToken')).toBe(encryptionKey === undefined)
    })
  },
)
