import { createHash } from 'node:crypto'
import type { OAuthRouterConfig } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { jump } from '../support/clock'

let emulator: Emulator
let app: RunningApp
beforeAll(async () => {
  emulator = await startEmulator('tapd')
})
afterEach(() => app.close())
afterAll(() => emulator.close())

async function start(config: Partial<OAuthRouterConfig> = {}): Promise<Browser> {
  app = await startRouterApp({ providers: { tapd: { ...emulator.options } }, ...config })
  return new Browser()
}

const begin = (browser: Browser, query = '?popup=1') => browser.location(`${app.origin}/auth/tapd${query}`)

/** What the page of a popup will say, and that nothing but its own script may run on it. */
async function said(answer: Response): Promise<Record<string, string | undefined>> {
  expect(answer.status).toBe(200)
  const page = await answer.text()
  const script = /<script>([\s\S]*)<\/script>/.exec(page)?.[1] ?? ''
  const policy = answer.headers.get('content-security-policy') ?? ''
  const hash = createHash('sha256').update(script).digest('base64')
  expect(policy).toBe(`default-src 'none'; script-src 'sha256-${hash}'; frame-ancestors 'none'`)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  return Object.fromEntries([...page.matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name = '', value]) => [name, value]))
}

test('a login in a popup ends on a page that tells the opener, and the user is logged in', async () => {
  const browser = await start()
  const answer = await browser.get(await emulator.approve(await begin(browser)))
  expect(await said(answer)).toEqual({ provider: 'tapd', ok: '1', code: '' })
  expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'tapd' })
})

test('its double tells the same, and asks the provider nothing', async () => {
  const browser = await start()
  const callback = await emulator.approve(await begin(browser))
  await browser.get(callback)
  const before = emulator.requests.length
  expect(await said(await browser.get(callback))).toEqual({ provider: 'tapd', ok: '1', code: '' })
  expect(emulator.requests.length).toBe(before)
})

test('a second code tells that the state is used: a provider gave a double click two', async () => {
  const browser = await start({ failureRedirect: '/login' })
  const address = await begin(browser)
  const [first, second] = [await emulator.approve(address), await emulator.approve(address)]
  const old = browser.at(app.origin, app.origin)
  await browser.get(first)
  const used = { provider: 'tapd', ok: '', code: 'state_used' }
  expect(await said(await browser.get(second))).toEqual(used)
  // The browser gave up the first one, and has not seen what it set.
  expect(await said(await old.get(second))).toEqual(used)
})

test('one that took too long tells the code', async () => {
  const browser = await start({ failureRedirect: '/login' })
  const late = await emulator.approve(await begin(browser))
  jump(660)
  expect(await said(await browser.get(late))).toEqual({ provider: 'tapd', ok: '', code: 'state_expired' })
  jest.restoreAllMocks()
})

test('control: a state that this browser has not begun closes no window', async () => {
  const browser = await start({ failureRedirect: '/login' })
  const unknown = new URL(await emulator.approve(await begin(browser)))
  unknown.searchParams.set('state', 'nobody')
  expect((await browser.get(unknown.href)).headers.get('location')).toBe('/login?error=state_unknown&provider=tapd')
})

test('a refused one tells the code, whatever the failureRedirect says', async () => {
  const browser = await start({ failureRedirect: '/login' })
  const answer = await browser.get(await emulator.deny(await begin(browser)))
  expect(await said(answer)).toEqual({ provider: 'tapd', ok: '', code: 'access_denied' })
})

test('a provider that fails after the consent tells the code', async () => {
  const browser = await start()
  const callback = await emulator.approve(await begin(browser))
  emulator.failNext('token', 'http-503')
  expect(await said(await browser.get(callback))).toEqual({ provider: 'tapd', ok: '', code: 'provider_unavailable' })
})

test('a login that fails before the redirect tells the code too', async () => {
  const bbscloud = await startEmulator('bbscloud')
  const browser = await start({ providers: { bbscloud: { ...bbscloud.options } } })
  bbscloud.failNext('code', 'http-503')
  const answer = await browser.get(`${app.origin}/auth/bbscloud?popup=1`)
  expect(await said(answer)).toEqual({ provider: 'bbscloud', ok: '', code: 'provider_unavailable' })
  await bbscloud.close()
})

test('onError takes over in a popup too', async () => {
  const browser = await start({ onError: (error, _req, res) => void res.status(418).json({ code: error.code }) })
  const answer = await browser.get(await emulator.deny(await begin(browser)))
  expect([answer.status, await answer.json()]).toEqual([418, { code: 'access_denied' }])
})

test.each(['?popup=0', '?popup', '?popup=true', ''])('%j is no popup', async (query) => {
  const browser = await start({ successRedirect: '/home' })
  const answer = await browser.get(await emulator.approve(await begin(browser, query)))
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/home'])
})

test('a popup and a tab at once: each ends in its own way', async () => {
  const browser = await start()
  const [popup, tab] = [await begin(browser), await begin(browser, '?returnTo=/tab')]
  expect((await browser.get(await emulator.approve(tab))).headers.get('location')).toBe('/tab')
  expect(await said(await browser.get(await emulator.approve(popup)))).toMatchObject({ ok: '1' })
})
