import type { AddressInfo } from 'node:net'
import express, { type Express, type RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { OAuthError } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { Browser, told } from '../support/browser'
import { comeBack, fieldsOf, postFromElsewhere } from '../support/coming-back'
import { PostingStrategy } from '../support/posting-strategy'
import { shimmedCookieSession } from '../support/shimmed-cookie-session'

const express4: typeof express = jest.requireActual('express4')

let apple: Emulator<'apple'>
beforeAll(async () => {
  apple = await startEmulator('apple')
})
afterAll(() => apple.close())

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Mounting {
  make?: () => Express
  before?: RequestHandler
  withoutSession?: boolean
  /** In place of express-session. */
  sessions?: RequestHandler
  /** Behind a proxy that cuts the first part of each path. */
  cut?: boolean
  options?: object
  authenticate?: object
}

/** An app as any user of Passport has it: a route for GET, one for POST. */
async function appWith({
  make = express,
  before,
  withoutSession,
  sessions,
  cut,
  options,
  authenticate,
}: Mounting = {}) {
  const app = make()
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  if (!withoutSession) {
    app.use(sessions ?? session({ secret: 'a test session secret', resave: false, saveUninitialized: true }))
    app.use(passport.session())
  }
  if (before) app.use(before)
  app.all('/login', passport.authenticate('posting'))
  app.post('/callback', (req, res, next) => {
    if (authenticate) return passport.authenticate('posting', authenticate)(req, res, next)
    const done = (error: unknown, user: Express.User | false | null | undefined, info: unknown) => {
      const failure = error ?? info
      const code = OAuthError.is(failure) ? failure.code : undefined
      if (user && withoutSession) return void res.json({ user })
      if (!user) return void res.status(OAuthError.is(failure) ? failure.status : 500).json({ user: null, code })
      req.logIn(user, (problem) => (problem ? next(problem) : void res.json({ user })))
    }
    passport.authenticate('posting', done)(req, res, next)
  })
  app.get('/link', passport.authorize('link'))
  app.post(
    '/link/callback',
    passport.authorize('link'),
    (req, res) => void res.json({ user: req.user, ...accountOf(req) }),
  )
  app.post('/out', (req, res, next) => req.logOut((error) => (error ? next(error) : void res.json({ user: null }))))
  app.get('/me', (req, res) => void res.json({ user: req.user ?? null }))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closers.push(() => server.close().closeAllConnections())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
  const verify = (_at: string, _rt: string, { id }: { id: string }, done: (error: null, user: object) => void) =>
    done(null, { id })
  const callbackURL = `${origin}${cut ? '/cut' : ''}/callback`
  passport.use(new PostingStrategy({ ...apple.options, callbackURL, ...options }, verify))
  passport.use('link', new PostingStrategy({ ...apple.options, callbackURL: `${origin}/link/callback` }, verify))
  const posted = async (browser: Browser, { start = '/login', user = apple.users[0]?.id ?? '' } = {}) => {
    const { url, fields } = await apple.approveForm(await browser.location(`${origin}${start}`), { user })
    return { url: url.replace('/cut/', '/'), fields }
  }
  return { origin, posted }
}

/** What `passport.authorize` adds to a request. */
const accountOf = (req: object) => ({ account: Reflect.get(req, 'account') as unknown })

const user = () => ({ id: apple.users[0]?.id })

test.each<[string, Mounting]>([
  ['no parser', {}],
  ['cookie-session', { sessions: shimmedCookieSession('a test session secret') }],
  ['a parser', { before: express.urlencoded({ extended: true }) }],
  ['Express 4', { make: express4 }],
  [
    'Express 4 and parsers of both kinds',
    { make: () => express4().use(express4.json(), express4.urlencoded({ extended: false })) },
  ],
  ['Express 4 and one for JSON, which leaves an empty body', { make: express4, before: express4.json() }],
  ['a proxy that cuts the path', { cut: true }],
])(
  'under bare Passport with %s the page comes first, without a cookie, and then the login',
  async (_what, mounting) => {
    const { posted } = await appWith(mounting)
    const browser = new Browser()
    const back = await posted(browser)
    const page = await postFromElsewhere(back)
    const html = await page.text()
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none';/)
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.getSetCookie()).toEqual([])
    expect((await told(browser.post(back.url, fieldsOf(html)))).user).toEqual(user())
  },
)

test("with Passport's own redirects, elsewhere too", async () => {
  const { posted } = await appWith({ authenticate: { successRedirect: 'https://spa.example/in' } })
  const browser = new Browser()
  const back = await posted(browser)
  const page = await postFromElsewhere(back)
  // Chromium would hold this redirect to it.
  expect(page.headers.get('content-security-policy')).not.toContain('form-action')
  const answer = await browser.post(back.url, fieldsOf(await page.text()))
  expect(answer.headers.get('location')).toBe('https://spa.example/in')
})

test('without the cookie it ends as session_missing', async () => {
  const { posted } = await appWith()
  const answer = await comeBack(new Browser(), await posted(new Browser()))
  expect([answer.status, (await told(answer)).code]).toEqual([400, 'session_missing'])
})

test('damaged it is callback_invalid, and the login goes on', async () => {
  const { posted } = await appWith()
  const browser = new Browser()
  const back = await posted(browser)
  const answer = await postFromElsewhere({ ...back, fields: { state: back.fields.state ?? '' } })
  expect([answer.status, (await told(answer)).code]).toEqual([400, 'callback_invalid'])
  expect((await told(comeBack(browser, back))).user).toEqual(user())
})

test('a second time it is state_used', async () => {
  const { posted } = await appWith()
  const browser = new Browser()
  const back = await posted(browser)
  await comeBack(browser, back)
  expect((await told(comeBack(browser, back))).code).toBe('state_used')
})

test('two tabs both log in, the second one first', async () => {
  const { posted } = await appWith()
  const browser = new Browser()
  const [one, two] = [await posted(browser), await posted(browser)]
  expect((await told(comeBack(browser, two))).user).toEqual(user())
  expect((await told(comeBack(browser, one))).user).toEqual(user())
})

test('passport.authorize links: who is logged in stays', async () => {
  const { posted } = await appWith()
  const browser = new Browser()
  await comeBack(browser, await posted(browser))
  const other = apple.users[1]?.id ?? ''
  const linked = await told(comeBack(browser, await posted(browser, { start: '/link', user: other })))
  expect(linked).toEqual({ user: user(), account: { id: other } })
})

test('after a log-out nothing of a login before it is finished', async () => {
  const { origin, posted } = await appWith()
  const browser = new Browser()
  await comeBack(browser, await posted(browser))
  const back = await posted(browser)
  await browser.post(`${origin}/out`)
  expect((await told(comeBack(browser, back))).user).toBeNull()
  expect((await told(browser.get(`${origin}/me`))).user).toBeNull()
})

test('a button that posts to the start begins a login, with or without fields of its own', async () => {
  const { origin } = await appWith()
  const browser = new Browser()
  for (const fields of [{}, { _csrf: 'x' }] as Record<string, string>[]) {
    const answer = await browser.post(`${origin}/login`, fields)
    expect(answer.headers.get('location')).toContain(apple.options.authorizationURL)
  }
})

test('over a state store of the app’s own, without a session', async () => {
  const known = new Set<string>()
  const store = {
    store(_req: object, _meta: object, done: (error: null, state: string) => void) {
      known.add('thestate')
      done(null, 'thestate')
    },
    verify: (_req: object, state: string, done: (error: null, ok: boolean) => void) => done(null, known.delete(state)),
  }
  const { posted } = await appWith({ withoutSession: true, options: { store } })
  const back = await posted(new Browser())
  const page = await postFromElsewhere(back)
  const fields = fieldsOf(await page.text())
  expect(fields.state).toBe('thestate')
  expect((await told(new Browser().post(back.url, fields))).user).toEqual(user())
  expect(known.size).toBe(0)
})
