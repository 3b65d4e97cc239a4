import express, { type Request, type Response } from 'express'
import session from 'express-session'
import helmet from 'helmet'
import type { Providers } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { Browser, Page } from 'playwright-core'
import { type RunningApp, startRouterApp } from '../support/app'
import { launchChromium, visit as visitIn } from '../support/chromium'
import { eventually } from '../support/eventually'
import { PostingStrategy } from '../support/posting-strategy'
import { describeWith } from '../support/services'
import { usually } from '../support/whole'

// The provider is on the site of `localhost`, the app on that of `127.0.0.1`: what one posts to the other is cross-site.

describeWith('Chromium', 'a callback that the provider’s site posts', () => {
  let browser: Browser
  let apple: Emulator<'apple'>
  let app: RunningApp
  /** What came to the app: `METHOD path`, with the address whole, and its `Referer`. */
  let arrived: string[] = []

  beforeAll(async () => {
    browser = await launchChromium()
    apple = await startEmulator('apple')
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await apple?.close()
  })
  afterEach(async () => {
    await app?.close()
    arrived = []
  })

  const cookies = { lax: { sameSite: 'lax' }, strict: { sameSite: 'strict' }, unset: {} } as const
  type Kind = keyof typeof cookies

  function atLocalhost(): Emulator<'apple'>['options'] {
    const { options } = apple
    return { ...options, authorizationURL: options.authorizationURL.replace('127.0.0.1', 'localhost') }
  }

  async function start(kind: Kind, { successRedirect = '/', policy = '' } = {}) {
    const posting = { ...atLocalhost(), strategy: PostingStrategy as never }
    const providers: Providers = { posting, other: posting }
    const sessions = session({
      secret: 'a test session secret',
      resave: true,
      saveUninitialized: true,
      cookie: { ...cookies[kind] },
    })
    app = await startRouterApp(
      { providers, successRedirect },
      {
        // A browser asks for an icon when it likes. With `resave`, and before the router, that would store the session as
        // it was over a login that has begun meanwhile: docs/sessions.md, "Code before the router".
        middleware: (req, res, next) =>
          req.path === '/favicon.ico' ? void res.status(204).end() : sessions(req, res, next),
        before(req, res, next) {
          arrived.push(`${req.method} ${req.originalUrl} ${req.get('referer') ?? ''}`)
          if (policy && req.method === 'POST') sharpen(res, policy)
          next()
        },
        routes(to) {
          to.get(['/', '/there', '/second'], (req, res) => {
            res.type('html').send(`<title>home</title><h1>${JSON.stringify(userOf(req))}</h1>
              <a href="/auth/posting" id="in">in</a>`)
          })
          to.get('/helmet', helmet(), (_req, res) => {
            res.type('html').send(`<title>start</title><form action="/auth/posting"><button>button</button></form>
              <a href="/auth/posting">link</a>`)
          })
          to.get('/onward', (_req, res) => res.redirect(elsewhere()))
          naive(to)
        },
      },
    )
    return app.origin
  }

  /** The control: an app that finishes at the POST, as a plain strategy does. */
  function naive(to: express.Express) {
    to.get('/naive', (req, res) => {
      Object.assign(req.session, { naive: true })
      const asked = {
        client_id: apple.options.clientID,
        redirect_uri: `${app.origin}/naive`,
        response_type: 'code',
        response_mode: 'form_post',
        scope: 'name email',
        state: 's',
      }
      req.session.save(() => res.redirect(`${atLocalhost().authorizationURL}?${new URLSearchParams(asked)}`))
    })
    to.post('/naive', express.urlencoded({ extended: false }), (req, res) => {
      res.type('html').send(`<title>naive</title><h1>${Reflect.has(req.session, 'naive') ? 'known' : 'unknown'}</h1>`)
    })
  }

  function visit(
    see: (page: Page) => Promise<void>,
    { javaScriptEnabled = true, expected }: { javaScriptEnabled?: boolean; expected?: RegExp } = {},
  ) {
    return visitIn(browser, { javaScriptEnabled }, see, (message) => expected?.test(message.text()) === true)
  }

  async function logIn(page: Page, path: string, user = '张三') {
    await page.goto(`${app.origin}${path}`)
    await page.getByRole('button', { name: user }).click()
  }

  const shown = (page: Page) => page.getByRole('heading').textContent()

  test.each(usually<Kind>(['lax', 'strict', 'unset'], (kind) => kind === 'lax'))(
    'SameSite %s: logs in, and nothing of it stands in an address or a Referer',
    async (kind) => {
      const origin = await start(kind)
      await visit(async (page) => {
        await logIn(page, '/auth/posting?returnTo=/there')
        await page.waitForURL(`${origin}/there`)
        expect(await shown(page)).toContain('"provider":"posting"')
      })
      const posts = arrived.filter((line) => line.startsWith('POST'))
      expect(posts).toHaveLength(2)
      expect(arrived.join('\n')).not.toMatch(/code=|state=|localhost:\d+\/\S/)
    },
  )

  test.each(usually<Kind>(['lax', 'strict'], (kind) => kind === 'lax'))(
    'control: SameSite %s, an app that finishes at the POST has lost the session',
    async (kind) => {
      const origin = await start(kind)
      await visit(async (page) => {
        await logIn(page, '/naive')
        await page.waitForURL(`${origin}/naive`)
        expect(await shown(page)).toBe('unknown')
      })
    },
  )

  test.each(usually<Kind>(['lax', 'strict'], (kind) => kind === 'strict'))(
    'SameSite %s: who is logged in keeps the session, and links',
    async (kind) => {
      const origin = await start(kind)
      await visit(async (page) => {
        await logIn(page, '/auth/other')
        await page.waitForURL(`${origin}/`)
        await page.locator('#in').click()
        await page.getByRole('button', { name: 'Ada Lovelace' }).click()
        await page.waitForURL(`${origin}/`)
        expect(await shown(page)).toContain('"provider":"other"')
        const { providers } = (await page.evaluate(`fetch('/auth/session').then((answer) => answer.json())`)) as {
          providers: { name: string }[]
        } // the router's
        expect(providers.map(({ name }) => name)).toEqual(['other', 'posting'])
      })
    },
  )

  test('two tabs, the second one first', async () => {
    const origin = await start('lax')
    await visit(async (page) => {
      await page.goto(`${origin}/`)
      await page.goto(`${origin}/auth/posting?returnTo=/there`)
      const tab = await page.context().newPage()
      await logIn(tab, '/auth/posting?returnTo=/second')
      await tab.waitForURL(`${origin}/second`)
      await page.getByRole('button', { name: '张三' }).click()
      await page.waitForURL(`${origin}/there`)
      expect(await shown(page)).toContain('"provider":"posting"')
    })
  })

  test('without a script a button posts it; pressed twice it logs in once', async () => {
    const origin = await start('strict')
    await visit(
      async (page) => {
        await logIn(page, '/auth/posting')
        await page.getByRole('button', { name: 'Continue' }).click() // the provider's page
        await page.getByRole('button', { name: 'Go on' }).dblclick({ noWaitAfter: true })
        // The first press's way is given up, which waitForURL would take for its own end.
        await eventually(() => expect(page.url()).toBe(`${origin}/`))
        await page.waitForLoadState()
        await page.goto(`${origin}/`)
        expect(await shown(page)).toContain('"provider":"posting"')
      },
      { javaScriptEnabled: false },
    )
    expect(apple.requests.filter(({ endpoint, status }) => endpoint === 'token' && status !== 200)).toEqual([])
  })

  test('going back after the login leads on again, as who is there', async () => {
    const origin = await start('lax')
    await visit(async (page) => {
      await logIn(page, '/auth/posting?returnTo=/there')
      await page.waitForURL(`${origin}/there`)
      await page.goto(`${origin}/`)
      await page.goBack()
      await page.waitForURL(`${origin}/there`)
      expect(await shown(page)).toContain('"provider":"posting"')
    })
  })

  test('in a popup it tells the window that opened it', async () => {
    const origin = await start('strict')
    await visit(async (page) => {
      await page.goto(`${origin}/`)
      const told = page.evaluate(`new Promise((done) => {
        addEventListener('message', ({ data, origin }) => done({ data, origin }))
        document.body.addEventListener('click', () => open('/auth/posting?popup=1', '_blank', 'popup'))
      })`)
      const [popup] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('heading').click()])
      const closed = popup.waitForEvent('close')
      await popup
        .getByRole('button', { name: '张三' })
        .click()
        .catch(() => {}) // it may close before the click has ended
      expect(await told).toEqual({ origin, data: { type: 'passport-dialects', provider: 'posting', ok: true } })
      await closed
      await page.reload()
      expect(await shown(page)).toContain('"provider":"posting"')
    })
  })

  /** A page of another site than the app's. */
  const elsewhere = () => `${apple.origin.replace('127.0.0.1', 'localhost')}/auth/keys`

  test.each([
    ['by successRedirect', '/auth/posting', elsewhere],
    ['by a page of its own', '/auth/posting?returnTo=/onward', () => '/'],
  ])('an app may send people on to another site %s', async (_how, path, successRedirect) => {
    await start('lax', { successRedirect: successRedirect() })
    await visit(
      async (page) => {
        await logIn(page, path)
        await page.waitForURL(elsewhere())
      },
      { expected: /404/ }, // the other site has no icon, which a browser may ask for in time or not
    )
  })

  test('control: a page whose policy names where its form may go holds them up, logged in as they are', async () => {
    const origin = await start('lax', { policy: "form-action 'self'" })
    await visit(
      async (page) => {
        await logIn(page, '/auth/posting?returnTo=/onward')
        await eventually(() => expect(arrived.filter((line) => line.startsWith('GET /onward'))).toHaveLength(1))
        await eventually(async () => expect(await page.getByRole('button').textContent()).toBe('Go on'))
        expect(page.url()).toBe(`${origin}/auth/posting/callback`)
        await page.goto(`${origin}/`)
        expect(await shown(page)).toContain('"provider":"posting"')
      },
      { expected: /form-action/ },
    )
  })

  test('a button that is a form does not begin a login under helmet’s policy, and a link does', async () => {
    const origin = await start('lax')
    await visit(
      async (page) => {
        await page.goto(`${origin}/helmet`)
        await page.getByRole('button').click()
        await eventually(() => expect(arrived.join()).toContain('GET /auth/posting?'))
        expect(await page.getByRole('button').textContent()).toBe('button')
        await page.getByRole('link').click()
        await page.getByRole('button', { name: '张三' }).waitFor()
      },
      { expected: /form-action/ },
    )
  })

  test('a refusal comes back so too', async () => {
    await start('strict')
    await visit(
      async (page) => {
        await page.goto(`${app.origin}/auth/posting`)
        await page.getByRole('button', { name: 'Deny' }).click()
        await eventually(async () => expect(await page.content()).toContain('access_denied'))
      },
      { expected: /status of 403/ },
    )
  })
})

/** Adds to the content security policy of whatever is answered. */
function sharpen(res: Response, directive: string): void {
  const { setHeader } = res
  res.setHeader = (name, value) => {
    const isPolicy = name.toLowerCase() === 'content-security-policy'
    return setHeader.call(res, name, isPolicy ? `${value}; ${directive}` : value)
  }
}

function userOf(req: Request): unknown {
  return req.user ?? null
}
