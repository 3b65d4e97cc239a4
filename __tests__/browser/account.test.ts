import type { Locator, Page } from 'playwright-core'
import { en } from '../../example-app/texts-en'
import { zh } from '../../example-app/texts-zh'
import { eventually } from '../support/eventually'
import { describeWith } from '../support/services'
import { inWindow, pressedAway, Stage, windowOf } from './stage'

describeWith('Chromium', 'the account in a browser', () => {
  let stage: Stage
  beforeAll(async () => {
    // Five minutes before its end a token is renewed: of these, two seconds after the login.
    stage = await Stage.open({ accessTokenLifetime: 302 })
  }, 120_000)
  afterAll(() => stage?.close())

  test('the balance is topped up in a tab of its own and asked for again on the page', async () => {
    await stage.visitAs({ aihubmix: '张三' }, async (page, context) => {
      const amount = page.locator('[data-balance=aihubmix]')
      expect(await amount.textContent()).toBe('750.00')
      const topup = await windowOf(context, () => page.getByRole('link', { name: en.topUp }).click())
      await topup.getByRole('button').click()
      await topup.getByText('850.00').waitFor()
      await topup.close()
      await page.evaluate('window.sameDocument = true')
      await page.getByRole('button', { name: en.refreshBalance }).click()
      await page.getByText(`850.00 ${en.balanceFresh}`).waitFor()
      expect(await page.evaluate('window.sameDocument')).toBe(true)
      await page.reload()
      expect(await amount.textContent()).toBe('850.00')
    })
  })

  test('a provider that fails while the balance is asked for is told of in words', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => {}) // what the operator sees of it
    await stage.visitAs(
      { aihubmix: '张三' },
      async (page) => {
        stage.emulator('aihubmix').failNext('profile', 'http-503')
        await page.getByRole('button', { name: en.refreshBalance }).click({ noWaitAfter: true })
        await page.getByRole('alert').getByText(en.failures.provider_unavailable).waitFor()
        await page.getByRole('heading', { name: '张三' }).waitFor()
        expect(await page.getByRole('link', { name: en.tryAgain }).count()).toBe(0)
      },
      { expected: [/503/] },
    )
    expect(printed.mock.calls).toEqual([[expect.stringContaining('provider_unavailable')]])
    printed.mockRestore()
  })

  test('the life of a token counts down, and it is renewed without a reload', async () => {
    await stage.visitAs({ tiktok: '张三' }, async (page) => {
      const life = cardOf(page, 'TikTok').locator('.life')
      const clock = life.locator('time')
      const first = await clock.textContent()
      expect(first).toMatch(/^0[45]:\d\d$/)
      await eventually(async () => expect(await clock.textContent()).not.toBe(first))
      await life.filter({ hasText: en.tokenRenewed }).waitFor()
      await page.getByText(/^05:0\d$/).waitFor()
      const renewals = stage.emulator('tiktok').requests.filter(({ endpoint }) => endpoint === 'refresh')
      const pauses = renewals.slice(1).map(({ at }, nth) => at - (renewals[nth]?.at ?? 0))
      // On a busy machine there may be a second one by now: these tokens are due two seconds later.
      expect({ renewed: renewals.length > 0, hasty: pauses.filter((ms) => ms < 3000) }).toEqual({
        renewed: true,
        hasty: [],
      })
    })
  })

  test('a login that has died is told of, and can be begun anew', async () => {
    await stage.visitAs(
      { aihubmix: '张三' },
      async (page) => {
        stage.emulator('aihubmix').revokeGrants()
        await page.getByRole('alert').getByText(en.failures.refresh_rejected).waitFor()
        await page.getByText(en.nothingConnected).waitFor()
        await inWindow(page, false)
        await page.getByRole('link', { name: en.tryAgain }).click()
        await page.getByRole('button', { name: '张三' }).click()
        await page.locator('[data-balance=aihubmix]').waitFor()
      },
      { expected: [/401/] },
    )
  })

  test('TikTok is disconnected, at the provider too', async () => {
    await stage.visitAs({ tapd: '张三', tiktok: '张三' }, async (page) => {
      await cardOf(page, 'TikTok').getByRole('button', { name: en.disconnect }).click()
      await page.getByText(en.disconnected('TikTok')).waitFor()
      const { requests } = stage.emulator('tiktok')
      // The status is there once the emulator sees its response go.
      const revoked = { endpoint: 'revoke', status: 200 }
      await eventually(() => expect(requests.filter(({ endpoint }) => endpoint === 'revoke')).toMatchObject([revoked]))
      await page.getByRole('link', { name: 'Connect TikTok' }).waitFor()
      await page.getByRole('heading', { name: 'TikTok' }).waitFor({ state: 'detached' })
      await page.getByRole('heading', { name: 'TAPD', exact: true }).waitFor()
    })
  })

  test('further accounts are connected in windows; the first user stays', async () => {
    await stage.visitAs({ tapd: '张三' }, async (page, context) => {
      await inWindow(page, true)
      for (const title of ['Tailchat', 'Feishu']) {
        const popup = await windowOf(context, () => page.getByRole('link', { name: `Connect ${title}` }).click())
        await pressedAway(popup, () => popup.getByRole('button', { name: 'Ada' }).click())
        await cardOf(page, title).getByText('Ada Lovelace').waitFor()
      }
      await page.getByRole('heading', { name: '张三', level: 1 }).waitFor()
    })
  })

  test('the project that was chosen at TAPD is shown', async () => {
    await stage.visit({}, async (page) => {
      await inWindow(page, false)
      await page.getByRole('link', { name: 'Continue with TAPD' }).click()
      await page.getByLabel('Project').selectOption('10104802')
      await page.getByRole('button', { name: 'Ada' }).click()
      await cardOf(page, 'TAPD').getByText('10104802').waitFor()
    })
  })

  test('opened inside TAPD, the app knows its user without a question; whoever is there stays', async () => {
    await stage.visit({}, async (page, context) => {
      await page.getByRole('link', { name: en.insideTapd }).click()
      const inside = page.frameLocator('iframe')
      await inside.getByRole('heading', { name: '张三' }).waitFor()
      await eventually(() => expect(page.frames().at(-1)?.url()).toBe(`${stage.origin}/`))
      await inside.getByRole('button', { name: en.signOut }).click()
      await inside.getByRole('heading', { name: en.title, exact: true }).waitFor()
      await inWindow(inside, false)
      await inside.getByRole('link', { name: 'Continue with TikTok' }).click() // no provider lets itself be framed
      await page.getByRole('button', { name: '张三' }).click()
      await page.waitForURL(`${stage.origin}/`)
      await page.getByRole('button', { name: en.signOut }).click()
      await page.getByRole('heading', { name: en.title, exact: true }).waitFor()
      await stage.logInAs(context, { feishu: 'Ada' })
      await page.goto(`${stage.origin}/inside-tapd`)
      await inside.getByRole('heading', { name: 'Ada Lovelace' }).waitFor()
      expect(await inside.getByRole('heading', { name: 'TAPD', exact: true }).count()).toBe(0)
    })
  })

  test('the language is switched on every page and stays', async () => {
    await stage.visit({ locale: 'zh-CN' }, async (page) => {
      await page.getByRole('heading', { name: zh.title, exact: true }).waitFor()
      await page.getByRole('link', { name: 'English' }).click()
      await page.getByRole('heading', { name: en.title, exact: true }).waitFor()
      await page.goto(`${stage.origin}/?error=rate_limited&provider=feishu`)
      await page.getByText(en.failures.rate_limited).waitFor()
      await page.getByRole('link', { name: '中文' }).click()
      await page.getByText(zh.failures.rate_limited).waitFor()
      await page.getByText(zh.failed('飞书')).waitFor()
      await page.goto(`${stage.origin}/inside-tapd`)
      await page.getByRole('heading', { name: zh.insideTapdTitle }).waitFor()
      await page.frameLocator('iframe').getByRole('button', { name: zh.signOut }).waitFor()
      expect(await page.locator('html').getAttribute('lang')).toBe('zh')
    })
  })
})

function cardOf(page: Page, title: string): Locator {
  const heading = page.getByRole('heading', { name: title, exact: true })
  return page.getByRole('listitem').filter({ has: heading })
}
