import { appWith, plain } from '../controls/support'
import { Browser, told } from '../support/browser'
import { NAMES } from '../support/providers'
import { ATTACKER, consent, failure, loggedIn, me, type Scene, startScene, VICTIM } from './scene'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
})
afterAll(() => scene.close())

describe("login CSRF with the attacker's code (RFC 9700 §4.7.1, RFC 6749 §10.12)", () => {
  test("control: passport-oauth2 as it comes logs the victim in to the attacker's account", async () => {
    const { aihubmix } = scene.emulators
    const app = await appWith(plain(aihubmix.origin, { ...aihubmix.options, state: undefined }))
    try {
      const planted = await aihubmix.approve(`${await new Browser().location(`${app.origin}/login`)}&state=any`, {
        user: ATTACKER,
      })
      expect((await told(new Browser().get(planted))).user?.id).toBe(ATTACKER)
    } finally {
      await app.close()
    }
  })

  test('control: the naive app, whose state is of no session, does so too', async () => {
    const planted = await consent(scene.naive, new Browser(), scene.emulators.aihubmix, { user: ATTACKER })
    const victim = new Browser()
    await victim.get(planted)
    expect(await loggedIn(scene.naive, victim)).toBe(ATTACKER)
  })

  test.each(NAMES)('%s: ours logs nobody in and asks the provider nothing', async (name) => {
    const { ours, emulators } = scene
    const planted = await consent(ours, new Browser(), emulators[name])
    const fresh = new Browser()
    const busy = new Browser()
    const pending = await consent(ours, busy, emulators[name])
    const before = scene.calls()
    expect(await failure(fresh, planted)).toBe('session_missing')
    expect(await failure(busy, planted)).toBe('state_unknown')
    expect(scene.calls()).toBe(before)
    expect([await loggedIn(ours, fresh), await loggedIn(ours, busy)]).toEqual([null, null])
    await busy.get(pending)
    expect(await loggedIn(ours, busy)).not.toBeNull()
  })

  test.each(NAMES)("%s: ours refuses the attacker's credential without any state", async (name) => {
    const stripped = new URL(await consent(scene.ours, new Browser(), scene.emulators[name]))
    for (const param of ['state', 'login_state']) stripped.searchParams.delete(param)
    const victim = new Browser()
    await consent(scene.ours, victim, scene.emulators[name])
    const before = scene.calls()
    expect(await failure(victim, stripped.href)).toBe('state_missing')
    expect(scene.calls()).toBe(before)
  })
})

describe("the attacker's account linked to the victim's (RFC 6749 §10.12)", () => {
  test('control: the naive app links it, and the attacker can log in as the victim from then on', async () => {
    const { naive, emulators, other } = scene
    const victim = new Browser()
    await victim.get(await consent(naive, victim, emulators.aihubmix, { user: VICTIM }))
    await victim.get(await consent(naive, new Browser(), other, { name: 'other', user: ATTACKER }))
    const { user, linked } = await me(naive, victim)
    expect([user?.id, linked?.id]).toEqual([Number(VICTIM), Number(ATTACKER)])
  })

  test('ours links nothing that this session did not begin', async () => {
    const { ours, emulators, other } = scene
    const victim = new Browser()
    await victim.get(await consent(ours, victim, emulators.aihubmix, { user: VICTIM }))
    const planted = await consent(ours, new Browser(), other, { name: 'other', user: ATTACKER })
    expect(await failure(victim, planted)).toBe('state_unknown')
    const { providers } = await told(victim.get(`${ours.origin}/auth/session`))
    expect(providers.map(({ name }) => name)).toEqual(['aihubmix'])
  })
})

describe('the code of session A in session B (code injection, RFC 9700 §4.5)', () => {
  /** The attacker has the victim's code, and a state of his own to go with it. */
  async function inject(app: Scene['ours'], name: 'aihubmix' | 'tailchat') {
    const emulator = scene.emulators[name]
    const stolen = new URL(await consent(app, new Browser(), emulator))
    const attacker = new Browser()
    const own = new URL(await consent(app, attacker, emulator))
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '')
    return { attacker, callback: own.href }
  }

  test('control: without PKCE nobody can tell: the naive app logs the attacker in as the victim', async () => {
    const { attacker, callback } = await inject(scene.naive, 'aihubmix')
    await attacker.get(callback)
    expect(await loggedIn(scene.naive, attacker)).toBe(VICTIM)
  })

  test('ours binds the code to the session where the provider knows PKCE (RFC 9700 §4.5.3.1)', async () => {
    const { attacker, callback } = await inject(scene.ours, 'tailchat')
    expect(await failure(attacker, callback)).toBe('grant_rejected')
    expect(await loggedIn(scene.ours, attacker)).toBeNull()
  })

  test("the victim's whole callback, state and all, is of no use in the attacker's session", async () => {
    for (const name of NAMES) {
      const stolen = await consent(scene.ours, new Browser(), scene.emulators[name])
      const attacker = new Browser()
      await consent(scene.ours, attacker, scene.emulators[name])
      expect(await failure(attacker, stolen)).toBe('state_unknown')
    }
  })
})
