import type { Request, RequestHandler } from 'express'
import { configError } from './errors'
import { hasSession, type SessionRequest, sessionUser } from './session'
import type { AppPassport } from './sign-in'

/** The router's Passport, and how `req.user` comes back from the session. */
export interface UserKeeper {
  authenticator: AppPassport
  /** Does nothing where the app's own `passport.session()` did it already. */
  restore: RequestHandler
  /** Asked before the user is sent away. @throws OAuthError `config_invalid` where no user could be kept */
  demandSerialisers(provider: string): void
}

/** The app's own Authenticator with its serialisers; or one whose serialised user is the user. */
export function userKeeper(own: AppPassport | undefined): UserKeeper {
  if (!own) return plainKeeper()
  const fromSession: RequestHandler = own.authenticate('session')
  const restore: RequestHandler = (req, res, next) => {
    if (!hasSession(sessionRequest(req)) || req.user !== undefined) return next()
    fromSession(req, res, next)
  }
  return { authenticator: own, restore, demandSerialisers: (provider) => demandSerialisers(own, provider) }
}

/**
 * Passport has no question for it, so this reads the two lists that every version keeps. Where they are not there, or
 * the app serialises in a way of its own, the end of the login tells.
 */
function demandSerialisers(own: AppPassport, provider: string): void {
  if (homeOf(own, 'serializeUser') !== homeOf(own, 'transformAuthInfo')) return // overridden
  const lists = ['_serializers', '_deserializers'].map((name): unknown => Reflect.get(own, name))
  if (!lists.some((list) => Array.isArray(list) && list.length === 0)) return
  throw configError(provider, 'your `passport` has no serialisers: give it `serializeUser` and `deserializeUser`.')
}

/** The prototype that `method` stands on; two copies of Passport in one process have one each. */
function homeOf(object: object | null, method: string): object | null {
  return object === null || Object.hasOwn(object, method) ? object : homeOf(Object.getPrototypeOf(object), method)
}

/**
 * Without serialisers to ask there is nothing to do at a visit that would need a strategy object and its five
 * callbacks: the user is what the session holds. What Passport adds to a request is taken from a request of its own.
 */
function plainKeeper(): UserKeeper {
  const { Passport } = require('passport') as typeof import('passport') // what stands there, loaded by the first router
  const authenticator = new Passport()
  authenticator.serializeUser((user, done) => done(null, user))
  authenticator.deserializeUser((user: Express.User, done) => done(null, user))
  const additions = additionsOf(authenticator)
  const restore: RequestHandler = (req, _res, next) => {
    const request = sessionRequest(req)
    if (!hasSession(request) || req.user !== undefined) return next()
    if (!('logIn' in req)) add(additions, req)
    const user = sessionUser(request)
    if (user) req.user = user
    next()
  }
  return { authenticator, restore, demandSerialisers: () => {} }
}

/**
 * Onto the prototype that an Express app gives to all its requests, and which is there to be extended: seven more
 * properties of each request's own cost more than everything else that the router does for a visit.
 */
function add(additions: [string, unknown][], req: Request): void {
  const prototype: object = Object.getPrototypeOf(req)
  const app: object | undefined = req.app // absent where the router runs without Express
  const target = app && Reflect.get(app, 'request') === prototype ? prototype : req
  for (const [name, value] of additions) {
    if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true })
  }
}

/** `logIn`, `logOut`, `isAuthenticated` and whatever else Passport's session middleware leaves on a request. */
function additionsOf(authenticator: AppPassport): [string, unknown][] {
  const probe = { session: {} }
  const middleware: (...args: unknown[]) => unknown = authenticator.authenticate('session')
  middleware(probe, {}, () => {})
  return Object.entries(probe).filter(([name]) => name !== 'session')
}

/** express-session and cookie-session type `req.session` each in their own way; session.ts asks for what it needs. */
export function sessionRequest(req: Request): SessionRequest {
  return req as unknown as SessionRequest
}
