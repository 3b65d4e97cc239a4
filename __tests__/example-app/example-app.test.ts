import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import { ERROR_CODES, type ErrorCode, PROVIDER_NAMES, TapdStrategy } from 'passport-dialects'
import { startEmulator, titlesOf } from 'passport-dialects/emulators'
import { createApp } from '../../example-app/app'
import { providersFrom } from '../../example-app/emulated'
import { en } from '../../example-app/texts-en'
import { zh } from '../../example-app/texts-zh'
import { Browser } from '../support/browser'
import { Started } from './start'

let started: Started
let origin = ''

beforeAll(async () => {
  started = new Started({}, { alone: true })
  origin = await started.address()
})
afterAll(() => Started.killAll())

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

/** Submits a form by its nth button, as a browser does: hidden fields, the button, the form's own address. A page that posts itself goes on. */
async function press(
  browser: Browser,
  { html, url }: { html: string; url: string },
  nth: number,
  action = '',
): ReturnType<typeof page> {
  const forms = [...html.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)]
  const [, attributes = '', body = ''] = forms.find(([, attributes = '']) => attributes.includes(action)) ?? []
  expect(attribute(attributes, 'method')).toBe('post')
  const tags = (name: string) => [...body.matchAll(new RegExp(`<${name}\\b[^>]*>`, 'g'))].map(([tag]) => tag)
  const fields = tags('input').filter((tag) => attribute(tag, 'type') === 'hidden')
  const form = Object.fromEntries(
    [...fields, tags('button').at(nth) ?? '']
      .map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')])
      .filter(([name]) => name !== ''),
  )
  const address = new URL(attribute(attributes, 'action') || url, url).href
  const answer = await browser.post(address, form, { origin: new URL(url).origin })
  const posting = answer.status === 200 ? await answer.text() : ''
  if (posting.includes('document.forms[0].submit()')) return press(browser, { html: posting, url: address }, 0)
  return page(browser, new URL(answer.headers.get('location') ?? '', url).href)
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}

test.each(PROVIDER_NAMES)('%s can be clicked through', async (name) => {
  const title = titlesOf(name).en
  const browser = new Browser()
  const home = await page(browser, origin)
  expect(home.text).toContain(title)
  const link = home.links.find((href) => href === `/auth/${name}`) ?? ''
  const consent = await page(browser, origin + link)
  expect(consent.text).toContain('This is an emulator')
  const profile = await press(browser, consent, 0)
  expect(profile.url).toBe(`${origin}/`)
  expect(profile.text).toContain(en.signedInAs)
  expect(profile.text).toContain('张三')
  expect(profile.text).toMatch(new RegExp(`${en.connected} (?:${name.slice(0, 2)} )?${title}`)) // a mark, or two letters
  const out = await press(browser, profile, 0, '/auth/logout')
  expect(out.text).toContain(en.title)
  expect(out.text).not.toContain('张三')
})

/** Who says no at Shopify stays in its admin: nothing comes back. */
const COMING_BACK = PROVIDER_NAMES.filter((name) => name !== 'shopify')

test.each(COMING_BACK)('%s: deny shows a friendly sentence and the way back', async (name) => {
  const title = titlesOf(name).en
  const browser = new Browser()
  const consent = await page(browser, `${origin}/auth/${name}`)
  const back = await press(browser, consent, -1)
  expect(back.text).toContain(en.failures.access_denied)
  expect(back.text).toContain(title)
  expect(back.links).toEqual(expect.arrayContaining(['/', `/auth/${name}`]))
})

test('a second provider is connected, and the first user stays', async () => {
  const browser = new Browser()
  await press(browser, await page(browser, `${origin}/auth/aihubmix`), 0)
  const both = await press(browser, await page(browser, `${origin}/auth/tapd`), 1)
  expect(both.text).toContain('zhangsan@example.com')
  expect(both.text).toMatch(/TAPD Ada Lovelace Scopes user/)
  expect(both.links).not.toContain('/auth/tapd')
})

test('without a script: a balance is asked for again, topped up, and an account is disconnected', async () => {
  const browser = new Browser()
  const before = await press(browser, await page(browser, `${origin}/auth/aihubmix`), 0)
  expect(before.text).toContain('Balance 750.00')
  const topup = await page(browser, `${origin}/top-up/aihubmix`)
  expect(topup.url).toMatch(/\/topup\?user=12345$/)
  await press(browser, topup, 0)
  const after = await press(browser, before, 0, '/balance/aihubmix')
  expect(after.text).toContain('Balance 850.00')
  const without = await press(browser, after, 0, '/disconnect/aihubmix')
  expect(without.text).toContain(en.disconnected('AIHubMix'))
  const refused = await browser.post(`${origin}/balance/aihubmix`, {}, { origin })
  expect(refused.headers.get('location')).toMatch(/^\/\?error=\w+&provider=aihubmix$/)
  expect(without.text).toContain(en.nothingConnected)
  expect(without.links).toContain('/auth/aihubmix')
})

test('one click: no page asks anything', async () => {
  const { url, text } = await page(new Browser(), `${origin}/auth/aihubmix-one-click`)
  expect(url).toBe(`${origin}/`)
  expect(text).toContain(en.signedInAs)
})

test('opened under another name of this machine, it goes to its own address first', async () => {
  const elsewhere = origin.replace('127.0.0.1', 'localhost')
  const home = await page(new Browser(), elsewhere)
  expect(home.url).toBe(`${origin}/`)
  const browser = new Browser()
  const profile = await press(browser, await page(browser, `${elsewhere}/auth/tapd`), 0)
  expect(profile.text).toContain(en.signedInAs)
})

test('nothing of the address is shown as it stands', async () => {
  const { html, text } = await page(new Browser(), `${origin}/?error=<script>alert(1)</script>&provider="><img src=x>`)
  expect(html).not.toContain('alert(1)')
  expect(html).not.toContain('<img src=x')
  expect(text).toContain(en.unknownFailure)
  expect(text).toContain(en.failed(en.someProvider))
})

test.each([en, zh])('$lang: every error code has a sentence of its own on the page, and a way back', async (texts) => {
  const sentences = new Set<string>()
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const shown = await page(new Browser(), `${origin}/?error=${code}&provider=tapd&lang=${texts.lang}`)
    expect(shown.text).toContain(texts.failures[code])
    expect(shown.text).toContain(texts.failed('TAPD'))
    expect(shown.links).toEqual(expect.arrayContaining(['/', '/auth/tapd']))
    sentences.add(texts.failures[code])
  }
  for (const code of ['toString', '__proto__', ''])
    expect((await page(new Browser(), `${origin}/?error=${code}&lang=${texts.lang}`)).text).toContain(
      texts.unknownFailure,
    )
})

test('the language: what is chosen is remembered, else the browser decides', async () => {
  const browser = new Browser()
  expect((await page(browser, `${origin}/?lang=zh`)).html).toContain('<html lang="zh">')
  expect((await page(browser, origin)).text).toContain(zh.lead)
  const preferring = async (language: string) =>
    (await fetch(origin, { headers: { 'accept-language': language } })).text()
  expect(await preferring('zh-CN,en;q=0.5')).toContain(zh.lead)
  expect(await preferring('fr')).toContain(en.lead)
})

test('the content security policy admits no inline style and no inline script, and there is none', async () => {
  const answer = await fetch(origin)
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/default-src 'none'.*script-src 'self';style-src 'self'.*form-action 'self'/)
  expect(policy).not.toContain('unsafe')
  expect(await answer.text()).not.toMatch(/<style|<script(?! type="module" src=)|\sstyle=|\son\w+=/)
})

test('the scripts of the pages are under 10 kB in all', async () => {
  const sizes = ['page.mjs', 'popup.js'].map(async (name) => {
    const answer = await fetch(`${origin}/${name}`)
    expect(answer.headers.get('content-type')).toContain('javascript')
    return (await answer.arrayBuffer()).byteLength
  })
  const [page = 0, popup = 0] = await Promise.all(sizes)
  expect(page).toBeGreaterThan(1000)
  expect(popup).toBeGreaterThan(500)
  expect(page + popup).toBeLessThan(10_000)
})

test.each<Record<string, string>>([
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://elsewhere.example' },
  { origin: 'null' },
])('a form of another site presses no button: %j', async (headers) => {
  const browser = new Browser()
  await press(browser, await page(browser, `${origin}/auth/tiktok`), 0)
  for (const address of ['/disconnect/tiktok', '/auth/logout', '/balance/tiktok', '/tokens/tiktok/refresh'])
    expect((await browser.post(origin + address, {}, headers)).status).toBe(403)
  expect((await page(browser, origin)).text).toContain(en.signedInAs)
})

/** The app in this process, for what `npm start` does not set up. */
async function listening<T>(app: Express, visit: (origin: string) => Promise<T>): Promise<T> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await visit(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) // a TCP server's
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

test('a name of a user is text, whatever it holds', async () => {
  const name = `<script>alert('1')</script> "O'Brien" & co`
  const emulator = await startEmulator('aihubmix', { users: [{ id: '7', name, username: name }] })
  const providers = { aihubmix: { ...emulator.options } }
  let app = express()
  const front = express().use((req, res, next) => app(req, res, next))
  await listening(front, async (baseURL) => {
    app = createApp({ baseURL, providers })
    const browser = new Browser()
    const { html } = await press(browser, await page(browser, `${baseURL}/auth/aihubmix`), 0)
    expect(html).not.toContain('<script>')
    expect(html).toContain('&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;')
  }).finally(() => emulator.close())
})

test('behind a proxy that ends TLS the session cookie is set, and is Secure', async () => {
  const credentials = { clientID: 'x', clientSecret: 'a canary secret', silentLogin: false }
  const app = createApp({ baseURL: 'https://app.example.com', providers: { tapd: credentials } })
  await listening(app, async (address) => {
    const answer = await fetch(`${address}/auth/tapd`, {
      redirect: 'manual',
      headers: { 'x-forwarded-proto': 'https' },
    })
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; Secure; SameSite=Lax/)
  })
})

test('where TAPD logs in silently, its frame may show the app and keeps its cookie', async () => {
  const tapd = { clientID: 'x', clientSecret: 'a canary secret', silentLogin: true }
  const app = createApp({ baseURL: 'https://app.example.com', providers: { tapd } })
  await listening(app, async (address) => {
    const proxied = { redirect: 'manual', headers: { 'x-forwarded-proto': 'https' } } as const
    const answer = await fetch(`${address}/auth/tapd`, proxied)
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; Secure; Partitioned; SameSite=None/)
    const home = await fetch(address, proxied)
    expect(home.headers.get('content-security-policy')).toContain("frame-ancestors 'self' https://www.tapd.cn")
    expect(home.headers.get('x-frame-options')).toBeNull()
  })
})

test('a second instance of a provider goes by its own name', async () => {
  const second = { strategy: TapdStrategy, clientID: 'x', clientSecret: 'a canary secret' }
  const app = createApp({ baseURL: 'http://127.0.0.1', providers: { 'tapd-cloud': second } })
  const { text } = await listening(app, (address) =>
    page(new Browser(), `${address}/?error=rate_limited&provider=tapd-cloud`),
  )
  expect(text).toContain(en.signInWith('tapd-cloud'))
  expect(text).toContain(en.failed('tapd-cloud'))
})

test('a login that only a page inside DingTalk begins has no button', async () => {
  const client = { clientID: 'x', clientSecret: 'a canary secret' }
  const buttons = async (kind?: 'in-app') => {
    const providers = { tapd: client, dingtalk: { ...client, ...(kind && { kind }) } }
    const app = createApp({ baseURL: 'http://127.0.0.1', providers })
    const { links } = await listening(app, (address) => page(new Browser(), address))
    return links.filter((link) => /^\/auth\/\w+$/.test(link))
  }
  expect(await buttons()).toEqual(['/auth/tapd', '/auth/dingtalk'])
  expect(await buttons('in-app')).toEqual(['/auth/tapd'])
})

test('where some providers are real, the others say that they are emulators', async () => {
  const credentials = { clientID: 'x', clientSecret: 'a canary secret' }
  const providers = { tapd: credentials, tiktok: credentials }
  const app = createApp({ baseURL: 'http://127.0.0.1', providers, emulated: { tiktok: 'http://127.0.0.1:1' } })
  const { text } = await listening(app, (address) => page(new Browser(), address))
  expect(text).toContain(`${en.signInWith('TAPD')} ${en.signInWith('TikTok')} ${en.emulator}`)
})

test('credentials given by half name the missing variable', async () => {
  await expect(providersFrom({ TAPD_CLIENT_ID: 'x' })).rejects.toThrow('TAPD_CLIENT_SECRET is required')
  await expect(providersFrom({ TAILCHAT_CLIENT_ID: 'x', TAILCHAT_CLIENT_SECRET: 'a canary secret' })).rejects.toThrow(
    'TAILCHAT_BASE_URL',
  )
})

test('real credentials replace one emulator', async () => {
  const { providers, emulators } = await providersFrom({
    TAPD_CLIENT_ID: 'x',
    TAPD_CLIENT_SECRET: 'a canary secret',
    TAPD_SITE: 'cloud',
  })
  await Promise.all(emulators.map((emulator) => emulator.close()))
  expect(emulators.map(({ name }) => name)).toEqual(PROVIDER_NAMES.filter((name) => name !== 'tapd'))
  expect(providers.tapd).toEqual({ clientID: 'x', clientSecret: 'a canary secret', site: 'cloud' })
})
