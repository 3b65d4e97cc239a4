import http, { type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, visit as visitIn } from '../support/chromium'
import { describeWith } from '../support/services'
import { encoded } from './conversation'

/** What arrives at the app by POST. */
interface Posted {
  headers: IncomingHttpHeaders
  fields: Record<string, string>
}

describeWith('Chromium', 'Apple’s callback from another site', () => {
  let browser: Browser
  let app: http.Server
  let apple: Emulator<'apple'>
  let callback = ''
  const posted: Posted[] = []

  beforeAll(async () => {
    browser = await launchChromium()
    app = http.createServer(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString()
      if (req.method === 'POST') {
        posted.push({ headers: req.headers, fields: Object.fromEntries(new URLSearchParams(body)) })
      }
      const cookies = ['lax=1; SameSite=Lax', 'strict=1; SameSite=Strict']
      res.setHeader('set-cookie', cookies).setHeader('content-type', 'text/html').end('<title>back</title>')
    })
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    callback = `http://127.0.0.1:${(app.address() as AddressInfo).port}/callback` // a TCP server's
    apple = await startEmulator('apple')
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await apple?.close()
    app?.close()
  })

  /** The consent page, on the site of `localhost`; the app's is that of `127.0.0.1`. */
  function consentPage(): string {
    const { clientID, authorizationURL } = apple.options
    const asked = { client_id: clientID, redirect_uri: callback, response_type: 'code', state: 's' }
    const address = `${authorizationURL}?${encoded({ ...asked, response_mode: 'form_post', scope: 'name email' })}`
    return address.replace('127.0.0.1', 'localhost')
  }

  /** The complaints of the page's console, of the content security policy for one, are the test's. */
  async function visit(javaScriptEnabled: boolean, see: (page: Page) => Promise<void>): Promise<Posted> {
    await visitIn(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(new URL(callback).origin)
      await page.goto(consentPage())
      await see(page)
      await page.waitForURL(callback)
    })
    const last = posted.pop()
    if (!last) throw new Error('nothing was posted')
    return last
  }

  test('posts itself, with Apple’s origin and without the app’s SameSite cookies', async () => {
    const { headers, fields } = await visit(true, (page) => page.getByRole('button', { name: '张三' }).click())
    expect(fields).toMatchObject({ code: expect.any(String), state: 's' })
    expect(headers).toMatchObject({
      origin: apple.origin.replace('127.0.0.1', 'localhost'),
      'sec-fetch-site': 'cross-site',
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(headers).not.toHaveProperty('cookie')
  })

  test('without JavaScript a button posts it', async () => {
    const { fields } = await visit(false, async (page) => {
      await page.getByRole('button', { name: 'Ada Lovelace' }).click()
      await page.getByRole('button', { name: 'Continue' }).click()
    })
    expect(JSON.parse(fields.user ?? '')).toEqual({ name: { firstName: 'Ada', lastName: 'Lovelace' } })
  })

  test('"Deny" is posted too', async () => {
    const { fields } = await visit(true, (page) => page.getByRole('button', { name: 'Deny' }).click())
    expect(fields).toEqual({ error: 'user_cancelled_authorize', state: 's' })
  })
})
