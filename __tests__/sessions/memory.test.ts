import session from 'express-session'
import { FOUR, loginSuite } from '../support/login-suite'

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
