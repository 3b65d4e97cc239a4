import { oauthRouter } from 'passport-dialects'
import type { StartApp } from '../contestant.js'
import { routerApp } from './router-app.js'

const start: StartApp = (setup) => routerApp(setup, oauthRouter)
export default start
