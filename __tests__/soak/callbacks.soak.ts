import { runsOf } from '../fuzz/seed'
import { closeStorm, openStorm, storm } from '../fuzz/storm'

beforeAll(openStorm)
afterAll(closeStorm)

test('100,000 callbacks: no junk in a request or a session answers a 500, logs anybody in or ends a pending login', () =>
  storm(runsOf(100_000)))
