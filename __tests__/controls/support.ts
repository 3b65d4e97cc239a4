import http, { type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import express from 'express'
import session from 'express-session'
import { Passport, type Strategy } from 'passport'
import { AihubmixStrategy, OAuthError } from 'passport-dialects'
import OAuth2Strategy from 'passport-oauth2'
import { showsSecrets } from '../support/canaries/on-purpose'

export interface Running {
  origin: string
  close(): Promise<void>
}

/** A server on a free port of loopback; `close` leaves no socket behind. */
export async function serve(listener: RequestListener): Promise<Running> {
  const sockets = new Set<Socket>()
  const server = http.createServer(listener)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** What Passport was told at the callback. */
export interface Told {
  user: { id?: string; name?: string; token?: string } | null
  code?: string
  message?: string
}

/** An app whose Passport has `strategy`: `/login`, and `/callback`, which tells what came of it. */
export async function appWith(
  build: (callbackURL: string) => Strategy,
  store: session.Store = new session.MemoryStore(),
): Promise<Running> {
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }))
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  app.get('/login', passport.authenticate('it'))
  app.get('/callback', (req, res, next) => {
    const told = (error: unknown, user: Express.User | null, info: unknown) => {
      const failure = error ?? info
      const code = OAuthError.is(failure) ? failure.code : undefined
      const message = failure instanceof Error ? failure.message : undefined
      if (!user) return void res.json({ user: null, code, message })
      showsSecrets(res, 'the token that was taken for the user’s')
      req.logIn(user, (problem) => (problem ? next(problem) : void res.json({ user })))
    }
    passport.authenticate('it', told)(req, res, next)
  })
  const running = await serve(app)
  passport.use('it', build(`${running.origin}/callback`))
  return running
}

/** Ours, at `provider`: AIHubMix's is the plainest of the dialects. */
export function ours(provider: string, options: object = {}) {
  return (callbackURL: string) =>
    new AihubmixStrategy(
      {
        clientID: 'client',
        clientSecret: 'a canary secret',
        baseURL: provider,
        callbackURL,
        ...options,
      },
      (token: string, _refresh: string, profile: { id: string; displayName: string }, done: Done) =>
        done(null, { id: profile.id, name: profile.displayName, token }),
    )
}

type Done = (error: unknown, user?: object) => void

/** passport-oauth2 as its documentation shows it: a subclass that fetches the profile. */
export function plain(provider: string, options: object = {}) {
  return (callbackURL: string) => {
    class PlainStrategy extends OAuth2Strategy {
      override userProfile(token: string, done: (error?: unknown, profile?: object) => void): void {
        this._oauth2.useAuthorizationHeaderforGET(true)
        this._oauth2.get(`${provider}/api/oauth2/userinfo`, token, (error, body) => {
          if (error) return done(error)
          const { id, username } = JSON.parse(String(body))
          done(null, { id: String(id), displayName: username })
        })
      }
    }
    return new PlainStrategy(
      {
        clientID: 'client',
        clientSecret: 'a canary secret',
        authorizationURL: `${provider}/api/oauth2/authorize`,
        tokenURL: `${provider}/api/oauth2/token`,
        callbackURL,
        state: true,
        ...options,
      } as OAuth2Strategy.StrategyOptions, // `state` may be left out, which its types forbid
      (token: string, _refresh: string, profile: { id: string; displayName: string }, done: Done) =>
        done(null, { id: profile.id, name: profile.displayName, token }),
    )
  }
}

/** Resolves to `undefined` where nothing came within `ms`. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
