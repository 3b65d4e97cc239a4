import type { AddressInfo } from 'node:net'
import express, { type Request, type Response } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import {
  type DialectProfile,
  ERROR_CODES,
  type ErrorCode,
  OAuthError,
  type OAuthRouterConfig,
  oauthRouter,
  providersFromEnv,
  TapdStrategy,
  type VerifyCallback,
} from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'

// An app as a user would write it: compiled under each kind of module resolution, then run.
async function main(): Promise<void> {
  const emulator: Emulator = await startEmulator('tapd', { port: 0 })
  const config: OAuthRouterConfig = {
    providers: {
      ...providersFromEnv({}),
      tapd: { ...emulator.options, scope: ['user'] },
    },
    verify: ({ provider, profile, tokens, req }) =>
      req.user ?? { provider, id: profile.id, expires: tokens?.expiresAt?.getTime() },
    onError: (error: OAuthError, _req: Request, res: Response) => {
      const code: ErrorCode = error.code
      res.status(error.status).json({ code, known: ERROR_CODES[code].message })
    },
  }
  const passport = new Passport()
  const verify = (_access: string, _refresh: string | undefined, profile: DialectProfile, done: VerifyCallback) =>
    done(null, { id: profile.id })
  passport.use(new TapdStrategy({ ...emulator.options, callbackURL: '/cb' }, verify))

  const app = express()
  app.use(session({ secret: 'a secret of this check', resave: false, saveUninitialized: false }))
  app.use(oauthRouter(config))
  app.get('/me', (req: Request, res: Response) => void res.json(req.user ?? null))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  let cookie = ''
  const get = async (address: string) => {
    const answer = await fetch(address, { redirect: 'manual', headers: { cookie } })
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return answer
  }
  const begun = await get(`${origin}/auth/tapd`)
  await get(await emulator.approve(begun.headers.get('location') ?? ''))
  const user = (await (await get(`${origin}/me`)).json()) as { id?: string } | null
  if (user?.id !== emulator.users[0]?.id) throw new Error(`not logged in: ${JSON.stringify(user)}`)
  if (OAuthError.is(user)) throw user
  server.close()
  server.closeAllConnections()
  await emulator.close()
  console.log('logged in')
}

void main()
