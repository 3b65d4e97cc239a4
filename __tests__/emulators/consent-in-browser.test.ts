import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expectReadable, expectWhole, launchChromium } from '../support/chromium'
import { describeWith } from '../support/services'
import { usually } from '../support/whole'
import { authorizationAt, tokensFor } from './logins'

// The pages that differ: one of each kind is looked at. All of them are clicked through without a browser in
// example-app.test.ts.
const ALL: readonly EmulatorName[] = [
  'tailchat',
  'tapd', // a project
  'bbscloud', // a token in the callback
  'tiktok', // scopes to untick
  'aihubmix', // a page to top up
  'wecom',
  'alipay',
  'wechat', // a code to scan
  'slack', // a workspace
  'qq', // stays where somebody says no
]

/** `npm run test:whole` looks at all of them. */
const NAMES = usually(ALL, (name) => !['tailchat', 'bbscloud', 'wecom', 'alipay'].includes(name))

/** What the callback calls the credential, where not `code`. */
const CREDENTIALS: Partial<Record<EmulatorName, string>> = { bbscloud: 'token', alipay: 'auth_code' }

/** Those that say no by the state alone. */
const MUTE: readonly EmulatorName[] = ['wecom', 'alipay', 'wechat']

/** Those whose page stays where somebody says no. */
const STAYS: readonly EmulatorName[] = ['qq']

let browser: Browser
/** The app: takes whatever comes back. */
let app: http.Server
let callback = ''
const emulators = new Map<EmulatorName, Emulator>()

function at(name: EmulatorName): Emulator {
  const emulator = emulators.get(name)
  if (!emulator) throw new Error(`${name} does not run`)
  return emulator
}

/**
 * One browser's window for every test that looks out of it: a new one takes Chromium longer than most pages do. What
 * its console says is of the visit that is on.
 */
class Window {
  private page: Promise<Page> | undefined
  private readonly complaints: string[] = []

  constructor(private readonly options: BrowserContextOptions) {}

  /** Opens an address, and fails where the console complains: of the content security policy, for one. */
  async visit(address: string, see: (page: Page) => Promise<void>): Promise<void> {
    this.page ??= this.open()
    const page = await this.page
    this.complaints.length = 0
    await page.goto(address)
    await see(page)
    expect(this.complaints).toEqual([])
  }

  private async open(): Promise<Page> {
    const context = await browser.newContext({ locale: 'en-GB', ...this.options })
    const page = await context.newPage()
    page.on('console', (message) => this.complaints.push(message.text()))
    page.on('pageerror', (problem) => this.complaints.push(String(problem)))
    return page
  }
}

const usual = new Window({})
const withoutJavaScript = new Window({ javaScriptEnabled: false })

/** A consent page, whose app is the one above. */
function consentAt(name: EmulatorName): Promise<string> {
  return authorizationAt(at(name), { redirect_uri: callback })
}

async function backAtTheApp(page: Page): Promise<Record<string, string>> {
  await page.waitForURL((url) => url.href.startsWith(callback))
  expect(await page.title()).toBe('back')
  return Object.fromEntries(new URL(page.url()).searchParams)
}

const LOOKS = [
  [390, 844, 'light', 'zh-CN', 'axe'],
  [390, 844, 'dark', 'en-GB', undefined],
  [1280, 800, 'light', 'zh-CN', undefined],
  [1280, 800, 'dark', 'en-GB', 'axe'],
] as const

/** `npm run test:whole` looks in the other light, width and language too. */
const SCREENS = usually(LOOKS, (look) => look === LOOKS[0]).map(([width, height, colorScheme, locale, axe]) => {
  return {
    width,
    hasAxe: axe !== undefined,
    window: new Window({ viewport: { width, height }, colorScheme, locale }),
  }
})

const PAGES: [string, () => Promise<string>][] = [
  ...NAMES.map((name): [string, () => Promise<string>] => [name, () => consentAt(name)]),
  ['top-up', async () => `${at('aihubmix').origin}/topup?user=12347`],
  ['entry', async () => `${at('tapd').origin}/entry`],
]

describeWith('Chromium', 'the providers’ pages in a browser', () => {
  beforeAll(async () => {
    browser = await launchChromium()
    app = http.createServer((_req, res) => res.setHeader('content-type', 'text/html').end('<title>back</title>'))
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    callback = `http://127.0.0.1:${(app.address() as AddressInfo).port}/callback` // a TCP server's
    for (const name of NAMES) emulators.set(name, await startEmulator(name))
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await Promise.all([...emulators.values()].map((emulator) => emulator.close()))
    app?.close()
  })

  test.each(NAMES)('%s: without JavaScript, a user and "Deny" lead back to the app', async (name) => {
    const users = at(name).users.map((user) => `Continue as ${user.name}`)
    const buttons = [...usually(users, (user) => user === users.at(-1)), ...(STAYS.includes(name) ? [] : ['Deny'])]
    for (const button of buttons) {
      await withoutJavaScript.visit(await consentAt(name), async (page) => {
        await page.getByRole('button', { name: button }).click()
        const brought = await backAtTheApp(page)
        if (button !== 'Deny') expect(brought).toHaveProperty(CREDENTIALS[name] ?? 'code')
        else if (MUTE.includes(name)) expect(brought).not.toHaveProperty(CREDENTIALS[name] ?? 'code')
        else expect(brought).toHaveProperty('error', name === 'linkedin' ? 'user_cancelled_authorize' : 'access_denied')
      })
    }
  })

  test.each(STAYS)('%s: "Deny" leads nowhere, and a user can still be chosen', async (name) => {
    await withoutJavaScript.visit(await consentAt(name), async (page) => {
      await page.getByRole('button', { name: 'Deny' }).click()
      await page.getByRole('button', { name: 'Ada' }).click()
      expect(await backAtTheApp(page)).toHaveProperty('code')
    })
  })

  test('a person unticks a scope, by its label', async () => {
    await withoutJavaScript.visit(await consentAt('tiktok'), async (page) => {
      await page.getByText('user.info.profile').click()
      await page.getByRole('button', { name: '张三' }).click()
      expect(await backAtTheApp(page)).toMatchObject({ scopes: 'user.info.basic' })
    })
  })

  test('a person chooses a project, and lets the exchange fail', async () => {
    await withoutJavaScript.visit(await consentAt('tapd'), async (page) => {
      await page.getByLabel('Project').selectOption({ label: 'Website relaunch (10104802)' })
      await page.getByText('Let a later step fail').click()
      await page.getByLabel('Step').selectOption('token')
      await page.getByLabel('In this way').selectOption('refused')
      await page.getByLabel('own code').fill('-1')
      await page.getByRole('button', { name: 'Ada' }).click()
      const brought = await backAtTheApp(page)
      expect(brought.resource).toBe('{"type":"workspace","workspace_id":10104802}')
      await tokensFor(at('tapd'), brought)
      expect(at('tapd').requests.at(-1)).toMatchObject({ endpoint: 'token', fault: 'refused:-1' })
    })
  })

  test('with the keyboard alone: everything is reached in order, shows its focus, and works', async () => {
    await usual.visit(await consentAt('tiktok'), async (page) => {
      const focused = async () =>
        page.evaluate<[string, string]>(
          `(() => { const { tagName, name, value } = document.activeElement
          return [[tagName, name, value].filter(Boolean).join(' '), getComputedStyle(document.activeElement).outlineStyle] })()`,
        )
      const order = ['INPUT scope user.info.basic', 'INPUT scope user.info.profile', 'SUMMARY']
      for (const expected of order) {
        await page.keyboard.press('Tab')
        expect(await focused()).toEqual([expected, 'solid'])
      }
      await page.keyboard.press('Enter') // opens the details
      for (const expected of ['SELECT step', 'SELECT fault reset', 'INPUT fault_code', 'BUTTON user -000aZhangSan']) {
        await page.keyboard.press('Tab')
        expect(await focused()).toEqual([expected, 'solid'])
      }
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      expect(await backAtTheApp(page)).toMatchObject({ code: expect.any(String), state: 's' })
    })
  })

  test.each(PAGES)(
    '%s: nothing is cut off in any light, width and language, and axe finds nothing in either light',
    async (_page, address) => {
      for (const { width, hasAxe, window } of SCREENS) {
        await window.visit(await address(), async (page) => {
          await page.evaluate("document.querySelector('details')?.setAttribute('open', '')")
          await expectWhole(page, width)
          if (hasAxe) await expectReadable(page)
        })
      }
    },
    120_000,
  )
})
