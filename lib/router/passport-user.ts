import { isDeepStrictEqual } from 'node:util'
import type { Request, RequestHandler } from 'express'
import type { Authenticator } from 'passport'
import { configError, OAuthError } from '../errors'
import { hasSession, sessionRequest, sessionUserOf } from '../session/request'
/**
 * What the router needs of Passport. (`Authenticator` of @types/passport would not accept the `passport` that apps
 * import.)
 */
export type AppPassport = Pick<Authenticator, 'authenticate' | 'serializeUser'>

export function isLoggedIn({ user }: { user?: unknown }): boolean {
  return user !== undefined && user !== null
}

/** The router's Passport, and how it restores `req.user` from the session. */
export interface UserKeeper {
  authenticator: AppPassport
  /** Does nothing if the app's own `passport.session()` has done it already. */
  restore: RequestHandler
  /** Checked before the redirect. @throws OAuthError `config_invalid` if no user could be stored */
  demandSerialisers(provider: string): void
}

/**
 * The app's Authenticator with its serialisers, or one of ours that stores the user as it is.
 * @param hasVerify whether the users are the app's own
 */
export function userKeeper(own: AppPassport | undefined, hasVerify: boolean): UserKeeper {
  if (!own) return plainKeeper(hasVerify)
  const fromSession: RequestHandler = own.authenticate('session')
  const restore: RequestHandler = (req, res, next) => {
    if (!hasSession(sessionRequest(req)) || isLoggedIn(req)) return next()
    fromSession(req, res, next)
  }
  return { authenticator: own, restore, demandSerialisers: (provider) => demandSerialisers(own, provider) }
}

/**
 * Passport has no API for this, so it reads two lists that every version has. Without them, or if the app overrides
 * `serializeUser`, the end of the login reports the error.
 */
function demandSerialisers(own: AppPassport, provider: string): void {
  if (homeOf(own, 'serializeUser') !== homeOf(own, 'transformAuthInfo')) return // overridden
  const lists = ['_serializers', '_deserializers'].map((name): unknown => Reflect.get(own, name))
  if (!lists.some((list) => Array.isArray(list) && list.length === 0)) return
  throw configError(provider, 'your `passport` has no serialisers: give it `serializeUser` and `deserializeUser`.')
}

/** The prototype that defines `method`; two copies of Passport in one process have one each. */
function homeOf(object: object | null, method: string): object | null {
  return object === null || Object.hasOwn(object, method) ? object : homeOf(Object.getPrototypeOf(object), method)
}

/**
 * Without serialisers, a visit needs no strategy object with its five callbacks: the user is what the session holds.
 * The methods that Passport adds to a request are copied from a probe request.
 */
function plainKeeper(hasVerify: boolean): UserKeeper {
  const { Passport } = require('passport') as typeof import('passport') // loaded by the first router
  const authenticator = new Passport()
  authenticator.serializeUser((req: object, user: Express.User, done: Done) => {
    const inFront = sessionManagerInFront(req)
    if (!inFront) return done(null, user)
    inFront._serializeUser(user, req, (error, serialised) => {
      // A Passport that keeps no users in sessions, such as an API's with tokens.
      if (error instanceof Error && error.message === NO_SERIALISER) return done(null, user)
      if (error || hasVerify || isDeepStrictEqual(serialised, user)) return done(error, serialised)
      const message =
        'A `passport.session()` of the app stands before the router, and could not find a user that the router made. Give `oauthRouter` that Passport as `passport`, and a `verify` that returns a user of yours.'
      done(new OAuthError('config_invalid', { phase: 'callback', message }))
    })
  })
  authenticator.deserializeUser((user: Express.User, done) => done(null, user))
  const additions = additionsOf(authenticator)
  const restore: RequestHandler = (req, _res, next) => {
    const request = sessionRequest(req)
    if (!hasSession(request) || isLoggedIn(req)) return next()
    if (!('logIn' in req)) add(additions, req)
    const user = sessionUserOf(request)
    if (user) req.user = user
    next()
  }
  return { authenticator, restore, demandSerialisers: () => {} }
}

/** What Passport says where it has none. */
const NO_SERIALISER = 'Failed to serialize user into session'

type Done = (error: unknown, serialised?: unknown) => void

/**
 * The session manager that the app's own `passport.session()` left on a request: the app's pages read the user with its
 * serialisers.
 */
export function sessionManagerInFront(
  req: object,
): { _serializeUser(user: unknown, req: object, done: Done): void } | undefined {
  const manager: unknown = Object.hasOwn(req, '_sessionManager') ? Reflect.get(req, '_sessionManager') : undefined
  if (typeof manager !== 'object' || manager === null || !('_serializeUser' in manager)) return undefined
  if (ownManagers.has(manager)) return undefined
  if (Reflect.get(manager, '_key') !== 'passport' || typeof manager._serializeUser !== 'function') return undefined
  return manager as ReturnType<typeof sessionManagerInFront> // just checked
}

/**
 * Adds them to the prototype of the Express app's requests, which is meant to be extended: seven more properties on
 * each request cost more than everything else that the router does for a visit. If the router is in an app that is
 * mounted in another one, the outer app's requests get them: its pages have the request after that app has passed it on.
 */
function add(additions: [string, unknown][], req: Request): void {
  const app: Express.Application | undefined = req.app // absent if the router runs without Express
  const prototype: object | undefined = app && Reflect.get(outermost(app), 'request')
  const target = prototype && Object.prototype.isPrototypeOf.call(prototype, req) ? prototype : req
  for (const [name, value] of additions) {
    if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true })
  }
}

/** The app that `app` is mounted in, at the end of the chain. */
function outermost(app: object): object {
  const parent: object | undefined = Reflect.get(app, 'parent')
  return parent ? outermost(parent) : app
}

/** `logIn`, `logOut`, `isAuthenticated` and everything else that Passport's session middleware adds to a request. */
function additionsOf(authenticator: AppPassport): [string, unknown][] {
  const probe = { session: {} }
  const middleware: (...args: unknown[]) => unknown = authenticator.authenticate('session')
  middleware(probe, {}, () => {})
  const additions = Object.entries(probe).filter(([name]) => name !== 'session')
  for (const [, value] of additions) if (typeof value === 'object') ownManagers.add(value)
  return additions
}

/** The session managers of the routers' own Authenticators. */
const ownManagers = new WeakSet<object>()
