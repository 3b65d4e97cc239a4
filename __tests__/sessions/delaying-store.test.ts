import session from 'express-session'
import { loginSuite, OPPOSITES } from '../support/login-suite'
import { seeded } from '../support/random'
import { usually } from '../support/whole'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

beforeAll(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterAll(() => {
  jest.restoreAllMocks()
})

// The seed stands in the title, so that a failing run can be made again.
describe.each(usually(OPPOSITES, (setting) => setting === OPPOSITES[0]))(
  `a store that takes 50 to 200 ms for every call (SEED=${seed})`,
  (setting) => {
    const open = () => {
      const store = new DelayingStore(seeded(seed))
      const middleware = session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store })
      return { hasID: true, middleware }
    }
    loginSuite(setting, open, { together: true })
  },
)

/** A store as far away as a database on another continent; calls overtake each other. */
class DelayingStore extends session.MemoryStore {
  constructor(private readonly random: () => number) {
    super()
  }

  override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    this.later(() => super.get(id, done))
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    this.later(() => super.set(id, data, done))
  }

  override touch(id: string, data: session.SessionData, done?: () => void): void {
    this.later(() => super.touch(id, data, done))
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    this.later(() => super.destroy(id, done))
  }

  private later(call: () => void): void {
    setTimeout(call, 50 + this.random() * 150)
  }
}
