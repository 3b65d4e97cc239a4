import session from 'express-session'
import { Passport } from 'passport'
import { startBareApp, startRouterApp } from '../support/app'
import { type Browser, told } from '../support/browser'
import { Gate } from '../support/gate'
import { InstantStrategy, instant, stateOf } from '../support/instant-strategy'
import { SessionScene } from '../support/session-scene'

const scene = new SessionScene()
afterEach(() => {
  InstantStrategy.whileExchanging = () => {}
})

/** A callback of a login that a browser begins here. */
async function begun(origin: string, browser: Browser, name: string, code: string, query = ''): Promise<string> {
  const state = stateOf(await browser.location(`${origin}/auth/${name}${query}`))
  return `${origin}/auth/${name}/callback?code=${code}&state=${state}`
}

test('a user of the app’s own login stays, however often a linked provider logs in', async () => {
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  const app = await startRouterApp(
    { passport, providers: { one: instant } },
    {
      routes: (routes) => {
        routes.get('/password', (req, res, next) =>
          req.login({ provider: 'local', id: 'ann' } as Express.User, (error) => {
            Object.assign(req.session, { cart: ['book'] })
            return error ? next(error) : res.json({})
          }),
        )
        routes.get('/cart', (req, res) => void res.json(Reflect.get(req.session, 'cart') ?? null))
      },
    },
  )
  scene.closing(app)
  const { browser } = scene
  await browser.get(`${app.origin}/password`)
  for (const code of ['first', 'second']) {
    expect((await browser.get(await begun(app.origin, browser, 'one', code))).status).toBe(303)
    expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ id: 'ann' })
    expect(await (await browser.get(`${app.origin}/cart`)).json()).toEqual(['book'])
  }
})

test('a login from a session that another tab’s login left behind keeps the cookie’s own life', async () => {
  const month = 30 * 24 * 3600_000
  const store = new session.MemoryStore()
  const cookie = { maxAge: month }
  const middleware = session({
    secret: 'a test session secret',
    resave: false,
    saveUninitialized: false,
    store,
    cookie,
  })
  const routes = (app: import('express').Express) =>
    void app.get('/age', (req, res) => void res.json({ age: req.session.cookie.originalMaxAge }))
  const app = await startRouterApp({ providers: { one: instant } }, { store, middleware, routes })
  scene.closing(app)
  const { browser } = scene
  const [first, second] = [
    await begun(app.origin, browser, 'one', 'first'),
    await begun(app.origin, browser, 'one', 'second'),
  ]
  const lost = browser.at(app.origin, app.origin) // its answer never comes to the browser
  expect((await lost.get(first)).status).toBe(303)
  expect((await browser.get(second)).status).toBe(303)
  expect(await (await browser.get(`${app.origin}/age`)).json()).toEqual({ age: month })
})

test('a doubled callback at another process does not turn a finished link into a failure', async () => {
  const providers = scene.only('tapd', 'tiktok')
  const store = new session.MemoryStore()
  const tokenStore = lockingStore()
  const gate = new Gate()
  let holds = false
  const verify = async ({ profile }: { profile: { provider: string; id: string } | undefined }) => {
    if (holds) await gate.pass()
    return profile && { provider: profile.provider, id: profile.id }
  }
  const app = await scene.start({ providers, tokenStore, verify: verify as never }, { store })
  const elsewhere = await scene.startElsewhere({ providers, tokenStore, verify: verify as never }, store)
  const { browser, emulators } = scene
  await browser.get(await emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd`)))
  const callback = await emulators.tiktok.approve(await browser.location(`${app.origin}/auth/tiktok?returnTo=/linked`))
  holds = true
  const there = browser.at(app.origin, elsewhere.origin)
  const doubled = browser.get(callback)
  await gate.reached
  const second = there.get(callback.replace(app.origin, elsewhere.origin))
  await tokenStore.waited
  gate.open()
  expect((await doubled).headers.get('location')).toBe('/linked')
  await second
  const again = await browser.get(callback) // the back button
  expect([again.status, again.headers.get('location')]).toEqual([303, '/linked'])
})

/** Tokens in memory, with a lock; `waited` when somebody waits for it. */
function lockingStore() {
  const entries = new Map<string, string>()
  let tail: Promise<unknown> = Promise.resolve()
  let holders = 0
  let waits: () => void = () => {}
  return {
    waited: new Promise<void>((resolve) => {
      waits = resolve
    }),
    get: async (key: string) => entries.get(key),
    set: async (key: string, value: string, expected?: string) =>
      (expected === undefined || entries.get(key) === expected) && entries.set(key, value).has(key),
    delete: async (key: string) => entries.delete(key),
    lock: async () => {
      const before = tail
      let free: () => void = () => {}
      tail = new Promise<void>((resolve) => {
        free = resolve
      })
      if (++holders > 1) waits()
      await before
      return async () => {
        holders--
        free()
      }
    },
  }
}

/** A store that says so by an error where a session does not exist, as session-file-store does. */
class ErrorForMissing extends session.MemoryStore {
  override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    super.get(id, (error, data) => {
      if (error || data) done(error, data)
      else done(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
    })
  }
}

test('a store that calls a missing session an error ENOENT has failed at nothing', async () => {
  const gate = new Gate()
  const store = new ErrorForMissing()
  const app = await scene.start({ providers: { one: instant, two: instant } }, { store })
  const { browser } = scene
  await browser.get(await begun(app.origin, browser, 'one', 'first'))
  const callback = await begun(app.origin, browser, 'two', 'second')
  InstantStrategy.whileExchanging = () => gate.pass()
  const link = browser.at(app.origin, app.origin).get(callback, { accept: 'application/json' })
  await gate.reached
  expect((await browser.post(`${app.origin}/auth/logout`)).status).toBeLessThan(400)
  gate.open()
  expect((await told(link)).error.code).toBe('state_mismatch')
})

test('under bare Passport a login that another tab begins meanwhile can be finished', async () => {
  const verify: ConstructorParameters<typeof InstantStrategy>[1] = (_access, _refresh, profile, done) =>
    done(null, { id: profile.id } as Express.User)
  const client = { clientID: 'an id', clientSecret: 'a canary client secret' }
  const app = scene.closing(
    await startBareApp((callbackURL) => new InstantStrategy({ ...client, callbackURL }, verify)),
  )
  const { browser } = scene
  const begin = async () =>
    `${app.origin}/callback?code=c&state=${stateOf(await browser.location(`${app.origin}/login`))}`
  const first = await begin()
  let second = ''
  InstantStrategy.whileExchanging = async () => {
    if (second === '') second = await begin()
  }
  for (const callback of [first, () => second]) {
    const answer = await browser.get(typeof callback === 'string' ? callback : callback())
    expect(await answer.json()).toMatchObject({ user: { id: 'u1' } })
  }
})

test('a popup whose session ended before its callback was repeated tells its opener', async () => {
  const app = scene.closing(await startRouterApp({ providers: { one: instant }, failureRedirect: '/login' }))
  const { browser } = scene
  const callback = await begun(app.origin, browser, 'one', 'c', '?popup=1')
  const lost = browser.at(app.origin, app.origin) // its answer never comes to the browser
  expect(await (await lost.get(callback)).text()).toContain('data-ok="1"')
  await lost.post(`${app.origin}/auth/logout`)
  expect(await (await browser.get(callback)).text()).toContain('data-code="state_used"')
})
