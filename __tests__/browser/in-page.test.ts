import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Providers } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { Browser, Page } from 'playwright-core'
import { type RunningApp, startRouterApp } from '../support/app'
import { launchChromium } from '../support/chromium'
import { describeWith } from '../support/services'

// What a page inside DingTalk does, in a real browser; DingTalk's script is the emulator's. Other origins are another port of
// this host, which is the same site, and `localhost`, which is another one.

describeWith('Chromium', 'a login that a page begins', () => {
  let browser: Browser
  let dingtalk: Emulator<'dingtalk'>
  let app: RunningApp
  let elsewhere: Server

  beforeAll(async () => {
    browser = await launchChromium()
    dingtalk = await startEmulator('dingtalk', { kind: 'in-app' })
    const providers: Providers = { dingtalk: { ...dingtalk.options, kind: 'in-app' } }
    app = await startRouterApp(
      { providers },
      {
        before(req, res, next) {
          // An app that lets every origin read its answers.
          res.set('Access-Control-Allow-Credentials', 'true')
          res.set('Access-Control-Allow-Origin', req.get('origin') ?? '*')
          if (req.path === '/favicon.ico') return void res.status(204).end()
          if (req.path === '/page') return void res.type('html').set(req.query).send('<title>Inside DingTalk</title>')
          next()
        },
      },
    )
    elsewhere = createServer((_req, res) => res.setHeader('content-type', 'text/html').end('<title>Elsewhere</title>'))
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await app?.close()
    await dingtalk?.close()
    elsewhere?.close()
    elsewhere?.closeAllConnections()
  })

  async function visit(address: string, see: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(address)
      await see(page)
    } finally {
      await context.close()
    }
  }

  /** The script of docs/providers/dingtalk.md. */
  const logIn = () => {
    const script = `${dingtalk.origin}/emulator/request-auth-code?corpId=${Reflect.get(dingtalk.options, 'corpId')}`
    return `(async () => {
      const entry = '/auth/dingtalk/entry?' + new URLSearchParams({ returnTo: '/me' })
      const answer = await fetch(entry, { method: 'POST' })
      if (!answer.ok) throw new Error('No login now: ' + answer.status)
      const { state } = await answer.json()
      const { code } = await (await fetch('${script}')).json()
      location.replace('/auth/dingtalk/callback?' + new URLSearchParams({ code, state }))
    })()`
  }

  test.each(['', '?Referrer-Policy=no-referrer'])(
    'logs the user in, and leaves the address with the code: page %s',
    async (query) => {
      await visit(`${app.origin}/page${query}`, async (page) => {
        await Promise.all([page.waitForURL(`${app.origin}/me`), page.evaluate(logIn())])
        expect(await page.textContent('body')).toContain('张三')
        const history = await page.evaluate<number>('history.length')
        await page.goto(`${app.origin}/page`)
        await page.goBack()
        expect([page.url(), history]).toEqual([`${app.origin}/me`, 2]) // about:blank and this
      })
    },
  )

  test.each(['127.0.0.1', 'localhost'])('a page at another port of %s is given no state', async (host) => {
    const { port } = elsewhere.address() as AddressInfo // a TCP server's
    await visit(`http://${host}:${port}/`, async (page) => {
      const asked = await page.evaluate(
        `fetch('${app.origin}/auth/dingtalk/entry', { method: 'POST', credentials: 'include' })
          .then(async (answer) => [answer.status, await answer.text()])`,
      )
      expect(asked).toEqual([403, expect.not.stringContaining('state')])
    })
  })
})
