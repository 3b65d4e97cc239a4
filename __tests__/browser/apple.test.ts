import cookieSession from 'cookie-session'
import express, { type Request } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { AppleStrategy } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { Browser, ConsoleMessage, Page } from 'playwright-core'
import { type RunningApp, startBareApp, startRouterApp } from '../support/app'
import { launchChromium, visit as visitIn } from '../support/chromium'
import { eventually } from '../support/eventually'
import { plainApple } from '../support/plain-apple'
import { describeWith } from '../support/services'
import { describeInWholeRuns, IS_WHOLE, usually } from '../support/whole'

// Apple on the site of `localhost`, the app on that of `127.0.0.1`, so that SameSite counts. What holds for any provider that
// posts its callback is in form-post.test.ts.

/** What passport-oauth2 says where the state is not in the session. */
const LOST = 'Unable to verify authorization request state.'
const ID = '001234.9f86d081884c4d659a2feaa0c55ad015.0815'

/**
 * A cookie without the attribute is Lax, but for the POSTs of its first two minutes, which hide the fault from whoever tries
 * an app quickly. With this Chromium has no such minutes: each cookie is as one that is older.
 */
const OLD_COOKIES = 'SameSiteDefaultChecksMethodRigorously'

const KINDS = {
  lax: { cookie: { sameSite: 'lax' }, old: false, inCookie: false },
  strict: { cookie: { sameSite: 'strict' }, old: false, inCookie: false },
  unset: { cookie: {}, old: false, inCookie: false },
  'unset, for longer than two minutes': { cookie: {}, old: true, inCookie: false },
  'lax, of a session in its cookie': { cookie: { sameSite: 'lax' }, old: false, inCookie: true },
} as const
type Kind = keyof typeof KINDS
const ALL = Object.keys(KINDS) as Kind[] // its keys
const OLDER: Kind = 'unset, for longer than two minutes'
const IN_COOKIE: Kind = 'lax, of a session in its cookie'

describeWith('Chromium', 'Sign in with Apple in a browser', () => {
  /** Of `npm run test:whole`. */
  let fresh: Browser | undefined
  let old: Browser
  let apple: Emulator<'apple'>
  let tapd: Emulator<'tapd'>
  let app: RunningApp

  beforeAll(async () => {
    if (IS_WHOLE) fresh = await launchChromium()
    old = await launchChromium({ features: [OLD_COOKIES] })
    apple = await startEmulator('apple', { postedUser: 'always' })
    tapd = await startEmulator('tapd')
  }, 120_000)
  afterAll(async () => {
    await Promise.all([fresh?.close(), old?.close(), apple?.close(), tapd?.close()])
  })
  afterEach(() => app?.close())

  function atLocalhost(): Emulator<'apple'>['options'] {
    const { options } = apple
    return { ...options, authorizationURL: options.authorizationURL.replace('127.0.0.1', 'localhost') }
  }

  const secret = 'a test session secret'

  async function start(kind: Kind): Promise<string> {
    app = await startRouterApp(
      { providers: { apple: atLocalhost(), tapd: { ...tapd.options } } },
      {
        middleware: KINDS[kind].inCookie
          ? cookieSession({ keys: [secret], ...KINDS[kind].cookie })
          : session({ secret, resave: false, saveUninitialized: false, cookie: { ...KINDS[kind].cookie } }),
        routes(to) {
          to.get(['/', '/there', '/second'], (req, res) => {
            res.type('html').send(`<title>home</title><h1>${JSON.stringify(userOf(req))}</h1>
              <a href="/auth/apple" id="in">in</a><a href="/plain" id="plain">plain</a>`)
          })
          to.use(plain)
        },
      },
    )
    passport.use('plain', await plainApple(atLocalhost(), `${app.origin}/plain/callback`))
    return app.origin
  }

  /** The control: routes as one writes them for passport-oauth2 and what is built on it, `passport-apple` above all. */
  const passport = new Passport()
  const plain = express.Router()
  plain.get('/plain', (req, res, next) => void passport.authenticate('plain')(req, res, next))
  plain.post('/plain/callback', express.urlencoded({ extended: false }), (req, res, next) => {
    const told = (error: unknown, user: unknown, info: { message?: string } = {}) => {
      if (error) return next(error)
      // As `failureMessage` of Passport does it: the next page shows why.
      if (!user) Object.assign(req.session, { messages: [info.message] })
      res.type('html').send(`<title>plain</title><h1>${user ? 'known' : info.message}</h1>`)
    }
    passport.authenticate('plain', told)(req, res, next)
  })

  function visit(kind: Kind, see: (page: Page) => Promise<void>, expected?: RegExp) {
    const isExpected = (message: ConsoleMessage) =>
      message.location().url.endsWith('/favicon.ico') || expected?.test(message.text()) === true
    const browser = KINDS[kind].old ? old : fresh
    if (!browser) throw new Error(`${kind} is of the whole run`)
    return visitIn(browser, {}, see, isExpected)
  }

  const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
  const shown = (page: Page) => page.getByRole('heading').textContent()

  /** Logs in at TAPD, and then presses the way to Apple that `link` begins. */
  async function loggedInThenApple(page: Page, origin: string, link: '#in' | '#plain') {
    await page.goto(`${origin}/auth/tapd`)
    await press(page, '张三')
    await page.waitForURL(`${origin}/`)
    await page.locator(link).click()
    await press(page, 'Ada Lovelace')
  }

  test.each(usually(ALL, (kind) => kind === OLDER))('SameSite %s: logs in, by name', async (kind) => {
    const origin = await start(kind)
    await visit(kind, async (page) => {
      await page.goto(`${origin}/auth/apple`)
      expect(new URL(page.url()).hostname).toBe('localhost')
      await press(page, '张三')
      await page.waitForURL(`${origin}/`)
      const user = JSON.parse((await shown(page)) ?? '')
      expect(user).toMatchObject({ provider: 'apple', id: ID, displayName: '张三', email: 'zhangsan@example.com' })
    })
  })

  // That it is known in the first two minutes is why a quick test sees nothing.
  const atThePost: [Kind, string][] = [
    ['lax', LOST],
    ['strict', LOST],
    ['unset', 'known'],
    [OLDER, LOST],
    [IN_COOKIE, LOST],
  ]
  test.each(usually(atThePost, ([kind]) => kind === OLDER))(
    'control: SameSite %s, and what passport-oauth2 says at the POST is %j',
    async (kind, expected) => {
      const origin = await start(kind)
      await visit(kind, async (page) => {
        await page.goto(`${origin}/plain`)
        await press(page, '张三')
        await page.waitForURL(`${origin}/plain/callback`)
        expect(await shown(page)).toBe(expected)
      })
    },
  )

  test.each(usually<Kind>(['lax', OLDER], (kind) => kind === OLDER))(
    'SameSite %s: whoever is logged in at another provider stays, and Apple is linked',
    async (kind) => {
      const origin = await start(kind)
      await visit(kind, async (page) => {
        await loggedInThenApple(page, origin, '#in')
        await page.waitForURL(`${origin}/`)
        expect(await shown(page)).toContain('"provider":"tapd"')
        const { providers } = (await page.evaluate(`fetch('/auth/session').then((answer) => answer.json())`)) as {
          providers: { name: string; expiresAt?: string }[]
        } // the router's
        expect(providers.map(({ name }) => name)).toEqual(['tapd', 'apple'])
        expect(providers[1]).not.toHaveProperty('expiresAt')
      })
    },
  )

  test.each(usually<Kind>(['lax', OLDER], (kind) => kind === OLDER))(
    'control: SameSite %s, with passport-oauth2 whoever is logged in is lost with the session, once the app writes to it',
    async (kind) => {
      const origin = await start(kind)
      await visit(kind, async (page) => {
        await loggedInThenApple(page, origin, '#plain')
        await page.waitForURL(`${origin}/plain/callback`)
        expect(await shown(page)).toBe(LOST)
        await page.goto(`${origin}/`)
        expect(await shown(page)).toBe('null')
      })
    },
  )

  // `npm test` does these in form-post.test.ts.
  describeInWholeRuns('as any provider that posts its callback', () => {
    test('pressed twice, it logs in once', async () => {
      const origin = await start(OLDER)
      const calls = () => apple.requests.filter(({ endpoint }) => endpoint === 'token')
      const before = calls().length
      await visit(OLDER, async (page) => {
        await page.goto(`${origin}/auth/apple`)
        await page.getByRole('button', { name: '张三' }).dblclick({ noWaitAfter: true })
        // The first press's way is given up, which waitForURL would take for its own end.
        await eventually(() => expect(page.url()).toBe(`${origin}/`))
        await page.waitForLoadState()
        expect(await shown(page)).toContain(ID)
      })
      expect(
        calls()
          .slice(before)
          .map(({ status }) => status),
      ).toEqual([200])
    })

    test('two tabs, the second one first: each lands where it began', async () => {
      const origin = await start(OLDER)
      await visit(OLDER, async (page) => {
        await page.goto(`${origin}/auth/apple?returnTo=/there`)
        const tab = await page.context().newPage()
        await tab.goto(`${origin}/auth/apple?returnTo=/second`)
        await press(tab, '张三')
        await tab.waitForURL(`${origin}/second`)
        await press(page, '张三')
        await page.waitForURL(`${origin}/there`)
        expect(await shown(page)).toContain(ID)
      })
    })

    test('a person who cancels is told so', async () => {
      const kind = OLDER
      const origin = await start(kind)
      await visit(
        kind,
        async (page) => {
          await page.goto(`${origin}/auth/apple`)
          await press(page, 'Deny')
          await eventually(async () => expect(await page.content()).toContain('access_denied'))
          await page.goto(`${origin}/`)
          expect(await shown(page)).toBe('null')
        },
        /status of 403/,
      )
    })

    test('in a popup it tells the window that opened it', async () => {
      const kind = OLDER
      const origin = await start(kind)
      await visit(kind, async (page) => {
        await page.goto(`${origin}/`)
        const told = page.evaluate(`new Promise((done) => {
        addEventListener('message', ({ data, origin }) => done({ data, origin }))
        document.body.addEventListener('click', () => open('/auth/apple?popup=1', '_blank', 'popup'))
      })`)
        const [popup] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('heading').click()])
        const closed = popup.waitForEvent('close')
        await press(popup, '张三').catch(() => {}) // it may close before the click has ended
        expect(await told).toEqual({ origin, data: { type: 'passport-dialects', provider: 'apple', ok: true } })
        await closed
        await page.reload()
        expect(await shown(page)).toContain(ID)
      })
    })
  })

  test('under a Passport of the app’s own', async () => {
    const verify = (_at: string, _rt: string, profile: object, done: (error: null, user: object) => void) =>
      done(null, profile)
    app = await startBareApp((callbackURL) => new AppleStrategy({ ...atLocalhost(), callbackURL }, verify))
    await visit(OLDER, async (page) => {
      await page.goto(`${app.origin}/login`)
      await press(page, '张三')
      await eventually(async () => expect(await page.content()).toContain(ID))
      await page.goto(`${app.origin}/me`)
      expect(await page.content()).toContain(ID)
    })
  })
})

function userOf(req: Request): unknown {
  return req.user ?? null
}
