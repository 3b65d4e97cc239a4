import express from 'express'
import { ERROR_CODES, type ErrorCode, OAuthError, oauthRouter } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { PAGE_TEXTS } from '../../lib/router/page-texts'
import { serve } from '../controls/support'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'

const EN = { accept: 'text/html', 'accept-language': 'en-GB,en;q=0.9,zh;q=0.5' }
const ZH = { accept: 'text/html', 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' }

let emulator: Emulator
let app: RunningApp
/** What `verify` of the app fails with. */
let failure: ErrorCode = 'provider_error'

beforeAll(async () => {
  emulator = await startEmulator('tapd')
  const providers = { tapd: { ...emulator.options } }
  const verify = () => {
    throw new OAuthError(failure, { provider: 'tapd', phase: 'callback' })
  }
  const below = express().use('/tenants/:tenant', oauthRouter({ providers, mountPath: '/in', successRedirect: '/app' }))
  const anywhere = oauthRouter({ providers, mountPath: '/in' })
  app = await startRouterApp(
    { providers, verify, successRedirect: '/home?a=1&from=登录' },
    { routes: (app) => void app.use(below).use(/^\/+[\w.]+/, anywhere) },
  )
})
afterAll(async () => {
  await app.close()
  await emulator.close()
})

async function page(path: string, headers: Record<string, string>, browser = new Browser()) {
  const answer = await browser.get(app.origin + path, headers)
  const html = await answer.text()
  const links = [...html.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, href, text]) => [href, text])
  return { status: answer.status, headers: answer.headers, html, links, lang: /<html lang="([^"]+)"/.exec(html)?.[1] }
}

/** The page of a login that ends with `code`. */
async function failed(code: ErrorCode, headers: Record<string, string>) {
  failure = code
  const browser = new Browser()
  const callback = new URL(await emulator.approve(await browser.location(`${app.origin}/auth/tapd`)))
  return page(callback.pathname + callback.search, headers, browser)
}

const HOME = '/home?a=1&#38;from=%E7%99%BB%E5%BD%95'

test('a failed login leads on: to the login again, and to the app', async () => {
  const { status, links, html, headers, lang } = await page('/auth/tapd/callback?code=x&state=y', EN)
  expect([status, lang]).toEqual([400, 'en'])
  expect(links).toEqual([
    ['/auth/tapd', 'Try again'],
    [HOME, 'Back to the start'],
  ])
  expect(html).toContain('Code: session_missing')
  expect(headers.get('vary')).toContain('Accept-Language')
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; frame-anc/)
})

test.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s is told in the language of the browser', async (code) => {
  const [english, chinese] = [await failed(code, EN), await failed(code, ZH)]
  expect([english.lang, chinese.lang]).toEqual(['en', 'zh-CN'])
  const failure = { code, status: ERROR_CODES[code].status }
  expect(english.html).toContain(`<p>${escaped(PAGE_TEXTS.en.sentence(failure))}</p>`)
  expect(chinese.html).toContain(`<p>${PAGE_TEXTS.zh.sentence(failure)}</p>`)
  expect(english.html).toContain(`<p>Code: ${code} (tapd)</p>`)
  expect(chinese.html).toContain(`<p>错误码：${code}（tapd）</p>`)
  expect(english.html).not.toMatch(/[\u4e00-\u9fff]/)
})

test('what would only fail again is not offered again', async () => {
  expect((await failed('client_rejected', EN)).links).toEqual([[HOME, 'Back to the start']])
  expect((await failed('provider_timeout', ZH)).links).toEqual([
    ['/auth/tapd', '重新登录'],
    [HOME, '返回首页'],
  ])
})

test('the login again is where the router is mounted, and never on another host', async () => {
  const mounted = await page('/tenants/a%22b/in/tapd/callback?code=x&state=y', EN)
  expect(mounted.links.map(([href]) => href)).toEqual(['/tenants/a%22b/in/tapd', '/app'])
  const begun = await page('/tenants/5/in/tapd/callback?code=x&state=y', EN)
  expect((await page(String(begun.links[0]?.[0]), EN)).status).toBe(302)
  const foreign = await page('//evil.example/in/tapd/callback?code=x&state=y', EN)
  expect([foreign.status, foreign.links.map(([href]) => href)]).toEqual([400, ['/']])
})

test('an unknown provider and the page of a popup speak Chinese too', async () => {
  const nobody = await page('/auth/nobody', ZH)
  expect([nobody.status, nobody.lang, nobody.links]).toEqual([404, 'zh-CN', [[HOME, '返回首页']]])
  expect(nobody.html).toContain('这里没有这个登录平台。')
  const broken = await page('/auth/%E0%A4%A', EN)
  expect([broken.status, broken.lang, broken.links]).toEqual([404, 'en', [[HOME, 'Back to the start']]])
  const browser = new Browser()
  const begun = await browser.location(`${app.origin}/auth/tapd?popup=1`)
  const callback = new URL(await emulator.deny(begun))
  const popup = await page(callback.pathname + callback.search, ZH, browser)
  expect([popup.lang, popup.links, popup.headers.get('vary')]).toEqual(['zh-CN', [], 'Accept-Language'])
  expect(popup.html).toMatch(/登录失败.*可以关闭这个窗口了。/s)
  expect(popup.html).toContain('data-code="access_denied"')
})

test.each([undefined, '*', 'fr', 'en, zh', 'zh;q=0, en', 'zh;q=0.1, en;q=0.2'])(
  '%s is answered in English',
  async (asked) => {
    const headers = { accept: 'text/html', ...(asked && { 'accept-language': asked }) }
    expect((await page('/auth/nobody', headers)).lang).toBe('en')
  },
)

test.each(['zh', 'zh-TW', 'fr, zh;q=0.5', 'en;q=0.5, zh-Hans-CN'])('%s is answered in Chinese', async (asked) => {
  expect((await page('/auth/nobody', { accept: 'text/html', 'accept-language': asked })).lang).toBe('zh-CN')
})

test('JSON is the same in every language', async () => {
  const asked = { accept: 'application/json' }
  const both = await Promise.all(
    ['en', 'zh'].map((lang) => page('/auth/nobody', { ...asked, 'accept-language': lang })),
  )
  expect(both[0]?.html).toBe(both[1]?.html)
  expect(JSON.parse(both[0]?.html ?? '')).toEqual({
    error: { code: 'not_found', message: 'There is no such login provider here.' },
  })
  expect(both[0]?.headers.get('vary')).toBeNull()
})

test('the sentences are for the person who logs in: nothing in them is for the app’s maker, and none is said twice', () => {
  for (const texts of [PAGE_TEXTS.en, PAGE_TEXTS.zh]) {
    const failures = Object.entries(ERROR_CODES).map(([code, { status }]) => ({ code: code as ErrorCode, status }))
    const sentences = failures.map((failure) => texts.sentence(failure))
    expect(new Set(sentences).size).toBe(sentences.length)
    for (const sentence of sentences) {
      expect(sentence).not.toMatch(
        /[`_]|\b(?:clientID|state|scope|iss|verify|cause|callback\w*|dispatcher|middleware|DNS|TLS)\b/,
      )
    }
  }
})

test('a session that is missing is told by its cause: a cookie or the site’s set-up; a store that fails, by its own code', async () => {
  const said = [
    PAGE_TEXTS.en.sentence({ code: 'session_missing', status: 400 }),
    PAGE_TEXTS.en.sentence({ code: 'session_missing', status: 500 }),
    PAGE_TEXTS.en.sentence({ code: 'store_failed', status: 503 }),
  ]
  expect(said).toEqual([
    expect.stringContaining('Allow cookies'),
    expect.stringContaining('not set up'),
    expect.stringContaining('try again soon'),
  ])
  const bare = await serve(express().use(oauthRouter({ providers: { tapd: { ...emulator.options } } })))
  try {
    const answer = await new Browser().get(`${bare.origin}/auth/tapd`, ZH)
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('网站配置有误')])
  } finally {
    await bare.close()
  }
})

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
