import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ErrorContext, OAuthError } from '../errors'
import { foreignError } from '../foreign-error'

/** A request after a session middleware; express-session and cookie-session each have their own type for it. */
export interface SessionRequest extends IncomingMessage {
  session?: Session | null
  sessionID?: string
  sessionStore?: SessionStore
  /** cookie-session: the settings of its cookie. */
  sessionOptions?: object
  originalUrl?: string
  query?: unknown
  user?: unknown
  /** Set by Express. */
  res?: ServerResponse
  /** Set by Express. */
  next?: unknown
}

/** A session of express-session or cookie-session, as far as it is used here. */
export interface Session {
  save?(done?: (error?: unknown) => void): unknown
  regenerate?(done: (error?: unknown) => void): unknown
  [key: string]: unknown
}

/** A stored session, as a store returns it: no methods. */
export type StoredSession = Record<string, unknown>

/** A store with express-session's interface. Not every store has every method, so each is checked before its call. */
export interface SessionStore {
  get?(id: string, done: (error: unknown, session?: StoredSession | null) => void): void
  set?(id: string, session: StoredSession, done: (error?: unknown) => void): void
  destroy?(id: string, done?: (error?: unknown) => void): void
  generate?(req: SessionRequest): void
  createSession?(req: SessionRequest, session: StoredSession): Session
}

/**
 * Casts a request to {@link SessionRequest}, which covers what we need of express-session's and cookie-session's types.
 */
export function sessionRequest(req: object): SessionRequest {
  return req as SessionRequest
}

export function hasSession(req: SessionRequest): boolean {
  return req.session !== undefined && req.session !== null
}

/**
 * Whether the session lives in its cookie, which holds about 4 kB: then it has no store. Its methods are no sign,
 * because many apps add `save` and `regenerate` for Passport.
 */
export function isCookieSession(req: SessionRequest): boolean {
  return hasSession(req) && req.sessionStore === undefined
}

/** The serialised user that Passport keeps in a session; `undefined` for nobody. */
export function userIn(session: StoredSession | Session | null | undefined): unknown {
  const passport = session?.passport
  const user = typeof passport === 'object' && passport !== null && 'user' in passport ? passport.user : undefined
  return user ?? undefined
}

/** The serialised user of a request's session; `undefined` for nobody. */
export function sessionUserOf(req: SessionRequest): unknown {
  return userIn(req.session)
}

/** The cookies of a request. A blank header, left by a proxy that removes cookies, counts as none. */
export function cookiesOf(req: SessionRequest): string | undefined {
  return req.headers?.cookie?.trim() || undefined
}

/** Whether the browser sent this session's cookie, in express-session's format. */
export function cameBack({ sessionID, headers }: SessionRequest): boolean {
  if (sessionID === undefined) return false
  const cookies = headers?.cookie
  if (cookies === undefined) return false
  // The first is the usual one: express-session's own ids need no escapes.
  return (
    cookies.includes(`=s%3A${sessionID}.`) ||
    cookies.includes(`=s:${sessionID}.`) ||
    cookies.includes(`=s%3A${encodeURIComponent(sessionID)}.`)
  )
}

/** The stored session `id`, straight from the store. @throws OAuthError `store_failed` */
export function readSession(
  req: SessionRequest,
  id: string,
  context: ErrorContext,
): Promise<StoredSession | undefined> {
  const { sessionStore } = req
  return guarded('read', context, (done) => {
    if (sessionStore?.get) sessionStore.get(id, (error, session) => done(unlessMissing(error), session ?? undefined))
    else done(undefined, undefined)
  })
}

/** A store may say by this error that a session does not exist, as express-session allows. */
function unlessMissing(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT' ? undefined : error
}

/** Stores `session` under `id`, as fresh as express-session makes it at each request. @throws OAuthError `store_failed` */
export function writeSession(
  req: SessionRequest,
  id: string,
  session: StoredSession,
  context: ErrorContext,
): Promise<void> {
  const { sessionStore } = req
  // The stored copy says when its last change would end, and a store may take that for its end.
  const { cookie } = session
  const maxAge: unknown = typeof cookie === 'object' && cookie !== null && Reflect.get(cookie, 'originalMaxAge')
  if (typeof maxAge === 'number') Reflect.set(cookie as object, 'expires', new Date(Date.now() + maxAge))
  return guarded('saved', context, (done) => {
    if (sessionStore?.set) sessionStore.set(id, session, (error) => done(error, undefined))
    else done(undefined, undefined)
  })
}

/** Removes the session `id` from the store. @throws OAuthError `store_failed` */
export function destroySession(req: SessionRequest, id: string, context: ErrorContext): Promise<void> {
  const { sessionStore } = req
  return guarded('ended', context, (done) => {
    if (sessionStore?.destroy) sessionStore.destroy(id, (error) => done(unlessMissing(error), undefined))
    else done(undefined, undefined)
  })
}

/** Saves a session with its own method, if it has one. A session in a cookie is sent with the response's headers. */
export function saveSession(session: Session, context: ErrorContext): Promise<void> {
  const { save } = session
  if (typeof save !== 'function') return Promise.resolve()
  return guarded('saved', context, (done) => save.call(session, (error) => done(error, undefined)))
}

/** A callback of the session middleware as a promise. @throws OAuthError `store_failed` */
function guarded<T>(
  what: string,
  context: ErrorContext,
  call: (done: (error: unknown, result: T) => void) => unknown,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  }).catch((cause) => {
    throw storeFailure(what, context, cause)
  })
}

/** The error of a store that fails: the same login may succeed later. */
function storeFailure(what: string, context: ErrorContext, cause: unknown): OAuthError {
  return new OAuthError('store_failed', {
    ...context,
    message: `The session could not be ${what}: its store failed. See \`cause\`; the login can be tried again.`,
    cause: foreignError(cause),
  })
}

/** The error of an app that mounted no session middleware. */
export function noSession(context: ErrorContext): OAuthError {
  return new OAuthError('session_missing', {
    ...context,
    status: 500,
    message:
      'There is no session. Mount express-session or cookie-session before the login routes; where one is mounted, its store is disconnected.',
  })
}

/** Keys that a session of either middleware, or Passport, uses itself. */
export const TAKEN_KEYS = new Set([
  'passport',
  'cookie',
  'id',
  'req',
  'save',
  'regenerate',
  'destroy',
  'reload',
  'touch',
  '__proto__',
  'constructor',
  'prototype',
  'isNew',
  'isChanged',
  'isPopulated',
])
