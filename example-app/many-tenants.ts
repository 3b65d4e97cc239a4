// Each customer has its own host name and credentials. In a clone: npx tsx example-app/many-tenants.ts
// In a folder of your own: npm install passport-dialects passport express express-session && npx tsx many-tenants.ts
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { oauthRouter, type Providers, providersFromEnv } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'

interface User {
  tenant: string
  provider: string
  id: string
  name: string
}

/**
 * Real credentials if the environment has some, such as RED_FEISHU_CLIENT_ID for the prefix `RED_`; else an emulator.
 */
async function providersOf(prefix: string, emulated: 'feishu' | 'slack'): Promise<Providers> {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith(prefix))
  const real = providersFromEnv(Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value])))
  if (Object.keys(real).length > 0) return real
  return { [emulated]: (await startEmulator(emulated)).options }
}

async function main() {
  const { PORT = '3000', SESSION_SECRET = randomBytes(32).toString('hex') } = process.env
  // This machine has two names. In production they are red.example.com and blue.example.com, from your database. Keep a
  // tenant's object, because its strategies are built once for each object.
  const tenants = new Map<string, Providers>([
    ['localhost', await providersOf('RED_', 'feishu')],
    ['127.0.0.1', await providersOf('BLUE_', 'slack')],
  ])

  const app = express()
  app.set('trust proxy', 'loopback') // a proxy on this machine may set the host
  // A secret for each tenant: a cookie that somebody copies to another tenant's host is nobody's there.
  const cookie = { sameSite: 'lax', secure: 'auto' } as const
  const sessionOf = (tenant: string) =>
    session({ secret: `${SESSION_SECRET} ${tenant}`, resave: false, saveUninitialized: false, cookie })
  const sessions = new Map([...tenants.keys()].map((tenant) => [tenant, sessionOf(tenant)]))
  app.use((req, res, next) => {
    const ownSession = sessions.get(req.hostname)
    if (ownSession) ownSession(req, res, next)
    else res.status(404).send('There is no such tenant.')
  })
  app.use(
    oauthRouter({
      providers: (req) => tenants.get(req.hostname) ?? {},
      // One person at two tenants is two users, so the tenant is part of the key.
      verify: ({ provider, profile, req }): User => {
        return { tenant: req.hostname, provider, id: profile.id, name: profile.displayName || profile.id }
      },
      failureRedirect: '/', // with ?error=CODE&provider=NAME
    }),
  )

  app.get('/', (req, res) => {
    const providers = tenants.get(req.hostname) ?? {}
    const user = req.user as User | undefined // from `verify`
    const { error } = req.query
    const failure = error ? `<p role="alert">The login failed: ${html(String(error))}</p>` : ''
    const links = Object.keys(providers).map((name) => `<li><a href="/auth/${name}">Log in with ${name}</a></li>`)
    const account = `<p>Hello, ${html(user?.name ?? '')} of ${user?.provider}.</p>
      <form method="post" action="/auth/logout"><button>Log out</button></form>`
    res.send(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>${req.hostname}</title>
      <main><h1>${req.hostname}</h1>${failure}${user ? account : `<ul>${links.join('')}</ul>`}</main></html>`)
  })

  const server = app.listen(Number(PORT), '127.0.0.1', (error?: Error) => {
    if (error) throw error
    const { port } = server.address() as AddressInfo // a TCP server
    for (const host of tenants.keys()) console.log(`Open http://${host}:${port}`)
  })
}

/** Names come from a provider and error codes from an address: both may contain anything. */
function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

void main()
