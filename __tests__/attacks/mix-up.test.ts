import { AihubmixStrategy } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { Running } from '../controls/support'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { ATTACKER, consent, failure, loggedIn, type Scene, startScene, VICTIM } from './scene'

let scene: Scene
const closing: { close(): Promise<void> }[] = []
beforeAll(async () => {
  scene = await startScene()
})
afterEach(async () => {
  await Promise.all(closing.splice(0).map((it) => it.close()))
})
afterAll(() => scene.close())

/** The codes that arrived at a provider's token endpoint: those it can steal. */
function codesSeenBy(emulator: Emulator): string[] {
  return emulator.requests.map(({ body }) => new URLSearchParams(body).get('code')).filter((code) => code !== null)
}

/**
 * The victim begins a login at `other`, which is the attacker's. Its authorization page sends the browser on to the
 * honest provider at once, with the honest client id and callback and the state that the victim came with.
 */
async function mixUp(app: Running, victim: Browser): Promise<string> {
  const toAttacker = new URL(await victim.location(`${app.origin}/auth/other`))
  const { authorizationURL, clientID } = scene.emulators.aihubmix.options
  const onward = new URL(authorizationURL)
  onward.search = toAttacker.search
  onward.searchParams.set('client_id', clientID)
  onward.searchParams.set('redirect_uri', `${app.origin}/auth/aihubmix/callback`)
  return scene.emulators.aihubmix.approve(onward.href, { user: VICTIM })
}

describe('mix-up: a login begun at one provider comes back from another (RFC 9700 §4.4)', () => {
  test('control: the naive app takes the callback of a login that it never began there', async () => {
    const victim = new Browser()
    await victim.get(await mixUp(scene.naive, victim))
    expect(await loggedIn(scene.naive, victim)).toBe(VICTIM)
  })

  test('ours sees at the distinct callback address that the state is of another provider (§4.4.2.2)', async () => {
    const victim = new Browser()
    const callback = await mixUp(scene.ours, victim)
    const before = scene.calls()
    expect(await failure(victim, callback)).toBe('state_mismatch')
    expect(scene.calls()).toBe(before)
  })
})

describe('COAT, the code sent to a token endpoint of the attacker (draft-ietf-oauth-security-topics-update §2.2)', () => {
  /** The honest provider's code, brought by the victim's browser to the callback of the attacker's provider. */
  async function steal(app: Running) {
    const victim = new Browser()
    const honest = new URL(await mixUp(app, victim))
    const code = honest.searchParams.get('code') ?? ''
    return { victim, code, callback: honest.href.replace('/auth/aihubmix/', '/auth/other/') }
  }

  test('control: the naive app gives the code away', async () => {
    const { victim, code, callback } = await steal(scene.naive)
    await victim.get(callback)
    expect(codesSeenBy(scene.other)).toContain(code)
  })

  test('the defence is the exact redirect address at the provider: ours sends one to each, and no wildcard', async () => {
    const callbacks = ['aihubmix', 'other'].map((name) => `${scene.ours.origin}/auth/${name}/callback`)
    const sent = await Promise.all(
      ['aihubmix', 'other'].map((name) => new Browser().location(`${scene.ours.origin}/auth/${name}`)),
    )
    expect(sent.map((address) => new URL(address).searchParams.get('redirect_uri'))).toEqual(callbacks)
    const registered = await startEmulator('aihubmix', { redirectURIs: [String(callbacks[0])] })
    closing.push(registered)
    const attack = new URL(registered.options.authorizationURL)
    attack.search = new URL(sent[1] ?? '').search
    attack.searchParams.set('client_id', registered.options.clientID)
    await expect(registered.approve(attack.href)).rejects.toThrow('redirect_uri')
  })

  test('ours sends no code of a state begun elsewhere to any token endpoint', async () => {
    const victim = new Browser()
    const begunHonestly = await consent(scene.ours, victim, scene.emulators.aihubmix)
    const code = new URL(begunHonestly).searchParams.get('code') ?? ''
    expect(await failure(victim, begunHonestly.replace('/auth/aihubmix/', '/auth/other/'))).toBe('state_mismatch')
    expect(codesSeenBy(scene.other)).not.toContain(code)
    expect(codesSeenBy(scene.emulators.aihubmix)).not.toContain(code)
    await victim.get(begunHonestly)
    expect(await loggedIn(scene.ours, victim)).toBe(VICTIM)
  })

  test("a tenant's provider that differs in its token endpoint alone is another context", async () => {
    const { aihubmix } = scene.emulators
    const honest = { chat: { ...aihubmix.options, strategy: AihubmixStrategy } }
    const evil = { chat: { ...honest.chat, tokenURL: scene.other.options.tokenURL } }
    const app = await startRouterApp({
      verify: ({ profile }) => ({ provider: profile.provider, id: profile.id, displayName: profile.displayName }),
      providers: (req) => (req.query.tenant === 'evil' ? evil : honest),
    })
    closing.push(app)
    const victim = new Browser()
    const callback = await consent(app, victim, aihubmix, { name: 'chat' })
    expect(await failure(victim, `${callback}&tenant=evil`)).toBe('state_mismatch')
    expect(codesSeenBy(scene.other)).not.toContain(new URL(callback).searchParams.get('code'))
  })
})

describe('CORF, the context taken from the address instead of the session (same draft, §2.2.1)', () => {
  /** The victim has a login pending at one provider; the attacker's callback names another, with the victim's state. */
  async function forge(app: Running) {
    const victim = new Browser()
    const own = new URL(await victim.location(`${app.origin}/auth/other`))
    const planted = new URL(await consent(app, new Browser(), scene.emulators.aihubmix, { user: ATTACKER }))
    planted.searchParams.set('state', own.searchParams.get('state') ?? '')
    return { victim, callback: planted.href }
  }

  test("control: the naive app ends up in the attacker's account", async () => {
    const { victim, callback } = await forge(scene.naive)
    await victim.get(callback)
    expect(await loggedIn(scene.naive, victim)).toBe(ATTACKER)
  })

  test('ours keeps the context in the session, and refuses', async () => {
    const { victim, callback } = await forge(scene.ours)
    const before = scene.calls()
    expect(await failure(victim, callback)).toBe('state_mismatch')
    expect(scene.calls()).toBe(before)
  })
})

describe('a wrong or missing iss (RFC 9207 §2.4)', () => {
  const cases: [string, (callback: URL) => void, string][] = [
    ['wrong', (callback) => callback.searchParams.set('iss', 'https://evil.example'), 'issuer_mismatch'],
    ['missing', (callback) => callback.searchParams.delete('iss'), 'issuer_mismatch'],
    [
      'with a slash more',
      (callback) => callback.searchParams.set('iss', `${callback.searchParams.get('iss')}/`),
      'issuer_mismatch',
    ],
    ['repeated', (callback) => callback.searchParams.append('iss', 'https://evil.example'), 'callback_invalid'],
    [
      'in capitals',
      (callback) => callback.searchParams.set('iss', callback.searchParams.get('iss')?.toUpperCase() ?? ''),
      'issuer_mismatch',
    ],
    ['empty', (callback) => callback.searchParams.set('iss', ''), 'callback_invalid'],
  ]

  async function tampered(app: Running, tamper: (callback: URL) => void) {
    const browser = new Browser()
    const callback = new URL(await consent(app, browser, scene.emulators.tailchat))
    tamper(callback)
    return { browser, callback: callback.href }
  }

  test('control: the naive app does not look at it', async () => {
    for (const [, tamper] of cases) {
      const { browser, callback } = await tampered(scene.naive, tamper)
      await browser.get(callback)
      expect(await loggedIn(scene.naive, browser)).not.toBeNull()
    }
  })

  test.each(cases)('%s: ours asks the provider nothing', async (_what, tamper, code) => {
    const { browser, callback } = await tampered(scene.ours, tamper)
    const before = scene.calls()
    expect(await failure(browser, callback)).toBe(code)
    expect(scene.calls()).toBe(before)
    expect(await loggedIn(scene.ours, browser)).toBeNull()
  })

  test('an error response is held to the same issuer', async () => {
    const browser = new Browser()
    const address = await browser.location(`${scene.ours.origin}/auth/tailchat`)
    const denied = new URL(await scene.emulators.tailchat.deny(address))
    denied.searchParams.set('iss', 'https://evil.example')
    expect(await failure(browser, denied.href)).toBe('issuer_mismatch')
  })
})
