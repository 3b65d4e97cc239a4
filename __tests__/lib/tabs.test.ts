import type { RequestHandler } from 'express'
import session from 'express-session'
import { type RunningApp, startRouterApp } from '../support/app'
import { Gate } from '../support/gate'
import { LightBrowser } from '../support/light-browser'
import { backChannelCalls, closeAll, type Emulators, NAMES, providersOf, startAll } from '../support/providers'
import { agent, randomOrders, tab, told } from '../support/tabs'

let emulators: Emulators
let app: RunningApp

beforeAll(async () => {
  // Nobody has to press a button: what is tested is on this side.
  emulators = await startAll({ consent: 'auto' })
  app = await startRouterApp({ providers: providersOf(emulators), failureRedirect: '/login' })
})
afterAll(async () => {
  await agent.close()
  await app.close()
  await closeAll(emulators)
})

describe('eight tabs over five providers', () => {
  // `npm run test:soak` runs 500.
  test('begun and finished in 8 random orders, all log in', () => randomOrders(app.origin, 8))

  test('begun all at once and finished all at once, all log in', async () => {
    const browser = new LightBrowser(app.origin, agent)
    await browser.get('/auth/session')
    // A browser sends its session cookie only after a first answer: one login makes it.
    await browser.follow('/auth/tapd')
    const tabs = Array.from({ length: 8 }, (_, nth) => tab(browser, NAMES[nth % 5] ?? 'tapd', nth))
    await Promise.all(tabs.map(([begin]) => begin?.()))
    const landed = await Promise.all(tabs.map(([, finish]) => finish?.()))
    expect(landed).toEqual(tabs.map((_, nth) => `/done/${nth}`))
  })
})

/** A store whose writes take long, as a far database's do. */
class SlowStore extends session.MemoryStore {
  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    setTimeout(() => super.set(id, data, done), 100)
  }
}

test('a session store whose set takes 100 ms loses no login', async () => {
  const slow = await startRouterApp({ providers: providersOf(emulators) }, { store: new SlowStore() })
  try {
    const browser = new LightBrowser(slow.origin, agent)
    await browser.follow('/auth/tapd')
    const tabs = NAMES.map((name, nth) => tab(browser, name, nth))
    await Promise.all(tabs.map(([begin]) => begin?.()))
    const landed = await Promise.all(tabs.map(([, finish]) => finish?.()))
    expect(landed).toEqual(NAMES.map((_, nth) => `/done/${nth}`))
    const { user } = await told(browser, '/me')
    expect(user).not.toBeNull()
  } finally {
    await slow.close()
  }
})

test('the 21st pending login pushes out the oldest, and only that', async () => {
  const browser = new LightBrowser(app.origin, agent)
  const tabs = Array.from({ length: 21 }, (_, nth) => tab(browser, 'aihubmix', nth))
  for (const [begin] of tabs) await begin?.()
  const before = backChannelCalls(emulators)
  expect(await tabs[0]?.[1]?.()).toBe('/login?error=state_unknown&provider=aihubmix')
  expect(backChannelCalls(emulators)).toBe(before)
  for (const nth of [1, 20, 10]) expect(await tabs[nth]?.[1]?.()).toBe(`/done/${nth}`)
})

test('a login that begins while that of another tab is finished is not lost with the old session id', async () => {
  const gate = new Gate()
  // Behind the session middleware: the request has read its session, and waits.
  const before: RequestHandler = (req, _res, next) => {
    if (req.path !== '/auth/tiktok') return next()
    void gate.pass().then(() => next())
  }
  const racing = await startRouterApp({ providers: providersOf(emulators) }, { before })
  try {
    const browser = new LightBrowser(racing.origin, agent)
    const [first, second] = [tab(browser, 'tapd', 1), tab(browser, 'tiktok', 2)]
    await first[0]?.()
    const beginning = second[0]?.()
    await gate.reached
    expect(await first[1]?.()).toBe('/done/1')
    gate.open()
    await beginning
    expect(await second[1]?.()).toBe('/done/2')
    const { providers } = await told(browser, '/auth/session')
    expect(providers.map(({ name }) => name)).toEqual(['tapd', 'tiktok'])
  } finally {
    await racing.close()
  }
})
