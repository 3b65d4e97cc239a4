import type { Express } from 'express'
import { AihubmixStrategy, type AuthenticateOptions } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'

// Many a strategy built on passport-oauth2 has an `authenticate` of its own. The router lets it speak, as Passport does.
class OwnStrategy extends AihubmixStrategy {
  private asked: unknown

  override authenticate(req: { query: Record<string, unknown> }, options: AuthenticateOptions = {}): void {
    this.asked ??= req.query.act
    if (this.asked === 'throw') throw new Error('broken')
    if (this.asked === 'pass') this.pass()
    else if (this.asked === 'fail') this.fail('not today', 401)
    else if (this.asked === 'error') this.error(new Error('broken'))
    else super.authenticate(req, { ...options, scope: ['profile', 'balance'] })
  }
}

let emulator: Emulator
let app: RunningApp
beforeAll(async () => {
  emulator = await startEmulator('aihubmix')
  const routes = (own: Express) => own.use((_req, res) => void res.status(418).end())
  const providers = { own: { strategy: OwnStrategy, ...emulator.options } }
  app = await startRouterApp({ providers, successRedirect: '/回家?来自=登录&a=1%20' }, { routes })
})
afterAll(async () => {
  await app.close()
  await emulator.close()
})

test('its options go with the login, and the login succeeds', async () => {
  const browser = new Browser()
  const address = await browser.location(`${app.origin}/auth/own`)
  expect(new URL(address).searchParams.get('scope')).toBe('profile balance')
  const { status, headers } = await browser.get(await emulator.approve(address))
  // An address of the app may have any letters; a header may not.
  const home = `/${encodeURIComponent('回家')}?${encodeURIComponent('来自')}=${encodeURIComponent('登录')}&a=1%20`
  expect([status, headers.get('location')]).toEqual([303, home])
  expect(await (await browser.get(`${app.origin}/me`)).json()).toMatchObject({ user: { provider: 'own', id: '12345' } })
})

test('each of Passport’s actions has its answer, and what one request leaves on `this` is not there for the next', async () => {
  const statuses: number[] = []
  for (const act of ['pass', 'fail', 'error', 'throw', '']) {
    statuses.push((await new Browser().get(`${app.origin}/auth/own?act=${act}`)).status)
  }
  expect(statuses).toEqual([418, 500, 500, 500, 302])
})
