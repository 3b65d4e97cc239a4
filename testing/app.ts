import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler, type Express } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { type DialectProfile, type DialectStrategy, oauthRouter, type StrategyClass, type TokenSet } from '../lib/index'

/** What a finished login passed to `verify`. */
export interface Login {
  profile: DialectProfile
  /** `undefined` if a login brings no user token. */
  accessToken: string | undefined
  refreshToken: string | undefined
  /** Only under the router. */
  tokens: TokenSet | undefined
}

/** A strategy in its own app, over real sockets, and the result of the last request. */
export interface App {
  /** The address where an instance's login begins. */
  beginAt(instance?: string): string
  callbackAt(instance?: string): string
  /** The name of a second instance of the strategy; under bare Passport there is none. */
  readonly other: string
  /** Reset by the next request. */
  readonly last: { login: Login | undefined; error: unknown }
  forget(): void
  /** From now on, whether the provider's deadline is the app's `hastyTimeout`; has no effect under bare Passport. */
  hurry(hurried: boolean): void
  close(): Promise<void>
}

export type Mount = 'oauthRouter' | 'bare Passport'

/**
 * An app with `oauthRouter` and two instances of the strategy: one with the strategy's name, and {@link App.other}.
 * @param hastyTimeout milliseconds, for {@link App.hurry}
 */
export async function routerApp(
  strategy: StrategyClass,
  name: string,
  options: object,
  hastyTimeout?: number,
): Promise<App> {
  const last: App['last'] = { login: undefined, error: undefined }
  const other = `${name.slice(0, 50)}-other`
  const provided = (own: object) => {
    return { [name]: { strategy, ...clientOptions(own) }, [other]: { strategy, ...clientOptions(own) } }
  }
  const usual = provided(options)
  const hasty = provided({ ...options, timeout: hastyTimeout })
  let hurried = false
  const { origin, close } = await start((app) => {
    const router = oauthRouter({
      providers: hastyTimeout === undefined ? usual : () => (hurried ? hasty : usual),
      successRedirect: '/done',
      verify: ({ profile, tokens }) => {
        last.login = { profile, tokens, accessToken: tokens?.accessToken, refreshToken: tokens?.refreshToken }
        return { id: profile.id }
      },
      onError: (error, _req, res) => {
        last.error = error
        res.status(error.status).end()
      },
    })
    app.use(router)
  }, last)
  return {
    beginAt: (instance = name) => `${origin}/auth/${instance}`,
    callbackAt: (instance = name) => `${origin}/auth/${instance}/callback`,
    other,
    last,
    forget: () => Object.assign(last, { login: undefined, error: undefined }),
    hurry: (now) => {
      hurried = now
    },
    close,
  }
}

/** An app with its own Passport, like one that existed before this package. */
export async function bareApp(strategy: StrategyClass, name: string, options: object): Promise<App> {
  const last: App['last'] = { login: undefined, error: undefined }
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  const { origin, close } = await start((app) => {
    app.use(passport.session())
    app.get('/login', (req, res, next) => passport.authenticate(name)(req, res, next))
    app.all('/callback', (req, res, next) => {
      const told = (error: unknown, user: Express.User | false | null | undefined, info: unknown) => {
        if (!error && user) return req.logIn(user, (problem) => (problem ? next(problem) : res.status(204).end()))
        last.error = error ?? info
        res.status(401).end()
      }
      passport.authenticate(name, told)(req, res, next)
    })
  }, last)
  const verify = (
    accessToken: string | undefined,
    refreshToken: string | undefined,
    profile: DialectProfile,
    done: (error: unknown, user: object) => void,
  ) => {
    last.login = { profile, accessToken, refreshToken, tokens: undefined }
    done(null, { id: profile.id })
  }
  try {
    const built: DialectStrategy = new strategy({ ...options, callbackURL: `${origin}/callback` }, verify)
    passport.use(name, built)
  } catch (problem) {
    await close() // an open server would keep the process alive
    throw problem
  }
  return {
    beginAt: () => `${origin}/login`,
    callbackAt: () => `${origin}/callback`,
    other: name,
    last,
    forget: () => Object.assign(last, { login: undefined, error: undefined }),
    hurry: () => {},
    close,
  }
}

/** The emulator's options have the router's shape; the strategy's own come from the kit. */
function clientOptions(options: object): { clientID: string; clientSecret: string } {
  return options as { clientID: string; clientSecret: string } // the strategy checks it: that is under test
}

async function start(mount: (app: Express) => void, last: App['last']) {
  const app = express()
  const store = new session.MemoryStore()
  app.use(session({ secret: 'a session secret for tests', resave: false, saveUninitialized: false, store }))
  mount(app)
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    last.error = error
    res.status(500).end()
  }
  app.use(onError)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { origin: `http://127.0.0.1:${port}`, close }
}
