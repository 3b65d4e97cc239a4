import { cameBack, isCookieSession, type SessionRequest } from './request'

/** The session middleware's set-up, as far as a request shows it; `undefined` without a session. */
export function sessionSetup(req: SessionRequest): SessionSetup | undefined {
  const { session, sessionStore, sessionOptions } = req
  if (!session) return undefined
  const cookie = isCookieSession(req) ? sessionOptions : session.cookie
  const settings = typeof cookie === 'object' && cookie !== null ? cookie : {}
  const { secure, sameSite }: { secure?: unknown; sameSite?: unknown } = settings
  return {
    secure: secure === true,
    strict: sameSite === true || (typeof sameSite === 'string' && sameSite.toLowerCase() === 'strict'),
    cameBack: cameBack(req),
    // The package `memorystore` has a class of the same name, which frees its memory and has no `sessions`.
    memoryStore: sessionStore?.constructor.name === 'MemoryStore' && 'sessions' in sessionStore,
  }
}

/** What a session shows of its middleware's set-up. */
export interface SessionSetup {
  /** The cookie is sent only over https. */
  secure: boolean
  /** The cookie is not sent with requests that another site causes (`SameSite=Strict`). */
  strict: boolean
  /** The browser sent this session's cookie, so it can be set here. False if that is not known. */
  cameBack: boolean
  /** express-session's MemoryStore, which grows without limit and is lost with the process. */
  memoryStore: boolean
}
