import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { told } from '../support/browser'
import { seeded } from '../support/random'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

let emulator: Emulator
let app: RunningApp

afterEach(async () => {
  jest.restoreAllMocks()
  await app.close()
  await emulator.close()
})

const WEEK = 7 * 24 * 3600

test.each([1, 2, 3])(
  'a week of use over a rotating provider keeps one user logged in, whatever the pattern (seed %d)',
  async (seed) => {
    const random = seeded(seed)
    const lost: string[] = []
    emulator = await startEmulator('tiktok', { accessTokenLifetime: 7200, refreshTokenLifetime: 36 * 3600 })
    app = await startTokenApp({
      providers: { tiktok: { ...emulator.options } },
      onLoggedOut: ({ provider }) => lost.push(provider),
    })
    const browser = await loggedIn(app, 'tiktok', emulator)
    const began = Date.now()
    let elapsed = 0
    jest.spyOn(Date, 'now').mockImplementation(() => began + elapsed * 1000)
    const calls = ['tokens/tiktok', 'profile/tiktok', 'fetch/tiktok?path=/v2/user/info/?fields=open_id', 'auth/session']
    let answered = 0
    while (elapsed < WEEK) {
      // From a burst within seconds to a night away; some refreshes meet a provider that is down.
      elapsed += Math.ceil(random() ** 3 * 20 * 3600) + 1
      if (random() < 0.15) emulator.failNext('refresh', random() < 0.5 ? 'http-503' : 'reset')
      const burst = Array.from(
        { length: 1 + Math.floor(random() * 6) },
        () => calls[Math.floor(random() * calls.length)],
      )
      const answers = await Promise.all(burst.map((call) => ask(browser, `${app.origin}/${call}`)))
      for (const { error } of answers) {
        if (error) expect(['provider_unavailable', 'provider_unreachable']).toContain(error.code)
        answered += error ? 0 : 1
      }
    }
    // The provider is well again: a fault that no refresh has met so far must not be the last word.
    for (let i = 0; i < 10; i++) await ask(browser, `${app.origin}/tokens/tiktok`)
    expect((await ask(browser, `${app.origin}/tokens/tiktok`)).tokens?.accessToken).toBeTruthy()
    expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'tiktok' })
    expect(lost).toEqual([])
    expect(countOf(emulator, 'refresh')).toBeGreaterThan(20)
    expect(answered).toBeGreaterThan(50)
  },
)
