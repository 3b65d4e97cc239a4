import { createRequire } from 'node:module'
import express from 'express'
import session from 'express-session'
import type { ExpressMiddleware, GrantConfig } from 'grant'
import { CLIENT, endpointsOf, SESSION, type StartApp } from '../contestant.js'

// Its types promise a default export that its CommonJS does not have.
const grant: { express(config: GrantConfig): ExpressMiddleware } = createRequire(import.meta.url)('grant')

declare module 'express-session' {
  interface SessionData {
    grant?: { response?: { profile?: { id?: unknown; username?: unknown }; error?: unknown } }
  }
}

// Grant hands the answer over in the session and leaves the login itself to the app: that is `/done`.
const start: StartApp = ({ origin, provider, store }) => {
  const endpoints = endpointsOf(provider)
  const app = express()
  app.use(session({ ...SESSION, store }))
  app.use(
    grant.express({
      defaults: { origin, transport: 'session', state: true },
      provider: {
        oauth: 2,
        authorize_url: endpoints.authorize,
        access_url: endpoints.token,
        profile_url: endpoints.user,
        key: CLIENT.id,
        secret: CLIENT.secret,
        scope: ['profile'],
        response: ['tokens', 'profile'],
        callback: '/done',
      },
    }),
  )
  app.get('/done', (req, res) => {
    const profile = req.session.grant?.response?.profile
    if (profile?.id === undefined) {
      res.status(403).send('Start the login again.')
      return
    }
    req.session.user = { id: String(profile.id), name: String(profile.username) }
    delete req.session.grant
    res.redirect(303, '/')
  })
  app.get('/', (req, res) => {
    res.json(req.session.user ?? null)
  })
  return app
}
export default start
