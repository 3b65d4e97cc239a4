import type { OAuthRouterConfig } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'

let emulator: Emulator
let app: RunningApp
beforeAll(async () => {
  emulator = await startEmulator('tapd')
})
afterEach(() => app.close())
afterAll(() => emulator.close())

async function start(silentLogin: boolean | undefined, config: Partial<OAuthRouterConfig> = {}): Promise<Browser> {
  const tapd = { ...emulator.options, ...(silentLogin !== undefined && { silentLogin }) }
  app = await startRouterApp({ providers: { tapd }, successRedirect: '/home', ...config })
  return new Browser()
}

const enter = (browser: Browser, code: string, more = '') =>
  browser.get(`${app.origin}/auth/tapd/entry?code=${encodeURIComponent(code)}${more}`, { accept: 'application/json' })
const userOf = async (browser: Browser) => (await told(browser.get(`${app.origin}/me`))).user

test('TAPD’s unsolicited code logs its user in, and the address with the code is left at once', async () => {
  const browser = await start(true)
  const answer = await enter(browser, emulator.entryCode())
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/home'])
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  expect(await userOf(browser)).toMatchObject({ provider: 'tapd', id: emulator.users[0]?.id })
})

test('it goes on to a page of this app, where the address names one', async () => {
  const browser = await start(true)
  const answer = await enter(browser, emulator.entryCode(), '&returnTo=/stories?id=1')
  expect(answer.headers.get('location')).toBe('/stories?id=1')
})

test.each([undefined, false])('silentLogin %s: there is no such address', async (silentLogin) => {
  const browser = await start(silentLogin)
  expect((await enter(browser, emulator.entryCode())).status).toBe(404)
  expect(await userOf(browser)).toBeNull()
})

test('a user who is logged in stays, and the code is not even asked about', async () => {
  const browser = await start(true)
  await browser.get(await emulator.approve(await browser.location(`${app.origin}/auth/tapd`)))
  const before = emulator.requests.length
  const answer = await enter(browser, emulator.entryCode({ user: emulator.users[1]?.id ?? '' }))
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/home'])
  expect(await userOf(browser)).toMatchObject({ id: emulator.users[0]?.id })
  expect(emulator.requests.length).toBe(before)
})

test('the session id changes at an entry as at any login', async () => {
  const browser = await start(true)
  await browser.location(`${app.origin}/auth/tapd`) // a session that somebody else may know
  const before = browser.cookies(app.origin)
  await enter(browser, emulator.entryCode())
  expect(browser.cookies(app.origin)).not.toBe(before)
})

test('a login that is pending in another tab goes on after an entry', async () => {
  const browser = await start(true)
  const callback = await emulator.approve(await browser.location(`${app.origin}/auth/tapd?returnTo=/tab`))
  await enter(browser, emulator.entryCode())
  // It was begun by nobody, and finishes as the same user.
  expect((await browser.get(callback)).headers.get('location')).toBe('/tab')
})

test('a double of the entry lands where the first does', async () => {
  const browser = await start(true)
  const code = emulator.entryCode()
  const answers = await Promise.all([enter(browser, code), enter(browser, code)])
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 303])
  expect(emulator.requests.filter(({ endpoint }) => endpoint === 'token').length).toBeGreaterThan(0)
  expect(await userOf(browser)).toMatchObject({ provider: 'tapd' })
})

test.each([
  ['no code', '?', 'callback_invalid'],
  ['an empty code', '?code=', 'callback_invalid'],
  ['two codes', '?code=a&code=b', 'callback_invalid'],
  ['a code of nobody', '?code=made-up', 'grant_rejected'],
])('%s: %s is %s, and nobody is logged in', async (_what, query, code) => {
  const browser = await start(true)
  const answer = await browser.get(`${app.origin}/auth/tapd/entry${query}`, { accept: 'application/json' })
  expect((await told(answer)).error.code).toBe(code)
  expect(await userOf(browser)).toBeNull()
})

test('HEAD uses up no code', async () => {
  const browser = await start(true)
  const code = emulator.entryCode()
  expect((await fetch(`${app.origin}/auth/tapd/entry?code=${code}`, { method: 'HEAD' })).status).toBe(405)
  expect((await enter(browser, code)).status).toBe(303)
})

test('without a session there is a clear error', async () => {
  await start(true, {})
  await app.close()
  app = await startRouterApp(
    { providers: { tapd: { ...emulator.options, silentLogin: true } } },
    { middleware: (_req, _res, next) => next() },
  )
  const answer = await enter(new Browser(), emulator.entryCode())
  expect([answer.status, (await told(answer)).error.code]).toEqual([500, 'session_missing'])
})
