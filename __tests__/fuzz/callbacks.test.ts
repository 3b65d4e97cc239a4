import { runsOf } from './seed'
import { closeStorm, openStorm, storm } from './storm'

beforeAll(openStorm)
afterAll(closeStorm)

// A hundredth of the 100,000 that `npm run test:soak` sends.
test('no junk in a request or a session answers a 500, logs anybody in or ends a pending login', () =>
  storm(runsOf(1_000)))
