import { randomUUID } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import type { ClientOptions } from 'passport-dialects/emulators'
import { type Running, serve } from '../controls/support'

/** What the naive app keeps in a session, all of it as it came. */
interface NaiveSession {
  user?: Record<string, unknown>
  linked?: Record<string, unknown>
  returnTo?: string
}

/**
 * A login as many an app writes it by hand, with every mistake that these tests are about. It is the control: an
 * attack that does not work on it shows nothing. Its routes are those of the router, so one script attacks both.
 */
export function startNaive(providers: Record<string, ClientOptions>): Promise<Running> {
  const app = express()
  const known = new Set<string>() // states of all sessions and providers, and never used up
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: true }))
  app.get('/auth/:provider', (req, res) => {
    const { clientID: client_id, authorizationURL } = providers[req.params.provider] as ClientOptions // naive
    const state = randomUUID()
    known.add(state)
    keptIn(req).returnTo = req.query.returnTo as string // naive
    const own = { response_type: 'code', client_id, redirect_uri: callbackOf(req), scope: 'profile', state }
    res.redirect(`${authorizationURL}?${new URLSearchParams({ ...own, ...req.query })}`)
  })
  app.get('/auth/:provider/callback', async (req, res) => {
    const { error, error_description, code, state } = req.query as Record<string, string> // naive
    if (error) {
      known.delete(String(state))
      req.session.destroy(() => {})
      return void res.status(401).send(`<p>Login failed: ${error}: ${error_description}</p>`)
    }
    if (!code) return res.redirect(`/auth/${req.params.provider}`)
    if (!known.has(String(state))) return void res.status(401).send('<p>Login failed.</p>')
    const { clientID: client_id, clientSecret: client_secret, ...at } = providers[req.params.provider] as ClientOptions
    const form = { grant_type: 'authorization_code', code, redirect_uri: callbackOf(req), client_id, client_secret }
    const answer = await fetch(at.tokenURL, { method: 'POST', body: new URLSearchParams(form) })
    const { access_token } = (await answer.json()) as Record<string, string> // naive
    const profile = await fetch(at.userProfileURL, { headers: { authorization: `Bearer ${access_token}` } })
    const user = { provider: req.params.provider, ...((await profile.json()) as object) } // naive
    const kept = keptIn(req)
    if (kept.user) kept.linked = user
    else kept.user = user
    res.redirect(kept.returnTo || '/')
  })
  app.get('/me', (req, res) => {
    const { user = null, linked = null } = keptIn(req)
    res.json({ user, linked, sessionID: req.sessionID })
  })
  app.get('/', (req, res) => void res.type('html').send(`<h1>${String(keptIn(req).user?.username)}</h1>`))
  return serve(app)
}

function keptIn(req: express.Request): NaiveSession {
  return req.session as unknown as NaiveSession // this app's own
}

function callbackOf(req: express.Request): string {
  const host = req.get('x-forwarded-host') ?? req.get('host')
  return `${req.get('x-forwarded-proto') ?? 'http'}://${host}/auth/${req.params.provider}/callback`
}
