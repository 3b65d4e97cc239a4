import express, { type ErrorRequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import OAuth2Strategy from 'passport-oauth2'
import { serve } from '../controls/support'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { InstantStrategy, instant, stateOf } from '../support/instant-strategy'

// What an app's own code throws inside a login is Express's to answer, as in passport-oauth2: it ends no process.

let closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.map((app) => app.close()))
  closing = []
})

const told: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).json({ told: String(error) })

async function bareApp(strategy: object, { calls = [] as unknown[], failureMessage = false, sessions = true } = {}) {
  const passport = new Passport()
  passport.use('it', strategy as InstantStrategy) // or passport-oauth2's own
  const app = express()
  if (sessions) app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  app.get('/login', passport.authenticate('it'))
  app.get('/callback', (req, res, next) => {
    if (failureMessage) return passport.authenticate('it', { failureMessage: true })(req, res, next)
    const custom = (error: unknown, user: unknown) => {
      calls.push(error ?? user)
      throw new Error('a mistake of the app')
    }
    passport.authenticate('it', custom)(req, res, next)
  })
  app.use(told)
  const running = await serve(app)
  closing.push(running)
  return running.origin
}

const OPTIONS = { clientID: 'an id', clientSecret: 'a canary client secret', callbackURL: '/callback' }
const ours = () => new InstantStrategy(OPTIONS, (_access, _refresh, profile, done) => done(null, { id: profile.id }))
const theirs = () =>
  new OAuth2Strategy(
    { ...OPTIONS, authorizationURL: 'https://p.example/a', tokenURL: 'https://p.example/t', state: true },
    () => {},
  )

test.each([
  ['ours', ours],
  ['passport-oauth2', theirs],
])('a callback of the app that throws on a refusal is a plain 500: %s', async (_whose, strategy) => {
  const calls: unknown[] = []
  const origin = await bareApp(strategy(), { calls })
  const answer = await fetch(`${origin}/callback?code=x&state=y`)
  expect([answer.status, await answer.json()]).toEqual([500, { told: 'Error: a mistake of the app' }])
  expect(calls).toHaveLength(strategy === ours ? 1 : 2)
})

test('one that throws on a success is not called a second time', async () => {
  const calls: unknown[] = []
  const origin = await bareApp(ours(), { calls })
  const browser = new Browser()
  const state = stateOf(await browser.location(`${origin}/login`))
  const answer = await browser.get(`${origin}/callback?code=x&state=${state}`)
  expect([answer.status, calls]).toEqual([500, [{ id: 'u1' }]])
})

test('failureMessage without a session is a plain 500', async () => {
  const origin = await bareApp(ours(), { failureMessage: true, sessions: false })
  expect((await fetch(`${origin}/callback?code=x`)).status).toBe(500)
})

test.each([
  ['rejects', async () => Promise.reject(new Error('the log is down'))],
  [
    'throws',
    () => {
      throw new Error('the log is down')
    },
  ],
])('an `onError` that %s hands the request to Express', async (_how, onError) => {
  const app: RunningApp = await startRouterApp({ providers: { instant }, onError })
  closing.push(app)
  const answer = await fetch(`${app.origin}/auth/instant/callback?code=x`)
  expect([answer.status, await answer.json()]).toEqual([500, { unhandled: 'Error: the log is down' }])
})
