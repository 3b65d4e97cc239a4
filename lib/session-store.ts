import type { IncomingMessage } from 'node:http'
import { OAuthError, type Phase } from './errors'

/** A request as a session middleware leaves it; express-session and cookie-session type it each in their own way. */
export interface SessionRequest extends IncomingMessage {
  session?: Session | null
  sessionID?: string
  sessionStore?: SessionStore
  /** cookie-session: the settings of its cookie. */
  sessionOptions?: object
  originalUrl?: string
  query?: unknown
  user?: unknown
}

/** A session as express-session and cookie-session have it, as far as it is called here. */
export interface Session {
  save?(done?: (error?: unknown) => void): unknown
  regenerate?(done: (error?: unknown) => void): unknown
  [key: string]: unknown
}

/** A store of express-session's interface; which methods it has is asked before each call. */
export interface SessionStore {
  get?(id: string, done: (error: unknown, session?: Record<string, unknown> | null) => void): void
  set?(id: string, session: Record<string, unknown>, done: (error?: unknown) => void): void
  destroy?(id: string, done: (error?: unknown) => void): void
  generate?(req: SessionRequest): void
  createSession?(req: SessionRequest, session: Record<string, unknown>): Session
}

/** Where in the conversation a session failed, for the error. */
export interface Where {
  /** The provider's name. */
  provider: string
  /** The turn of the conversation. */
  phase: Phase
}

/** The cookies that came back. A blank header, as a proxy leaves it that takes cookies out, is none. */
export function cookiesOf(req: SessionRequest): string | undefined {
  return req.headers?.cookie?.trim() || undefined
}

/** The stored session `id`, straight from the store. */
export function read(sessionStore: SessionStore | undefined, id: string) {
  return new Promise<Record<string, unknown> | undefined>((resolve, reject) => {
    if (!sessionStore?.get) return resolve(undefined)
    sessionStore.get(id, (error, session) => (error ? reject(error) : resolve(session ?? undefined)))
  })
}

/** A callback of the session middleware as a promise. */
export function promised(call: (done: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()))
  })
}

/** The error of a store that fails: the same login may succeed later. */
export function storeFailure(what: string, where: Where, cause: unknown): OAuthError {
  return new OAuthError('session_missing', {
    ...where,
    status: 503,
    message: `The session could not be ${what}: its store failed. See \`cause\`; the login can be tried again.`,
    cause,
  })
}

/** express-session saves a renewed session a second time at the end of the response: skip that where nothing changed. */
export function saveOnce(session: Session): void {
  const { save } = session
  if (typeof save !== 'function') return
  const saved = contentOf(session)
  replaceSave(session, (done) => {
    if (!isEqual(contentOf(session), saved)) return save.call(session, done)
    done?.()
  })
}

/** Where express-session gave the session a `save` of its own, which is hidden, another can simply take its place. */
export function replaceSave(session: Session, value: NonNullable<Session['save']>): void {
  const isHidden = Object.hasOwn(session, 'save') && !Object.prototype.propertyIsEnumerable.call(session, 'save')
  if (isHidden) session.save = value
  else Object.defineProperty(session, 'save', { configurable: true, enumerable: false, writable: true, value })
}

/** Texts as they are, the slot above all: only what can change in place has to be written down to be compared. */
function contentOf(session: Session): unknown[] {
  const content: unknown[] = []
  for (const name of Object.keys(session)) {
    const value = session[name]
    if (name !== 'cookie') content.push(name, typeof value === 'object' ? JSON.stringify(value) : value)
  }
  return content
}

function isEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}
