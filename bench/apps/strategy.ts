import { AihubmixStrategy } from 'passport-dialects'
import { CLIENT, type Setup, type StartApp } from '../contestant.js'
import { passportApp } from './passport-app.js'

type Done = (error?: unknown, user?: object) => void

export function strategyOptions({ provider, origin }: Setup) {
  return { baseURL: provider, clientID: CLIENT.id, clientSecret: CLIENT.secret, callbackURL: `${origin}/callback` }
}

export function verify(_token: string, _refresh: string, profile: { id: string; username?: string }, done: Done) {
  done(null, { id: profile.id, name: profile.username })
}

const start: StartApp = (setup) => passportApp(setup, new AihubmixStrategy(strategyOptions(setup), verify))
export default start
