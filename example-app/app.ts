import { randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import session from 'express-session'
import { oauthRouter, type Providers } from 'passport-dialects'
import { protectPage, sendHome } from './pages'
import { verify } from './users'

/** The whole use of the package: a session, the router, and `req.user` in one's own routes. */
export function createApp({ baseURL, providers, sessionSecret }: AppOptions): Express {
  const app = express()
  const secure = baseURL.startsWith('https:')
  app.disable('x-powered-by')
  app.use(
    session({
      secret: sessionSecret ?? randomBytes(32).toString('hex'),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure },
      proxy: secure, // TLS ends at the proxy before us: without this no Secure cookie is ever set
    }),
  )
  app.use(oauthRouter({ baseURL, providers, verify, successRedirect: '/', failureRedirect: '/' }))
  app.get('/', protectPage, (req, res) => sendHome(req, res, Object.keys(providers)))
  return app
}

export interface AppOptions {
  /** The public origin of this app. */
  baseURL: string
  providers: Providers
  /** Default: a random one, which ends all sessions at a restart. */
  sessionSecret?: string | undefined
}
