import type { RequestHandler } from 'express'
import session from 'express-session'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { jump } from '../support/clock'
import { eventually } from '../support/eventually'
import { forward, startFront } from '../support/front'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'
import { MemoryTokenStore } from './memory-store'

let emulator: Emulator
let app: RunningApp | undefined
beforeEach(async () => {
  emulator = await startEmulator('aihubmix', { accessTokenLifetime: 7200 })
})
afterEach(async () => {
  jest.restoreAllMocks()
  await app?.close()
  app = undefined
  await emulator.close()
})

const providers = () => ({ aihubmix: { ...emulator.options } })

test('a token store that fails just after the rotation loses no refresh token', async () => {
  const tokenStore = new MemoryTokenStore()
  app = await startTokenApp({ providers: providers(), tokenStore })
  const browser = await loggedIn(app, 'aihubmix', emulator)
  jump(7000)
  let failures = 1
  tokenStore.before = (call) => {
    if (call === 'set' && failures-- > 0) throw new Error('the disk is full')
  }
  const failed = await ask(browser, `${app.origin}/tokens/aihubmix`)
  expect(failed.error).toMatchObject({ code: 'store_failed', status: 503 })
  const renewed = await ask(browser, `${app.origin}/tokens/aihubmix`)
  expect(renewed.error).toBeUndefined()
  expect([...tokenStore.entries.values()].join()).toContain(renewed.tokens?.refreshToken)
  jest.restoreAllMocks()
  jump(14_000)
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error).toBeUndefined()
})

test('a lock that nobody can take keeps no one from a token that still lives', async () => {
  const tokenStore = Object.assign(new MemoryTokenStore(), {
    lock: async () => {
      throw new Error('the lock was not free')
    },
  })
  app = await startTokenApp({ providers: providers(), tokenStore })
  const browser = await loggedIn(app, 'aihubmix', emulator)
  jump(7000)
  const { tokens, error } = await ask(browser, `${app.origin}/tokens/aihubmix`)
  expect(error).toBeUndefined()
  expect(tokens?.accessToken).toEqual(expect.any(String))
  expect(countOf(emulator, 'refresh')).toBe(0)
})

test('one login that the store cannot forget does not keep the others there after the log-out', async () => {
  const tapd = await startEmulator('tapd')
  const tokenStore = new MemoryTokenStore()
  app = await startTokenApp({ providers: { ...providers(), tapd: { ...tapd.options } }, tokenStore })
  const browser = await loggedIn(app, 'aihubmix', emulator)
  await loggedIn(app, 'tapd', tapd, browser)
  tokenStore.before = (call, key) => {
    if (call === 'delete' && key.startsWith('aihubmix')) throw new Error('not this one')
  }
  await browser.post(`${app.origin}/auth/logout`)
  expect([...tokenStore.entries.keys()].map((key) => key.split(':')[0])).toEqual(['aihubmix'])
  await tapd.close()
})

test('a login whose session cannot be stored leaves no tokens behind that nobody can reach', async () => {
  const tokenStore = new MemoryTokenStore()
  const store = new session.MemoryStore()
  app = await startTokenApp({ providers: providers(), tokenStore }, { store })
  const browser = new Browser()
  const callback = await emulator.approve(await browser.location(`${app.origin}/auth/aihubmix`))
  jest.spyOn(store, 'set').mockImplementation((_id, _session, done) => done?.(new Error('the disk is full')))
  expect((await browser.get(callback)).status).toBe(503)
  expect(tokenStore.entries.size).toBe(0)
})

test('a refresh that ends after a link renewed the session is stored in the renewed one', async () => {
  const store = new session.MemoryStore()
  const tiktok = await startEmulator('tiktok')
  let answer = () => {}
  const gate = new Promise<void>((resolve) => {
    answer = resolve
  })
  const front = await startFront(async (req, res) => {
    const { status, body } = await forward(req, emulator.origin)
    await gate
    res.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  const refreshURL = `http://127.0.0.1:${front.port}${new URL(emulator.options.tokenURL).pathname}`
  app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options, refreshURL }, tiktok: { ...tiktok.options } } },
    { store },
  )
  const browser = await loggedIn(app, 'aihubmix', emulator)
  jump(7000)
  const callback = await tiktok.approve(await browser.location(`${app.origin}/auth/tiktok`))
  const refreshing = ask(browser, `${app.origin}/tokens/aihubmix`)
  await eventually(() => expect(countOf(emulator, 'refresh')).toBe(1))
  expect((await browser.get(callback)).status).toBe(303)
  answer()
  const { tokens } = await refreshing
  // In the store itself: what this process remembers is gone in ten minutes, and the old refresh token is dead.
  expect(JSON.stringify(Reflect.get(store, 'sessions'))).toContain(tokens?.refreshToken)
  await front.close()
  await tiktok.close()
})

test('two links finished at the same moment both stay, and so does the first login', async () => {
  const store = new session.MemoryStore()
  const tapd = await startEmulator('tapd')
  const tiktok = await startEmulator('tiktok')
  const both = waitForTwo()
  app = await startTokenApp(
    { providers: { ...providers(), tapd: { ...tapd.options }, tiktok: { ...tiktok.options } } },
    {
      store,
      middleware: chain(
        session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }),
        both.gate,
      ),
    },
  )
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const { user } = await told(browser.get(`${app.origin}/me`))
  const callbacks = [
    await tapd.approve(await browser.location(`${app.origin}/auth/tapd`)),
    await tiktok.approve(await browser.location(`${app.origin}/auth/tiktok`)),
  ]
  both.on()
  await Promise.all(callbacks.map((callback) => browser.get(callback)))
  const { providers: names, user: after } = await told(browser.get(`${app.origin}/auth/session`))
  expect(after).toEqual(user)
  expect(names.map(({ name }) => name).sort()).toEqual(['aihubmix', 'tapd', 'tiktok'])
  for (const name of ['aihubmix', 'tapd', 'tiktok']) {
    expect((await ask(browser, `${app.origin}/tokens/${name}`)).tokens).not.toBeNull()
  }
  await Promise.all([tapd.close(), tiktok.close()])
})

/** Lets callbacks on once two of them have read their session. */
function waitForTwo() {
  let active = false
  const waiting: (() => void)[] = []
  const gate: RequestHandler = (req, _res, next) => {
    if (!active || !req.path.endsWith('/callback')) return next()
    waiting.push(next)
    if (waiting.length === 2) for (const go of waiting) go()
  }
  const on = () => {
    active = true
  }
  return { gate, on }
}

function chain(one: RequestHandler, other: RequestHandler): RequestHandler {
  return (req, res, next) => one(req, res, (error?: unknown) => (error ? next(error) : other(req, res, next)))
}
