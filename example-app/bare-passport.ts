// A strategy in a Passport of your own. In a clone: npx tsx example-app/bare-passport.ts
// In a folder of your own: npm install passport-dialects passport express express-session && npx tsx bare-passport.ts
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { FeishuStrategy, OAuthError } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'

interface User {
  id: string
  name: string
}

async function main() {
  const { PORT = '3000', SESSION_SECRET = randomBytes(32).toString('hex') } = process.env
  const { FEISHU_CLIENT_ID: clientID, FEISHU_CLIENT_SECRET: clientSecret } = process.env
  const client = clientID && clientSecret ? { clientID, clientSecret } : (await startEmulator('feishu')).options

  passport.use(
    // A path follows the request's host; in production, use the whole registered address.
    new FeishuStrategy({ ...client, callbackURL: '/auth/feishu/callback' }, (_access, _refresh, profile, done) => {
      // Your database goes here: find or create the user by provider and `profile.id` together.
      const user: User = { id: profile.id, name: profile.displayName || profile.id }
      done(null, user)
    }),
  )
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: User, done) => done(null, user))

  const app = express()
  app.set('trust proxy', 'loopback') // in production, TLS ends at a proxy before this app
  const cookie = { sameSite: 'lax', secure: 'auto' } as const
  app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie }))
  app.use(passport.session())

  app.get('/auth/feishu', passport.authenticate('feishu'))
  app.get('/auth/feishu/callback', (req, res, next) => {
    // Your own callback gets every failure: the provider's as `error`, the user's and the browser's as `info`.
    const done = (error: unknown, user: Express.User | false, info: unknown) => {
      const failure = error ?? (user ? undefined : info)
      if (OAuthError.is(failure)) {
        if (failure.status >= 500) console.error(inspect(failure).replace(/\s+/g, ' ')) // in one line, without secrets
        return res.redirect(`/?error=${failure.code}`)
      }
      if (error) return next(error)
      if (!user) return res.redirect('/?error=verify_refused')
      req.logIn(user, (problem) => (problem ? next(problem) : res.redirect('/')))
    }
    passport.authenticate('feishu', done)(req, res, next)
  })
  app.post('/logout', (req, res, next) => req.logout((problem) => (problem ? next(problem) : res.redirect('/'))))

  app.get('/', (req, res) => {
    const user = req.user as User | undefined // from deserializeUser
    const { error } = req.query
    const failure = error ? `<p role="alert">The login failed: ${html(String(error))}</p>` : ''
    const account = `<p>Hello, ${html(user?.name ?? '')}.</p><form method="post" action="/logout"><button>Log out</button></form>`
    res.send(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Bare Passport</title>
      <main><h1>Bare Passport</h1>${failure}${user ? account : '<a href="/auth/feishu">Log in with feishu</a>'}</main></html>`)
  })

  const server = app.listen(Number(PORT), '127.0.0.1', (error?: Error) => {
    if (error) throw error
    console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port}`) // a TCP server
  })
}

/** Names come from a provider and error codes from an address: both may contain anything. */
function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

void main()
