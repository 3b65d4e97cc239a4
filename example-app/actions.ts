import express, { type NextFunction, type Request, type Response, type Router } from 'express'
import { OAuthError } from 'passport-dialects'
import { logError } from './failures'
import { balanceOf } from './users'

declare module 'express-session' {
  interface SessionData {
    /** Balances requested since the login, by the login's key. */
    balances?: Record<string, string>
  }
}

/** What a user can do with a login. Each action works for a form, and for a script that requests JSON. */
export function actions(): Router {
  const router = express.Router()

  router.post('/tokens/:provider/refresh', async (req, res) => {
    const tokens = await req.oauth.tokens(req.params.provider) // refreshed by the package if they expire soon
    answer(req, res, { secondsLeft: secondsLeft(tokens?.expiresAt) })
  })

  router.post('/balance/:provider', async (req, res) => {
    const { provider } = req.params
    const balance = balanceOf(await req.oauth.profile(provider))
    if (balance !== undefined) req.session.balances = { ...req.session.balances, [keyOf(req, provider)]: balance }
    answer(req, res, { balance })
  })

  router.get('/top-up/:provider', async (req, res) => {
    res.redirect(303, await req.oauth.topupURL(req.params.provider))
  })

  router.post('/disconnect/:provider', async (req, res) => {
    const { provider } = req.params
    await req.oauth.revoke(provider)
    answer(req, res, {}, { done: 'disconnected', provider })
  })

  router.use(tellFailure)
  return router
}

/** Another login at the same provider has another key, so nobody sees the balance of an earlier one. */
export function keyOf(req: Request, provider: string): string {
  return req.oauth.tokenKey(provider) ?? provider
}

/** `undefined` if the provider does not say when a token expires. */
export function secondsLeft(expiresAt: Date | undefined): number | undefined {
  return expiresAt && Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000))
}

function answer(req: Request, res: Response, json: object, query?: Record<string, string>): void {
  if (wantsJson(req)) res.json(json)
  else res.redirect(303, query ? `/?${new URLSearchParams(query)}` : '/')
}

/** Redirects like the router's `failureRedirect`, so that the page has one way to show failures. */
function tellFailure(error: unknown, req: Request, res: Response, next: NextFunction): void {
  if (!OAuthError.is(error)) {
    next(error)
    return
  }
  logError(error)
  const { code, status, provider = '' } = error
  if (wantsJson(req)) res.status(status).json({ error: { code } })
  else res.redirect(303, `/?${new URLSearchParams({ error: code, provider })}`)
}

function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json'
}
