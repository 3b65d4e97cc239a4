import type { AihubmixStrategy } from 'passport-dialects'
import type { StartApp } from '../contestant.js'
import { passportApp } from './passport-app.js'
import { strategyOptions, verify } from './strategy.js'

// As router-before.ts.
const BEFORE = 'passport-dialects-before'

const start: StartApp = async (setup) => {
  const older: { AihubmixStrategy: typeof AihubmixStrategy } = await import(BEFORE)
  return passportApp(setup, new older.AihubmixStrategy(strategyOptions(setup), verify))
}
export default start
