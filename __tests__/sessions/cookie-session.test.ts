import cookieSession from 'cookie-session'
import { loginSuite, SETTINGS } from '../support/login-suite'

describe.each(SETTINGS)('cookie-session', (setting) => {
  loginSuite(setting, () => ({
    hasID: false,
    middleware: cookieSession({ name: 'session', keys: ['a test session secret'] }),
  }))
})
