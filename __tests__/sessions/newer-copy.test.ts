import session from 'express-session'
import type { OAuthRouterConfig } from 'passport-dialects'
import { Gate } from '../support/gate'
import { SessionScene } from '../support/session-scene'

// A link whose `verify` returns a newer copy of the user who is logged in: he is the same, whatever else changed in him.

const scene = new SessionScene()

/** MemoryStore that holds the next write until the test lets it go on. */
class HoldingStore extends session.MemoryStore {
  next: Gate | undefined

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    const { next } = this
    this.next = undefined
    const copy = JSON.parse(JSON.stringify(data))
    if (next) next.pass().then(() => super.set(id, copy, done))
    else super.set(id, copy, done)
  }
}

/** How apps return a user to `verify`: the control first, whose copy is the same. */
const VERIFIERS: [string, () => NonNullable<OAuthRouterConfig['verify']>][] = [
  ['the same copy (the control)', () => () => ({ id: 7, name: 'Ann' })],
  [
    'a row that counts the logins',
    () => {
      let logins = 0
      return () => ({ id: 7, name: 'Ann', logins: ++logins })
    },
  ],
  [
    'req.user, with the link added to it',
    () =>
      ({ req, provider }) => {
        const known: unknown = req.user && Reflect.get(req.user, 'links')
        if (!req.user || !Array.isArray(known)) return { id: 7, links: [provider] }
        known.push(provider)
        return req.user
      },
  ],
]

describe.each(VERIFIERS)('verify returns %s', (_title, verifier) => {
  const start = async (store = new HoldingStore()) => {
    const config = { providers: scene.only('tapd', 'aihubmix', 'tiktok'), verify: verifier() }
    await scene.start(config, { store })
    await scene.logIn('tapd')
    return { config, store }
  }

  test('a log-out with the id from before the link ends the link’s session', async () => {
    await start()
    const before = scene.copy()
    await scene.logIn('aihubmix')
    expect(await scene.logins()).toEqual(['tapd', 'aihubmix'])
    expect((await scene.logOut(before)).status).toBe(303)
    expect(await scene.me()).toBeNull()
  })

  test('so does one in another process', async () => {
    const { config, store } = await start()
    const before = scene.copy()
    await scene.logIn('aihubmix')
    const elsewhere = await scene.startElsewhere({ ...config, verify: verifier() }, store)
    const there = scene.copy(before, elsewhere.origin)
    expect((await there.post(`${elsewhere.origin}/auth/logout`)).status).toBe(303)
    expect(await scene.me()).toBeNull()
  })

  test('a log-out that waits behind a link ends its session', async () => {
    const { store } = await start()
    const callback = await scene.callbackOf('aihubmix')
    const gate = new Gate()
    store.next = gate
    const tab = scene.copy() // of two answers at once, a browser keeps the cookie of the later one
    const link = tab.get(callback)
    await gate.reached
    const out = scene.logOut()
    await turns()
    gate.open()
    await Promise.all([link, out])
    expect([await scene.me(), await scene.me(tab)]).toEqual([null, null])
  })

  test('two links at once both land', async () => {
    const { store } = await start()
    const callbacks = [await scene.callbackOf('aihubmix'), await scene.callbackOf('tiktok')]
    const gate = new Gate()
    store.next = gate
    const first = scene.browser.get(`${callbacks[0]}`)
    await gate.reached
    const second = scene.browser.get(`${callbacks[1]}`)
    await turns()
    gate.open()
    expect([(await first).status, (await second).status]).toEqual([303, 303])
    expect((await scene.logins()).sort()).toEqual(['aihubmix', 'tapd', 'tiktok'])
  })
})

test('control: a link whose user has another id is another user’s, and a log-out with the old id does not end it', async () => {
  let logins = 0
  const verify = () => ({ id: ++logins })
  await scene.start({ providers: scene.only('tapd', 'aihubmix'), linking: false, verify })
  await scene.logIn('tapd')
  const before = scene.copy()
  await scene.logIn('aihubmix')
  await scene.logOut(before)
  expect(await scene.me()).toEqual({ id: 2 })
})

/** What was sent comes in by turns of this process's event loop, not by time; a test that lost this race would still hold. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
}
