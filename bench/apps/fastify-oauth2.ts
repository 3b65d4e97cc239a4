import cookie from '@fastify/cookie'
import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import fastifySession from '@fastify/session'
import fastify, { type FastifyInstance } from 'fastify'
import { request } from 'undici'
import { CLIENT, endpointsOf, SESSION, type StartApp } from '../contestant.js'

declare module 'fastify' {
  interface Session {
    user?: { id: string; name: string }
  }
}

// Its `userinfo` helper works with discovered providers only, so the app asks for the user itself.
const start: StartApp = async ({ origin, provider }) => {
  const endpoints = endpointsOf(provider)
  const { pathname: tokenPath } = new URL(endpoints.token)
  const { pathname: authorizePath } = new URL(endpoints.authorize)
  const app: FastifyInstance = fastify()
  await app.register(cookie)
  await app.register(fastifySession, { secret: SESSION.secret, cookie: { secure: false }, saveUninitialized: false })
  await app.register(oauth2, {
    name: 'provider',
    scope: ['profile'],
    credentials: {
      client: CLIENT,
      auth: { tokenHost: provider, tokenPath, authorizeHost: provider, authorizePath },
      options: { authorizationMethod: 'body' },
    },
    startRedirectPath: '/login',
    callbackUri: `${origin}/callback`,
    cookie: { secure: false, sameSite: 'lax', path: '/' },
  })
  const flow = (app as FastifyInstance & { provider: OAuth2Namespace }).provider // decorated under that name

  app.get('/callback', async (req, reply) => {
    const { token } = await flow.getAccessTokenFromAuthorizationCodeFlow(req)
    const { statusCode, body } = await request(endpoints.user, {
      headers: { authorization: `Bearer ${token.access_token}` },
    })
    const user = (await body.json()) as { id?: unknown; username?: unknown } // checked right here
    if (statusCode !== 200 || user.id === undefined) throw new Error('The provider gave no user.')
    await req.session.regenerate()
    req.session.user = { id: String(user.id), name: String(user.username) }
    return reply.redirect('/', 303)
  })
  app.get('/', async (req, reply) => reply.type('application/json').send(JSON.stringify(req.session.user ?? null)))
  await app.ready()
  return (req, res) => app.routing(req, res)
}
export default start
