import session from 'express-session'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { closeAll, type Emulators, NAMES, providersOf, startAll } from '../support/providers'

type Call = 'get' | 'set' | 'destroy'

let emulators: Emulators
let app: RunningApp
let store: FailingStore
/** How many requests are awaited behind the session middleware; then our own `get` fails, not the middleware's. */
let awaited = 0
let release: (() => void)[] = []

beforeAll(async () => {
  emulators = await startAll()
})
beforeEach(async () => {
  store = new FailingStore()
  awaited = 0
  release = []
  app = await startRouterApp(
    { providers: providersOf(emulators) },
    {
      store,
      before: (_req, _res, next) => {
        if (awaited === 0) return next()
        release.push(next)
        if (release.length < awaited) return
        store.failing = 'get'
        for (const goOn of release) goOn()
      },
    },
  )
})
afterEach(() => app.close())
afterAll(() => closeAll(emulators))

/** A store that loses its database on demand. */
class FailingStore extends session.MemoryStore {
  failing: Call | undefined
  failures = 0

  override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    if (this.fails('get')) done(new Error('the database at 10.0.0.5 went away'))
    else super.get(id, done)
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    if (this.fails('set')) done?.(new Error('the database at 10.0.0.5 went away'))
    else super.set(id, data, done)
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    if (this.fails('destroy')) done?.(new Error('the database at 10.0.0.5 went away'))
    else super.destroy(id, done)
  }

  private fails(call: Call): boolean {
    if (this.failing !== call) return false
    this.failures++
    return true
  }
}

const JSON_ONLY = { accept: 'application/json' }
const STORE_FAILURE = { status: 503, code: 'store_failed' }

async function failureOf(answer: Promise<Response>) {
  const { status, body } = await answer.then(async (it) => ({ status: it.status, body: await it.text() }))
  // The user learns the code and what to do, never where the database is.
  expect(body).not.toMatch(/10\.0\.0\.5|at .*(\.ts|\.js)/)
  return { status, code: (JSON.parse(body) as { error: { code: string } }).error.code } // JSON_ONLY was asked for
}

async function begin(browser: Browser, name: keyof Emulators): Promise<string> {
  return emulators[name].approve(await browser.location(`${app.origin}/auth/${name}?returnTo=/in`))
}

async function expectLogin(browser: Browser, name: keyof Emulators): Promise<void> {
  expect((await browser.get(await begin(browser, name))).headers.get('location')).toBe('/in')
  expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: name })
}

describe.each(NAMES)('%s, a store that fails', (name) => {
  test('on set at the start of a login is a clear error, and a retry works', async () => {
    const browser = new Browser()
    store.failing = 'set'
    expect(await failureOf(browser.get(`${app.origin}/auth/${name}`, JSON_ONLY))).toEqual(STORE_FAILURE)
    store.failing = undefined
    await expectLogin(browser, name)
  })

  test('on set at the end of a login is a clear error, logs nobody in, and a retry works', async () => {
    const browser = new Browser()
    const callback = await begin(browser, name)
    store.failing = 'set'
    expect(await failureOf(browser.get(callback, JSON_ONLY))).toEqual(STORE_FAILURE)
    store.failing = undefined
    expect((await told(browser.get(`${app.origin}/me`))).user).toBeNull()
    await expectLogin(browser, name)
  })

  test('on set at the end of a link keeps the first login, and a retry works', async () => {
    const first = name === 'tapd' ? 'tiktok' : 'tapd'
    const browser = new Browser()
    await expectLogin(browser, first)
    const callback = await begin(browser, name)
    store.failing = 'set'
    expect(await failureOf(browser.get(callback, JSON_ONLY))).toEqual(STORE_FAILURE)
    store.failing = undefined
    expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: first })
    expect((await browser.get(await begin(browser, name))).headers.get('location')).toBe('/in')
    const { providers } = await told(browser.get(`${app.origin}/auth/session`))
    expect(providers.map((login) => login.name)).toEqual([first, name])
  })

  test('on destroy still logs in', async () => {
    store.failing = 'destroy'
    await expectLogin(new Browser(), name)
    expect(store.failures).toBeGreaterThan(0)
  })

  test('on get is the session middleware’s error, and a retry works', async () => {
    const browser = new Browser()
    const callback = await begin(browser, name)
    store.failing = 'get'
    // express-session hands it to the app's error handler before the router is reached.
    const answer = await browser.get(callback)
    expect([answer.status, (await told(answer)).unhandled]).toEqual([500, 'Error: the database at 10.0.0.5 went away'])
    store.failing = undefined
    expect((await browser.get(callback)).headers.get('location')).toBe('/in')
    expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: name })
  })
})

test('a store that fails on get while two tabs begin at once is a clear error for both, and a retry works', async () => {
  const browser = new Browser()
  await browser.location(`${app.origin}/auth/tapd`) // makes the session
  awaited = 2
  const tabs = await Promise.all(
    ['tapd', 'aihubmix'].map(async (name) => {
      const answer = await browser.get(`${app.origin}/auth/${name}`, JSON_ONLY)
      return answer.status === 302 ? 302 : { status: answer.status, code: (await told(answer)).error.code }
    }),
  )
  // Each asks the store whether the session still is there before it writes.
  expect(tabs).toEqual([STORE_FAILURE, STORE_FAILURE])
  awaited = 0
  store.failing = undefined
  await expectLogin(browser, 'aihubmix')
})

test('a store that fails on destroy at log-out is a clear error, and a retry logs out', async () => {
  const browser = new Browser()
  await expectLogin(browser, 'tapd')
  store.failing = 'destroy'
  expect(await failureOf(browser.post(`${app.origin}/auth/logout`, {}, JSON_ONLY))).toEqual(STORE_FAILURE)
  store.failing = undefined
  expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'tapd' })
  expect((await browser.post(`${app.origin}/auth/logout`, {}, JSON_ONLY)).status).toBe(200)
  expect((await told(browser.get(`${app.origin}/me`))).user).toBeNull()
})

test('the error page of a failing store says that a retry helps', async () => {
  store.failing = 'set'
  const answer = await new Browser().get(`${app.origin}/auth/tapd`, { accept: 'text/html' })
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('store_failed')
})
