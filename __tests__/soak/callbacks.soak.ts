import { runsOf } from '../fuzz/seed'
import { closeStorm, openStorm, storm } from '../fuzz/storm'

beforeAll(openStorm)
afterAll(closeStorm)

test('no 100,000 callbacks of junk answer a 500, log anybody in or end a pending login', () => storm(runsOf(100_000)))
