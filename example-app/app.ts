import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import express, { type Express } from 'express'
import session from 'express-session'
import { actions } from './actions'
import { answerError } from './failures'
import { preferLanguage } from './language'
import { logins } from './logins'
import type { AppOptions } from './options'
import { frame } from './pages/frame'
import { home } from './pages/home'
import { popupHelper } from './popup-helper'
import { protectPages, refuseForeignForms, toOwnHost } from './protection'
import { cookieFor } from './stores'

/** The app: an ordinary Express app, with one line for the logins. */
export function createApp(options: AppOptions): Express {
  const { baseURL, sessionSecret, store } = options
  const app = express()
  app.disable('x-powered-by')
  if (baseURL.startsWith('https:')) app.set('trust proxy', 1) // a proxy ends TLS: else no Secure cookie is set
  app.use(toOwnHost(baseURL))
  app.use(protectPages(options))
  app.get('/popup.js', popupHelper)
  app.use(express.static(join(__dirname, 'public'), { index: false }))
  app.use(
    session({
      secret: sessionSecret ?? randomBytes(32).toString('hex'),
      resave: false,
      saveUninitialized: false,
      cookie: cookieFor(options),
      ...(store && { store }),
    }),
  )
  app.use(refuseForeignForms(baseURL))
  app.use(logins(options))
  app.use(actions())
  app.use(preferLanguage)
  app.get('/', home(options))
  app.get('/inside-tapd', frame(options))
  app.use(answerError)
  return app
}
