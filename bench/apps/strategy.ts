import { AihubmixStrategy } from 'passport-dialects'
import { CLIENT, type StartApp } from '../contestant.js'
import { passportApp } from './passport-app.js'

type Done = (error?: unknown, user?: object) => void

const start: StartApp = (setup) => {
  const options = {
    baseURL: setup.provider,
    clientID: CLIENT.id,
    clientSecret: CLIENT.secret,
    callbackURL: `${setup.origin}/callback`,
  }
  const verify = (_token: string, _refresh: string, profile: { id: string; username?: string }, done: Done) =>
    done(null, { id: profile.id, name: profile.username })
  return passportApp(setup, new AihubmixStrategy(options, verify))
}
export default start
