import { AihubmixStrategy } from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { showsSecrets } from '../support/canaries/on-purpose'
import { jump } from '../support/clock'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

let emulator: Emulator
let app: RunningApp
const over: { provider: string }[] = []

async function start(name: EmulatorName, knobs: EmulatorOptions = {}, options: object = {}, config: object = {}) {
  emulator = await startEmulator(name, knobs)
  app = await startTokenApp({
    providers: { [name]: { ...emulator.options, ...options } },
    onLoggedOut: ({ provider }) => over.push({ provider }),
    ...config,
  })
  return loggedIn(app, name, emulator)
}

beforeEach(() => {
  over.length = 0
})
afterEach(async () => {
  jest.restoreAllMocks()
  await app.close()
  await emulator.close()
})

describe('tokens', () => {
  test('are given as they came while they are fresh', async () => {
    const browser = await start('aihubmix')
    const { tokens } = await ask(browser, `${app.origin}/tokens/aihubmix`)
    expect(tokens).toMatchObject({ tokenType: 'Bearer', scope: ['profile'], refreshToken: expect.any(String) })
    expect(tokens?.raw).toMatchObject({ access_token: tokens?.accessToken })
    expect(countOf(emulator, 'refresh')).toBe(0)
  })

  test('301 s to live does not refresh, 300 s does, and the next call uses what came of it', async () => {
    const browser = await start('aihubmix', { accessTokenLifetime: 7200 })
    const before = await ask(browser, `${app.origin}/tokens/aihubmix`)
    const ends = new Date(before.tokens?.expiresAt ?? 0).getTime()
    jest.spyOn(Date, 'now').mockReturnValue(ends - 301_000)
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toEqual(before.tokens)
    jest.spyOn(Date, 'now').mockReturnValue(ends - 300_000)
    const after = await ask(browser, `${app.origin}/tokens/aihubmix`)
    expect(after.tokens?.accessToken).not.toBe(before.tokens?.accessToken)
    expect(after.tokens?.refreshToken).not.toBe(before.tokens?.refreshToken)
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toEqual(after.tokens)
    expect(countOf(emulator, 'refresh')).toBe(1)
  })

  test('the lead time is the app’s to set', async () => {
    const browser = await start('aihubmix', { accessTokenLifetime: 7200 }, {}, { refreshLeadTime: 60 })
    jump(7200 - 100)
    await ask(browser, `${app.origin}/tokens/aihubmix`)
    expect(countOf(emulator, 'refresh')).toBe(0)
    jest.restoreAllMocks()
    jump(7200 - 59)
    await ask(browser, `${app.origin}/tokens/aihubmix`)
    expect(countOf(emulator, 'refresh')).toBe(1)
  })

  test('that never live longer than the lead time do not loop', async () => {
    const browser = await start('aihubmix', { accessTokenLifetime: 120 })
    for (let i = 0; i < 5; i++) await ask(browser, `${app.origin}/tokens/aihubmix`)
    expect(countOf(emulator, 'refresh')).toBe(1)
    jump(70)
    for (let i = 0; i < 5; i++) await ask(browser, `${app.origin}/tokens/aihubmix`)
    expect(countOf(emulator, 'refresh')).toBe(2)
  })

  test.each([
    ['tapd', { refresh: true }],
    ['tiktok', {}],
    ['tiktok', { apiVersion: 'v1' }],
    ['aihubmix', { refreshStyle: 'omit' }],
    ['aihubmix', { refreshStyle: 'repeat' }],
  ] as const)('%s %j: refreshed in the provider’s own way, again and again', async (name, knobs) => {
    const browser = await start(name, { ...knobs, accessTokenLifetime: 1000 }, knobs)
    const seen = new Set<string | undefined>()
    for (let i = 0; i < 4; i++) {
      const { tokens, error } = await ask(browser, `${app.origin}/tokens/${name}`)
      expect(error).toBeUndefined()
      seen.add(tokens?.accessToken)
      jest.restoreAllMocks()
      jump(800 * (i + 1))
    }
    expect(seen.size).toBe(4)
    expect(over).toEqual([])
  })

  test('Tailchat refreshes with offline_access', async () => {
    const browser = await start('tailchat', {}, { scope: ['openid', 'profile', 'offline_access'] })
    const { tokens } = await ask(browser, `${app.origin}/tokens/tailchat`)
    if (!tokens?.refreshToken) throw new Error('Tailchat gave no refresh token')
    jump(3600)
    const renewed = await ask(browser, `${app.origin}/tokens/tailchat`)
    expect(renewed.tokens?.accessToken).not.toBe(tokens.accessToken)
  })

  test('BBScloud has no refresh: its token is given while it lives, then the login is over, and says so once', async () => {
    const browser = await start('bbscloud')
    expect((await ask(browser, `${app.origin}/tokens/bbscloud`)).tokens).not.toBeNull()
    jump(290)
    expect((await ask(browser, `${app.origin}/tokens/bbscloud`)).tokens).not.toBeNull()
    jest.restoreAllMocks()
    jump(301)
    const { error } = await ask(browser, `${app.origin}/tokens/bbscloud`)
    expect(error).toMatchObject({ code: 'refresh_rejected', phase: 'refresh' })
    expect(error.message).toContain('no refresh token')
    expect((await ask(browser, `${app.origin}/tokens/bbscloud`)).tokens).toBeNull()
    expect(over).toEqual([{ provider: 'bbscloud' }])
  })

  test('a refresh widens no scope: what the provider grants beyond the login’s own is not taken up', async () => {
    const wide = { scope: ['profile', 'balance'] }
    await start('aihubmix', {}, wide)
    const { refreshToken } = (await ask(await loggedIn(app, 'aihubmix', emulator), `${app.origin}/tokens/aihubmix`))
      .tokens ?? { refreshToken: undefined }
    const strategy = new AihubmixStrategy({ ...emulator.options, ...wide, callbackURL: '/callback' }, () => {})
    const renewed = await strategy.refresh({ refreshToken: refreshToken ?? '', scope: ['profile'] })
    expect([renewed.raw.scope, renewed.scope]).toEqual(['profile balance', ['profile']])
  })

  test('without a login there are none; of an unknown provider the error names it', async () => {
    await start('aihubmix')
    expect((await ask(new Browser(), `${app.origin}/tokens/aihubmix`)).tokens).toBeNull()
    const { error } = await ask(new Browser(), `${app.origin}/tokens/nobody`)
    expect([error.code, error.message]).toEqual(['config_invalid', expect.stringContaining('nobody')])
    const called = await ask(new Browser(), `${app.origin}/fetch/aihubmix?path=/x`)
    expect(called.error.code).toBe('token_rejected')
    expect((await ask(new Browser(), `${app.origin}/revoke/aihubmix`)).value).toBe(false)
  })

  test('are each caller’s own: what one does to them no other sees, and nothing keeps', async () => {
    emulator = await startEmulator('aihubmix')
    app = await startTokenApp(
      { providers: { aihubmix: { ...emulator.options } } },
      {
        routes: (express) =>
          void express.get('/careless', async (req, res) => {
            const both = await Promise.all([req.oauth.tokens('aihubmix'), req.oauth.tokens('aihubmix')])
            const untouched = JSON.parse(JSON.stringify(both[1]))
            const [mine] = both
            if (!mine) throw new Error('nobody is logged in')
            mine.accessToken = 'mine'
            mine.scope.push('mine')
            mine.expiresAt?.setFullYear(1970)
            mine.raw.access_token = 'mine'
            showsSecrets(res, 'what each caller has')
            res.json([untouched, both[1], await req.oauth.tokens('aihubmix')])
          }),
      },
    )
    const browser = await loggedIn(app, 'aihubmix', emulator)
    jump(7000) // both wait for one refresh
    const seen = (await (await browser.get(`${app.origin}/careless`)).json()) as object[] // this test's own
    expect(seen[0]).toMatchObject({ accessToken: expect.any(String), scope: ['profile'] })
    expect(seen).toEqual([seen[0], seen[0], seen[0]])
    expect(countOf(emulator, 'refresh')).toBe(1)
  })

  test('a dead refresh token ends the login once, and tells the app', async () => {
    const browser = await start('aihubmix', { refreshTokenLifetime: 7300 })
    jump(7400)
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error.code).toBe('refresh_rejected')
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toBeNull()
    expect(over).toEqual([{ provider: 'aihubmix' }])
    expect((await told(browser.get(`${app.origin}/auth/session`))).providers).toEqual([])
  })

  test('a network failure clears nothing: a living token goes on, a dead one is asked for again', async () => {
    const browser = await start('aihubmix')
    const before = await ask(browser, `${app.origin}/tokens/aihubmix`)
    jump(7000)
    emulator.failNext('refresh', 'reset')
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toEqual(before.tokens)
    jest.restoreAllMocks()
    jump(7300)
    emulator.failNext('refresh', 'http-503')
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error).toMatchObject({
      code: 'provider_unavailable',
      phase: 'refresh',
    })
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens?.accessToken).not.toBe(
      before.tokens?.accessToken,
    )
    expect(over).toEqual([])
  })

  test('the session tells the scopes and the end of the tokens as they are after a refresh', async () => {
    const browser = await start('aihubmix')
    const before = await told(browser.get(`${app.origin}/auth/session`))
    jump(7000)
    const { tokens } = await ask(browser, `${app.origin}/tokens/aihubmix`)
    const after = await told(browser.get(`${app.origin}/auth/session`))
    expect(after.providers[0]?.expiresAt).toBe(tokens?.expiresAt)
    expect(after.providers[0]?.expiresAt).not.toBe(before.providers[0]?.expiresAt)
    expect(JSON.stringify(after)).not.toContain(tokens?.accessToken)
  })
})

describe('one refresh', () => {
  test('100 concurrent callers cause one, and all are answered', async () => {
    const browser = await start('aihubmix')
    jump(7000)
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(browser, `${app.origin}/tokens/aihubmix`)))
    expect(new Set(answers.map(({ tokens }) => tokens?.accessToken)).size).toBe(1)
    expect(countOf(emulator, 'refresh')).toBe(1)
  })

  test('a failed one is shared once; the next call tries anew', async () => {
    const browser = await start('aihubmix')
    jump(7300)
    emulator.failNext('refresh', 'http-500')
    const failed = await Promise.all(Array.from({ length: 20 }, () => ask(browser, `${app.origin}/tokens/aihubmix`)))
    const tries = countOf(emulator, 'refresh')
    expect(tries).toBeLessThanOrEqual(2) // a caller that arrives after the failure may try already
    expect(failed.filter(({ error }) => error?.code === 'provider_unavailable').length).toBeGreaterThan(0)
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).not.toBeNull()
  })
})

describe('profile, revoke and top-up', () => {
  test('the profile is asked for again, with one refresh after the token is refused', async () => {
    const browser = await start('tiktok')
    expect((await ask(browser, `${app.origin}/profile/tiktok`)).value).toMatchObject({ provider: 'tiktok' })
    emulator.failNext('profile', 'http-401:access_token_invalid')
    expect((await ask(browser, `${app.origin}/profile/tiktok`)).value).toMatchObject({ provider: 'tiktok' })
    expect(countOf(emulator, 'refresh')).toBe(1)
  })

  test.each(['v2', 'v1'] as const)('TikTok %s revokes there and here', async (apiVersion) => {
    const browser = await start('tiktok', { apiVersion }, { apiVersion })
    expect((await ask(browser, `${app.origin}/revoke/tiktok`)).value).toBe(true)
    expect(countOf(emulator, 'revoke')).toBe(1)
    expect((await ask(browser, `${app.origin}/tokens/tiktok`)).tokens).toBeNull()
    expect((await told(browser.get(`${app.origin}/auth/session`))).providers).toEqual([])
  })

  test('a revocation that fails is told, and clears here all the same', async () => {
    const browser = await start('tiktok')
    emulator.failNext('revoke', 'http-500')
    expect((await ask(browser, `${app.origin}/revoke/tiktok`)).error).toMatchObject({
      code: 'provider_unavailable',
      phase: 'revoke',
    })
    expect((await ask(browser, `${app.origin}/tokens/tiktok`)).tokens).toBeNull()
  })

  test('where the provider has no revocation it is forgotten here', async () => {
    const browser = await start('aihubmix')
    expect((await ask(browser, `${app.origin}/revoke/aihubmix`)).value).toBe(false)
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toBeNull()
  })

  test('log-out clears everything here, even where the provider fails', async () => {
    const browser = await start('tiktok', {}, {}, { revokeOnLogout: true })
    emulator.failNext('revoke', 'reset')
    expect((await browser.post(`${app.origin}/auth/logout`)).status).toBe(303)
    expect(countOf(emulator, 'revoke')).toBe(1)
    expect((await ask(browser, `${app.origin}/tokens/tiktok`)).tokens).toBeNull()
    expect((await told(browser.get(`${app.origin}/auth/session`))).user).toBeNull()
  })

  test('the top-up address is given where it is http(s)', async () => {
    const browser = await start('aihubmix')
    expect((await ask(browser, `${app.origin}/topup`)).value).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/topup\?user=12345$/)
  })

  test.each(['javascript:alert(1)', 'data:text/html,x', '/relative', 'ftp://host/x', ''])(
    'a top-up address %j is response_invalid',
    async (topupURL) => {
      const browser = await start('aihubmix', { topupURL })
      expect((await ask(browser, `${app.origin}/topup`)).error).toMatchObject({
        code: 'response_invalid',
        phase: 'request',
      })
    },
  )

  test('a provider without a top-up address says so', async () => {
    const browser = await start('tiktok')
    expect((await ask(browser, `${app.origin}/topup`)).error.code).toBe('config_invalid')
  })
})
