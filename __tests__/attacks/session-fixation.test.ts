import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import { AihubmixStrategy } from 'passport-dialects'
import type { Running } from '../controls/support'
import { startBareApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { Gate } from '../support/gate'
import { providersOf } from '../support/providers'
import { ATTACKER, cloneOf, consent, failure, loggedIn, me, type Scene, startScene, VICTIM } from './scene'

let scene: Scene
let closing: { close(): Promise<void> } | undefined
beforeAll(async () => {
  scene = await startScene()
})
afterEach(async () => {
  await closing?.close()
  closing = undefined
})
afterAll(() => scene.close())

/** A session that the attacker opened at the app, and the victim's browser into which he planted its cookie. */
async function planted(app: Running, begin = '/auth/aihubmix') {
  const attacker = new Browser()
  await attacker.get(app.origin + begin)
  return { attacker, victim: cloneOf(attacker, app.origin) }
}

describe('session fixation across a login: the attacker planted the session that RFC 6749 §10.12 relies on', () => {
  test('control: the naive app keeps the id, and the attacker is logged in with the victim', async () => {
    const { attacker, victim } = await planted(scene.naive)
    await victim.get(await consent(scene.naive, victim, scene.emulators.aihubmix))
    expect(await loggedIn(scene.naive, attacker)).toBe(VICTIM)
  })

  test('ours gives the victim a new id, and the planted one nobody', async () => {
    const { attacker, victim } = await planted(scene.ours)
    const before = await me(scene.ours, victim)
    await victim.get(await consent(scene.ours, victim, scene.emulators.aihubmix))
    expect(await loggedIn(scene.ours, victim)).toBe(VICTIM)
    expect((await me(scene.ours, victim)).sessionID).not.toBe(before.sessionID)
    expect(await loggedIn(scene.ours, attacker)).toBeNull()
  })

  test.each<[string, (() => Promise<Running>) | undefined]>([
    ['a store', undefined],
    [
      'a cookie',
      () =>
        startRouterApp(
          { providers: providersOf(scene.emulators) },
          { middleware: cookieSession({ name: 'session', keys: ['a test session secret'] }) },
        ),
    ],
  ])(
    'with the callback’s address, read a little later, the planted session leads nowhere: in %s',
    async (_title, own) => {
      const app = own ? await own() : scene.ours
      if (own) closing = app
      const { attacker, victim } = await planted(app)
      const callback = await consent(app, victim, scene.emulators.aihubmix)
      await (await victim.get(callback)).text()
      const calls = scene.calls()
      await attacker.get(callback)
      expect(await loggedIn(app, attacker)).toBeNull()
      expect(await loggedIn(app, victim)).toBe(VICTIM)
      expect(scene.calls()).toBe(calls)
    },
  )

  test('control: the naive app gives whoever has cookie and address the victim’s session', async () => {
    const { attacker, victim } = await planted(scene.naive)
    const callback = await consent(scene.naive, victim, scene.emulators.aihubmix)
    await (await victim.get(callback)).text()
    await attacker.get(callback)
    expect(await loggedIn(scene.naive, attacker)).toBe(VICTIM)
  })

  test('the planted id is nobody even while it keeps other tabs of the victim alive', async () => {
    const { attacker, victim } = await planted(scene.ours)
    const [first, second] = [
      await consent(scene.ours, victim, scene.emulators.aihubmix),
      await consent(scene.ours, victim, scene.emulators.tapd),
    ]
    await victim.get(first)
    expect(await loggedIn(scene.ours, attacker)).toBeNull()
    await victim.get(second)
    expect(await loggedIn(scene.ours, attacker)).toBeNull()
    const { providers } = await (await attacker.get(`${scene.ours.origin}/auth/session`))
      .json()
      .then((it) => Object(it))
    expect(providers).toEqual([])
  })

  test.each([0, 1])(
    'a login begun with the planted id afterwards is none of the victim, with %i tabs left',
    async (tabs) => {
      const { attacker, victim } = await planted(scene.ours)
      const callback = await consent(scene.ours, victim, scene.emulators.aihubmix)
      if (tabs > 0) await consent(scene.ours, victim, scene.emulators.tapd)
      await victim.get(callback)
      const own = await consent(scene.ours, attacker, scene.other, { name: 'other', user: ATTACKER })
      expect(await failure(victim, own)).toBe('state_unknown')
      expect(await loggedIn(scene.ours, attacker)).toBeNull()
    },
  )

  test('a callback of the attacker that was at work when the victim logged in gets no session of the victim', async () => {
    const gate = new Gate()
    // Behind the session middleware: the attacker's request has read the planted session, and waits.
    const before: RequestHandler = (req, _res, next) => {
      if (req.path !== '/auth/tapd/callback') return next()
      void gate.pass().then(() => next())
    }
    const app = await startRouterApp({ providers: providersOf(scene.emulators) }, { before })
    closing = app
    const { attacker, victim } = await planted(app)
    const own = await consent(app, attacker, scene.emulators.tapd, { user: '6082' })
    const callback = await consent(app, victim, scene.emulators.aihubmix)
    const racing = attacker.get(own)
    await gate.reached
    await victim.get(callback)
    gate.open()
    await racing
    expect(await loggedIn(app, victim)).toBe(VICTIM)
    expect(await loggedIn(app, attacker)).toBe('6082')
    expect((await me(app, attacker)).sessionID).not.toBe((await me(app, victim)).sessionID)
  })

  test('a strategy under a Passport of the app changes the id too', async () => {
    const { aihubmix } = scene.emulators
    const verify = (_token: string, _refresh: string, profile: object, done: (error: null, user: object) => void) =>
      done(null, profile)
    const app = await startBareApp((callbackURL) => new AihubmixStrategy({ ...aihubmix.options, callbackURL }, verify))
    closing = app
    const { attacker, victim } = await planted(app, '/login')
    await victim.get(await aihubmix.approve(await victim.location(`${app.origin}/login`)))
    expect(await loggedIn(app, victim)).toBe(VICTIM)
    expect(await loggedIn(app, attacker)).toBeNull()
  })

  test("with cookie-session the planted cookie stays what it was: nobody's", async () => {
    const middleware = cookieSession({ name: 'session', keys: ['a test session secret'] })
    const app = await startRouterApp({ providers: providersOf(scene.emulators) }, { middleware })
    closing = app
    const { attacker, victim } = await planted(app)
    await victim.get(await consent(app, victim, scene.emulators.aihubmix))
    expect(await loggedIn(app, victim)).toBe(VICTIM)
    expect(await loggedIn(app, attacker)).toBeNull()
  })
})

describe('session fixation across linking (draft-ietf-oauth-security-topics-update §2.3)', () => {
  test('control: the naive app keeps the id when an account is linked', async () => {
    const browser = new Browser()
    await browser.get(await consent(scene.naive, browser, scene.emulators.aihubmix))
    const before = await me(scene.naive, browser)
    await browser.get(await consent(scene.naive, browser, scene.other, { name: 'other' }))
    const after = await me(scene.naive, browser)
    expect(after.linked).not.toBeNull()
    expect(after.sessionID).toBe(before.sessionID)
  })

  test('ours changes it at every link, and the old id is nobody', async () => {
    const browser = new Browser()
    await browser.get(await consent(scene.ours, browser, scene.emulators.aihubmix))
    const old = cloneOf(browser, scene.ours.origin)
    await browser.get(await consent(scene.ours, browser, scene.other, { name: 'other' }))
    expect(await loggedIn(scene.ours, browser)).toBe(VICTIM)
    expect(await loggedIn(scene.ours, old)).toBeNull()
  })

  /** The attacker, logged in, begins a link and sends its address to the victim, who agrees at the provider. */
  async function crossUser(app: Running) {
    const attacker = new Browser()
    await attacker.get(await consent(app, attacker, scene.emulators.aihubmix, { user: ATTACKER }))
    const callback = await consent(app, attacker, scene.other, { name: 'other', user: VICTIM })
    return { attacker, callback }
  }

  test("control: the naive app finishes the attacker's link in the victim's browser", async () => {
    const { callback } = await crossUser(scene.naive)
    const victim = new Browser()
    await victim.get(callback)
    expect(await loggedIn(scene.naive, victim)).toBe(VICTIM)
  })

  test("ours finishes a link in the browser that began it alone: the victim's code is used nowhere", async () => {
    const { attacker, callback } = await crossUser(scene.ours)
    const victim = new Browser()
    await victim.get(await consent(scene.ours, victim, scene.emulators.tapd))
    const before = scene.calls()
    expect(await failure(victim, callback)).toBe('state_unknown')
    expect(scene.calls()).toBe(before)
    const { providers } = Object(await (await attacker.get(`${scene.ours.origin}/auth/session`)).json())
    expect(providers).toHaveLength(1)
  })

  test('a link begun by one user is not finished by the next one in the same browser', async () => {
    const browser = new Browser()
    await browser.get(await consent(scene.ours, browser, scene.emulators.aihubmix, { user: ATTACKER }))
    const link = await consent(scene.ours, browser, scene.other, { name: 'other', user: ATTACKER })
    await browser.get(await consent(scene.ours, browser, scene.emulators.aihubmix, { user: VICTIM }))
    expect(await loggedIn(scene.ours, browser)).toBe(VICTIM)
    expect(await failure(browser, link)).toBe('state_mismatch')
  })
})
