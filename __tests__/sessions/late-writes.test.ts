import type { Express, RequestHandler } from 'express'
import session from 'express-session'
import type { TokenStore } from 'passport-dialects'
import { Gate } from '../support/gate'
import { startPlainApp } from '../support/plain-app'
import { reloadingPage, SessionScene } from '../support/session-scene'

// A page that calls `req.session.reload` has another session object from then on. What it writes late undoes nothing.

const scene = new SessionScene()

describe('a page that reloaded its session writes late', () => {
  const startWith = (gate: Gate, store?: session.Store) => {
    const routes = (app: Express) => void app.get('/slow', reloadingPage(gate))
    return scene.start({ providers: scene.only('tapd', 'aihubmix') }, { routes, ...(store && { store }) })
  }

  test('after a log-out: in plain express-session that undoes it (the control)', async () => {
    const gate = new Gate()
    scene.closing(await startPlainApp((app) => app.get('/slow', reloadingPage(gate))))
    await scene.page('/login')
    const old = scene.copy()
    const page = scene.page('/slow', old)
    await gate.reached
    await scene.logOut()
    gate.open()
    await page
    expect(await scene.me(old)).toEqual({ id: 'ann' })
  })

  test('after a log-out: it stays one', async () => {
    const gate = new Gate()
    await startWith(gate)
    await scene.logIn('tapd')
    const old = scene.copy()
    const page = scene.page('/slow', scene.copy())
    await gate.reached
    await scene.logOut()
    gate.open()
    await page
    expect(await scene.me(old)).toBeNull()
    expect(await scene.me()).toBeNull()
  })

  test('after a log-out in another process: it stays one', async () => {
    const gate = new Gate()
    const store = new session.MemoryStore()
    await startWith(gate, store)
    await scene.logIn('tapd')
    const old = scene.copy()
    const page = scene.page('/slow', scene.copy())
    await gate.reached
    const elsewhere = await scene.startElsewhere({ providers: scene.only('tapd') }, store)
    await scene.copy(old, elsewhere.origin).post(`${elsewhere.origin}/auth/logout`)
    gate.open()
    await page
    expect(await scene.me(old)).toBeNull()
  })

  test('after another user took the place: the old id is nobody, and he is there', async () => {
    const gate = new Gate()
    await startWith(gate)
    await scene.logIn('tapd')
    const old = scene.copy()
    const page = scene.page('/slow', scene.copy())
    await gate.reached
    await scene.logIn('tapd', { user: 1 })
    gate.open()
    await page
    expect(await scene.me(old)).toBeNull()
    expect(await scene.me()).toMatchObject({ id: scene.emulators.tapd.users[1]?.id })
  })

  test('after a login of the person who was nobody: the old id, which may be planted, is nobody', async () => {
    const gate = new Gate()
    await startWith(gate)
    await scene.page('/keep/cart/full')
    const old = scene.copy()
    const page = scene.page('/slow', scene.copy())
    await gate.reached
    await scene.logIn('tapd')
    gate.open()
    await page
    expect(await scene.me(old)).toBeNull()
    expect(await scene.me()).toMatchObject({ provider: 'tapd' })
  })

  test('with nothing in between: it is stored (the control)', async () => {
    const gate = new Gate()
    await startWith(gate)
    await scene.logIn('tapd')
    gate.open()
    await scene.page('/slow')
    expect((await scene.page('/kept/note')).info).toBe('written late')
  })
})

describe.each([
  ['writes nothing (the control)', false],
  ['writes when it was seen last', true],
])('a middleware that %s as a link’s response ends', (_title, writes) => {
  test('does not bring the link’s session back, which a log-out has ended by then', async () => {
    const gate = new Gate()
    const held: { next?: Gate } = {}
    const tokens = new Map<string, string>()
    /** The link is stored, and its response has not come yet, while the token store lets the older tokens go. */
    const tokenStore: TokenStore = {
      get: async (key) => tokens.get(key),
      set: async (key, value) => tokens.set(key, value).has(key),
      async delete(key) {
        const { next } = held
        delete held.next
        await next?.pass()
        return tokens.delete(key)
      },
    }
    let seen = 0
    const before: RequestHandler = (req, res, next) => {
      const { end } = res
      const lastSeen = (...args: Parameters<typeof end>) => {
        if (writes && req.session && req.path.endsWith('/callback')) Reflect.set(req.session, 'lastSeen', ++seen)
        return end.apply(res, args)
      }
      Reflect.set(res, 'end', lastSeen)
      next()
    }
    await scene.start({ providers: scene.only('tapd', 'aihubmix'), tokenStore }, { before })
    await scene.logIn('tapd')
    await scene.logIn('aihubmix')
    expect((await scene.page('/kept/lastSeen')).info).toBe(writes ? 2 : null)
    const callback = await scene.callbackOf('aihubmix')
    held.next = gate
    const link = scene.browser.get(callback)
    await gate.reached
    expect((await scene.logOut(scene.copy())).status).toBe(303)
    gate.open()
    await link
    expect(await scene.me()).toBeNull()
  })
})
