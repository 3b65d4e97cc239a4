import type { RequestHandler } from 'express'
import type { Authenticator } from 'passport'
import type { OAuthRouterConfig } from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'
import type { RunningApp } from './app'
import { Browser, told } from './browser'
import { backChannelCalls, closeAll, type Emulators, NAMES, providersOf, startAll } from './providers'
import { seeded, shuffled } from './random'
import { usually } from './whole'

/** A host that a login must work in. */
export interface Setting {
  express: '4' | '5'
  passport: '0.6' | '0.7'
  env: 'development' | 'production'
  /** Whose Passport restores the user: the router's own, or the app's `passport.session()` mounted before it. */
  restores: 'router' | 'app'
}

/** Any three values from different columns occur together in one of these eight. */
export const SETTINGS: readonly Setting[] = [
  { express: '5', passport: '0.7', env: 'development', restores: 'router' },
  { express: '4', passport: '0.6', env: 'production', restores: 'app' },
  { express: '5', passport: '0.6', env: 'production', restores: 'router' },
  { express: '4', passport: '0.7', env: 'development', restores: 'app' },
  { express: '5', passport: '0.7', env: 'production', restores: 'app' },
  { express: '4', passport: '0.6', env: 'development', restores: 'router' },
  { express: '5', passport: '0.6', env: 'development', restores: 'app' },
  { express: '4', passport: '0.7', env: 'production', restores: 'router' },
]

/** Every value occurs in one of these two, for slow tests. */
export const OPPOSITES = SETTINGS.slice(0, 2)

/** For all stores but one: in `npm run test:whole` each combination. */
export const USUAL = usually(SETTINGS, (setting) => OPPOSITES.includes(setting))

/** Where sessions are stored. */
export interface SessionPlace {
  middleware: RequestHandler
  /** Whether a session has an id, which the cookie contains; cookie-session's have none. */
  hasID: boolean
  close?(): Promise<void>
}

/**
 * Declares the login suite in one setting; it is the same for every store.
 * @param together run what can run side by side at once, for a store that mostly waits
 */
export function loginSuite(
  setting: Setting,
  open: () => SessionPlace | Promise<SessionPlace>,
  { together = false } = {},
): void {
  const { express, passport, env, restores } = setting
  describe(`Express ${express}, Passport ${passport}, ${env}, user restored by the ${restores}`, () => {
    let scene: Scene
    const running = new Map<string, Promise<void>>()
    beforeAll(async () => {
      scene = await openScene(setting, open)
      if (!together) return
      for (const [title, login] of Object.entries(LOGINS)) running.set(title, login(scene))
      await Promise.allSettled(running.values())
    })
    afterAll(() => scene?.close())
    test.each(Object.entries({ ...LOGINS, ...COUNTED }))('%s', (title, login) => running.get(title) ?? login(scene))
  })
}

interface Scene {
  setting: Setting
  emulators: Emulators
  app: RunningApp
  place: SessionPlace
  /** What the app reports that it runs on. */
  host: () => Host | undefined
  close(): Promise<void>
}

type Host = Pick<Setting, 'express' | 'passport'> & { env: unknown }

const LOGINS: Record<string, (scene: Scene) => Promise<void>> = {
  async 'the host is what the title says'({ setting, host }) {
    const { express, passport, env } = setting
    expect(host()).toEqual({ express, passport, env })
  },

  ...Object.fromEntries(
    NAMES.map((name) => [
      `${name} logs in and returnTo is honoured`,
      async (scene: Scene) => {
        const browser = new Browser()
        const answer = await logIn(scene, browser, name, '?returnTo=/in%3Fa=1')
        expect([answer.status, answer.headers.get('location')]).toEqual([303, '/in?a=1'])
        expect(await userOf(scene, browser)).toMatchObject({ provider: name, id: idOf(scene.emulators[name]) })
      },
    ]),
  ),

  async 'a returnTo to another site is ignored'(scene) {
    const answer = await logIn(scene, new Browser(), 'tapd', '?returnTo=//evil.example')
    expect(answer.headers.get('location')).toBe('/home')
  },

  async 'a second provider links and the first user stays'(scene) {
    const browser = new Browser()
    await logIn(scene, browser, 'tapd')
    await logIn(scene, browser, 'aihubmix')
    expect(await userOf(scene, browser)).toMatchObject({ provider: 'tapd' })
    const { providers } = await told(browser.get(`${scene.app.origin}/auth/session`))
    expect(providers.map(({ name }) => name)).toEqual(['tapd', 'aihubmix'])
  },

  async 'eight tabs in shuffled order all log in'(scene) {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = seeded(seed)
    const browser = new Browser()
    const tabs = Array.from({ length: 8 }, (_, nth) => ({
      nth,
      name: NAMES[nth % NAMES.length] ?? 'tapd',
      callback: '',
    }))
    const landed: [number, string | null][] = []
    // Each tab appears twice: first it begins its login, then it finishes it.
    for (const tab of shuffled([...tabs, ...tabs], random)) {
      if (tab.callback === '') tab.callback = await begin(scene, browser, tab.name, `?returnTo=/tab/${tab.nth}`)
      else landed.push([tab.nth, (await browser.get(tab.callback)).headers.get('location')])
    }
    expect({ seed, landed }).toEqual({ seed, landed: landed.map(([nth]) => [nth, `/tab/${nth}`]) })
    const { providers } = await told(browser.get(`${scene.app.origin}/auth/session`))
    expect(providers.map(({ name }) => name).sort()).toEqual([...NAMES].sort())
  },

  async 'log-out ends the login, in this browser and for a copy of its cookie'(scene) {
    const browser = new Browser()
    await logIn(scene, browser, 'bbscloud')
    const copy = copyOf(scene, browser)
    expect((await browser.post(`${scene.app.origin}/auth/logout`)).status).toBe(303)
    expect(await userOf(scene, browser)).toBeNull()
    // A session in a cookie lives as long as the cookie: the server cannot end it.
    if (scene.place.hasID) expect(await userOf(scene, copy)).toBeNull()
  },

  async 'a login that the user refuses can be tried again'(scene) {
    const browser = new Browser()
    const address = await browser.location(`${scene.app.origin}/auth/tapd`)
    const refused = await browser.get(await scene.emulators.tapd.deny(address), { accept: 'application/json' })
    expect([refused.status, (await told(refused)).error.code]).toEqual([403, 'access_denied'])
    expect((await logIn(scene, browser, 'tapd')).headers.get('location')).toBe('/home')
  },

  async 'the session id changes at login and the old one is worth nothing'(scene) {
    const browser = new Browser()
    const callback = await begin(scene, browser, 'tailchat')
    const fixed = copyOf(scene, browser)
    const before = browser.cookies(scene.app.origin)
    await browser.get(callback)
    expect(browser.cookies(scene.app.origin)).not.toBe(before)
    expect(await userOf(scene, browser)).toMatchObject({ provider: 'tailchat' })
    expect(await userOf(scene, fixed)).toBeNull()
    if (!scene.place.hasID) return
    const linked = browser.cookies(scene.app.origin)
    await logIn(scene, browser, 'tapd')
    expect(browser.cookies(scene.app.origin)).not.toBe(linked)
  },

  async 'a failure shows no stack trace'(scene) {
    const answer = await new Browser().get(`${scene.app.origin}/auth/tapd/callback?code=x&state=y`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).not.toMatch(/at .*(\.ts|\.js|node_modules)/)
  },
}

/** These count calls to the provider, so nothing may run beside them. */
const COUNTED: typeof LOGINS = {
  async 'a double click asks the provider once and lands where the login goes'(scene) {
    const browser = new Browser()
    const callback = await begin(scene, browser, 'tiktok', '?returnTo=/once')
    const before = backChannelCalls(scene.emulators)
    const answers = await Promise.all([browser.get(callback), browser.get(callback)])
    expect(answers.map(({ headers }) => headers.get('location'))).toEqual(['/once', '/once'])
    expect(backChannelCalls(scene.emulators) - before).toBe(2) // the token and the profile
    expect(await userOf(scene, browser)).toMatchObject({ provider: 'tiktok' })
    expect((await browser.get(callback)).headers.get('location')).toBe('/once')
    expect(backChannelCalls(scene.emulators) - before).toBe(2)
  },

  async 'a forged state is refused, asks the provider nothing and harms no pending login'(scene) {
    const browser = new Browser()
    const callback = await begin(scene, browser, 'aihubmix', '?returnTo=/mine')
    const before = backChannelCalls(scene.emulators)
    const forged = new URL(callback)
    forged.searchParams.set('state', 'A'.repeat(43))
    const refused = await browser.get(forged.href, { accept: 'application/json' })
    expect([refused.status, (await told(refused)).error.code]).toEqual([400, 'state_unknown'])
    expect(backChannelCalls(scene.emulators)).toBe(before)
    expect((await browser.get(callback)).headers.get('location')).toBe('/mine')
  },
}

async function begin({ app, emulators }: Scene, browser: Browser, name: keyof Emulators, query = ''): Promise<string> {
  return emulators[name].approve(await browser.location(`${app.origin}/auth/${name}${query}`))
}

async function logIn(scene: Scene, browser: Browser, name: keyof Emulators, query = ''): Promise<Response> {
  return browser.get(await begin(scene, browser, name, query))
}

async function userOf({ app }: Scene, browser: Browser) {
  return (await told(browser.get(`${app.origin}/me`))).user
}

/** Somebody else with the same cookies. */
function copyOf({ app }: Scene, browser: Browser): Browser {
  const copy = new Browser()
  for (const pair of browser.cookies(app.origin).split('; ')) {
    const at = pair.indexOf('=')
    copy.setCookie(app.origin, pair.slice(0, at), pair.slice(at + 1))
  }
  return copy
}

function idOf({ users, name }: Emulator): unknown {
  const id = users[0]?.id
  // TikTok's ids differ for each client.
  return name === 'tiktok' ? expect.any(String) : id
}

/** A whole app in its own module registry, so that each setting loads its own Express and Passport. */
async function openScene(setting: Setting, open: () => SessionPlace | Promise<SessionPlace>): Promise<Scene> {
  const emulators = await startAll()
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = setting.env // before it is read
  const place = await open()
  let app: RunningApp | undefined
  let host: Host | undefined
  // The app is started there too, because `oauthRouter` loads Express and Passport when it is called.
  await jest.isolateModulesAsync(async () => {
    const { startRouterApp, Passport, passport } = load(setting)
    const authenticator = setting.restores === 'app' ? appPassport(Passport) : undefined
    const restore = authenticator?.session()
    const config: OAuthRouterConfig = {
      providers: providersOf(emulators),
      successRedirect: '/home',
      ...(authenticator && { passport: authenticator }),
    }
    app = await startRouterApp(config, {
      middleware: place.middleware,
      before: (req, res, next) => {
        // `app.del` exists only in Express 4.
        host = { env: req.app.get('env'), express: 'del' in req.app ? '4' : '5', passport }
        if (restore) restore(req, res, next)
        else next()
      },
    })
  })
  if (!app) throw new Error('no app was started')
  const running: RunningApp = app
  await fetch(`${running.origin}/me`)
  const close = async () => {
    process.env.NODE_ENV = before
    await running.close()
    await place.close?.()
    await closeAll(emulators)
  }
  return { setting, emulators, app: running, place, host: () => host, close }
}

interface Loaded {
  startRouterApp: typeof import('./app').startRouterApp
  Passport: typeof import('passport').Passport
  /** The version that was actually loaded. */
  passport: Setting['passport']
}

function load({ express, passport }: Setting): Loaded {
  const names = { '4': 'express4', '5': 'express', '0.6': 'passport06', '0.7': 'passport' }
  jest.doMock('express', () => jest.requireActual(names[express]))
  jest.doMock('passport', () => jest.requireActual(names[passport]))
  // `require` is untyped; `import` cannot use another module registry.
  const { startRouterApp } = require('./app') as typeof import('./app')
  const { Passport } = require('passport') as typeof import('passport')
  const older = Passport === jest.requireActual('passport06').Passport
  return { startRouterApp, Passport, passport: older ? '0.6' : '0.7' }
}

/** An app's own Passport, which keeps its users elsewhere and their keys in the session. */
function appPassport(Passport: Loaded['Passport']): Authenticator {
  const users = new Map<string, Express.User>()
  const passport = new Passport() as Authenticator // the same class; @types/passport declares it twice
  passport.serializeUser((user, done) => {
    const { provider, id } = user as { provider: string; id: string } // the router's default user
    users.set(`${provider}/${id}`, user)
    setImmediate(done, null, `${provider}/${id}`)
  })
  passport.deserializeUser((key: string, done) => void setImmediate(done, null, users.get(key) ?? false))
  return passport
}
