import express, { type ErrorRequestHandler, type Express } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { serve } from '../controls/support'
import type { RunningApp } from './app'

/** Passport and express-session as in any tutorial: the control for statements about sessions. */
export async function startPlainApp(routes: (app: Express) => void): Promise<RunningApp> {
  const passport = new Passport()
  passport.serializeUser((value, done) => done(null, value))
  passport.deserializeUser((value: Express.User, done) => done(null, value))
  const store = new session.MemoryStore()
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }))
  app.use(passport.session())
  app.get('/login', (req, res, next) => req.logIn({ id: 'ann' }, (error) => (error ? next(error) : res.json({}))))
  app.post('/auth/logout', (req, res, next) => req.logout((error) => (error ? next(error) : res.json({}))))
  routes(app)
  app.get('/me', (req, res) => void res.json({ user: req.user ?? null }))
  const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).json({ unhandled: `${error}` })
  app.use(onError)
  return { ...(await serve(app)), store }
}
