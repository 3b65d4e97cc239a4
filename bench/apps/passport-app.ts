import express from 'express'
import session from 'express-session'
import { Passport, type Strategy } from 'passport'
import { SESSION, type Setup } from '../contestant.js'

/** An app with its Passport set up as Passport's documentation does it, around one strategy. */
export function passportApp({ store }: Setup, strategy: Strategy): express.Express {
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  passport.use('provider', strategy)
  const app = express()
  app.use(session({ ...SESSION, store }))
  app.use(passport.session())
  app.get('/login', passport.authenticate('provider'))
  app.get('/callback', passport.authenticate('provider'), (_req, res) => {
    res.redirect(303, '/')
  })
  app.get('/', (req, res) => {
    res.json(req.user ?? null)
  })
  return app
}
