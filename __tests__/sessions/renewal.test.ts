import type { OAuthRouterConfig } from 'passport-dialects'
import { Gate } from '../support/gate'
import { startPlainApp } from '../support/plain-app'
import { keepPages, SessionScene } from '../support/session-scene'

// A login writes the app's content into a new session: what others changed meanwhile, and what `verify` changed, is in it.

const scene = new SessionScene()

/** Everybody is let in at once, but whoever comes by `provider` waits at the gate. */
const waitingAt =
  (gate: Gate, provider: string): NonNullable<OAuthRouterConfig['verify']> =>
  async ({ provider: name, profile }) => {
    if (name === provider) await gate.pass()
    return { provider: name, id: profile.id }
  }

test('plain Passport’s `keepSessionInfo` brings back what another tab took away meanwhile (the control)', async () => {
  const gate = new Gate()
  const app = await startPlainApp((server) => {
    keepPages(server)
    server.get('/slow-login', async (req, res, next) => {
      await gate.pass()
      req.logIn({ id: 'ann' }, { keepSessionInfo: true, session: true }, (error) =>
        error ? next(error) : res.json({}),
      )
    })
  })
  scene.closing(app)
  await scene.page('/keep/isAdmin/yes')
  const login = scene.page('/slow-login')
  await gate.reached
  await scene.page('/drop/isAdmin', scene.copy())
  gate.open()
  await login
  expect((await scene.page('/kept/isAdmin')).info).toBe('yes')
})

test('what another tab took away while a login was at work does not come back', async () => {
  const gate = new Gate()
  await scene.start({ providers: scene.only('tapd'), verify: waitingAt(gate, 'tapd') })
  await scene.page('/keep/isAdmin/yes')
  const login = scene.browser.get(await scene.callbackOf('tapd'))
  await gate.reached
  await scene.page('/drop/isAdmin', scene.copy())
  gate.open()
  expect((await login).status).toBe(303)
  expect(await scene.me()).toMatchObject({ provider: 'tapd' })
  expect((await scene.page('/kept/isAdmin')).info).toBeNull()
})

test('what another tab changed while a link was at work stays', async () => {
  const gate = new Gate()
  await scene.start({ providers: scene.only('tapd', 'aihubmix'), verify: waitingAt(gate, 'aihubmix') })
  await scene.logIn('tapd')
  await scene.page('/keep/cart/1')
  const link = scene.browser.get(await scene.callbackOf('aihubmix'))
  await gate.reached
  await scene.page('/keep/cart/2', scene.copy())
  await scene.page('/keep/wishes/3', scene.copy())
  gate.open()
  expect((await link).status).toBe(303)
  expect((await scene.page('/kept/cart')).info).toBe('2')
  expect((await scene.page('/kept/wishes')).info).toBe('3')
})

describe('what `verify` does to the session', () => {
  const start = (provider: string) =>
    scene.start({
      providers: scene.only('tapd', 'aihubmix'),
      verify: ({ provider: name, profile, req }) => {
        if (name === provider) {
          Reflect.deleteProperty(req.session, 'invite')
          Reflect.set(req.session, 'welcome', 'yes')
        }
        return { provider: name, id: profile.id }
      },
    })

  test.each([
    ['a login', 'tapd'],
    ['a link', 'aihubmix'],
  ] as const)(
    'is in the session that %s makes: what it deleted is gone, what it wrote is there',
    async (_title, name) => {
      await start(name)
      if (name === 'aihubmix') await scene.logIn('tapd')
      await scene.page('/keep/invite/once')
      await scene.page('/keep/cart/full')
      expect((await scene.logIn(name)).status).toBe(303)
      const kept = ['invite', 'welcome', 'cart'].map(async (key) => (await scene.page(`/kept/${key}`)).info)
      expect(await Promise.all(kept)).toEqual([null, 'yes', 'full'])
    },
  )

  test('holds against what another tab changed meanwhile, key by key', async () => {
    const gate = new Gate()
    await scene.start({
      providers: scene.only('tapd'),
      verify: async ({ profile, req }) => {
        Reflect.deleteProperty(req.session, 'invite')
        await gate.pass()
        return { id: profile.id }
      },
    })
    await scene.page('/keep/invite/once')
    await scene.page('/keep/cart/1')
    const login = scene.browser.get(await scene.callbackOf('tapd'))
    await gate.reached
    await scene.page('/keep/cart/2', scene.copy())
    gate.open()
    await login
    expect((await scene.page('/kept/invite')).info).toBeNull()
    expect((await scene.page('/kept/cart')).info).toBe('2')
  })
})
