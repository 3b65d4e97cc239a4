import type { NextFunction, Request, Response } from 'express'
import { hasSession, sessionRequest } from '../session/request'
import type { readConfig } from './config'
import { isFromElsewhere } from './fetch-metadata'
import { type LoginSettings, loginsNow } from './log-in'
import { endLogins } from './log-out'
import { protect, sendCrossSite } from './pages'
import { isLoggedIn } from './passport-user'
import { publicUserOf } from './public-user'

type Route = (req: Request, res: Response, next: NextFunction) => Promise<void>

/** The router's two routes without a provider: `GET MOUNT/session` and `POST MOUNT/logout`. */
export function ownRoutes(
  settings: ReturnType<typeof readConfig>,
  loginSettings: LoginSettings,
  fail: (error: unknown, req: Request, res: Response, next: NextFunction) => void,
): { showSession: Route; logOut: Route } {
  const { baseURL, publicUser, revokeOnLogout, logoutRedirect, successRedirect } = settings
  const { sessionKey, tokens } = loginSettings

  return {
    async showSession(req, res, next) {
      try {
        protect(res)
        const user = isLoggedIn(req) ? await publicUserOf(req.user, publicUser) : null
        const context = { provider: 'session', phase: 'request' as const }
        const providers = isLoggedIn(req) ? await loginsNow(sessionRequest(req), sessionKey, tokens, context) : []
        res.json({ user, providers })
      } catch (error) {
        fail(error, req, res, next)
      }
    },

    async logOut(req, res, next) {
      const revoke = revokeOnLogout ? (provider: string) => req.oauth.revoke(provider) : undefined
      const context = { provider: 'session', phase: 'callback' as const }
      try {
        protect(res)
        // A form on another site must not log anyone out.
        if (isFromElsewhere(req, baseURL)) return sendCrossSite(res, 'Log out from a page of this app.')
        if (hasSession(sessionRequest(req))) await endLogins(sessionRequest(req), loginSettings, context, revoke)
        if (req.accepts(['html', 'json']) === 'json') res.json({ user: null, providers: [] })
        else res.redirect(303, logoutRedirect ?? successRedirect)
      } catch (error) {
        fail(error, req, res, next)
      }
    },
  }
}
