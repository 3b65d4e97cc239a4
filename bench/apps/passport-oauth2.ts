import OAuth2Strategy from 'passport-oauth2'
import { CLIENT, endpointsOf, type StartApp } from '../contestant.js'
import { passportApp } from './passport-app.js'

type Done = (error?: unknown, user?: object) => void

const start: StartApp = (setup) => {
  const endpoints = endpointsOf(setup.provider)

  class PlainStrategy extends OAuth2Strategy {
    override userProfile(accessToken: string, done: Done): void {
      this._oauth2.useAuthorizationHeaderforGET(true)
      this._oauth2.get(endpoints.user, accessToken, (error, body) => {
        if (error) return done(error)
        try {
          const { id, username } = JSON.parse(String(body))
          done(null, { id: String(id), name: username })
        } catch (problem) {
          done(problem)
        }
      })
    }
  }

  const options = {
    authorizationURL: endpoints.authorize,
    tokenURL: endpoints.token,
    clientID: CLIENT.id,
    clientSecret: CLIENT.secret,
    callbackURL: `${setup.origin}/callback`,
    scope: 'profile',
    state: true, // in passport-oauth2, missing from its types
  }
  const verify = (_token: string, _refresh: string, profile: object, done: Done) => done(null, profile)
  return passportApp(setup, new PlainStrategy(options as OAuth2Strategy.StrategyOptions, verify))
}
export default start
