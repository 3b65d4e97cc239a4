import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'

let emulator: Emulator
let app: RunningApp
beforeAll(async () => {
  emulator = await startEmulator('aihubmix')
})
afterAll(() => emulator.close())
afterEach(() => app.close())

describe.each(['', '/'])('mountPath %j', (mountPath) => {
  beforeEach(async () => {
    app = await startRouterApp({
      providers: { aihubmix: { ...emulator.options } },
      mountPath,
      failureRedirect: '/login',
    })
  })

  test('logs in', async () => {
    const browser = new Browser()
    const callback = await emulator.approve(await browser.location(`${app.origin}/aihubmix`))
    expect(new URL(callback).pathname).toBe('/aihubmix/callback')
    expect((await browser.get(callback)).status).toBe(303)
    expect((await told(browser.get(`${app.origin}/session`))).user).not.toBeNull()
  })

  test('leaves the app its own pages', async () => {
    expect((await fetch(`${app.origin}/login?error=x`)).status).toBe(200)
    expect((await fetch(`${app.origin}/me`, { method: 'HEAD' })).status).toBe(200)
  })

  test('a provider that nobody configured is 404', async () => {
    expect((await fetch(`${app.origin}/nobody`)).status).toBe(404)
    expect((await fetch(`${app.origin}/nobody/callback?code=x`)).status).toBe(404)
  })
})

test('mountPath with a slash at its end', async () => {
  app = await startRouterApp({ providers: { aihubmix: { ...emulator.options } }, mountPath: '/auth/' })
  const browser = new Browser()
  const callback = await emulator.approve(await browser.location(`${app.origin}/auth/aihubmix`))
  expect(new URL(callback).pathname).toBe('/auth/aihubmix/callback')
  expect((await browser.get(callback)).status).toBe(303)
})
