// Over 300 lines because all that a page's login shares with a redirect's is tried for it too.
import { randomBytes } from 'node:crypto'
import cookieSession from 'cookie-session'
import session from 'express-session'
import { DingtalkStrategy, type OAuthRouterConfig, type Providers } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startBareApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { jump } from '../support/clock'
import { askForState, callbackAt, failureAt, inAppCallback, inAppLogin, stateAt } from '../support/in-page'
import { strategyAt } from '../support/one-provider'

let dingtalk: Emulator<'dingtalk'>
let wecom: Emulator<'wecom'>
let wechat: Emulator<'wechat'>
let tapd: Emulator<'tapd'>
const apps: RunningApp[] = []
beforeAll(async () => {
  dingtalk = await startEmulator('dingtalk', { kind: 'in-app', appTokenLimit: 1000 })
  wecom = await startEmulator('wecom', { appTokenLimit: 1000 })
  wechat = await startEmulator('wechat')
  tapd = await startEmulator('tapd')
})
afterEach(async () => {
  jest.restoreAllMocks()
  await Promise.all(apps.splice(0).map((app) => app.close()))
})
afterAll(() => Promise.all([dingtalk.close(), wecom.close(), wechat.close(), tapd.close()]))

const inApp = (): Providers => ({ dingtalk: { ...dingtalk.options, kind: 'in-app' } })

async function start(
  config: Partial<OAuthRouterConfig> = {},
  options: Parameters<typeof startRouterApp>[1] = {},
): Promise<RunningApp> {
  const app = await startRouterApp({ providers: inApp(), successRedirect: '/home', ...config }, options)
  apps.push(app)
  return app
}

const userOf = async (app: RunningApp, browser: Browser) => (await told(browser.get(`${app.origin}/me`))).user
const loginsOf = async (app: RunningApp, browser: Browser) =>
  (await told(browser.get(`${app.origin}/auth/session`))).providers.map(({ name }) => name)
const callsTo = (emulator: Emulator) => emulator.requests.filter(({ endpoint }) => endpoint !== 'authorize').length

describe('a login that a page begins, inside DingTalk', () => {
  test('is one POST, one callback, and the user is logged in', async () => {
    const app = await start()
    const browser = new Browser()
    const answer = await askForState(app, { name: 'dingtalk', browser })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    const body = (await answer.json()) as { state: string }
    expect(body).toEqual({ state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/) })
    const callback = callbackAt(app, 'dingtalk', { code: dingtalk.entryCode(), state: body.state })
    const back = await browser.get(callback)
    expect([back.status, back.headers.get('location')]).toEqual([303, '/home'])
    expect(await userOf(app, browser)).toEqual({ provider: 'dingtalk', id: dingtalk.users[0]?.id, displayName: '张三' })
    expect(await loginsOf(app, browser)).toEqual(['dingtalk'])
  })

  test.each([
    ['?returnTo=/stories%3Fid=1', '/stories?id=1'],
    ['?returnTo=//evil.example', '/home'],
    ['?returnTo=https://evil.example/', '/home'],
  ])('goes on where the POST says, and never elsewhere: %s', async (query, location) => {
    const app = await start()
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser, query })
    expect((await browser.get(callback)).headers.get('location')).toBe(location)
  })

  test('in a popup, tells the page behind it', async () => {
    const app = await start()
    const browser = new Browser()
    const page = await (await browser.get(await inAppCallback(app, dingtalk, { browser, query: '?popup=1' }))).text()
    expect(page).toContain('data-provider="dingtalk" data-ok="1"')
  })

  test('changes the session id, as any login', async () => {
    const app = await start()
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser })
    const before = browser.cookies(app.origin)
    await browser.get(callback)
    expect(browser.cookies(app.origin)).not.toBe(before)
  })

  test('of two pages at once, finished in the other order: each is who its code says', async () => {
    const app = await start()
    const browser = new Browser()
    const first = await inAppCallback(app, dingtalk, { browser, query: '?returnTo=/first' })
    const second = await inAppCallback(app, dingtalk, { browser, query: '?returnTo=/second' })
    expect((await browser.get(second)).headers.get('location')).toBe('/second')
    expect((await browser.get(first)).headers.get('location')).toBe('/first')
  })

  test('a doubled callback asks DingTalk once', async () => {
    const app = await start()
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser })
    const before = dingtalk.requests.filter(({ endpoint }) => endpoint === 'profile').length
    const answers = await Promise.all([browser.get(callback), browser.get(callback)])
    expect(answers.map(({ status }) => status)).toEqual([303, 303])
    expect(dingtalk.requests.filter(({ endpoint }) => endpoint === 'profile').length - before).toBe(1)
  })

  test('brings no token of the user’s', async () => {
    const seen: unknown[] = []
    const app = await start({
      verify: ({ profile, tokens }) => {
        seen.push(tokens)
        return { id: profile.id }
      },
    })
    await inAppLogin(app, dingtalk)
    expect(seen).toEqual([undefined])
  })
})

describe('whoever is logged in', () => {
  const both = (): Providers => ({ ...inApp(), tapd: { ...tapd.options } })

  test('links, as at any other login', async () => {
    const app = await start({ providers: both() })
    const browser = new Browser()
    await browser.get(await tapd.approve(await browser.location(`${app.origin}/auth/tapd`)))
    await inAppLogin(app, dingtalk, { browser })
    expect(await userOf(app, browser)).toMatchObject({ provider: 'tapd' })
    expect(await loginsOf(app, browser)).toEqual(['tapd', 'dingtalk'])
  })

  test('a page’s login that one user began is not finished by the next', async () => {
    const app = await start({ providers: both() })
    const browser = new Browser()
    const logIn = async (user = '') =>
      browser.get(await tapd.approve(await browser.location(`${app.origin}/auth/tapd`), { user }))
    await logIn(tapd.users[0]?.id)
    const callback = await inAppCallback(app, dingtalk, { browser })
    await logIn(tapd.users[1]?.id)
    expect(await failureAt(browser, callback)).toEqual([400, 'state_mismatch'])
    expect(await loginsOf(app, browser)).toEqual(['tapd'])
  })

  test('a log-out between the POST and the callback stays one', async () => {
    const app = await start()
    const browser = await inAppLogin(app, dingtalk)
    const callback = await inAppCallback(app, dingtalk, { browser })
    await browser.post(`${app.origin}/auth/logout`)
    const before = callsTo(dingtalk)
    expect(await failureAt(browser, callback)).toEqual([
      400,
      expect.stringMatching(/^(state_unknown|session_missing)$/),
    ])
    expect(await userOf(app, browser)).toBeNull()
    expect(callsTo(dingtalk)).toBe(before)
  })
})

describe('what the session keeps of it', () => {
  test('twenty at most: the oldest goes, and the others log in', async () => {
    const app = await start()
    const browser = new Browser()
    const states: string[] = []
    for (let nth = 0; nth < 21; nth++) states.push(await stateAt(app, { name: 'dingtalk', browser }))
    const at = (nth: number) => callbackAt(app, 'dingtalk', { code: dingtalk.entryCode(), state: states.at(nth) ?? '' })
    expect(await failureAt(browser, at(0))).toEqual([400, 'state_unknown'])
    expect((await browser.get(at(1))).status).toBe(303)
  })

  test('stands in the cookie, where the session does', async () => {
    const cookie = { secret: 'a test session secret', httpOnly: true }
    const app = await start({}, { middleware: cookieSession(cookie) })
    const browser = await inAppLogin(app, dingtalk)
    expect(await userOf(app, browser)).toMatchObject({ provider: 'dingtalk', id: dingtalk.users[0]?.id })
  })

  test('is the app’s own store’s, where the provider has one', async () => {
    const states = new Set<string>()
    const store = {
      store: (_req: unknown, done: (error: null, state: string) => void) => {
        const state = randomBytes(16).toString('hex')
        states.add(state)
        done(null, state)
      },
      verify: (_req: unknown, state: string, done: (error: null, ok: boolean) => void) =>
        done(null, states.delete(state)),
    }
    const app = await start({ providers: { dingtalk: { ...dingtalk.options, kind: 'in-app', store } } })
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser })
    expect(states.has(new URL(callback).searchParams.get('state') ?? '')).toBe(true)
    expect((await browser.get(callback)).status).toBe(303)
    expect(states.size).toBe(0)
  })

  test('is gone with the session', async () => {
    const app = await start()
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser })
    expect(await failureAt(new Browser(), callback)).toEqual([400, 'session_missing'])
    await new Promise<void>((resolve) => app.store.clear?.(() => resolve()))
    expect((await failureAt(browser, callback))[0]).toBe(400)
    expect(await userOf(app, browser)).toBeNull()
  })

  test('is too old after ten minutes', async () => {
    const app = await start()
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser })
    jump(601)
    expect(await failureAt(browser, callback)).toEqual([400, 'state_expired'])
  })
})

describe('a POST that fails', () => {
  class FailingStore extends session.MemoryStore {
    override set(_id: string, _data: session.SessionData, done?: (error?: unknown) => void): void {
      done?.(new Error('the database at 10.0.0.5 went away'))
    }
  }

  test('for the store is store_failed as JSON, and no redirect, whatever failureRedirect says', async () => {
    const app = await start({ failureRedirect: '/login' }, { store: new FailingStore() })
    const answer = await askForState(app, { name: 'dingtalk', browser: new Browser(), query: '?popup=1' })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([503, 'no-store'])
    expect((await told(answer)).error).toMatchObject({ code: 'store_failed', provider: 'dingtalk' })
  })

  test('for want of a session is session_missing, and says what to do', async () => {
    const app = await start({}, { middleware: (_req, _res, next) => next() })
    const answer = await askForState(app, { name: 'dingtalk', browser: new Browser() })
    expect(answer.status).toBe(500)
    expect((await told(answer)).error).toMatchObject({
      code: 'session_missing',
      message: expect.stringContaining('express-session'),
    })
  })

  test('is told to onError', async () => {
    const codes: string[] = []
    const onError: OAuthRouterConfig['onError'] = (error, _req, res) => {
      codes.push(`${error.code} ${error.phase}`)
      res.status(error.status).end()
    }
    const app = await start({ onError }, { store: new FailingStore() })
    expect((await askForState(app, { name: 'dingtalk', browser: new Browser() })).status).toBe(503)
    expect(codes).toEqual(['store_failed authorize'])
  })
})

describe('the address', () => {
  test.each([
    ['GET', 405],
    ['HEAD', 405],
    ['PUT', 404],
    ['DELETE', 404],
  ])('is none for %s: %d', async (method, status) => {
    const app = await start()
    const answer = await fetch(`${app.origin}/auth/dingtalk/entry?code=x`, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([status, status === 405 ? 'POST' : null])
  })

  test('is compared as Express compares', async () => {
    const app = await start()
    expect((await new Browser().post(`${app.origin}/AUTH/dingtalk/Entry/`)).status).toBe(200)
  })

  test('is another one’s for a provider that sends codes unsolicited: GET', async () => {
    const app = await start({ providers: { tapd: { ...tapd.options, silentLogin: true } } })
    const answer = await askForState(app, { name: 'tapd', browser: new Browser() })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
  })

  test.each(['tapd', 'wechat', 'wecom', 'nobody'])('is none where nobody wants it: %s', async (name) => {
    const off = { panel: false }
    const panels = { wechat: { ...wechat.options, ...off }, wecom: { ...wecom.options, ...off } }
    const app = await start({ providers: { tapd: { ...tapd.options }, ...panels } as Providers })
    const browser = new Browser()
    expect((await askForState(app, { name, browser })).status).toBe(404)
    expect(browser.cookies(app.origin)).toBe('')
  })

  test('is the app’s own at the root, where there is no such provider', async () => {
    const routes = (app: { post: (path: string, handler: (req: unknown, res: { end(): void }) => void) => void }) =>
      app.post('/shop/entry', (_req, res) => res.end())
    const app = await start({ mountPath: '' }, { routes: routes as never })
    const browser = new Browser()
    expect((await browser.post(`${app.origin}/shop/entry`)).status).toBe(200)
    expect((await browser.post(`${app.origin}/dingtalk/entry`)).status).toBe(200)
  })
})

describe('a login that only a page can begin', () => {
  test('has no address to be sent to: config_invalid says where it begins', async () => {
    const app = await start()
    const answer = await new Browser().get(`${app.origin}/auth/dingtalk`, { accept: 'application/json' })
    expect(answer.status).toBe(500)
    const { error } = await told(answer)
    expect(error).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('POST …/dingtalk/entry') })
  })

  test('is the router’s alone: under bare Passport it is config_invalid', async () => {
    const app = await startBareApp((callbackURL) => strategyAt(dingtalk, { kind: 'in-app', callbackURL }))
    apps.push(app)
    const answer = await new Browser().get(`${app.origin}/login`)
    expect(await told(answer)).toMatchObject({ code: 'config_invalid' })
  })
})

describe('one name for both of DingTalk’s logins, by the browser', () => {
  /** Inside DingTalk and outside of it. */
  async function startBoth(): Promise<RunningApp> {
    const { corpId: _, ...options } = dingtalk.options as { corpId?: string } & typeof dingtalk.options // the page's
    const kinds = {
      browser: { ...options, userProfileURL: `${dingtalk.origin}/v1.0/contact/users/me` },
      inApp: options,
    }
    return start({
      providers: (req) => ({
        dingtalk: /DingTalk/.test(req.get('user-agent') ?? '')
          ? { ...kinds.inApp, kind: 'in-app' }
          : { ...kinds.browser, kind: 'browser' },
      }),
    })
  }
  const INSIDE = { 'user-agent': 'Mozilla/5.0 DingTalk/7.6' }

  test('one person is one user', async () => {
    const app = await startBoth()
    const outside = new Browser()
    await outside.get(await dingtalk.approve(await outside.location(`${app.origin}/auth/dingtalk`)))
    const inside = new Browser()
    const headers = { ...INSIDE, origin: app.origin }
    await inside.get(await inAppCallback(app, dingtalk, { browser: inside, headers }), INSIDE)
    const [one, other] = [await userOf(app, outside), await userOf(app, inside)]
    expect(one).toMatchObject({ provider: 'dingtalk', id: 'zX9mKq1LpT7vRn3WbYc2sQiEiE', displayName: '张三' })
    expect([other?.provider, other?.id]).toEqual([one?.provider, one?.id])
  })

  test('a state of the one is none of the other', async () => {
    const app = await startBoth()
    const browser = new Browser()
    const headers = { ...INSIDE, origin: app.origin }
    const ofPage = await inAppCallback(app, dingtalk, { browser, headers })
    const ofRedirect = await dingtalk.approve(await browser.location(`${app.origin}/auth/dingtalk`))
    const before = callsTo(dingtalk)
    expect(await failureAt(browser, ofPage)).toEqual([400, 'state_mismatch'])
    const answer = await browser.get(ofRedirect, { ...INSIDE, accept: 'application/json' })
    expect((await told(answer)).error.code).toBe('state_mismatch')
    expect(callsTo(dingtalk)).toBe(before)
  })

  test('beside each other under two names, too', async () => {
    const { options } = dingtalk
    const app = await start({
      providers: { ...inApp(), other: { ...options, kind: 'in-app', strategy: DingtalkStrategy } },
    })
    const browser = new Browser()
    const callback = await inAppCallback(app, dingtalk, { browser })
    expect(await failureAt(browser, callback.replace('/auth/dingtalk/', '/auth/other/'))).toEqual([
      400,
      'state_mismatch',
    ])
    expect((await browser.get(callback)).status).toBe(303)
  })
})

describe('a panel with the QR code in a page of the app', () => {
  /** As WeChat's `wxLogin.js` and WeCom's `createWWLoginPanel` address their frames. */
  const panels = {
    wechat: (redirect_uri: string, state: string) => {
      const { clientID: appid, authorizationURL } = wechat.options
      const query = { appid, scope: 'snsapi_login', redirect_uri, state, login_type: 'jssdk', self_redirect: 'default' }
      return `${authorizationURL}?${new URLSearchParams(query)}`
    },
    wecom: (redirect_uri: string, state: string) => {
      const { clientID: appid, agentId: agentid = '', authorizationURL } = wecom.options
      const query = { login_type: 'CorpApp', appid, agentid, redirect_uri, state, redirect_type: 'callback' }
      return `${authorizationURL}?${new URLSearchParams(query)}`
    },
  }
  const emulatorOf = (name: 'wechat' | 'wecom'): Emulator => ({ wechat, wecom })[name]
  const withPanel = (name: 'wechat' | 'wecom'): Providers =>
    name === 'wechat' ? { wechat: { ...wechat.options, panel: true } } : { wecom: { ...wecom.options, panel: true } }

  test.each(['wechat', 'wecom'] as const)(
    '%s: the page has the state, and the code comes back with it',
    async (name) => {
      const app = await start({ providers: withPanel(name) })
      const browser = new Browser()
      const state = await stateAt(app, { name, browser, query: '?returnTo=/in' })
      const callback = await emulatorOf(name).approve(panels[name](`${app.origin}/auth/${name}/callback`, state))
      expect((await browser.get(callback)).headers.get('location')).toBe('/in')
      expect(await userOf(app, browser)).toMatchObject({ provider: name, id: emulatorOf(name).users[0]?.id })
    },
  )

  test.each(['wechat', 'wecom'] as const)('%s: the redirect goes on beside it', async (name) => {
    const app = await start({ providers: withPanel(name) })
    const browser = new Browser()
    await browser.get(await emulatorOf(name).approve(await browser.location(`${app.origin}/auth/${name}`)))
    expect(await userOf(app, browser)).toMatchObject({ provider: name })
  })

  test.each(['wechat', 'wecom'] as const)('%s: a no in the panel is access_denied, and asks nobody', async (name) => {
    const app = await start({ providers: withPanel(name) })
    const browser = new Browser()
    const state = await stateAt(app, { name, browser })
    const callback = await emulatorOf(name).deny(panels[name](`${app.origin}/auth/${name}/callback`, state))
    const before = callsTo(emulatorOf(name))
    expect(await failureAt(browser, callback)).toEqual([403, 'access_denied'])
    expect(callsTo(emulatorOf(name))).toBe(before)
  })

  test.each([
    ['wechat', { kind: 'official-account', panel: true }, 'panel'],
    ['wecom', { kind: 'in-app', panel: true }, 'panel'],
    ['wechat', { panel: 'yes' }, 'panel'],
    ['wechat', { panel: true, pkce: true }, 'pkce'],
  ] as const)('%s %j is config_invalid', (name, options, option) => {
    expect(() => strategyAt(emulatorOf(name), options)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
    )
  })
})
