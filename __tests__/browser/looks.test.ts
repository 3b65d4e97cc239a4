import express, { type RequestHandler } from 'express'
import session from 'express-session'
import { oauthRouter } from 'passport-dialects'
import type { BrowserContext, Cookie, Page } from 'playwright-core'
import { en } from '../../example-app/texts-en'
import { zh } from '../../example-app/texts-zh'
import { PAGE_TEXTS } from '../../lib/router/page-texts'
import { expectReadable, expectWhole } from '../support/chromium'
import { describeWith } from '../support/services'
import { IS_WHOLE, usually } from '../support/whole'
import { takePicture } from './pictures'
import { inWindow, pressedAway, Stage, windowOf } from './stage'

const USERS = [
  {
    id: '12345',
    name: '张三',
    username: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://pictures.test/zhangsan.svg',
  },
  { id: '12346', name: 'Ada Lovelace', username: 'Ada Lovelace' },
  { id: '12347', name: 'Wolfeschlegelsteinhausenbergerdorff', username: 'Wolfeschlegelsteinhausenbergerdorff' },
]
const PORTRAIT = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><rect width="72" height="72" fill="#fde68a"/>
<path d="M8 72c2-18 14-24 28-24s26 6 28 24Z" fill="#0f766e"/><circle cx="36" cy="30" r="15" fill="#d6a77a"/>
<path d="M20 28c0-12 8-18 16-18s16 6 16 18c-6-6-10-8-16-8s-10 2-16 8Z" fill="#27272a"/></svg>`

const SCREENS = [
  { name: 'phone-light', width: 390, height: 844, colorScheme: 'light', locale: 'en-GB', hasAxe: true },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark', locale: 'zh-CN', hasAxe: false },
  { name: 'desktop-light', width: 1280, height: 860, colorScheme: 'light', locale: 'en-GB', hasAxe: false },
  { name: 'desktop-dark', width: 1280, height: 860, colorScheme: 'dark', locale: 'zh-CN', hasAxe: true },
] as const

/** `npm run test:whole` looks at them in the other light, width and language too. */
const USUAL = usually(SCREENS, ({ name }) => name === 'phone-light')

describeWith('Chromium', 'how the pages look', () => {
  let stage: Stage
  /** Three providers' logins: the first screen makes them, the others find them there. */
  let account: Cookie[] = []
  beforeAll(async () => {
    stage = await Stage.open(
      { users: USERS, accessTokenLifetime: 7200 },
      bareRouter(() => stage),
    )
  }, 120_000)
  afterAll(() => stage?.close())

  test.each(USUAL)('$name: nothing is cut off, and axe finds nothing in either light', async (given) => {
    const { name, width, height, hasAxe, ...screen } = given
    await stage.visit({ viewport: { width, height }, ...screen }, async (page, context) => {
      await withPictures(context)
      const texts = screen.locale === 'zh-CN' ? zh : en
      const look = async (subject: string) => {
        await page.waitForLoadState()
        await expectWhole(page, width)
        if (hasAxe) await expectReadable(page)
        await takePicture(page, `${subject}-${name}`)
      }
      await page.locator('#popup').waitFor()
      await takePicture(page, `sign-in-${name}`) // the next page has all of it
      await page.goto(`${stage.origin}/?error=access_denied&provider=tapd`)
      await page.locator('#popup').waitFor()
      await look('failure')

      await inWindow(page, false)
      if (account.length > 0) {
        await context.addCookies(account)
      } else {
        await stage.logInAs(context, { feishu: '张三', aihubmix: '张三', tiktok: '张三' })
      }
      await page.goto(stage.origin)
      await page.getByRole('link', { name: texts.connect('TAPD'), exact: true }).click()
      await page.getByRole('combobox').first().selectOption('10104802')
      await takePicture(page, `consent-${name}`)
      await page.getByRole('button', { name: '张三' }).click()
      await page.getByRole('heading', { name: 'TAPD', exact: true }).waitFor()
      await look('account')
      await page.getByRole('button', { name: texts.disconnect }).last().click()
      await page.getByText(texts.disconnected('TAPD')).waitFor()

      account = await context.cookies() // every login gives its session a new id
      await context.clearCookies()
      await page.goto(`${stage.origin}/inside-tapd`)
      await page.frameLocator('iframe').getByRole('heading', { name: '张三' }).waitFor()
      await look('inside-tapd')
    })
  })

  test.each(usually(SCREENS.slice(0, 2), ({ hasAxe }) => hasAxe))(
    '$name: the router’s own pages lead on, and axe finds nothing',
    async (screen) => {
      const { name, width, height, hasAxe: _, ...look } = screen
      const texts = PAGE_TEXTS[screen.locale === 'zh-CN' ? 'zh' : 'en']
      const refused = [/the server responded with a status of 40\d/]
      const visit = (see: (page: Page) => Promise<void>) =>
        stage.visit({ viewport: { width, height }, ...look }, see, refused)
      await visit(async (page) => {
        await page.goto(`${stage.origin}/bare/auth/nobody`)
        await page.getByRole('heading', { name: texts.notFound }).waitFor()
        await expectLegible(page, width)
        await page.goto(`${stage.origin}/bare/auth/tapd`)
        await page.getByRole('button', { name: /^(Deny|拒绝)$/ }).click()
        await page.getByRole('heading', { name: texts.failed }).waitFor()
        await expectLegible(page, width)
        await takePicture(page, `router-failure-${name}`)
        await page.getByRole('link', { name: texts.again }).click()
        await page.getByRole('button', { name: '张三' }).click()
        await page.waitForURL(`${stage.origin}/`)
      })
    },
  )

  test('a name without a space fits a phone, and a picture that nobody serves is an initial', async () => {
    const see = async (page: Page) => {
      await page.waitForLoadState()
      await expectWhole(page, 320)
      if (IS_WHOLE) await expectReadable(page) // the account's page, which the look above has read
      expect(await page.locator('.avatar').textContent()).toBe('W')
      expect(await page.locator('.avatar img').count()).toBe(0)
    }
    await stage.visitAs({ aihubmix: 'Wolfe' }, see, { options: { viewport: { width: 320, height: 640 } } })
  })

  test('a provider among many is found by what a person types, in either language', async () => {
    await stage.visitAlone(async (page) => {
      const shown = () => page.locator('.logins a:visible span:nth-child(2)').allInnerTexts()
      const field = page.getByRole('searchbox', { name: en.search })
      await field.fill('we')
      expect(await shown()).toEqual(expect.arrayContaining(['WeChat', 'Weibo']))
      expect((await shown()).every((title) => /^we/i.test(title))).toBe(true)
      await field.fill('微')
      expect(await shown()).toEqual(expect.arrayContaining(['WeChat', 'Weibo']))
      await field.fill('nobody at all')
      expect([await shown(), await page.locator('#found').textContent()]).toEqual([[], en.nothingFound])
      await field.fill('')
      expect((await shown()).length).toBeGreaterThan(15)
      await field.fill('tapd')
      await expectReadable(page)
      const popup = await windowOf(page.context(), () => page.keyboard.press('Enter')) // the only one that is left
      await popup.getByRole('button', { name: '张三' }).waitFor()
    })
  })

  test('with the keyboard alone: in by redirect, in by a window, and out', async () => {
    await stage.visitAlone(async (page, context) => {
      await withPictures(context)
      await page.locator('#popup').waitFor()
      const order = ['passport-dialects', 'English', '中文', en.search, ...['Tailchat', 'TAPD'].map(en.signInWith)]
      for (const text of order) expect(await tab(page)).toEqual({ text, outline: 'solid' })
      const popup = await windowOf(context, () => page.keyboard.press('Enter'))
      await popup.getByRole('button', { name: '张三' }).waitFor()
      await popup.waitForLoadState()
      await tabTo(popup, '张三')
      await pressedAway(popup, () => popup.keyboard.press('Enter'))
      await page.getByRole('heading', { name: '张三', level: 1 }).waitFor()
      await page.waitForLoadState()
      await tabTo(page, en.signOut)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: en.title, exact: true }).waitFor()
      await page.locator('#popup').waitFor()
      await page.locator('#popup').focus()
      await page.keyboard.press('Space')
      await tabTo(page, en.signInWith('TikTok'))
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: '张三' }).waitFor()
      await tabTo(page, '张三')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: '张三', level: 1 }).waitFor()
      await inWindow(page, false) // the choice was kept
    })
  })
})

/** A router that has no `failureRedirect`, at `/bare`. */
function bareRouter(stage: () => Stage): RequestHandler {
  const providers = () => ({ tapd: { ...stage().emulator('tapd').options } })
  const bare = express().use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  return express().use(
    '/bare',
    bare.use(
      oauthRouter({
        providers,
        verify: ({ provider, profile }) => ({ provider, id: profile.id, displayName: profile.displayName }),
      }),
    ),
  )
}

async function expectLegible(page: Page, width: number): Promise<void> {
  await page.waitForLoadState()
  await expectWhole(page, width)
  await expectReadable(page)
}

async function withPictures(context: BrowserContext): Promise<void> {
  await context.route('https://pictures.test/**', (route) =>
    route.fulfill({ contentType: 'image/svg+xml', body: PORTRAIT }),
  )
}

/** Presses Tab; tells where the focus is then, and whether it shows. */
async function tab(page: Page): Promise<{ text: string; outline: string }> {
  await page.keyboard.press('Tab')
  return page.evaluate(`({ text: document.activeElement === document.body ? '' : document.activeElement.ariaLabel || document.activeElement.innerText,
    outline: getComputedStyle(document.activeElement).outlineStyle })`)
}

async function tabTo(page: Page, wanted: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) if ((await tab(page)).text?.includes(wanted)) return
  throw new Error(`Tab never came to ${wanted}`)
}
