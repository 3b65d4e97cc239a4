import { cameBack, isCookieSession, type SessionRequest } from './request'

/** How the session middleware was set up, as far as a request shows it; `undefined` without a session. */
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
    // The package `memorystore` has a class of this name too; it frees its memory and has no `sessions`.
    memoryStore: sessionStore?.constructor.name === 'MemoryStore' && 'sessions' in sessionStore,
  }
}

/** What a session says of its middleware. */
export interface SessionSetup {
  /** The cookie goes over https only. */
  secure: boolean
  /** The cookie stays away from whatever another site leads to (`SameSite=Strict`). */
  strict: boolean
  /** The browser sent this session's cookie: it can be set here. False where that can't be told. */
  cameBack: boolean
  /** express-session's MemoryStore, which grows without end and is lost with the process. */
  memoryStore: boolean
}
