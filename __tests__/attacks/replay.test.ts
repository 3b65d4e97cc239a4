import { BbscloudStrategy } from 'passport-dialects'
import { appWith, plain } from '../controls/support'
import { startBareApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { NAMES } from '../support/providers'
import { cloneOf, consent, failure, loggedIn, type Scene, startScene } from './scene'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
})
afterAll(() => scene.close())

/** Token requests that arrived at AIHubMix's. */
const exchanges = () => scene.emulators.aihubmix.requests.filter(({ endpoint }) => endpoint === 'token').length

describe('a replayed callback (RFC 6749 §4.1.2: a code is used once)', () => {
  test('control: the naive app asks the provider again, in any browser', async () => {
    const browser = new Browser()
    const callback = await consent(scene.naive, browser, scene.emulators.aihubmix)
    const before = exchanges()
    await browser.get(callback)
    await new Browser().get(callback)
    expect(exchanges() - before).toBe(2)
  })

  test.each(NAMES)('%s: ours sends its own browser where it went, and others nowhere', async (name) => {
    const browser = new Browser()
    const callback = await consent(scene.ours, browser, scene.emulators[name], { query: '?returnTo=/in' })
    await browser.get(callback)
    const user = await loggedIn(scene.ours, browser)
    const before = scene.calls()
    for (let i = 0; i < 3; i++) expect((await browser.get(callback)).headers.get('location')).toBe('/in')
    expect(await failure(new Browser(), callback)).toBe('session_missing')
    expect(await loggedIn(scene.ours, browser)).toBe(user)
    expect(scene.calls()).toBe(before)
  })

  test('ours does not log in anew from a callback replayed after the log-out', async () => {
    const browser = new Browser()
    const callback = await consent(scene.ours, browser, scene.emulators.aihubmix)
    await browser.get(callback)
    await browser.post(`${scene.ours.origin}/auth/logout`)
    const before = scene.calls()
    expect(await failure(browser, callback)).toMatch(/^(state_unknown|session_missing)$/)
    expect(await loggedIn(scene.ours, browser)).toBeNull()
    expect(scene.calls()).toBe(before)
  })
})

describe('a doubled callback, both at the same moment (RFC 6749 §4.1.2)', () => {
  async function double(app: Scene['ours']) {
    const browser = new Browser()
    const callback = await consent(app, browser, scene.emulators.aihubmix)
    const twin = cloneOf(browser, app.origin)
    const before = exchanges()
    await Promise.all([browser.get(callback), twin.get(callback)])
    return { exchanges: exchanges() - before, users: [await loggedIn(app, browser), await loggedIn(app, twin)] }
  }

  test('control: the naive app exchanges the code twice', async () => {
    expect((await double(scene.naive)).exchanges).toBe(2)
  })

  test('ours exchanges it once, and both answers carry the login', async () => {
    const { exchanges, users } = await double(scene.ours)
    expect(exchanges).toBe(1)
    expect(users).toEqual(['12345', '12345'])
  })
})

describe('repeated parameters (RFC 6749 §3.1)', () => {
  test('control: passport-oauth2 sends both codes to the token endpoint', async () => {
    const { aihubmix } = scene.emulators
    const app = await appWith(plain(aihubmix.origin, aihubmix.options))
    try {
      const browser = new Browser()
      await browser.get(`${await aihubmix.approve(await browser.location(`${app.origin}/login`))}&code=second`)
      expect(aihubmix.requests.at(-1)?.body).toMatch(/code=[^&]+&(.*&)?code=second|code=[^&]+%2Csecond/)
    } finally {
      await app.close()
    }
  })

  const repeats = ['code=x', 'state=x', 'error=x', 'code[]=x&code[]=y', 'iss=a&iss=b', 'x=1&x=2', 'co%64e=x']
  test.each(repeats)('ours refuses &%s, asks the provider nothing, and the pending login goes on', async (more) => {
    const browser = new Browser()
    const callback = await consent(scene.ours, browser, scene.emulators.aihubmix)
    const before = scene.calls()
    const known = await failure(browser, `${callback}&${more}${more.startsWith('error') ? `&${more}` : ''}`)
    expect(known).toBe('callback_invalid')
    expect(scene.calls()).toBe(before)
    await browser.get(callback)
    expect(await loggedIn(scene.ours, browser)).toBe('12345')
  })
})

describe('a forged error callback that destroys a pending login (RFC 6749 §4.1.2.1)', () => {
  const forged = (app: Scene['ours'], state = '') =>
    `${app.origin}/auth/aihubmix/callback?error=access_denied${state && `&state=${state}`}`

  test('control: the naive app throws the session of the victim away', async () => {
    const victim = new Browser()
    await victim.get(await consent(scene.naive, victim, scene.emulators.aihubmix))
    await victim.get(forged(scene.naive))
    expect(await loggedIn(scene.naive, victim)).toBeNull()
  })

  test('ours believes no error without a state of this session: login and pending login stay', async () => {
    const victim = new Browser()
    const attackers = new URL(await consent(scene.ours, new Browser(), scene.emulators.aihubmix))
    const pending = await consent(scene.ours, victim, scene.emulators.aihubmix)
    expect(await failure(victim, forged(scene.ours))).toBe('state_missing')
    expect(await failure(victim, forged(scene.ours, 'guess'))).toBe('state_unknown')
    expect(await failure(victim, forged(scene.ours, attackers.searchParams.get('state') ?? ''))).toBe('state_unknown')
    await victim.get(pending)
    expect(await loggedIn(scene.ours, victim)).toBe('12345')
    expect(await failure(victim, forged(scene.ours))).toBe('state_missing')
    expect(await loggedIn(scene.ours, victim)).toBe('12345')
  })
})

describe('a callback-shaped request that starts a redirect, and so a loop (BBScloud brings token, not code)', () => {
  const queries = ['?token=520DD95263C1CFEA', '', '?login_state=x', '?token=', '?error=x', '?code=x', '?state=x']

  test("control: the naive app redirects BBScloud's own callback to BBScloud again", async () => {
    const answer = await new Browser().get(`${scene.naive.origin}/auth/bbscloud/callback?token=520DD95263C1CFEA`)
    expect(answer.headers.get('location')).toBe('/auth/bbscloud')
  })

  test.each(queries)('ours never redirects the callback %s', async (query) => {
    const before = scene.calls()
    for (const name of NAMES) {
      const answer = await new Browser().get(`${scene.ours.origin}/auth/${name}/callback${query}`)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    }
    expect(scene.calls()).toBe(before)
  })

  test.each(queries.filter((query) => query !== ''))('nor a beginning that looks like one: %s', async (query) => {
    const answer = await new Browser().get(`${scene.ours.origin}/auth/bbscloud${query}`)
    expect(answer.headers.get('location')).toBeNull()
  })

  test.each(queries)('nor under a Passport of the app: %s', async (query) => {
    const { options } = scene.emulators.bbscloud
    const app = await startBareApp((callbackURL) => new BbscloudStrategy({ ...options, callbackURL }, () => {}))
    try {
      const answer = await new Browser().get(`${app.origin}/callback${query}`)
      expect(answer.headers.get('location')).toBeNull()
      expect((await told(answer)).code).toMatch(/^(callback_invalid|state_missing|state_unknown|session_missing)$/)
    } finally {
      await app.close()
    }
  })
})
