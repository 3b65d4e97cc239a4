import type { oauthRouter } from 'passport-dialects'
import type { StartApp } from '../contestant.js'
import { routerApp } from './router-app.js'

// An older build beside today's: `BENCH_BEFORE=FOLDER npm run bench`, a checkout that was built; link.js copies it.
const BEFORE = 'passport-dialects-before'

const start: StartApp = async (setup) => {
  const older: { oauthRouter: typeof oauthRouter } = await import(BEFORE)
  return routerApp(setup, older.oauthRouter)
}
export default start
