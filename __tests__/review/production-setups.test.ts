import { randomBytes } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { createClient } from 'redis'
import { startRouterApp } from '../support/app'
import { type Browser, told } from '../support/browser'
import { eventually } from '../support/eventually'
import { instant, stateOf } from '../support/instant-strategy'
import { describeWith, SERVICES } from '../support/services'
import { SessionScene } from '../support/session-scene'

const scene = new SessionScene()
const ELSEWHERE = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }
const PROVIDERS = { one: instant, two: instant }
type Users = { provider: string; id: string }

async function callbackOf(origin: string, browser: Browser, name: string, query = '', headers = {}): Promise<string> {
  const { headers: sent } = await browser.get(`${origin}/auth/${name}${query}`, headers)
  return `${origin}/auth/${name}/callback?code=c&state=${stateOf(sent.get('location') ?? '')}`
}

async function logIn(origin: string, browser: Browser, name: string) {
  return browser.get(await callbackOf(origin, browser, name))
}

// connect-redis keeps what a session said at its last change, and lets `touch` move only the key's own end: `expires` in
// it is over for whoever has been reading for longer than `maxAge`.
describeWith('Redis', 'an active user whose stored session says that it is over', () => {
  const client = createClient({ url: SERVICES.Redis.url })
  const prefix = `passport-dialects:${randomBytes(6).toString('hex')}:`
  beforeAll(() => client.connect())
  afterAll(async () => {
    for (const key of await client.keys(`${prefix}*`)) await client.del(key)
    await client.close()
  })

  const rolling = () => {
    const store = new RedisStore({ client, prefix })
    const cookie = { maxAge: 3_600_000 }
    return session({
      secret: 'a test session secret',
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie,
      store,
    })
  }

  /** As after an hour and more of pages that change nothing. */
  async function age(): Promise<void> {
    const keys = await client.keys(`${prefix}*`)
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      const stored = JSON.parse((await client.get(key)) ?? '{}')
      stored.cookie.expires = new Date(Date.now() - 60_000).toISOString()
      await client.set(key, JSON.stringify(stored), { expiration: 'KEEPTTL' })
    }
  }

  test('stays logged in, and a second provider is linked', async () => {
    const seen: unknown[] = []
    const verify = ({
      profile,
      provider,
      req,
    }: {
      profile: { id: string }
      provider: string
      req: { user?: unknown }
    }) => {
      seen.push((req.user as Users | undefined)?.provider)
      return req.user ?? { provider, id: profile.id }
    }
    const app = scene.closing(await startRouterApp({ providers: PROVIDERS, verify }, { middleware: rolling() }))
    await logIn(app.origin, scene.browser, 'one')
    await age()
    expect((await logIn(app.origin, scene.browser, 'two')).status).toBe(303)
    expect(seen).toEqual([undefined, 'one'])
    const { user, providers } = await told(scene.browser.get(`${app.origin}/auth/session`))
    expect([user?.provider, providers?.map(({ name }) => name)]).toEqual(['one', ['one', 'two']])
  })

  test('keeps what the app had in the session before the login', async () => {
    const app = scene.closing(
      await startRouterApp(
        { providers: PROVIDERS },
        {
          middleware: rolling(),
          routes: (routes) => {
            routes.get('/put', (req, res) => void res.json(Object.assign(req.session, { cart: ['book'] }).cart))
            routes.get('/cart', (req, res) => void res.json(Reflect.get(req.session, 'cart') ?? null))
          },
        },
      ),
    )
    await scene.browser.get(`${app.origin}/put`)
    await age()
    await logIn(app.origin, scene.browser, 'one')
    expect(await (await scene.browser.get(`${app.origin}/cart`)).json()).toEqual(['book'])
  })

  test('control: the store ends a session that is stored as it came', async () => {
    const store = new RedisStore({ client, prefix })
    const cookie = { originalMaxAge: 3_600_000, expires: new Date(Date.now() - 60_000) }
    await store.set('stale', { cookie } as never) // as read
    expect(await store.get('stale')).toBeFalsy()
  })
})

test('two links of a mail, opened before the login: both lead to their pages, and verify sees one', async () => {
  let verified = 0
  const verify = () => {
    verified++
    return { id: 'ann' }
  }
  const app = scene.closing(await startRouterApp({ providers: PROVIDERS, verify }))
  const { browser } = scene
  await browser.get(`${app.origin}/auth/two`) // a session
  const callbacks: string[] = []
  for (const page of ['/r/1', '/r/2']) {
    callbacks.push(await callbackOf(app.origin, browser, 'one', `?returnTo=${page}`, ELSEWHERE))
  }
  const places: (string | null)[] = []
  for (const callback of callbacks) places.push((await browser.get(callback)).headers.get('location'))
  expect(places).toEqual(['/r/1', '/r/2'])
  expect(verified).toBe(1)
})

describe('a request whose user is found after somebody else has answered it', () => {
  test.each([
    ['GET', '/auth/session'],
    ['POST', '/auth/logout'],
  ])('%s %s ends no process', async (method, path) => {
    const passport = new Passport()
    passport.serializeUser((user, done) => done(null, user))
    let found = 0
    passport.deserializeUser((user: Express.User, done) => {
      setTimeout(() => {
        found++
        done(null, user)
      }, 60)
    })
    let isLate = false
    const app = scene.closing(
      await startRouterApp(
        { passport, providers: PROVIDERS },
        {
          before: (_req, res, next) => {
            if (isLate) setTimeout(() => void res.status(503).end(), 5)
            next()
          },
        },
      ),
    )
    await logIn(app.origin, scene.browser, 'one')
    isLate = true
    const before = found
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const response =
      method === 'GET' ? scene.browser.get(`${app.origin}${path}`) : scene.browser.post(`${app.origin}${path}`)
    expect((await response).status).toBe(503)
    await eventually(() => expect(found).toBe(before + 1))
    await new Promise((resolve) => setTimeout(resolve, 50))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('a user who is in the session and not in req.user', () => {
  /** Where another site’s start of a second login leads. */
  const startFromElsewhere = async (before: RequestHandler) => {
    const app = scene.closing(await startRouterApp({ providers: PROVIDERS }, { before }))
    await logIn(app.origin, scene.browser, 'one')
    const { status, headers } = await scene.browser.get(`${app.origin}/auth/two`, ELSEWHERE)
    const { user } = await told(scene.browser.get(`${app.origin}/me`))
    return { status, location: headers.get('location'), user: (user as Users | null)?.provider }
  }

  test('is asked before another site links, where a middleware says null for nobody; and is restored', async () => {
    const before: RequestHandler = (req, _res, next) => {
      Object.assign(req, { user: null })
      next()
    }
    expect(await startFromElsewhere(before)).toEqual({ status: 200, location: null, user: 'one' })
  })

  test('is asked where the app’s Passport keeps users under another name', async () => {
    const before = new Passport().initialize({ userProperty: 'account' })
    expect(await startFromElsewhere(before)).toMatchObject({ status: 200, location: null })
  })
})

test('a Passport in front that keeps no users, such as an API’s, is in nobody’s way', async () => {
  const before = new Passport().initialize()
  const app = scene.closing(await startRouterApp({ providers: PROVIDERS }, { before }))
  expect((await logIn(app.origin, scene.browser, 'one')).status).toBe(303)
  expect((await told(scene.browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'one' })
})

test('a skipUserProfile that promises false skips nothing', async () => {
  const skipUserProfile = (async () => false) as unknown as () => boolean // as JavaScript may
  const app = scene.closing(await startRouterApp({ providers: { one: { ...instant, skipUserProfile } } }))
  expect((await logIn(app.origin, scene.browser, 'one')).status).toBe(303)
})
