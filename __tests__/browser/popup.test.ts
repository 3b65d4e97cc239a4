import type { RequestHandler } from 'express'
import { en } from '../../example-app/texts-en'
import { describeWith } from '../support/services'
import { expectAlone, pressedAway, Stage, windowOf } from './stage'

describeWith('Chromium', 'a window that does not behave', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await Stage.open({}, cutOff)
  }, 120_000)
  afterAll(() => stage?.close())

  test('cut off by Cross-Origin-Opener-Policy, it says by BroadcastChannel what became of the login', async () => {
    await stage.visit({}, async (page, context) => {
      await page.goto(`${stage.origin}/?cut-off`)
      const popup = await windowOf(context, () => page.getByRole('link', { name: 'Continue with TAPD' }).click())
      await popup.getByRole('button', { name: 'Deny' }).waitFor()
      expect(await popup.evaluate('opener')).toBeNull()
      await pressedAway(popup, () => popup.getByRole('button', { name: 'Deny' }).click())
      await page.getByRole('alert').getByText(en.failures.access_denied).waitFor()
      await page.goto(`${stage.origin}/?cut-off`)
      const again = await windowOf(context, () => page.getByRole('link', { name: 'Continue with TAPD' }).click())
      await pressedAway(again, () => again.getByRole('button', { name: '张三' }).click())
      await page.getByRole('heading', { name: '张三' }).waitFor()
    })
  })

  test('a window that says yes is not taken at its word: a page without the login is told so', async () => {
    await stage.visit({}, async (page, context) => {
      await page.goto(stage.origin)
      const opened = context.waitForEvent('page')
      const result = page.evaluate(`import('/popup.js').then(({ loginWithPopup }) => {
        const result = loginWithPopup('tapd')
        postMessage({ type: 'passport-dialects', provider: 'tapd', ok: true }, location.origin)
        return result
      })`)
      expect(await result).toEqual({ ok: false, code: 'session_missing' })
      await (await opened).close()
    })
  })

  test('closed by the user, the page says so and the login can be begun again', async () => {
    await stage.visitAlone(async (page, context) => {
      // A page that Playwright drives has the focus at all times, so the helper waits its longest: ten seconds.
      await page.clock.install()
      await page.goto(stage.origin)
      const link = page.getByRole('link', { name: 'Continue with TAPD' })
      const popup = await windowOf(context, () => link.click())
      await popup.getByRole('button', { name: 'Deny' }).waitFor()
      await popup.close()
      expect(await page.getByText(en.popupClosed).isVisible()).toBe(false)
      await page.clock.runFor(11_000)
      await page.getByText(en.popupClosed).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
      const again = await windowOf(context, () => link.click())
      await pressedAway(again, () => again.getByRole('button', { name: '张三' }).click())
      await page.getByRole('heading', { name: '张三' }).waitFor()
    })
  })

  test('a failure at the provider is told by its code', async () => {
    await stage.visit({}, async (page, context) => {
      stage.emulator('tiktok').failNext('token', 'http-500')
      const popup = await windowOf(context, () => page.getByRole('link', { name: 'Continue with TikTok' }).click())
      await pressedAway(popup, () => popup.getByRole('button', { name: '张三' }).click())
      await page.getByRole('alert').getByText(en.failures.provider_unavailable).waitFor()
    })
  })
})

describeWith('Chromium', 'a window that is blocked', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await Stage.open({}, undefined, { whole: true }) // without what is round its pages nothing is blocked
  }, 120_000)
  afterAll(() => stage?.close())

  test('the whole page goes to the login', async () => {
    await stage.visitAlone(async (page, context) => {
      // Nobody clicks here, so a browser lets no window open. Whatever Playwright does to a page counts as a click: it waits.
      await context.addInitScript(`if (location.search === '?blocked') addEventListener('load', () => {
        document.querySelector('[data-login=tapd]').click() })`)
      const gone = page.waitForURL(`${stage.emulator('tapd').origin}/**`)
      await page.goto(`${stage.origin}/?blocked`, { waitUntil: 'commit' })
      await gone
      await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
      await expectAlone(page)
    })
  })
})

/** Helmet's default, where the address asks for it: this page and the windows that it opens know nothing of each other. */
const cutOff: RequestHandler = (req, res, next) => {
  if (!req.originalUrl.includes('cut-off')) return next()
  const setHeader = res.setHeader.bind(res)
  res.setHeader = (name, value) =>
    setHeader(name, name.toLowerCase() === 'cross-origin-opener-policy' ? 'same-origin' : value)
  next()
}
