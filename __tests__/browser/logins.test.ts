import { titlesOf } from 'passport-dialects/emulators'
import { en } from '../../example-app/texts-en'
import { expectWhole } from '../support/chromium'
import { describeWith } from '../support/services'
import { usually } from '../support/whole'
import { expectAlone, inWindow, pressedAway, Stage, windowOf } from './stage'

const TITLES = {
  tailchat: 'Tailchat',
  tapd: 'TAPD',
  bbscloud: 'BBScloud',
  tiktok: 'TikTok',
  aihubmix: 'AIHubMix',
  feishu: 'Feishu',
  apple: 'Apple', // which posts its callback
}

/** Whose way through a browser differs: `npm run test:whole` goes both ways with all of them. */
const BY_REDIRECT: readonly string[] = ['bbscloud']
const IN_A_WINDOW: readonly string[] = ['apple']
const by = (names: readonly string[]) => usually(Object.entries(TITLES), ([name]) => names.includes(name))

/** Whose pages differ on a phone: a code to scan, boxes to untick, a workspace to choose, no token at the end. */
const OTHERS = usually(['wechat', 'kakao', 'slack', 'wecom'] as const, (name) => name === 'wechat')

describeWith('Chromium', 'logins in a browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await Stage.open()
  }, 120_000)
  afterAll(() => stage?.close())

  test.each(by(BY_REDIRECT))('%s by redirect: in, out, and refused', async (_name, title) => {
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

  test.each(OTHERS)('%s on a phone, by redirect: in', async (name) => {
    const title = titlesOf(name).en
    await stage.visit({ viewport: { width: 390, height: 844 } }, async (page) => {
      await inWindow(page, false)
      await page.getByRole('link', { name: `Continue with ${title}`, exact: true }).click()
      await page.getByText('This is an emulator').waitFor()
      await expectWhole(page, 390)
      await page.getByRole('button', { name: /张三/ }).click()
      await page.getByRole('heading', { name: '张三', level: 1 }).waitFor()
      await page.getByRole('heading', { name: title, exact: true }).waitFor()
      await expectWhole(page, 390)
    })
  })

  test.each(by(IN_A_WINDOW))('%s in a window: in, and refused', async (name, title) => {
    await stage.visit({}, async (page, context) => {
      const link = page.getByRole('link', { name: `Continue with ${title}` })
      const refused = await windowOf(context, () => link.click())
      await page.getByText(en.waiting(title)).waitFor()
      await pressedAway(refused, () => refused.getByRole('button', { name: 'Deny' }).click())
      await page.getByRole('alert').getByText(en.failures.access_denied).waitFor()
      expect(new URL(page.url()).search).toBe(`?error=access_denied&provider=${name}`)

      const popup = await windowOf(context, () => page.getByRole('link', { name: en.tryAgain }).click())
      await pressedAway(popup, () => popup.getByRole('button', { name: '张三' }).click())
      await page.getByRole('heading', { name: '张三' }).waitFor()
      expect(page.url()).toBe(`${stage.origin}/`)
      await expectAlone(page)
    })
  })

  test('without JavaScript the same links log in by redirect', async () => {
    await stage.visit({ javaScriptEnabled: false }, async (page) => {
      expect(await page.getByLabel(en.inPopup).isVisible()).toBe(false)
      await page.getByRole('link', { name: 'Continue with TAPD' }).click()
      await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      await page.getByText(/^05:\d\d$/).waitFor()
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
    await stage.visit({}, async (page) => {
      const oneClick = page.getByRole('link', { name: 'AIHubMix in one click' })
      await oneClick.click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      await expectAlone(page)
      await page.getByRole('button', { name: en.signOut }).click()
      await inWindow(page, false)
      await oneClick.click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
    })
  })

  test('the back button after a login comes to the account, and logs in nobody again', async () => {
    await stage.visit({}, async (page) => {
      await stage.logIn(page, 'TAPD')
      const asked = stage.emulator('tapd').requests.filter(({ endpoint }) => endpoint === 'token').length
      await page.goBack()
      await page.waitForLoadState()
      const agreesAgain = !page.url().startsWith(stage.origin)
      if (agreesAgain) await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: '张三' }).waitFor()
      // A second code for the same state is no repeat of the login: it is refused, and the login that is there stays.
      expect(page.url()).toBe(`${stage.origin}/${agreesAgain ? '?error=state_used&provider=tapd' : ''}`)
      expect(stage.emulator('tapd').requests.filter(({ endpoint }) => endpoint === 'token')).toHaveLength(asked)
    })
  })

  test('a double click logs in once, by redirect and in a window', async () => {
    await stage.visit({}, async (page, context) => {
      const link = page.getByRole('link', { name: 'Continue with TAPD' })
      const popup = await windowOf(context, () => link.dblclick())
      await pressedAway(popup, () => popup.getByRole('button', { name: 'Ada' }).dblclick({ noWaitAfter: true }))
      await page.getByRole('heading', { name: 'Ada' }).waitFor()
      await expectAlone(page)
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
