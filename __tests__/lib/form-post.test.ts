import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { TapdStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { Browser, told } from '../support/browser'
import { comeBack, fieldsOf, postFromElsewhere } from '../support/coming-back'
import { PostingStage, PostingStrategy } from '../support/posting-strategy'
import { shimmedCookieSession } from '../support/shimmed-cookie-session'

let stage: PostingStage
beforeAll(async () => {
  stage = await PostingStage.open({ postedUser: 'always' })
})
afterAll(() => stage.close())
afterEach(() => stage.closeApps())

describe('a callback by POST', () => {
  test('is answered by a page that posts the same once more, and logs in where it comes from there', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const back = await stage.posted(app, browser, '?returnTo=/there')
    const page = await postFromElsewhere(back)
    const html = await page.text()
    expect(page.status).toBe(200)
    expect(Object.keys(back.fields).sort()).toEqual(['code', 'state', 'user'])
    expect(fieldsOf(html)).toEqual({ ...back.fields, 'passport-dialects-again': '1' })
    const calls = stage.tokenCalls()
    const answer = await browser.post(back.url, fieldsOf(html), { origin: 'null' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/there'])
    expect(stage.tokenCalls()).toBe(calls + 1)
    expect(await stage.me(app, browser)).toMatchObject({ provider: 'posting', id: stage.apple.users[0]?.id })
  })

  test('is asked for in the authorization request', async () => {
    const app = await stage.start()
    const { searchParams } = new URL(await new Browser().location(`${app.origin}/auth/posting`))
    expect(searchParams.get('response_mode')).toBe('form_post')
  })

  test('its page has one script, by its hash, a form without an address, and is kept and told nowhere', async () => {
    const app = await stage.start()
    const page = await postFromElsewhere(await stage.posted(app, new Browser()))
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[\w+/]+='; base-uri 'none'; frame-ancestors 'none'$/,
    )
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    const html = await page.text()
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(html).toMatch(/<form method="post">/)
    expect(html).toMatch(/<button type="submit">Go on<\/button>/)
  })

  test('its page speaks Chinese where the browser does', async () => {
    const app = await stage.start()
    const chinese = { 'accept-language': 'zh-CN,zh;q=0.9' }
    const html = await (await postFromElsewhere(await stage.posted(app, new Browser()), chinese)).text()
    expect(html).toContain('<html lang="zh-CN">')
    expect(html).toContain('继续')
  })

  test('its page shows no field that nobody asks for, and none as markup', async () => {
    const app = await stage.start()
    const { url, fields } = await stage.posted(app, new Browser())
    const evil = '"><script>alert(1)</script>'
    const html = await (
      await postFromElsewhere({ url, fields: { ...fields, user: evil, more: 'x', [evil]: 'y' } })
    ).text()
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(fieldsOf(html)).toMatchObject({ user: evil })
    expect(Object.keys(fieldsOf(html)).sort()).toEqual(['code', 'passport-dialects-again', 'state', 'user'])
  })

  test('brings what the dialect asks for to verify; what is too long is left out and fails nothing', async () => {
    const seen: unknown[] = []
    const app = await stage.start({
      verify: ({ profile, tokens }) => {
        seen.push(tokens?.context?.user, tokens?.claims?.sub === profile.id)
        return { provider: 'posting', id: profile.id, displayName: '' }
      },
    })
    const browser = new Browser()
    const first = await stage.posted(app, browser)
    expect((await comeBack(browser, first)).status).toBe(303)
    const second = await stage.posted(app, browser)
    const long = { ...second, fields: { ...second.fields, user: 'x'.repeat(100_000) } }
    expect((await comeBack(browser, long)).status).toBe(303)
    expect(seen).toEqual([first.fields.user, true, undefined, true])
  })

  test('a refusal comes so too', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const denied = await stage.apple.denyForm(await browser.location(`${app.origin}/auth/posting`))
    const answer = await comeBack(browser, denied, { accept: 'application/json' })
    expect((await told(answer)).error).toMatchObject({ code: 'access_denied' })
  })

  test('by a redirect it is taken as ever', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const { url, fields } = await stage.posted(app, browser)
    expect((await browser.get(`${url}?${new URLSearchParams(fields)}`)).status).toBe(303)
    expect(await stage.me(app, browser)).not.toBeNull()
  })

  test('at a provider that posts none is 405, and logs nobody in', async () => {
    const tapd = await startEmulator('tapd')
    const app = await stage.start({ providers: { tapd: { ...tapd.options, strategy: TapdStrategy } } })
    const browser = new Browser()
    const url = new URL(await tapd.approve(await browser.location(`${app.origin}/auth/tapd`)))
    const answer = await browser.post(url.origin + url.pathname, Object.fromEntries(url.searchParams))
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
    expect(await stage.me(app, browser)).toBeNull()
    expect((await browser.get(url.href)).status).toBe(303)
    await tapd.close()
  })
})

describe('the session', () => {
  const secret = 'a test session secret'
  const counter: RequestHandler = (req, _res, next) => {
    Object.assign(req.session ?? {}, { seen: 1 })
    next()
  }

  test.each<[string, RequestHandler]>([
    ['express-session', session({ secret, resave: false, saveUninitialized: false })],
    ['express-session that saves every session', session({ secret, resave: true, saveUninitialized: true })],
    [
      'express-session that destroys what is unset',
      session({ secret, resave: false, saveUninitialized: true, unset: 'destroy' }),
    ],
    ['cookie-session', cookieSession({ name: 'session', keys: [secret] })],
    ['cookie-session with the functions that apps add for Passport', shimmedCookieSession(secret)],
  ])(
    'of %s gets no cookie and no content at the first POST, whatever the app puts into it',
    async (_name, middleware) => {
      const app = await stage.start({}, { middleware, before: counter })
      const browser = new Browser()
      const back = await stage.posted(app, browser)
      const page = await postFromElsewhere(back)
      expect(page.headers.getSetCookie()).toEqual([])
      await browser.post(back.url, fieldsOf(await page.text()))
      expect(await stage.me(app, browser)).toMatchObject({ provider: 'posting' })
    },
  )

  test('that comes along with the first POST stays as it is', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const back = await stage.posted(app, browser)
    const page = await browser.post(back.url, { ...back.fields })
    expect(page.status).toBe(200)
    expect((await browser.post(back.url, fieldsOf(await page.text()))).status).toBe(303)
    expect(await stage.me(app, browser)).not.toBeNull()
  })

  test('store holds nothing that the first POST made', async () => {
    const store = new session.MemoryStore()
    const saving = session({ secret, resave: true, saveUninitialized: true, store })
    const app = await stage.start({}, { middleware: saving })
    const back = await stage.posted(app, new Browser())
    const count = () => new Promise((done) => store.length((_error, length) => done(length)))
    const before = await count()
    await postFromElsewhere(back)
    expect(await count()).toBe(before)
  })

  test('that never comes ends as session_missing, and not in a loop', async () => {
    const app = await stage.start()
    const back = await stage.posted(app, new Browser())
    const answer = await comeBack(new Browser(), back, { accept: 'application/json' })
    expect(answer.status).toBe(400)
    expect((await told(answer)).error.code).toBe('session_missing')
  })

  test('of somebody who is logged in is linked, and stays his', async () => {
    const app = await stage.start({
      providers: {
        posting: { ...stage.apple.options, strategy: PostingStrategy as never },
        other: { ...stage.apple.options, strategy: PostingStrategy as never },
      },
    })
    const browser = new Browser()
    const first = await stage.apple.approveForm(await browser.location(`${app.origin}/auth/other`))
    await comeBack(browser, first)
    await comeBack(browser, await stage.posted(app, browser, '', stage.apple.users[1]?.id))
    expect(await stage.me(app, browser)).toMatchObject({ provider: 'other', id: stage.apple.users[0]?.id })
    const { providers } = await told(browser.get(`${app.origin}/auth/session`))
    expect(providers.map(({ name }) => name)).toEqual(['other', 'posting'])
  })
})

describe('like any callback', () => {
  test('two tabs log in, in any order, each to where it was begun', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const one = await stage.posted(app, browser, '?returnTo=/one')
    const two = await stage.posted(app, browser, '?returnTo=/two')
    expect((await comeBack(browser, two)).headers.get('location')).toBe('/two')
    expect((await comeBack(browser, one)).headers.get('location')).toBe('/one')
  })

  test('pressed twice, the provider is asked once, and both arrive', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const back = await stage.posted(app, browser, '?returnTo=/in')
    const calls = stage.tokenCalls()
    const both = await Promise.all([comeBack(browser, back), comeBack(browser, back)])
    expect(both.map(({ headers }) => headers.get('location'))).toEqual(['/in', '/in'])
    expect((await comeBack(browser, back)).headers.get('location')).toBe('/in')
    expect(stage.tokenCalls()).toBe(calls + 1)
  })

  test('in another browser it is nobody, and the login goes on', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const back = await stage.posted(app, browser)
    const other = new Browser()
    await stage.posted(app, other)
    const stolen = await comeBack(other, back, { accept: 'application/json' })
    expect((await told(stolen)).error.code).toBe('state_unknown')
    expect(await stage.me(app, other)).toBeNull()
    expect((await comeBack(browser, back)).status).toBe(303)
  })

  test('a popup is told', async () => {
    const app = await stage.start()
    const browser = new Browser()
    const html = await (await comeBack(browser, await stage.posted(app, browser, '?popup=1'))).text()
    expect(html).toContain('data-provider="posting" data-ok="1"')
  })

  test('a login before it is not another user’s after a log-out', async () => {
    const app = await stage.start()
    const browser = new Browser()
    await comeBack(browser, await stage.posted(app, browser))
    const back = await stage.posted(app, browser)
    await browser.post(`${app.origin}/auth/logout`)
    const late = await comeBack(browser, back, { accept: 'application/json' })
    expect(late.status).toBe(400)
    expect(await stage.me(app, browser)).toBeNull()
  })
})
