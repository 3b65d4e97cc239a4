import type express from 'express'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import type { OAuthRouterConfig } from 'passport-dialects'
import { copyCookie } from '../../lib/session/content'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { startPlainApp } from '../support/plain-app'
import { backChannelCalls, closeAll, type Emulators, providersOf, startAll } from '../support/providers'
import { shimmedCookieSession } from '../support/shimmed-cookie-session'

let emulators: Emulators
let app: RunningApp | undefined
let browser: Browser

beforeAll(async () => {
  emulators = await startAll()
})
beforeEach(() => {
  browser = new Browser()
})
afterEach(async () => {
  await app?.close()
  app = undefined
})
afterAll(() => closeAll(emulators))

async function start(config: Partial<OAuthRouterConfig> = {}, options: Parameters<typeof startRouterApp>[1] = {}) {
  app = await startRouterApp({ providers: providersOf(emulators), ...config }, options)
  return app.origin
}

async function callbackOf(origin: string, name: keyof Emulators, user = 0): Promise<string> {
  const address = await browser.location(`${origin}/auth/${name}`)
  return emulators[name].approve(address, { user: emulators[name].users[user]?.id })
}

async function logIn(origin: string, name: keyof Emulators, user = 0): Promise<Response> {
  return browser.get(await callbackOf(origin, name, user))
}

async function user(origin: string, who = browser) {
  return (await told(who.get(`${origin}/me`))).user
}

const JSON_PLEASE = { accept: 'application/json' }

describe('a request that no person made', () => {
  test.each([
    ['sec-purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['purpose', 'prefetch'],
    ['x-moz', 'prefetch'],
    ['purpose', 'preview'],
  ])('%s: %s begins no login and uses no code up', async (name, value) => {
    const origin = await start()
    const begun = await browser.get(`${origin}/auth/tapd`, { [name]: value })
    expect([begun.status, begun.headers.get('cache-control'), browser.cookies(origin)]).toEqual([503, 'no-store', ''])
    const callback = await callbackOf(origin, 'tapd')
    const calls = backChannelCalls(emulators)
    expect((await browser.get(callback, { [name]: value })).status).toBe(503)
    expect(backChannelCalls(emulators)).toBe(calls)
    expect((await browser.get(callback)).status).toBe(303)
    expect(await user(origin)).toMatchObject({ provider: 'tapd' })
  })

  test.each([
    ['an image', { 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' }],
    ['a script', { 'sec-fetch-dest': 'script', 'sec-fetch-site': 'same-origin' }],
    ['a frame of another site', { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' }],
  ])('%s begins no login', async (_title, headers) => {
    const origin = await start()
    expect((await browser.get(`${origin}/auth/tapd`, headers)).status).toBe(403)
    expect(browser.cookies(origin)).toBe('')
    const own = { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'same-origin' }
    expect((await browser.get(`${origin}/auth/tapd`, own)).status).toBe(302)
  })
})

test.each([
  ['Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }],
  ['Referer', { referer: 'http://elsewhere.example/' }],
])('another site (%s) links nothing before the person pressed the button', async (_title, headers) => {
  const origin = await start()
  await logIn(origin, 'tapd')
  const asked = await browser.get(`${origin}/auth/tailchat?returnTo=/in`, headers)
  const page = await asked.text()
  expect([asked.status, asked.headers.get('location')]).toEqual([200, null])
  const action = /(?:action|href)="([^"]*\/auth\/tailchat[^"]*)"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
  expect(action).toBeDefined()
  const pressed = await browser.get(new URL(`${action}`, origin).href, { 'sec-fetch-site': 'same-origin' })
  expect(pressed.status).toBe(302)
  // Nobody is logged in yet: the same link of another site is an ordinary way in.
  browser = new Browser()
  expect((await browser.get(`${origin}/auth/tailchat`, headers)).status).toBe(302)
})

describe('a log-out', () => {
  test.each([
    ['a form of another site, where the browser says no Sec-Fetch-Site', { origin: 'http://elsewhere.example' }, 403],
    ['a page without referrer, whose Origin is null', { origin: 'null' }, 303],
  ])('%s', async (_title, headers, status) => {
    const origin = await start()
    await logIn(origin, 'tapd')
    expect((await browser.post(`${origin}/auth/logout`, {}, headers)).status).toBe(status)
    expect((await user(origin)) === null).toBe(status === 303)
  })

  test('works for a user who cannot be loaded any more', async () => {
    const passport = new Passport()
    let isThere = true
    passport.serializeUser((value, done) => done(null, value))
    passport.deserializeUser((value: Express.User, done) => done(isThere ? null : new Error('no such row'), value))
    const origin = await start({ passport })
    await logIn(origin, 'tapd')
    isThere = false
    expect((await browser.get(`${origin}/me`)).status).toBe(500)
    expect((await browser.post(`${origin}/auth/logout`)).status).toBe(303)
    expect((await browser.get(`${origin}/me`)).status).toBe(200)
  })

  test('ends a session in a cookie too, where the app put regenerate and save on it for Passport', async () => {
    const middleware = shimmedCookieSession('a test session secret')
    const routes = (server: express.Express) =>
      void server.post('/naive', (req, res) => req.session.regenerate(() => res.json({})))
    const origin = await start({}, { middleware, routes })
    await logIn(origin, 'tapd')
    expect(await user(origin)).toMatchObject({ provider: 'tapd' })
    // Control: a log-out that trusts in what the app put there, as this one did once, ends nothing.
    await browser.post(`${origin}/naive`)
    expect(await user(origin)).toMatchObject({ provider: 'tapd' })
    await browser.post(`${origin}/auth/logout`)
    expect(await user(origin)).toBeNull()
  })
})

describe.each([
  ['plain express-session: a slow page undoes the log-out (the control)', false],
  ['ours: a log-out stays one', true],
])('%s', (_title, ours) => {
  test('while a page that writes is at work', async () => {
    let goOn = () => {}
    let arrived = () => {}
    const atWork = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const slow: RequestHandler = (req, res) => {
      goOn = () => {
        Reflect.set(req.session, 'note', 'written late')
        res.json({})
      }
      arrived()
    }
    const routes = (server: express.Express) => void server.get('/slow', slow)
    const origin = ours ? await start({}, { routes }) : await plain(routes)
    if (ours) await logIn(origin, 'tapd')
    else await browser.get(`${origin}/login`)
    const old = browser.at(origin, origin)
    const page = old.get(`${origin}/slow`)
    await atWork
    await browser.post(`${origin}/auth/logout`)
    const before = browser.at(origin, origin)
    goOn()
    await page
    expect(await user(origin, old)).toEqual(ours ? null : { id: 'ann' })
    expect(await user(origin, before)).toBeNull()
  })
})

test('a second code for a used state is no success', async () => {
  const origin = await start()
  const callback = new URL(await callbackOf(origin, 'tapd'))
  expect((await browser.get(callback.href)).status).toBe(303)
  const again = await browser.get(callback.href)
  expect(again.status).toBe(303) // the very same callback is a repeat (the control)
  callback.searchParams.set('code', 'another-code')
  const other = await browser.get(callback.href, JSON_PLEASE)
  expect((await told(other)).error.code).toBe('state_used')
})

/** Passport and express-session alone. */
async function plain(routes: (server: express.Express) => void): Promise<string> {
  app = await startPlainApp(routes)
  return app.origin
}

describe('what the app keeps in a session', () => {
  const year = 31_536_000_000
  const routes = (server: express.Express) => {
    server.get('/keep', (req, res) => {
      Reflect.set(req.session, 'isAdmin', true)
      req.session.cookie.maxAge = year
      res.json({ user: null, info: { maxAge: req.session.cookie.originalMaxAge } })
    })
    server.get('/kept', (req, res) => {
      res.json({
        user: null,
        info: { isAdmin: Reflect.get(req.session, 'isAdmin') ?? false, maxAge: req.session.cookie.originalMaxAge },
      })
    })
  }
  /** express-session computes it anew from the time left at each request: it loses a millisecond where the clock ticks. */
  const about = (maxAge: unknown) => expect.closeTo(Number(maxAge), -2)
  const kept = async (origin: string) => (await told(browser.get(`${origin}/kept`))).info

  test('does not go to the user who takes another’s place; the cookie’s own maxAge does', async () => {
    const origin = await start({}, { routes })
    await logIn(origin, 'tapd', 0)
    const { maxAge } = (await told(browser.get(`${origin}/keep`))).info ?? {}
    expect(maxAge).toEqual(about(year))
    await logIn(origin, 'tapd', 1)
    expect(await user(origin)).toMatchObject({ id: emulators.tapd.users[1]?.id })
    expect(await kept(origin)).toEqual({ isAdmin: false, maxAge: about(maxAge) })
  })

  test('stays from nobody to somebody, and at a link', async () => {
    const origin = await start({}, { routes })
    const { maxAge } = (await told(browser.get(`${origin}/keep`))).info ?? {}
    expect(maxAge).toEqual(about(year))
    await logIn(origin, 'tapd')
    expect(await kept(origin)).toEqual({ isAdmin: true, maxAge: about(maxAge) })
    await logIn(origin, 'tailchat')
    expect(await user(origin)).toMatchObject({ provider: 'tapd' })
    expect(await kept(origin)).toEqual({ isAdmin: true, maxAge: about(maxAge) })
  })
})

test('a cookie’s maxAge is copied to the millisecond, though the clock ticks', () => {
  let now = 1_800_000_000_000
  jest.spyOn(Date, 'now').mockImplementation(() => now++)
  try {
    const [from, to] = [new session.Cookie(), new session.Cookie()]
    Object.assign(from, { originalMaxAge: 600_000 })
    to.maxAge = 600_000
    expect(to.originalMaxAge).toBeLessThan(600_000) // express-session's own way (the control)
    copyCookie(from, to)
    expect(to.originalMaxAge).toBe(600_000)
  } finally {
    jest.restoreAllMocks()
  }
})

test('`linking: false`: a second provider takes the first one’s place', async () => {
  const origin = await start({ linking: false })
  await logIn(origin, 'tapd')
  await logIn(origin, 'tailchat')
  expect(await user(origin)).toMatchObject({ provider: 'tailchat' })
  const { providers } = await told(browser.get(`${origin}/auth/session`))
  expect(providers.map(({ name }) => name)).toEqual(['tailchat'])
})

test('a user that JSON cannot hold is `verify_failed`', async () => {
  const origin = await start({ verify: () => ({ id: 1n }) })
  const response = await browser.get(await callbackOf(origin, 'tapd'), JSON_PLEASE)
  expect((await told(response)).error.code).toBe('verify_failed')
  expect(await user(origin)).toBeNull()
})

test('GET /auth/session shows six fields of a database row, or what publicUser says', async () => {
  const row = { id: 7, displayName: 'Ann', passwordHash: 'a hash', isAdmin: true }
  const origin = await start({ verify: () => row })
  await logIn(origin, 'tapd')
  expect((await told(browser.get(`${origin}/auth/session`))).user).toEqual({ id: 7, displayName: 'Ann' })
  await app?.close()
  browser = new Browser()
  const other = await start({ verify: () => row, publicUser: async () => ({ name: 'Ann' }) })
  await logIn(other, 'tapd')
  expect((await told(browser.get(`${other}/auth/session`))).user).toEqual({ name: 'Ann' })
})
