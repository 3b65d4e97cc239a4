import { setTimeout as sleep } from 'node:timers/promises'
import session from 'express-session'
import type { OAuthRouterConfig, TokenStore } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import type { Browser } from '../support/browser'
import { eventually } from '../support/eventually'
import { type SlowLane, startSlowLane } from '../support/slow-lane'
import { ask, countOf, loggedIn, startTokenApp as startHere } from '../support/token-app'

// Two copies of the package in one test know as little of each other as two processes do. Neither has a lock here: both
// refresh with the same refresh token, and the provider takes it once.
let emulator: Emulator
const apps: RunningApp[] = []
let lane: SlowLane
let lost: string[] = []
/** Whether the second one is handed on only when the first one's user has been logged out. */
let oneAfterTheOther = false

beforeEach(async () => {
  lost = []
  oneAfterTheOther = false
  emulator = await startEmulator('aihubmix', { accessTokenLifetime: 200 })
  // Both have come before the first one is handed on.
  lane = await startSlowLane(emulator.options.refreshURL ?? '', async (nth) => {
    await eventually(() => expect(lane.asked()).toBeGreaterThan(1))
    await sleep(50 * nth)
    if (oneAfterTheOther && nth > 0) await eventually(() => expect(lost).toHaveLength(1))
  })
})
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
  lane.close()
  await emulator.close()
})

/** An app with a copy of the package of its own. */
async function startCopy(store: session.Store, config: Partial<OAuthRouterConfig> = {}) {
  let start = startHere
  jest.isolateModules(() => {
    jest.dontMock('passport-dialects') // the net (support/canaries) would hand the same one to all
    start = (jest.requireActual('../support/token-app') as { startTokenApp: typeof startHere }).startTokenApp // that file's
  })
  const app = await start(
    {
      providers: { aihubmix: { ...emulator.options, refreshURL: lane.url } },
      onLoggedOut: ({ provider }) => lost.push(provider),
      ...config,
    },
    { store },
  )
  apps.push(app)
  return app
}

async function refreshAtBoth(browser: Browser, one: RunningApp, two: RunningApp) {
  const there = browser.at(one.origin, two.origin)
  const answers = await Promise.all([
    ask(browser, `${one.origin}/tokens/aihubmix`),
    ask(there, `${two.origin}/tokens/aihubmix`),
  ])
  return answers
}

test('tokens in the session: whose refresh comes second gets the tokens of the first', async () => {
  const store = new session.MemoryStore()
  const [one, two] = [await startCopy(store), await startCopy(store)]
  const browser = await loggedIn(one, 'aihubmix', emulator)
  const [first, second] = await refreshAtBoth(browser, one, two)
  expect([first?.error, second?.error]).toEqual([undefined, undefined])
  expect(first?.tokens).not.toBeNull()
  expect(second?.tokens).toEqual(first?.tokens)
  expect(countOf(emulator, 'refresh')).toBe(2)
  expect(lost).toEqual([])
})

test('tokens in a store without a lock: the same, even where the first is slow to store them', async () => {
  const texts = new Map<string, string>()
  const tokenStore: TokenStore = {
    get: async (key) => texts.get(key),
    async set(key, value, expected) {
      if (expected !== undefined) await new Promise((resolve) => setTimeout(resolve, 400))
      if (expected !== undefined && texts.get(key) !== expected) return false
      texts.set(key, value)
      return true
    },
    delete: async (key, expected) => (expected === undefined || texts.get(key) === expected) && texts.delete(key),
  }
  const store = new session.MemoryStore()
  const [one, two] = [await startCopy(store, { tokenStore }), await startCopy(store, { tokenStore })]
  const browser = await loggedIn(one, 'aihubmix', emulator)
  const [first, second] = await refreshAtBoth(browser, one, two)
  expect([first?.error, second?.error]).toEqual([undefined, undefined])
  expect(first?.tokens).not.toBeNull()
  expect(second?.tokens).toEqual(first?.tokens)
  expect(lost).toEqual([])
})

test('a refresh token that is really dead: both say so, and the first one tells the app', async () => {
  // At the very same moment both would: a session store has no call that looks and writes at once.
  oneAfterTheOther = true
  const store = new session.MemoryStore()
  const [one, two] = [await startCopy(store), await startCopy(store)]
  const browser = await loggedIn(one, 'aihubmix', emulator)
  emulator.revokeGrants()
  emulator.expireTokens()
  const answers = await refreshAtBoth(browser, one, two)
  expect(answers.map(({ error }) => error?.code)).toEqual(['refresh_rejected', 'refresh_rejected'])
  expect(lost).toEqual(['aihubmix'])
})
