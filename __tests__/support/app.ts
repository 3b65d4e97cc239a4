import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { type DialectStrategy, OAuthError, type OAuthRouterConfig, oauthRouter } from 'passport-dialects'
import { showsSecrets } from './canaries/on-purpose'

export interface RunningApp {
  origin: string
  store: session.Store
  close(): Promise<void>
}

/** An app with `oauthRouter` on a free port, and `/me`, which returns the logged-in user. */
export function startRouterApp(
  config: OAuthRouterConfig,
  options: {
    store?: session.Store
    middleware?: RequestHandler
    before?: RequestHandler
    /** The app's own routes, after the router. */
    routes?: (app: Express) => void
  } = {},
): Promise<RunningApp> {
  return start(options, (app) => {
    if (options.before) app.use(options.before)
    app.use(oauthRouter(typeof config.providers === 'function' ? { verify: userOf, ...config } : config))
    app.get('/me', (req, res) => void res.json({ user: req.user ?? null, sessionID: req.sessionID }))
    app.get('/login', (req, res) => void res.json({ query: req.query }))
    options.routes?.(app)
  })
}

/** The result of a callback under bare Passport. */
interface BareOutcome {
  user: unknown
  info: unknown
  code: string | undefined
}

/** An app with one strategy under its own Passport; the callback returns what Passport was given. */
export function startBareApp(
  build: (callbackURL: string) => DialectStrategy,
  options: { store?: session.MemoryStore; callbackURL?: string; route?: RegExp } = {},
): Promise<RunningApp> {
  return start(options, (app, originOf) => {
    const passport = new Passport()
    passport.serializeUser((user, done) => done(null, user))
    passport.deserializeUser((user: Express.User, done) => done(null, user))
    let strategy: DialectStrategy | undefined
    app.use((_req, _res, next) => {
      strategy ??= build(options.callbackURL ?? `${originOf()}/callback`)
      passport.use('it', strategy)
      next()
    })
    app.use(passport.session())
    app.get(options.route ?? '/login', passport.authenticate('it'))
    app.all('/callback', (req, res, next) => {
      const told = (error: unknown, user: Express.User | false | null | undefined, info: unknown) => {
        const failure = error ?? info
        const code = OAuthError.is(failure) ? failure.code : undefined
        if (error || !user) return void res.status(401).json({ user: null, info: failure, code } satisfies BareOutcome)
        showsSecrets(res, 'the user as `verify` was given it')
        req.logIn(user, (problem) => (problem ? next(problem) : void res.json({ user, info, code })))
      }
      passport.authenticate('it', told)(req, res, next)
    })
    app.get('/me', (req, res) => void res.json({ user: req.user ?? null, sessionID: req.sessionID }))
  })
}

async function start(
  options: { store?: session.Store; middleware?: RequestHandler },
  mount: (app: Express, originOf: () => string) => void,
): Promise<RunningApp> {
  const app = express()
  const store = options.store ?? new session.MemoryStore()
  app.use(
    options.middleware ?? session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }),
  )
  let origin = ''
  mount(app, () => origin)
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    res.status(500).json({ unhandled: String(error), code: OAuthError.is(error) ? error.code : undefined })
  }
  app.use(onError)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    store,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The router requires a `verify` if there may be several tenants; this app has one at a time. */
const userOf: NonNullable<OAuthRouterConfig['verify']> = ({ provider, profile }) => ({
  provider,
  id: profile?.id ?? '',
  displayName: profile?.displayName ?? '',
})
