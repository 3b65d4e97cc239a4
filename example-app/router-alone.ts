// One router for every login. In a clone: npx tsx example-app/router-alone.ts
// In a folder of your own: npm install passport-dialects passport express express-session && npx tsx router-alone.ts
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { oauthRouter, type Providers, providersFromEnv } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'

interface User {
  provider: string
  id: string
  name: string
}

/**
 * Real providers if the environment has their credentials, such as FEISHU_CLIENT_ID and FEISHU_CLIENT_SECRET; else
 * emulators.
 */
async function providersFrom(env: NodeJS.ProcessEnv): Promise<Providers> {
  const real = providersFromEnv(env)
  if (Object.keys(real).length > 0) return real
  const [feishu, line, slack] = await Promise.all([
    startEmulator('feishu'),
    startEmulator('line'),
    startEmulator('slack'),
  ])
  return { feishu: feishu.options, line: line.options, slack: slack.options }
}

async function main() {
  const providers = await providersFrom(process.env)
  const { PORT = '3000', BASE_URL: baseURL, SESSION_SECRET = randomBytes(32).toString('hex') } = process.env

  const app = express()
  app.set('trust proxy', 'loopback') // in production, TLS ends at a proxy before this app
  app.use(
    session({
      secret: SESSION_SECRET, // without your own, a restart logs everybody out
      resave: false,
      saveUninitialized: false,
      cookie: { sameSite: 'lax', secure: 'auto' },
    }),
  )
  app.use(
    oauthRouter({
      ...(baseURL && { baseURL }), // in production, the public origin of your app
      providers,
      // Your database goes here: find or create the user by `provider` and `profile.id` together.
      verify: ({ provider, profile }): User => ({ provider, id: profile.id, name: profile.displayName || profile.id }),
      failureRedirect: '/', // with ?error=CODE&provider=NAME
    }),
  )

  app.get('/', (req, res) => {
    const user = req.user as User | undefined // from `verify`
    const { error } = req.query
    const failure = error ? `<p role="alert">The login failed: ${html(String(error))}</p>` : ''
    const links = Object.keys(providers).map((name) => `<li><a href="/auth/${name}">Log in with ${name}</a></li>`)
    const account = `<p>Hello, ${html(user?.name ?? '')} of ${user?.provider}.</p>
      <form method="post" action="/auth/logout"><button>Log out</button></form>`
    res.send(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Router alone</title>
      <main><h1>Router alone</h1>${failure}${user ? account : `<ul>${links.join('')}</ul>`}</main></html>`)
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
