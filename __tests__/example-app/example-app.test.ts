import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { providersFrom } from '../../example-app/providers'
import { en } from '../../example-app/texts'
import { Browser } from '../support/browser'

/** `npm start`, on a free port, as a person runs it. */
let child: ChildProcess
let origin = ''
let printed = ''

beforeAll(async () => {
  child = spawn('npm', ['start', '--silent'], { env: { ...process.env, PORT: '0' }, detached: true, stdio: 'pipe' })
  child.stderr?.on('data', (data) => {
    printed += data
  })
  origin = await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`npm start ended: ${printed}`)))
    child.stdout?.on('data', (data) => {
      printed += data
      const address = /Open (\S+)/.exec(printed)?.[1]
      if (address) resolve(address)
    })
  })
})
afterAll(async () => {
  child.removeAllListeners('exit')
  // The whole group: npm, the shell it starts, and the app.
  if (child.pid) process.kill(-child.pid, 'SIGTERM')
  await once(child, 'exit')
})

/** What a person sees and presses, read from the page. */
async function page(
  browser: Browser,
  address: string,
): Promise<{ text: string; html: string; links: string[]; url: string }> {
  const answer = await browser.get(address)
  const location = answer.headers.get('location')
  if (location) return page(browser, new URL(location, address).href)
  const html = await answer.text()
  const text = html.replace(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ').replace(/\s+/g, ' ')
  return { html, text, url: address, links: [...html.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href) }
}

/** Presses the nth submit button of the page's form. */
async function press(browser: Browser, { html, url }: { html: string; url: string }, nth: number) {
  expect(html).toContain('<form method="post"')
  const buttons = [...html.matchAll(/<button name="(\w+)" value="([^"]*)"/g)]
  const [, name = '', value = ''] = buttons.at(nth) ?? []
  const answer = await browser.post(url, { [name]: value })
  return page(browser, new URL(answer.headers.get('location') ?? '', url).href)
}

const TITLES = { tailchat: 'Tailchat', tapd: 'TAPD', bbscloud: 'BBScloud', tiktok: 'TikTok', aihubmix: 'AIHubMix' }

test.each(Object.entries(TITLES))('%s can be clicked through', async (name, title) => {
  const browser = new Browser()
  const home = await page(browser, origin)
  expect(home.text).toContain(`Continue with ${title}`)
  const link = home.links.find((href) => href === `/auth/${name}`) ?? ''
  const consent = await page(browser, origin + link)
  expect(consent.text).toContain('This is an emulator')
  const profile = await press(browser, consent, 0)
  expect(profile.url).toBe(`${origin}/`)
  expect(profile.text).toContain('You are signed in')
  expect(profile.text).toContain('张三')
  const out = await browser.post(`${origin}/auth/logout`)
  expect(out.status).toBe(303)
  expect((await page(browser, origin)).text).toContain(en.title)
})

test.each(Object.entries(TITLES))('%s: deny shows a friendly sentence and the way back', async (name, title) => {
  const browser = new Browser()
  const consent = await page(browser, `${origin}/auth/${name}`)
  const back = await press(browser, consent, -1)
  expect(back.text).toContain(en.failures.access_denied)
  expect(back.text).toContain(title)
  expect(back.links).toContain(`/auth/${name}`)
})

test('a second provider is connected, and the first user stays', async () => {
  const browser = new Browser()
  await press(browser, await page(browser, `${origin}/auth/aihubmix`), 0)
  const both = await press(browser, await page(browser, `${origin}/auth/tapd`), 1)
  expect(both.text).toContain('zhangsan@example.com')
  expect(both.text).toContain('Ada Lovelace · user')
  expect(both.links).not.toContain('/auth/tapd')
})

test('nothing of the address is shown as it stands', async () => {
  const { html, text } = await page(new Browser(), `${origin}/?error=<script>alert(1)</script>&provider="><img src=x>`)
  expect(html).not.toContain('<script')
  expect(html).not.toContain('<img')
  expect(text).toContain(en.unknownFailure)
})

test('credentials given by half name the missing variable', async () => {
  await expect(providersFrom({ TAPD_CLIENT_ID: 'x' })).rejects.toThrow('TAPD_CLIENT_SECRET is missing')
  await expect(providersFrom({ TAILCHAT_CLIENT_ID: 'x', TAILCHAT_CLIENT_SECRET: 'y' })).rejects.toThrow(
    'TAILCHAT_BASE_URL',
  )
})

test('real credentials replace one emulator', async () => {
  const { providers, emulators } = await providersFrom({
    TAPD_CLIENT_ID: 'x',
    TAPD_CLIENT_SECRET: 'y',
    TAPD_SITE: 'cloud',
  })
  await Promise.all(emulators.map((emulator) => emulator.close()))
  expect(emulators.map(({ name }) => name)).toEqual(['tailchat', 'bbscloud', 'tiktok', 'aihubmix'])
  expect(providers.tapd).toEqual({ clientID: 'x', clientSecret: 'y', site: 'cloud' })
})
