import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { Browser as PlainBrowser, told } from '../support/browser'
import { bundled } from '../support/bundled'
import { expectReadable, launchChromium } from '../support/chromium'
import { eventually } from '../support/eventually'
import { describeWith } from '../support/services'
import { IS_WHOLE, usually } from '../support/whole'

/** The three files that people copy, each as a process of its own, as one starts it. */
const ROOT = join(__dirname, '../..')
const CLIENT = { CLIENT_ID: 'an id of the test', CLIENT_SECRET: 'a canary client secret' }

const running = new Set<ChildProcess>()
/** What the last one has printed. */
let printed = ''
afterEach(async () => {
  await Promise.all(
    [...running].map((child) => {
      child.kill('SIGKILL')
      return child.exitCode ?? child.signalCode ?? once(child, 'close')
    }),
  )
  running.clear()
})

/** Starts a file of example-app/; resolves to the addresses that it prints, so many lines. */
async function start(file: string, env: Record<string, string> = {}, lines = 1): Promise<string[]> {
  const { PATH = '', HOME = '' } = process.env
  // As one starts it, or without tsx, which takes most of its time.
  const args = IS_WHOLE ? ['--import', 'tsx', join('example-app', file)] : [bundled(`example-app/${file}`)]
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH, HOME, PORT: '0', ...env },
  })
  running.add(child)
  printed = ''
  for (const output of [child.stdout, child.stderr]) output.on('data', (data: Buffer) => (printed += data))
  const found = await eventually(() => {
    const over = child.exitCode !== null // before the look
    const addresses = [...printed.matchAll(/^Open (\S+)\n/gm)].map(([, address = '']) => address)
    if (addresses.length < lines && !over) throw new Error(`${file} has printed ${JSON.stringify(printed)}`)
    return addresses
  }, 60_000)
  if (found.length < lines) throw new Error(`${file} ended: ${printed}`)
  return found
}

/** Where a login at `origin` begins: the provider's authorization request. */
async function authorization(origin: string, provider: string): Promise<URL> {
  const { headers } = await fetch(`${origin}/auth/${provider}`, { redirect: 'manual' })
  return new URL(headers.get('location') ?? 'about:blank')
}

describeWith('Chromium', 'the examples of one file', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  }, 120_000)
  afterAll(() => browser?.close())

  /** In as one whose name is no HTML, out, and refused. */
  async function logInAndOut(origin: string, provider: string, alert: string) {
    const page = await browser.newPage()
    const scripts: string[] = []
    page.on('dialog', (dialog) => void scripts.push(dialog.message()))
    await page.goto(origin)
    const link = page.getByRole('link', { name: `Log in with ${provider}` })
    await link.click()
    await page.getByRole('button', { name: "O'Brien" }).click()
    await page.getByText("Hello, O'Brien <script>alert(1)</script>").waitFor()
    expect(page.url()).toBe(`${origin}/`)
    await expectReadable(page)
    await page.getByRole('button', { name: 'Log out' }).click()
    await link.click()
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.getByRole('alert').getByText(alert).waitFor()
    await page.goto(`${origin}/?error=${encodeURIComponent('<script>alert(2)</script>')}`)
    await page.getByRole('alert').getByText('<script>').waitFor()
    await link.waitFor()
    expect(scripts).toEqual([])
    await page.close()
  }

  /** Whoever copies their cookie of one tenant to another one's host is nobody there. */
  async function demandOwnSessions(red: string, blue: string) {
    const page = await browser.newPage()
    await page.goto(red)
    await page.getByRole('link', { name: 'Log in with feishu' }).click()
    await page.getByRole('button', { name: 'Ada' }).click()
    await page.getByText('Hello, Ada').waitFor()
    const cookie = (await page.context().cookies(red)).map(({ name, value }) => `${name}=${value}`).join('; ')
    const userAt = async (origin: string) => {
      const { user } = await told(fetch(`${origin}/auth/session`, { headers: { cookie } }))
      return user?.id
    }
    expect([await userAt(red), await userAt(blue)]).toEqual([expect.any(String), undefined])
    await page.close()
  }

  // Without a router, or with one for each tenant: with a router alone it is the example app's own.
  test.each(
    usually(
      [
        ['router-alone.ts', 'feishu'],
        ['bare-passport.ts', 'feishu'],
      ] as const,
      ([file]) => file === 'bare-passport.ts',
    ),
  )('%s logs in, logs out and shows a refusal', async (file, provider) => {
    const [origin = ''] = await start(file)
    await logInAndOut(origin, provider, 'The login failed: access_denied')
  })

  test('many-tenants.ts logs in at one tenant, while another has a provider and a client of its own', async () => {
    const real = { BLUE_SLACK_CLIENT_ID: CLIENT.CLIENT_ID, BLUE_SLACK_CLIENT_SECRET: CLIENT.CLIENT_SECRET }
    const [red = '', blue = ''] = await start('many-tenants.ts', real, 2)
    await logInAndOut(red, 'feishu', 'The login failed: access_denied')
    await demandOwnSessions(red, blue)
    const asked = await authorization(blue, 'slack')
    expect(asked.origin).toBe('https://slack.com')
    expect(asked.searchParams.get('client_id')).toBe(CLIENT.CLIENT_ID)
    expect(asked.searchParams.get('redirect_uri')).toBe(`${blue}/auth/slack/callback`)
    expect((await fetch(`${blue}/auth/feishu`, { redirect: 'manual' })).status).toBe(404)
  })
})

test('bare-passport.ts prints one line of what is not the user’s doing', async () => {
  const [origin = ''] = await start('bare-passport.ts')
  for (const error of ['access_denied', 'server_error']) {
    const browser = new PlainBrowser()
    const state = new URL(await browser.location(`${origin}/auth/feishu`)).searchParams.get('state') ?? ''
    const callback = `${origin}/auth/feishu/callback?${new URLSearchParams({ error, state })}`
    const code = error === 'access_denied' ? error : 'authorization_failed'
    const back = new URL(await browser.location(callback))
    expect([back.origin + back.pathname, back.searchParams.get('error')]).toEqual([`${origin}/`, code])
  }
  const lines = () => printed.split('\n').filter((line) => line.includes('OAuthError'))
  await eventually(() => expect(lines()).toEqual([expect.stringMatching(/^OAuthError: .*'server_error'/)]))
})

test.each(['router-alone.ts', 'bare-passport.ts'])('%s takes real credentials from the environment', async (file) => {
  const real = { FEISHU_CLIENT_ID: CLIENT.CLIENT_ID, FEISHU_CLIENT_SECRET: CLIENT.CLIENT_SECRET }
  const [origin = ''] = await start(file, real)
  const asked = await authorization(origin, 'feishu')
  expect(asked.origin).toBe('https://accounts.feishu.cn')
  expect(asked.searchParams.get('client_id')).toBe(CLIENT.CLIENT_ID)
  expect(asked.searchParams.get('redirect_uri')).toBe(`${origin}/auth/feishu/callback`)
  expect(await (await fetch(origin)).text()).not.toMatch(/Log in with (?!feishu)/)
})
