import { runsOf } from './seed'
import { closeStorm, openStorm, storm } from './storm'

beforeAll(openStorm)
afterAll(closeStorm)

// `npm run test:soak` sends 100,000.
test('no junk in a request or a session answers a 500, logs anybody in or ends a pending login', () =>
  storm(runsOf(500)))
