import cookieSession from 'cookie-session'
import { loginSuite, USUAL } from '../support/login-suite'

describe.each(USUAL)('cookie-session', (setting) => {
  loginSuite(setting, () => ({
    hasID: false,
    middleware: cookieSession({ name: 'session', keys: ['a test session secret'] }),
  }))
})
