import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { type OAuthRouterConfig, oauthRouter, type ProviderConfig } from 'passport-dialects'
import { serve } from '../controls/support'
import type { RunningApp } from './app'
import { Browser, type Told, told } from './browser'
import { showsSecrets } from './canaries/on-purpose'
import type { Gate } from './gate'
import { closeAll, type Emulators, type ProviderName, providersOf, startAll } from './providers'
import { ask, startTokenApp } from './token-app'

type AppOptions = Parameters<typeof startTokenApp>[1]

/** One app with the emulators and one browser, new for each test. Created at the top of a test file. */
export class SessionScene {
  emulators!: Emulators // set before the first test
  browser = new Browser()
  private readonly apps: RunningApp[] = []

  constructor() {
    beforeAll(async () => {
      this.emulators = await startAll()
    })
    beforeEach(() => {
      this.browser = new Browser()
    })
    afterEach(async () => {
      await Promise.all(this.apps.splice(0).map((app) => app.close()))
    })
    afterAll(() => closeAll(this.emulators))
  }

  /** The router's `providers`, only these. */
  only(...names: ProviderName[]): Record<string, ProviderConfig> {
    const all = Object.entries(providersOf(this.emulators))
    return Object.fromEntries(all.filter(([name]) => names.some((wanted) => wanted === name)))
  }

  /** The app with the routes of {@link startTokenApp} and of {@link keepPages}. */
  async start(config: OAuthRouterConfig, options: AppOptions = {}): Promise<RunningApp> {
    const routes = (app: Express) => {
      keepPages(app)
      options.routes?.(app)
    }
    return this.closing(await startTokenApp(config, { ...options, routes }))
  }

  /**
   * Stands in for another process over the same store, with its own memory. Its browser is `scene.copy(of,
   * elsewhere.origin)`.
   */
  async startElsewhere(config: OAuthRouterConfig, store: session.Store): Promise<RunningApp> {
    let router = oauthRouter
    jest.isolateModules(() => {
      // By its file: under its name, the package is shared by the whole test file.
      const own: typeof import('../../lib/router/router') = require('../../lib/router/router')
      router = own.oauthRouter
    })
    const app = express()
    app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }))
    app.use(router(config))
    app.get('/me', (req, res) => void res.json({ user: req.user ?? null }))
    app.get('/tokens/:provider', (req, res, next) => {
      showsSecrets(res, 'the tokens of the session')
      req.oauth.tokens(req.params.provider).then((tokens) => res.json({ tokens: tokens ?? null }), next)
    })
    return this.closing({ ...(await serve(app)), store })
  }

  /** Closes an app after the test. */
  closing(app: RunningApp): RunningApp {
    this.apps.push(app)
    return app
  }

  get origin(): string {
    return this.apps[0]?.origin ?? ''
  }

  /** A copy of the browser with its current cookies, which later ones do not change. */
  copy(of = this.browser, to = this.origin): Browser {
    return of.at(this.origin, to)
  }

  /** A login up to the callback's address, not yet followed. */
  async callbackOf(name: ProviderName, { user = 0, query = '', path = '/auth', headers = {}, by = this.browser } = {}) {
    const start = `${this.origin}${path}/${name}${query}`
    const answer = await by.get(start, headers)
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${start} answered ${answer.status}: ${await answer.text()}`)
    const id = this.emulators[name].users[user]?.id
    return this.emulators[name].approve(new URL(location, start).href, { user: id })
  }

  async logIn(name: ProviderName, steps: Parameters<SessionScene['callbackOf']>[1] = {}): Promise<Response> {
    const { by = this.browser } = steps
    return by.get(await this.callbackOf(name, { ...steps, by }))
  }

  logOut(by = this.browser): Promise<Response> {
    return by.post(`${this.origin}/auth/logout`)
  }

  async me(by = this.browser, origin = this.origin): Promise<Told['user']> {
    return (await told(by.get(`${origin}/me`))).user
  }

  /** The response of a page of the app. */
  async page(path: string, by = this.browser): Promise<Told> {
    return told(by.get(`${this.origin}${path}`))
  }

  /** Whether the session has tokens of a provider. */
  async hasTokens(name: string, by = this.browser, origin = this.origin): Promise<boolean> {
    const { tokens, error } = await ask(by, `${origin}/tokens/${name}`)
    if (error) throw new Error(`${name}: ${error.message}`)
    return tokens !== null
  }

  /** The names of the providers that the session is logged in at. */
  async logins(): Promise<string[]> {
    const { providers } = await this.page('/auth/session')
    return providers.map(({ name }) => name)
  }
}

/** Pages that store something in the session, or change the user in it. */
export function keepPages(app: Express): void {
  app.get('/keep/:name/:value', (req, res) => {
    Reflect.set(req.session, req.params.name, req.params.value)
    res.json({})
  })
  app.get('/drop/:name', (req, res) => {
    Reflect.deleteProperty(req.session, req.params.name)
    res.json({})
  })
  app.get('/kept/:name', (req, res) => void res.json({ info: Reflect.get(req.session, req.params.name) ?? null }))
  app.get('/change/:name/:value', (req, res) => {
    if (req.user) Reflect.set(req.user, req.params.name, req.params.value) // the session has the whole user
    res.json({})
  })
}

/** A page that writes to its session once the gate is opened. */
export function slowPage(gate: Gate): RequestHandler {
  return async (req, res) => {
    await gate.pass()
    Reflect.set(req.session, 'note', 'written late')
    res.json({})
  }
}

/** The same, for an app that first reloads its session. */
export function reloadingPage(gate: Gate): RequestHandler {
  return (req, res, next) => {
    req.session.reload((error) => {
      if (error) next(error)
      else slowPage(gate)(req, res, next)
    })
  }
}

/** A Passport that serialises a user with `pick`, and deserialises with `find`. */
export function passportOf(pick: (user: Express.User) => unknown, find: (kept: unknown) => Express.User | false) {
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, pick(user)))
  passport.deserializeUser((kept: unknown, done) => done(null, find(kept)))
  return passport
}

/** A database's id: an object in the process, text in a session store. */
export class ObjectId {
  constructor(readonly hex: string) {}
  toJSON(): string {
    return this.hex
  }
}
