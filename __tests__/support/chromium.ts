import { existsSync, readFileSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  chromium,
  type Page,
} from 'playwright-core'
import { chromium as path } from './services'

/** Chromium without its window: 40 % less work. Debian has it as a separate package. */
const SHELL = '/usr/bin/chromium-headless-shell'

/**
 * A real browser that can reach only this machine.
 * @param whole the full browser, for example for its popup blocker
 * @param features further features to turn on
 */
export function launchChromium({ whole = false, features = [] as readonly string[] } = {}): Promise<Browser> {
  const shell = !whole && !process.env.CHROMIUM_PATH && existsSync(SHELL)
  return chromium.launch({
    executablePath: shell ? SHELL : path(),
    // Popups are blocked as for users: without a click.
    ignoreDefaultArgs: ['--disable-popup-blocking'],
    args: [
      ...(whole ? [] : ONE_PROCESS),
      ...(features.length > 0 ? [`--enable-features=${features.join()}`] : []),
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

/** All pages in one process: starting one per site and window is 40 % of the work. Cookies and sites are unaffected. */
const ONE_PROCESS = ['--disable-site-isolation-trials', '--process-per-site', '--renderer-process-limit=1']

/** A page for a test that does not look at it: painting a third as much takes a quarter less of the processor. */
export const SMALL = { width: 640, height: 480 }

/** Makes a new user of the one who was there: a new context takes Chromium longer than most pages do. */
export async function forgetUser(context: BrowserContext): Promise<void> {
  const [page, ...windows] = context.pages()
  for (const window of windows) await window.close()
  await page?.goto('about:blank')
  await context.clearCookies()
}

/** Contexts that no user is left in, by browser and options. */
const left = new WeakMap<Browser, Map<string, BrowserContext>>()

/**
 * A page for a new user. Fails if the console of any window says something unexpected.
 * @param isExpected which messages a test causes
 */
export async function visit(
  browser: Browser,
  options: BrowserContextOptions,
  see: (page: Page) => Promise<void>,
  isExpected: (message: ConsoleMessage) => boolean = () => false,
): Promise<void> {
  const kind = JSON.stringify(options)
  const free = left.get(browser) ?? new Map<string, BrowserContext>()
  left.set(browser, free)
  const context = free.get(kind) ?? (await browser.newContext({ locale: 'en-GB', viewport: SMALL, ...options }))
  free.delete(kind)
  context.setDefaultTimeout(30_000)
  const complaints: string[] = []
  const complain = (message: ConsoleMessage) => {
    if (!isExpected(message)) complaints.push(message.text())
  }
  context.on('console', complain)
  await see(context.pages()[0] ?? (await context.newPage()))
  context.off('console', complain)
  expect(complaints).toEqual([])
  await forgetUser(context)
  free.set(kind, context)
}

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  impact: string
  nodes: { html: string }[]
}

/** Checks that nothing is cut off at that width, in CSS pixels. */
export async function expectWhole(page: Page, width: number): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
}

/**
 * Checks that axe finds no problem on the page.
 * @param except the rules to leave out
 */
export async function expectReadable(page: Page, except: readonly string[] = []): Promise<void> {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    "axe.run({ iframes: false, resultTypes: ['violations'] })",
  )
  const found = violations.filter(({ id }) => !except.includes(id))
  expect(found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
}
