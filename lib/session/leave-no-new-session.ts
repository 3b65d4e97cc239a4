import { cameBack, isCookieSession, type SessionRequest } from './request'

/**
 * Leaves no trace of a session that the middleware made because the browser kept its cookie back: stored, it would come
 * with a cookie of its own in place of the browser's.
 */
export function leaveNoNewSession(req: SessionRequest): void {
  const { session } = req
  if (!session) return
  if (!isCookieSession(req)) {
    if (!cameBack(req)) delete req.session
    return
  }
  if (session.isNew !== true) return
  // What is new and has no member is not written: a function that the app put there for Passport is one, and would be
  // written as an empty session over the browser's own.
  for (const name of Object.keys(session)) delete session[name]
}
