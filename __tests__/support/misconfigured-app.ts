import session from 'express-session'
import { oauthRouter } from 'passport-dialects'
import { MemoryTokenStore } from '../review/memory-store'
import { startRouterApp } from './app'

// A separate process: only from outside can one see what Node prints of a warning, and how often.
async function main() {
  const warnings: string[] = []
  process.on('warning', ({ name }) => {
    if (name === 'PassportDialectsWarning') warnings.push(name)
  })
  const providers = { tapd: { clientID: 'id', clientSecret: 'secret' } }
  oauthRouter({ providers })
  const app = await startRouterApp(
    { providers, tokenStore: new MemoryTokenStore() },
    {
      middleware: session({
        secret: 'a test session secret',
        resave: false,
        saveUninitialized: false,
        cookie: { secure: true, sameSite: 'strict' },
      }),
      before: oauthRouter({ providers, mountPath: '/second', tokenStore: new MemoryTokenStore() }),
    },
  )
  await fetch(`${app.origin}/auth/session`)
  await new Promise(setImmediate)
  console.log(`before the first login: ${warnings.join() || 'none'}`)
  for (const path of ['/auth/tapd', '/auth/tapd', '/second/tapd']) {
    const { status } = await fetch(app.origin + path, { redirect: 'manual' })
    console.log(status)
  }
  await app.close()
}

void main()
