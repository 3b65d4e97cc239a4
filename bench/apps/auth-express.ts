import { ExpressAuth, type ExpressAuthConfig, getSession } from '@auth/express'
import express from 'express'
import { CLIENT, endpointsOf, SESSION, type StartApp } from '../contestant.js'

// Its sessions are encrypted cookies; a login begins with a POST that carries its CSRF token.
const start: StartApp = ({ provider }) => {
  const endpoints = endpointsOf(provider)
  const config: ExpressAuthConfig = {
    secret: SESSION.secret,
    trustHost: true,
    providers: [
      {
        id: 'provider',
        name: 'Provider',
        type: 'oauth',
        checks: ['pkce', 'state'],
        authorization: { url: endpoints.authorize, params: { scope: 'profile' } },
        token: endpoints.token,
        userinfo: endpoints.user,
        clientId: CLIENT.id,
        clientSecret: CLIENT.secret,
        client: { token_endpoint_auth_method: 'client_secret_post' },
        profile: ({ id, username, email }) => ({ id: String(id), name: String(username), email: String(email) }),
      },
    ],
    logger: { error() {} },
  }
  const app = express()
  app.use(/^\/auth\/(.*)/, ExpressAuth(config)) // it reads the unnamed parameter of Express 4's `/auth/*`
  app.get('/', async (req, res) => {
    res.json((await getSession(req, config))?.user ?? null)
  })
  return app
}
export default start
