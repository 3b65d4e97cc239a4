import cookieSession from 'cookie-session'
import session from 'express-session'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { closeAll, type Emulators, NAMES, providersOf, startAll } from '../support/providers'

let emulators: Emulators
let app: RunningApp | undefined

beforeAll(async () => {
  emulators = await startAll()
})
afterEach(async () => {
  await app?.close()
  app = undefined
})
afterAll(() => closeAll(emulators))

async function login(origin: string, browser: Browser, name: keyof Emulators) {
  return browser.get(await emulators[name].approve(await browser.location(`${origin}/auth/${name}?returnTo=/in`)))
}

describe('cookie-session', () => {
  const middleware = cookieSession({ name: 'session', keys: ['a test session secret'] })

  test.each(NAMES)('%s logs in, and out', async (name) => {
    app = await startRouterApp({ providers: providersOf(emulators) }, { middleware })
    const browser = new Browser()
    expect((await login(app.origin, browser, name)).headers.get('location')).toBe('/in')
    expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: name })
    await browser.post(`${app.origin}/auth/logout`)
    expect((await told(browser.get(`${app.origin}/me`))).user).toBeNull()
  })

  test('tabs one after the other all log in, and 30 pending logins still fit into the cookie', async () => {
    app = await startRouterApp({ providers: providersOf(emulators) }, { middleware })
    const browser = new Browser()
    const callbacks: string[] = []
    for (let i = 0; i < 30; i++) {
      callbacks.push(await emulators.tailchat.approve(await browser.location(`${app.origin}/auth/tailchat`)))
    }
    expect(browser.cookies(app.origin).length).toBeLessThan(4096)
    for (const callback of callbacks.slice(-3).reverse()) expect((await browser.get(callback)).status).toBe(303)
    expect((await told(browser.get(`${app.origin}/me`))).user).not.toBeNull()
  })
})

/** A store that fails on demand. */
class FailingStore extends session.MemoryStore {
  failing: 'set' | 'get' | 'destroy' | undefined
  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    if (this.failing === 'set') done?.(new Error('store down'))
    else super.set(id, data, done)
  }
  override destroy(id: string, done?: (error?: unknown) => void): void {
    if (this.failing === 'destroy') done?.(new Error('store down'))
    else super.destroy(id, done)
  }
}

test('a store that cannot write is a clear error, and a retry works', async () => {
  const store = new FailingStore()
  app = await startRouterApp({ providers: providersOf(emulators) }, { store })
  const browser = new Browser()
  store.failing = 'set'
  const begun = await browser.get(`${app.origin}/auth/tapd`, { accept: 'application/json' })
  expect([begun.status, (await told(begun)).error.code]).toEqual([503, 'store_failed'])
  store.failing = undefined
  const callback = await emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd`))
  store.failing = 'set'
  const failed = await browser.get(callback, { accept: 'application/json' })
  expect([failed.status, (await told(failed)).error.code]).toEqual([503, 'store_failed'])
  store.failing = undefined
  expect((await login(app.origin, browser, 'tapd')).headers.get('location')).toBe('/in')
})

test('a store that cannot destroy the old session still logs in', async () => {
  const store = new FailingStore()
  app = await startRouterApp({ providers: providersOf(emulators) }, { store })
  store.failing = 'destroy'
  const browser = new Browser()
  expect((await login(app.origin, browser, 'tapd')).headers.get('location')).toBe('/in')
  expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'tapd' })
})

test('a login costs five calls of the session store, one of them to see that the session still is there', async () => {
  const calls: string[] = []
  class CountingStore extends session.MemoryStore {
    override get(...args: Parameters<session.MemoryStore['get']>) {
      calls.push('get')
      return super.get(...args)
    }
    override set(...args: Parameters<session.MemoryStore['set']>) {
      calls.push('set')
      return super.set(...args)
    }
    override destroy(...args: Parameters<session.MemoryStore['destroy']>) {
      calls.push('destroy')
      return super.destroy(...args)
    }
  }
  app = await startRouterApp({ providers: providersOf(emulators) }, { store: new CountingStore() })
  await login(app.origin, new Browser(), 'aihubmix')
  expect(calls).toEqual(['set', 'get', 'get', 'set', 'destroy'])
})
