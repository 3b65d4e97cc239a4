import { closeTabs, interleave, openTabs } from '../fuzz/interleavings'
import { type RunningApp, startRouterApp } from '../support/app'
import { closeAll, type Emulators, providersOf, startAll } from '../support/providers'
import { agent, randomOrders } from '../support/tabs'

let emulators: Emulators
let app: RunningApp

beforeAll(async () => {
  await openTabs()
  emulators = await startAll({ consent: 'auto' })
  app = await startRouterApp({ providers: providersOf(emulators) })
})
afterAll(async () => {
  await agent.close()
  await app.close()
  await closeAll(emulators)
  await closeTabs()
})

test('1,000 interleavings of up to 12 tabs over 5 providers: each lands where it was begun', () => interleave(1000))

test('eight tabs, begun and finished in 500 random orders, all log in', () => randomOrders(app.origin, 500))
