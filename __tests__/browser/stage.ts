import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import type { Emulator, EmulatorName, EmulatorOptions } from 'passport-dialects/emulators'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { createApp } from '../../example-app/app'
import { providersFrom } from '../../example-app/emulated'
import { chromium as chromiumPath } from '../support/services'

/** The example app, its emulators and one browser, for a whole file of tests. */
export class Stage {
  private constructor(
    readonly origin: string,
    private readonly emulators: readonly Emulator[],
    private readonly browser: Browser,
    private readonly server: Server,
  ) {}

  /** @param before runs before the app, to change what it answers */
  static async open(
    emulation?: EmulatorOptions,
    before: RequestHandler = (_req, _res, next) => next(),
  ): Promise<Stage> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
    const { providers, emulators } = await providersFrom({}, emulation)
    const emulated = Object.fromEntries(emulators.map((emulator) => [emulator.name, emulator.origin]))
    server.on('request', express().use(before, createApp({ baseURL: origin, providers, emulated })))
    return new Stage(origin, emulators, await launch(), server)
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
  async visit(
    options: BrowserContextOptions,
    see: (page: Page, context: BrowserContext) => Promise<void>,
    expected: readonly RegExp[] = [],
  ): Promise<void> {
    const context = await this.browser.newContext({ locale: 'en-GB', ...options })
    context.setDefaultTimeout(10_000)
    const complaints: string[] = []
    context.on('console', (message) => complaints.push(message.text()))
    context.on('weberror', (problem) => complaints.push(String(problem.error())))
    try {
      const page = await context.newPage()
      await page.goto(this.origin)
      await see(page, context)
      expect(complaints.filter((text) => !expected.some((pattern) => pattern.test(text)))).toEqual([])
    } finally {
      await context.close()
    }
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

/** Whether a login opens a window: the page's own switch. */
export async function inWindow(page: Page, wanted: boolean): Promise<void> {
  await page.getByLabel('Sign in in a small window').setChecked(wanted)
}

/** Presses something that opens a window, and gives that window. */
export async function windowOf(context: BrowserContext, press: () => Promise<void>): Promise<Page> {
  // Before its script has run, the link is followed in the page itself.
  for (const page of context.pages()) await page.waitForLoadState()
  const [popup] = await Promise.all([context.waitForEvent('page'), press()])
  return popup
}

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    // Windows are blocked here as they are for people: without a click.
    ignoreDefaultArgs: ['--disable-popup-blocking'],
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  })
}
