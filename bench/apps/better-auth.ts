import { betterAuth } from 'better-auth'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'
import { genericOAuth } from 'better-auth/plugins'
import express from 'express'
import { CLIENT, endpointsOf, SESSION, type StartApp } from '../contestant.js'

// Without a database, as its documentation allows: the cheapest of its forms. Sessions are sealed cookies.
const start: StartApp = ({ origin, provider }) => {
  const endpoints = endpointsOf(provider)
  const auth = betterAuth({
    baseURL: origin,
    secret: `${SESSION.secret}, long and full of 1234567890 entropy`,
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: 'provider',
            clientId: CLIENT.id,
            clientSecret: CLIENT.secret,
            authorizationUrl: endpoints.authorize,
            tokenUrl: endpoints.token,
            userInfoUrl: endpoints.user,
            scopes: ['profile'],
          },
        ],
      }),
    ],
  })
  const app = express()
  app.all('/api/auth/*path', toNodeHandler(auth))
  app.get('/', async (req, res) => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) })
    res.json(session?.user ?? null)
  })
  return app
}
export default start
