import { randomBytes } from 'node:crypto'
import express, { type Request } from 'express'
import session from 'express-session'
import { request } from 'undici'
import { CLIENT, endpointsOf, SESSION, type StartApp } from '../contestant.js'

declare module 'express-session' {
  interface SessionData {
    state: string
    user: { id: string; name: string }
    token: string
  }
}

// What a careful person writes by hand, and no more: state, a new session id, undici, and the session saved before each
// redirect, as express-session's own login example has it. The measure of the table.
const start: StartApp = ({ origin, provider, store }) => {
  const endpoints = endpointsOf(provider)
  const redirectURI = `${origin}/callback`
  const app = express()
  app.use(session({ ...SESSION, store }))

  app.get('/login', async (req, res) => {
    const state = randomBytes(24).toString('base64url')
    req.session.state = state
    const params = { response_type: 'code', client_id: CLIENT.id, redirect_uri: redirectURI, scope: 'profile', state }
    await save(req)
    res.redirect(`${endpoints.authorize}?${new URLSearchParams(params)}`)
  })

  app.get('/callback', async (req, res) => {
    const { code, state } = req.query
    if (typeof code !== 'string' || !req.session.state || req.session.state !== state) {
      res.status(403).send('Start the login again.')
      return
    }
    delete req.session.state
    const token = await requestToken(code)
    const user = await requestUser(token)
    await regenerate(req)
    req.session.user = user
    req.session.token = token
    await save(req)
    res.redirect(303, '/')
  })

  app.get('/', (req, res) => {
    res.json(req.session.user ?? null)
  })
  return app

  async function requestToken(code: string): Promise<string> {
    const { statusCode, body } = await request(endpoints.token, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectURI,
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
      }).toString(),
    })
    const answer = (await body.json()) as { access_token?: unknown } // checked right here
    if (statusCode !== 200 || typeof answer.access_token !== 'string') throw new Error('The provider gave no token.')
    return answer.access_token
  }

  async function requestUser(token: string): Promise<{ id: string; name: string }> {
    const { statusCode, body } = await request(endpoints.user, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    })
    const answer = (await body.json()) as { id?: unknown; username?: unknown } // checked right here
    if (statusCode !== 200 || answer.id === undefined) throw new Error('The provider gave no user.')
    return { id: String(answer.id), name: String(answer.username) }
  }
}
export default start

function regenerate(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error) => (error ? reject(error) : resolve()))
  })
}

function save(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.save((error) => (error ? reject(error) : resolve()))
  })
}
