import express, { type Request } from 'express'
import session from 'express-session'
import * as client from 'openid-client'
import { CLIENT, endpointsOf, SESSION, type StartApp } from '../contestant.js'

declare module 'express-session' {
  interface SessionData {
    pending?: { state: string; verifier: string }
  }
}

const start: StartApp = ({ origin, provider, store }) => {
  const endpoints = endpointsOf(provider)
  const server: client.ServerMetadata = {
    issuer: provider,
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
    userinfo_endpoint: endpoints.user,
  }
  const config = new client.Configuration(server, CLIENT.id, undefined, client.ClientSecretPost(CLIENT.secret))
  if (provider.startsWith('http:')) client.allowInsecureRequests(config)
  const app = express()
  app.use(session({ ...SESSION, store }))

  app.get('/login', async (req, res) => {
    const [state, verifier] = [client.randomState(), client.randomPKCECodeVerifier()]
    req.session.pending = { state, verifier }
    const address = client.buildAuthorizationUrl(config, {
      redirect_uri: `${origin}/callback`,
      scope: 'profile',
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    res.redirect(address.href)
  })

  app.get('/callback', async (req, res) => {
    const { pending } = req.session
    delete req.session.pending
    try {
      if (!pending) throw new Error('No login is pending.')
      const tokens = await client.authorizationCodeGrant(config, new URL(req.originalUrl, origin), {
        expectedState: pending.state,
        pkceCodeVerifier: pending.verifier,
      })
      const user = await client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
      await regenerate(req)
      req.session.user = { id: user.sub, name: String(user.username) }
    } catch {
      res.status(403).send('Start the login again.')
      return
    }
    res.redirect(303, '/')
  })

  app.get('/', (req, res) => {
    res.json(req.session.user ?? null)
  })
  return app
}
export default start

function regenerate(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error) => (error ? reject(error) : resolve()))
  })
}
