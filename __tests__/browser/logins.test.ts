import { en } from '../../example-app/texts-en'
import { describeWith } from '../support/services'
import { inWindow, Stage, windowOf } from './stage'

const TITLES = {
  tailchat: 'Tailchat',
  tapd: 'TAPD',
  bbscloud: 'BBScloud',
  tiktok: 'TikTok',
  aihubmix: 'AIHubMix',
  feishu: 'Feishu',
}

describeWith('Chromium', 'logins in a browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await Stage.open()
  }, 60_000)
  afterAll(() => stage?.close())

  test.each(Object.entries(TITLES))('%s by redirect: in, out, and refused', async (_name, title) => {
    await stage.visit({}, async (page) => {
      await stage.logIn(page, title)
      await page.getByRole('heading', { name: '张三' }).waitFor()
      await page.getByRole('heading', { name: title, exact: true }).waitFor()
      await page.getByRole('button', { name: en.signOut }).click()
      await page.getByRole('heading', { name: en.title, exact: true }).waitFor()
      await page.getByRole('link', { name: `Continue with ${title}` }).click()
      await page.getByRole('button', { name: 'Deny' }).click()
      await page.getByRole('alert').getByText(en.failures.access_denied).waitFor()
      await page.getByRole('link', { name: en.back }).click()
      await page.waitForURL(`${stage.origin}/`)
    })
  })

  test.each(Object.entries(TITLES))('%s in a window: in, and refused', async (name, title) => {
    await stage.visit({}, async (page, context) => {
      const link = page.getByRole('link', { name: `Continue with ${title}` })
      const refused = await windowOf(context, () => link.click())
      await page.getByText(en.waiting(title)).waitFor()
      await Promise.all([refused.waitForEvent('close'), refused.getByRole('button', { name: 'Deny' }).click()])
      await page.getByRole('alert').getByText(en.failures.access_denied).waitFor()
      expect(new URL(page.url()).search).toBe(`?error=access_denied&provider=${name}`)

      const popup = await windowOf(context, () => page.getByRole('link', { name: en.tryAgain }).click())
      await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: '张三' }).click()])
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
      expect(context.pages()).toEqual([page])
    })
  })

  test('without JavaScript the same links log in by redirect', async () => {
    await stage.visit({ javaScriptEnabled: false }, async (page) => {
      expect(await page.getByLabel(en.inPopup).isVisible()).toBe(false)
      await page.getByRole('link', { name: 'Continue with TAPD' }).click()
      await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(await page.getByText(/^05:\d\d$/).isVisible()).toBe(true)
    })
  })

  test('opened as localhost, a login comes back to where its cookie is', async () => {
    await stage.visit({}, async (page) => {
      await page.goto(`${stage.origin.replace('127.0.0.1', 'localhost')}/auth/tapd`)
      await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
    })
  })

  test('one click: AIHubMix asks nothing, by redirect and in a window', async () => {
    await stage.visit({}, async (page, context) => {
      const oneClick = page.getByRole('link', { name: 'AIHubMix in one click' })
      await oneClick.click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(context.pages()).toEqual([page])
      await page.getByRole('button', { name: en.signOut }).click()
      await inWindow(page, false)
      await oneClick.click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
    })
  })

  test('the back button after a login comes to the account, not to a failure, and logs in nobody again', async () => {
    await stage.visit({}, async (page) => {
      await stage.logIn(page, 'TAPD')
      const asked = stage.emulator('tapd').requests.filter(({ endpoint }) => endpoint === 'token').length
      await page.goBack()
      await page.waitForLoadState()
      if (!page.url().startsWith(stage.origin)) await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
      expect(stage.emulator('tapd').requests.filter(({ endpoint }) => endpoint === 'token')).toHaveLength(asked)
    })
  })

  test('a double click logs in once, by redirect and in a window', async () => {
    await stage.visit({}, async (page, context) => {
      const link = page.getByRole('link', { name: 'Continue with TAPD' })
      const popup = await windowOf(context, () => link.dblclick())
      await popup.getByRole('button', { name: 'Ada' }).dblclick({ noWaitAfter: true })
      await page.getByRole('heading', { name: 'Ada' }).waitFor()
      expect(context.pages()).toEqual([page])
      await page.getByRole('button', { name: en.signOut }).click()
      await inWindow(page, false)
      await link.dblclick()
      await page.getByRole('button', { name: '张三' }).dblclick()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
    })
  })

  test('two tabs at once, in any order: both logins are there', async () => {
    await stage.visit({}, async (first, context) => {
      const second = await context.newPage()
      await second.goto(stage.origin)
      for (const [page, title] of [
        [first, 'TikTok'],
        [second, 'Feishu'],
      ] as const) {
        await inWindow(page, false)
        await page.getByRole('link', { name: `Continue with ${title}` }).click()
      }
      await second.getByRole('button', { name: 'Ada' }).click()
      await second.getByRole('heading', { name: 'Feishu' }).waitFor()
      await first.getByRole('button', { name: 'Ada' }).click()
      await first.waitForURL(`${stage.origin}/`)
      await first.getByRole('heading', { name: 'Ada Lovelace' }).waitFor()
      expect(await first.getByRole('alert').count()).toBe(0)
    })
  })
})
