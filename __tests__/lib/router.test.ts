import { OAuthError } from 'passport-dialects'
import type { RunningApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { backChannelCalls } from '../support/providers'
import { RouterScene, whoIs } from '../support/router-scene'

const scene = new RouterScene()
const JSON_ONLY = { accept: 'application/json' }

describe('a login', () => {
  test('gives the session a new id and the old id nothing (session fixation)', async () => {
    const app = await scene.appWith()
    const browser = new Browser()
    await browser.location(`${app.origin}/auth/tapd`)
    const before = browser.cookies(app.origin)
    await scene.login(app, browser, 'tapd')
    expect(browser.cookies(app.origin)).not.toBe(before)
    const fixed = new Browser()
    fixed.setCookie(app.origin, 'connect.sid', before.split('=')[1] ?? '')
    expect((await whoIs(app, fixed)).user).toBeNull()
  })

  test('keeps what the app had in the session', async () => {
    const app = await scene.appWith(
      {},
      {
        before: (req, res, next) => {
          const session = req.session as { cart?: string }
          if (req.query.cart) session.cart = String(req.query.cart)
          if (req.path === '/cart') return void res.json({ info: { cart: session.cart } })
          next()
        },
      },
    )
    const browser = new Browser()
    await scene.login(app, browser, 'tapd', '?cart=tea')
    expect((await told(browser.get(`${app.origin}/cart`))).info).toEqual({ cart: 'tea' })
  })

  test('tells the session of it, without any token', async () => {
    const app = await scene.appWith()
    const browser = new Browser()
    await scene.login(app, browser, 'aihubmix')
    const text = await (await browser.get(`${app.origin}/auth/session`)).text()
    expect(JSON.parse(text)).toEqual({
      user: { provider: 'aihubmix', id: '12345', displayName: '张三', username: '张三', email: 'zhangsan@example.com' },
      providers: [{ name: 'aihubmix', scope: ['profile'], expiresAt: expect.stringMatching(/^\d{4}-.*Z$/) }],
    })
    expect(text).not.toMatch(/token|secret/i)
  })

  test.each([
    ['?returnTo=/deep/page?x=1%23y', '/deep/page?x=1#y'],
    ['?returnTo=//evil.example', '/home'],
    ['?returnTo=https://evil.example', '/home'],
    ['?returnTo=/a&returnTo=/b', '/home'],
    ['', '/home'],
  ])('begun with %s goes to %s', async (query, target) => {
    const app = await scene.appWith({ successRedirect: '/home' })
    const answer = await scene.login(app, new Browser(), 'tiktok', query)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, target])
  })

  test('answers carry no referrer and are not kept', async () => {
    const app = await scene.appWith()
    const begun = await new Browser().get(`${app.origin}/auth/tapd`)
    expect(begun.status).toBe(302)
    for (const answer of [begun, await scene.login(app, new Browser(), 'tapd')]) {
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
  })
})

test('a HEAD request, such as a link scanner sends, uses up nothing', async () => {
  const app = await scene.appWith()
  const browser = new Browser()
  const callback = await scene.emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd`))
  const cookie = browser.cookies(app.origin)
  expect((await fetch(callback, { method: 'HEAD', headers: { cookie } })).status).toBe(405)
  expect((await browser.get(callback)).headers.get('location')).toBe('/')
})

describe('a second provider', () => {
  test('is linked: the first user stays, verify sees it', async () => {
    const seen: unknown[] = []
    const app = await scene.appWith({
      verify: ({ provider, profile, tokens, req }) => {
        seen.push(req.user)
        expect(tokens).toMatchObject({ tokenType: 'Bearer', accessToken: expect.any(String) })
        return { provider, id: profile.id }
      },
    })
    const browser = new Browser()
    await scene.login(app, browser, 'tapd')
    await scene.login(app, browser, 'tiktok')
    expect(seen).toEqual([undefined, { provider: 'tapd', id: '6081' }])
    const { user, providers } = await whoIs(app, browser)
    expect(user).toEqual({ provider: 'tapd', id: '6081' })
    expect(providers.map(({ name }) => name)).toEqual(['tapd', 'tiktok'])
  })

  test('the same provider again, as somebody else, is a new user without the old links', async () => {
    const app = await scene.appWith()
    const browser = new Browser()
    await scene.login(app, browser, 'tapd')
    await scene.login(app, browser, 'tiktok')
    await scene.login(app, browser, 'tapd', '', '6082')
    const { user, providers } = await whoIs(app, browser)
    expect(user?.id).toBe('6082')
    expect(providers.map(({ name }) => name)).toEqual(['tapd'])
  })

  test('a link begun by one user cannot be finished by another', async () => {
    const app = await scene.appWith()
    const browser = new Browser()
    await scene.login(app, browser, 'tapd')
    const link = await scene.emulators.tiktok.approve(await browser.location(`${app.origin}/auth/tiktok`))
    await scene.login(app, browser, 'tapd', '', '6082')
    const before = backChannelCalls(scene.emulators)
    expect((await told(browser.get(link, JSON_ONLY))).error.code).toBe('state_mismatch')
    expect(backChannelCalls(scene.emulators)).toBe(before)
  })
})

describe('logging out', () => {
  test('ends every login and the session id', async () => {
    const app = await scene.appWith({ logoutRedirect: '/bye' })
    const browser = new Browser()
    await scene.login(app, browser, 'tapd')
    const before = browser.cookies(app.origin)
    const answer = await browser.post(`${app.origin}/auth/logout`)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/bye'])
    const old = new Browser()
    old.setCookie(app.origin, 'connect.sid', before.split('=')[1] ?? '')
    expect(await whoIs(app, old)).toEqual({ user: null, providers: [] })
    expect(await whoIs(app, browser)).toEqual({ user: null, providers: [] })
  })

  test('a form of another site cannot do it, nor can a link', async () => {
    const app = await scene.appWith()
    const browser = new Browser()
    await scene.login(app, browser, 'tapd')
    expect((await browser.post(`${app.origin}/auth/logout`, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await browser.get(`${app.origin}/auth/logout`)).status).toBe(404)
    expect((await whoIs(app, browser)).user).not.toBeNull()
  })
})

describe('a failure', () => {
  const denied = async (app: RunningApp, headers?: Record<string, string>): Promise<Response> => {
    const browser = new Browser()
    return browser.get(await scene.emulators.tapd.deny(await browser.location(`${app.origin}/auth/tapd`)), headers)
  }

  test('goes to failureRedirect with its code', async () => {
    const app = await scene.appWith({ failureRedirect: '/login?from=auth#top' })
    const answer = await denied(app)
    expect(answer.headers.get('location')).toBe('/login?from=auth&error=access_denied&provider=tapd#top')
  })

  test('is a short page, or JSON for those who ask', async () => {
    const app = await scene.appWith()
    const html = await denied(app, { accept: 'text/html' })
    expect(html.status).toBe(403)
    expect(html.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await html.text()).toContain('access_denied')
    const { error } = await told(await denied(app, JSON_ONLY))
    expect(error).toEqual({ code: 'access_denied', provider: 'tapd', message: expect.any(String) })
  })

  test('goes to onError where there is one', async () => {
    const app = await scene.appWith({ onError: (error, _req, res) => void res.status(418).json({ code: error.code }) })
    const answer = await denied(app)
    expect([answer.status, (await told(answer)).code]).toEqual([418, 'access_denied'])
  })

  test.each([
    ['refuses', (): false => false, 'verify_refused', 403],
    ['gives null', (): null => null, 'verify_refused', 403],
    [
      'throws',
      () => {
        throw new Error('database at secret-host')
      },
      'verify_failed',
      500,
    ],
    ['rejects', () => Promise.reject(new Error('database at secret-host')), 'verify_failed', 500],
  ] as const)('verify %s', async (_what, verify, code, status) => {
    const app = await scene.appWith({ verify })
    const browser = new Browser()
    const callback = await scene.emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd`))
    const answer = await browser.get(callback, JSON_ONLY)
    expect(answer.status).toBe(status)
    const text = await answer.text()
    expect(text).toContain(code)
    expect(text).not.toMatch(/secret-host|at .*\.ts/)
  })

  test('without a session middleware says so', async () => {
    const app = await scene.appWith({}, { middleware: (_req, _res, next) => next() })
    const answer = await new Browser().get(`${app.origin}/auth/tapd`, JSON_ONLY)
    expect(answer.status).toBe(500)
    expect((await told(answer)).error.code).toBe('session_missing')
  })

  test.each(['nobody', '__proto__', 'constructor', 'toString', '%2e%2e', '%E0%A4%A', '..%2fsession', 'tapd%00'])(
    'an unknown provider %s is 404, without a stack trace',
    async (name) => {
      const app = await scene.appWith()
      for (const path of [`/auth/${name}`, `/auth/${name}/callback?code=a&state=b`]) {
        const answer = await fetch(app.origin + path)
        expect(answer.status).toBe(404)
        expect(await answer.text()).not.toMatch(/at .*(\.ts|\.js|node_modules)/)
      }
    },
  )
})

test('an error is recognised across two copies of the package', () => {
  const mine = new OAuthError('access_denied', { phase: 'callback' })
  const foreign = Object.assign(new Error('x'), { [Symbol.for('passport-dialects.OAuthError')]: true })
  expect([mine, foreign, new Error('x'), null, 'x'].map(OAuthError.is)).toEqual([true, true, false, false, false])
})
