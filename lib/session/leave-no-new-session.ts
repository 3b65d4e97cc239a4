import { cameBack, isCookieSession, type SessionRequest } from './request'

/**
 * Discards a session that the middleware created because the browser withheld its cookie. If it were stored, its cookie
 * would replace the browser's.
 */
export function leaveNoNewSession(req: SessionRequest): void {
  const { session } = req
  if (!session) return
  if (!isCookieSession(req)) {
    if (!cameBack(req)) delete req.session
    return
  }
  if (session.isNew !== true) return
  // cookie-session does not write a new session without members. A function that the app added for Passport is a
  // member, and would be written as an empty session over the browser's own.
  for (const name of Object.keys(session)) delete session[name]
}
