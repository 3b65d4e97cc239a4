import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import express, { type RequestHandler } from 'express'
import type { Emulator, EmulatorName, EmulatorOptions } from 'passport-dialects/emulators'
import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  ConsoleMessage,
  FrameLocator,
  Page,
  WebError,
} from 'playwright-core'
import { createApp } from '../../example-app/app'
import { providersFrom } from '../../example-app/emulated'
import { forgetUser, launchChromium, SMALL } from '../support/chromium'
import { eventually } from '../support/eventually'

/** As the app does it, without the compiler, which takes a second to load: example-app.test.ts asks the app for it. */
const popupScript: RequestHandler = (req, res, next) => {
  if (req.path !== '/popup.js') return next()
  popupCode ??= transformSync(readFileSync(join(__dirname, '../../popup/index.ts'), 'utf8'), { loader: 'ts' }).code
  res.type('js').send(popupCode)
}
let popupCode: string | undefined

type Visit = (page: Page, context: BrowserContext) => Promise<void>

/** The example app, its emulators and one browser, for a whole file of tests. */
export class Stage {
  /** Where no user is any more, by what it was made with. */
  private readonly left = new Map<string, BrowserContext>()

  private constructor(
    readonly origin: string,
    private readonly emulators: readonly Emulator[],
    private readonly browser: Browser,
    private readonly server: Server,
  ) {}

  /**
   * @param before runs before the app, to change what it answers
   * @param browser which one
   */
  static async open(
    emulation?: EmulatorOptions,
    before: RequestHandler = (_req, _res, next) => next(),
    browser: { whole?: boolean } = {},
  ): Promise<Stage> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
    const { providers, emulators } = await providersFrom({}, emulation)
    const emulated = Object.fromEntries(emulators.map((emulator) => [emulator.name, emulator.origin]))
    server.on('request', express().use(before, popupScript, createApp({ baseURL: origin, providers, emulated })))
    return new Stage(origin, emulators, await launchChromium(browser), server)
  }

  async close(): Promise<void> {
    await this.browser.close()
    this.server.closeAllConnections()
    this.server.close()
    await Promise.all(this.emulators.map((emulator) => emulator.close()))
  }

  emulator(name: EmulatorName): Emulator {
    const found = this.emulators.find((emulator) => emulator.name === name)
    if (!found) throw new Error(`${name} does not run`)
    return found
  }

  /**
   * A new user at the start page. Fails where the console of any window says a word, a script throws, or the content
   * security policy is broken.
   * @param expected what the browser says of answers that a test makes fail
   */
  async visit(options: BrowserContextOptions, see: Visit, expected: readonly RegExp[] = []): Promise<void> {
    await this.visitAfter(async () => {}, options, see, expected)
  }

  private async visitAfter(
    prepare: (context: BrowserContext) => Promise<void>,
    options: BrowserContextOptions,
    see: Visit,
    expected: readonly RegExp[],
  ): Promise<void> {
    const kind = JSON.stringify(options)
    const context = this.left.get(kind) ?? (await this.newContext(options))
    this.left.delete(kind)
    await prepare(context)
    await this.watch(context, see, expected)
    await this.forget(context)
    this.left.set(kind, context)
  }

  /**
   * The same, for whoever is logged in already, at each provider as one of its users: without its pages, which a test of
   * what comes later need not open.
   * @param logins names of providers, each with the start of the user's name
   */
  async visitAs(
    logins: Partial<Record<EmulatorName, string>>,
    see: Visit,
    { expected = [] as readonly RegExp[], options = {} as BrowserContextOptions } = {},
  ): Promise<void> {
    await this.visitAfter((context) => this.logInAs(context, logins), options, see, expected)
  }

  /** Adds logins to the session of a context. */
  async logInAs({ request }: BrowserContext, logins: Partial<Record<EmulatorName, string>>): Promise<void> {
    for (const [name, start] of Object.entries(logins)) {
      const emulator = this.emulator(name as EmulatorName) // its key
      const user = emulator.users.find((user) => user.name.startsWith(start))?.id
      const asked = await request.get(`${this.origin}/auth/${name}`, { maxRedirects: 0 })
      const back = await emulator.approve(asked.headers().location ?? '', { user })
      const answer = await request.get(back, { maxRedirects: 0 })
      expect(answer.headers().location).toBe('/')
    }
  }

  /** The same, for a test that changes the browser itself: nobody else gets it. */
  async visitAlone(see: Visit): Promise<void> {
    const context = await this.newContext({})
    await this.watch(context, see, [])
    await context.close()
  }

  private async newContext(options: BrowserContextOptions): Promise<BrowserContext> {
    const context = await this.browser.newContext({ locale: 'en-GB', viewport: SMALL, ...options })
    context.setDefaultTimeout(30_000)
    return context
  }

  private async watch(context: BrowserContext, see: Visit, expected: readonly RegExp[]): Promise<void> {
    const complaints: string[] = []
    const complain = (message: ConsoleMessage) => complaints.push(message.text())
    const complainOfScript = (problem: WebError) => complaints.push(String(problem.error()))
    context.on('console', complain).on('weberror', complainOfScript)
    const page = context.pages()[0] ?? (await context.newPage())
    await page.goto(this.origin)
    await see(page, context)
    expect(complaints.filter((text) => !expected.some((pattern) => pattern.test(text)))).toEqual([])
    context.off('console', complain).off('weberror', complainOfScript)
  }

  private async forget(context: BrowserContext): Promise<void> {
    await forgetUser(context)
    const [page] = context.pages()
    if (!page) return
    const tools = await context.newCDPSession(page)
    await tools.send('Storage.clearDataForOrigin', { origin: this.origin, storageTypes: 'all' })
    await tools.detach()
  }

  /** Logs in without a window of its own, as the user of that name. */
  async logIn(page: Page, title: string, user = '张三'): Promise<void> {
    if (page.url() !== `${this.origin}/`) await page.goto(this.origin)
    await inWindow(page, false)
    await page.getByRole('link', { name: new RegExp(`(Continue with|Connect) ${title}$`) }).click()
    await page.getByRole('button', { name: user }).click()
    await page.waitForURL(`${this.origin}/`)
  }
}

/** Sets whether a login opens a window. The page's script restores the last choice, and only then shows the checkbox. */
export async function inWindow(page: Page | FrameLocator, wanted: boolean): Promise<void> {
  const choice = page.locator('#popup')
  await choice.waitFor()
  await choice.setChecked(wanted)
}

/** Presses something that opens a window, and gives that window. */
export async function windowOf(context: BrowserContext, press: () => Promise<void>): Promise<Page> {
  // Before its script has run, the link is followed in the page itself. The window of an earlier login may be closing.
  for (const page of context.pages()) {
    await page.waitForLoadState().catch((problem) => {
      if (!page.isClosed()) throw problem
    })
  }
  const [popup] = await Promise.all([context.waitForEvent('page'), press()])
  return popup
}

/** Presses something that ends in the window's closing: it may be gone before the press has come to its end. */
export async function pressedAway(window: Page, press: () => Promise<void>): Promise<void> {
  const closed = window.waitForEvent('close')
  const pressed = press().catch((problem) => closed.catch(() => Promise.reject(problem)))
  await Promise.all([closed, pressed])
}

/** The page is the only window, once the others have closed. */
export async function expectAlone(page: Page): Promise<void> {
  await eventually(() =>
    expect(
      page
        .context()
        .pages()
        .map((window) => window.url()),
    ).toEqual([page.url()]),
  )
}
