import type { Express, RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { type OAuthRouterConfig, oauthRouter, TapdStrategy } from 'passport-dialects'
import { identityOf } from '../../lib/session/identity'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { eventually } from '../support/eventually'
import { closeAll, type Emulators, providersOf, startAll } from '../support/providers'
import { ask, startTokenApp } from '../support/token-app'

// Who somebody is, and whose the tokens are: where two logins of one session meet that are not of one router.

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

type Name = keyof Emulators

async function callbackOf(path: string, name: Name, user = 0, who = browser): Promise<string> {
  const address = await who.location(`${app?.origin}${path}`)
  return emulators[name].approve(address, { user: emulators[name].users[user]?.id })
}
const logIn = async (path: string, name: Name, user = 0) => browser.get(await callbackOf(path, name, user))
const me = async () => (await told(browser.get(`${app?.origin}/me`))).user
const only = (name: Name) => ({ [name]: providersOf(emulators)[name] })

/** A Passport whose serialised user is what `pick` makes of it. */
function passportOf(pick: (user: Express.User) => unknown, find: (kept: unknown) => Express.User | Error): AppPassport {
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, pick(user)))
  passport.deserializeUser((kept: unknown, done) => {
    const found = find(kept)
    done(found instanceof Error ? found : null, found instanceof Error ? undefined : found)
  })
  return passport
}
type AppPassport = InstanceType<typeof Passport>

describe.each([
  ['a bare strategy beside the router', {}],
  ['the same with keepSessionInfo', { keepSessionInfo: true }],
])('%s', (_title, options) => {
  test('does not hand the tokens of the user before to the one who logs in by it', async () => {
    const passport = passportOf(
      (user) => user,
      (kept) => kept as Express.User,
    )
    app = await startTokenApp(
      { providers: only('aihubmix'), passport },
      {
        routes: (server) => {
          let tapd: TapdStrategy | undefined
          const mine: RequestHandler = (req, _res, next) => {
            tapd ??= new TapdStrategy(
              { ...emulators.tapd.options, callbackURL: `http://${req.headers.host}/bare/callback` },
              (_access, _refresh, profile, done) => done(null, { id: profile.id, provider: 'tapd' }),
            )
            passport.use(tapd)
            next()
          }
          server.get('/bare', mine, passport.authenticate('tapd'))
          server.get('/bare/callback', mine, passport.authenticate('tapd', options), (_req, res) => void res.json({}))
          server.get('/note', (req, res) => {
            const before: unknown = Reflect.get(req.session, 'note')
            Reflect.set(req.session, 'note', 'of the first user')
            res.json({ user: null, info: before ?? null })
          })
        },
      },
    )
    await logIn('/auth/aihubmix', 'aihubmix')
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).not.toBeNull()
    await browser.get(`${app.origin}/note`)
    await logIn('/bare', 'tapd')
    expect(await me()).toMatchObject({ provider: 'tapd' })
    expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toBeNull()
    const { providers } = await told(browser.get(`${app.origin}/auth/session`))
    expect(providers).toEqual([])
    // Control: what an app keeps in the session of its own does come along, where it says so.
    const kept = 'keepSessionInfo' in options ? 'of the first user' : null
    expect((await told(browser.get(`${app.origin}/note`))).info).toBe(kept)
  })
})

test('a code that TAPD sent unsolicited, at work while a login ends, takes nobody’s place', async () => {
  let goOn = () => {}
  let atWork = false
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const verify: OAuthRouterConfig['verify'] = async ({ provider, profile }) => {
    if (provider === 'tapd') {
      atWork = true
      await gate
    }
    return { provider, id: profile.id }
  }
  const providers = { ...only('aihubmix'), tapd: { ...emulators.tapd.options, silentLogin: true } }
  app = await startRouterApp({ providers, verify })
  const callback = await callbackOf('/auth/aihubmix', 'aihubmix')
  const enter = () => `${app?.origin}/auth/tapd/entry?code=${emulators.tapd.entryCode()}`
  const entry = browser.get(enter(), { accept: 'application/json' })
  await eventually(() => expect(atWork).toBe(true))
  await browser.get(callback)
  goOn()
  expect((await told(entry)).error.code).toMatch(/^state_(mismatch|unknown)$/)
  expect(await me()).toMatchObject({ provider: 'aihubmix' })
  // Control: where nobody logs in meanwhile, such a code is a login.
  browser = new Browser()
  expect((await browser.get(enter())).status).toBe(303)
  expect(await me()).toMatchObject({ provider: 'tapd' })
})

describe('who a user is', () => {
  class ObjectId {
    constructor(readonly hex: string) {}
    toJSON() {
      return this.hex
    }
  }

  test.each<[string, unknown, unknown]>([
    ['two kinds with one number', { kind: 'admin', id: 1 }, { kind: 'member', id: 1 }],
    ['a number and the same digits as text', 1, '1'],
    ['two ids that are objects', { _id: new ObjectId('a1') }, { _id: new ObjectId('b2') }],
    ['two ids that are plain objects', { id: { shard: 1, row: 2 } }, { id: { shard: 2, row: 2 } }],
    ['two users of one number at two providers', { provider: 'a', id: '1' }, { provider: 'b', id: '1' }],
    ['users without an id', { email: 'ann@example.com' }, { email: 'bob@example.com' }],
    ['a user and nothing but a name', { name: 'Ann' }, 'Ann'],
  ])('%s are not one', (_title, one, other) => {
    expect(identityOf(one)).not.toBe(identityOf(other))
    expect(identityOf(one)).toBe(identityOf(structuredCloneOf(one)))
  })

  test('the same user is the same with a newer row', () => {
    const id = new ObjectId('a1')
    expect(identityOf({ _id: id, visits: 1 })).toBe(identityOf({ _id: new ObjectId('a1'), visits: 2 }))
  })

  test.each([
    [{ id: 7, provider: 'tapd', role: 'admin', note: 'x' }],
    [{ _id: new Date(0), tenant: { b: 1, a: [10n] } }],
    [{ id: '', email: 'a@b.example', team: null }],
    [{ name: 'no id', visits: 1 }],
  ])('%j is the same whether all of it is read or what tells alone', (user) => {
    // An object of a class is written down whole first.
    const whole = Object.assign(Object.create({ class: 'User' }), user)
    expect(identityOf(whole)).toBe(identityOf(user))
  })

  test('a login that an admin began is not finished by the member of the same number', async () => {
    const kinds = { kind: 'admin' }
    app = await startRouterApp({
      providers: { ...only('tapd'), ...only('aihubmix') },
      verify: ({ provider }) => ({ provider: 'app', id: 1, ...(provider === 'tapd' && { kind: kinds.kind }) }),
    })
    await logIn('/auth/tapd', 'tapd')
    const callback = await callbackOf('/auth/aihubmix', 'aihubmix')
    kinds.kind = 'member'
    await logIn('/auth/tapd', 'tapd', 1)
    expect(await me()).toMatchObject({ kind: 'member' })
    const response = await browser.get(callback, { accept: 'application/json' })
    expect((await told(response)).error.code).toMatch(/^state_/)
  })
})

/** As it comes back from a session's store. */
function structuredCloneOf(user: unknown): unknown {
  return JSON.parse(JSON.stringify(user))
}

describe("an app's own passport.session() in front of a router without `passport`", () => {
  const rows = new Map<unknown, Express.User>([[7, { id: 7, name: 'a row' } as Express.User]])
  const row = (kept: unknown) => rows.get(kept) ?? new Error('no such row')
  const inFront = async (passport: AppPassport, config: Partial<OAuthRouterConfig> = {}) => {
    const store = new session.MemoryStore()
    const sessions = session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store })
    const own = passport.session()
    const middleware: RequestHandler = (req, res, next) =>
      sessions(req, res, (error?: unknown) => (error ? next(error) : own(req, res, next)))
    app = await startRouterApp({ providers: only('tapd'), ...config }, { middleware })
  }

  test('a user of the app’s own is serialised by the app, and its pages find it', async () => {
    await inFront(
      passportOf(({ id }: Express.User & { id?: number }) => id, row),
      { verify: () => rows.get(7) },
    )
    expect((await logIn('/auth/tapd', 'tapd')).status).toBe(303)
    expect(await me()).toEqual({ id: 7, name: 'a row' })
  })

  test('a serialiser that keeps the whole user keeps the default one too', async () => {
    await inFront(
      passportOf(
        (user) => user,
        (kept) => kept as Express.User,
      ),
    )
    expect((await logIn('/auth/tapd', 'tapd')).status).toBe(303)
    expect(await me()).toMatchObject({ provider: 'tapd' })
  })

  test('a default user that its pages could not find is `config_invalid`, and no page breaks', async () => {
    await inFront(passportOf(({ id }: Express.User & { id?: number }) => id, row))
    const response = await browser.get(await callbackOf('/auth/tapd', 'tapd'), { accept: 'application/json' })
    expect((await told(response)).error.code).toBe('config_invalid')
    const page = await browser.get(`${app?.origin}/me`)
    expect(page.status).toBe(200)
    expect((await told(page)).user).toBeNull()
  })
})

test('two routers in one app: `req.oauth` knows the providers of both', async () => {
  const second: OAuthRouterConfig = { providers: only('aihubmix'), mountPath: '/two', sessionKey: 'two' }
  app = await startTokenApp(
    { providers: only('tapd'), mountPath: '/one' },
    {
      routes: (server: Express) => {
        server.use(oauthRouter(second))
        server.get('/both', (req, res, next) => {
          const names = ['tapd', 'aihubmix']
          const found = Promise.all(names.map(async (name) => (await req.oauth.tokens(name)) !== undefined))
          found.then((info) => res.json({ user: null, info }), next)
        })
      },
    },
  )
  await logIn('/one/tapd', 'tapd')
  expect((await told(browser.get(`${app.origin}/both`))).info).toEqual([true, false])
  await logIn('/two/aihubmix', 'aihubmix')
  expect((await told(browser.get(`${app.origin}/both`))).info).toEqual([true, true])
})
