import session from 'express-session'
import { loginSuite, SETTINGS } from '../support/login-suite'
import { usually } from '../support/whole'

/** Both Expresses with each Passport, environment and way to restore a user. */
const FOUR = usually(SETTINGS, (setting) => SETTINGS.indexOf(setting) < 4)

// In production express-session warns of its MemoryStore, rightly; here it is what is tested.
beforeAll(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterAll(() => {
  jest.restoreAllMocks()
})

describe.each(FOUR)('MemoryStore', (setting) => {
  loginSuite(setting, () => ({
    hasID: true,
    middleware: session({ secret: 'a test session secret', resave: false, saveUninitialized: false }),
  }))
})
