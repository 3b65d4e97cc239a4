import { closeTabs, interleave, openTabs } from './interleavings'
import { runsOf } from './seed'

beforeAll(openTabs)
afterAll(closeTabs)

// `npm run test:soak` runs 1,000: each is up to 36 requests and as many answers of a provider.
test('up to 12 tabs over 5 providers, in any order: each lands where it was begun, as who it was begun', () =>
  interleave(runsOf(20)))
