import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Browser, Page } from 'playwright-core'
import { expectReadable, expectWhole, launchChromium } from '../support/chromium'
import { describeWith } from '../support/services'
import { SITE } from './site'

/** One page of each kind. */
const KINDS = [
  '',
  'docs.html',
  'providers/feishu.html',
  'guides/sessions-and-cookies.html',
  'options.html',
  'error-codes.html',
  'fault-matrix.html',
  'adding-a-provider.html',
  'reference/passport-dialects/',
  'reference/passport-dialects/classes/FeishuStrategy.html',
]

/** VitePress's own menus and search button; and the first cell of some tables, which is empty in the Markdown. */
const NOT_OURS = ['nested-interactive', 'label-content-name-mismatch', 'empty-table-header']

describeWith('Chromium', 'the site in a browser', () => {
  let server: Server
  let browser: Browser
  let site: string

  beforeAll(async () => {
    server = express().use(express.static(SITE)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser.close()
    server.close()
  })

  /** A page of that width; what goes wrong in it is collected. */
  async function openAt(address: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
    const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme })
    const errors: string[] = []
    page.on('pageerror', ({ message }) => errors.push(message))
    page.on('console', (line) => line.type() === 'error' && errors.push(line.text()))
    page.on('response', (response) => response.status() >= 400 && errors.push(response.url()))
    await page.goto(site + address, { waitUntil: 'networkidle' })
    return { page, errors }
  }

  test.each(KINDS.flatMap((kind) => [kind, `zh-CN/${kind}`]))('/%s is whole on a phone', async (address) => {
    const { page, errors } = await openAt(address, 390)
    await expectWhole(page, 390)
    expect(errors).toEqual([])
    await page.close()
  })

  test.each(['light', 'dark'] as const)('axe finds nothing in the %s', async (scheme) => {
    for (const kind of ['', 'adding-a-provider.html', 'reference/passport-dialects/classes/FeishuStrategy.html']) {
      const { page } = await openAt(`zh-CN/${kind}`, 1280, scheme)
      await expectReadable(page, NOT_OURS)
      await page.close()
    }
  })

  test.each([
    ['', 'redirect_uri', /redirect_uri/],
    ['', 'oauthRouter', /oauthRouter/],
    ['zh-CN/', '回调地址', /回调地址/],
    ['zh-CN/', '令牌', /令牌/],
    ['zh-CN/', '端点用', /端点用/],
    ['zh-CN/', 'FeishuStrategy', /FeishuStrategy/],
  ])('/%s: a search for %s finds it, and a click leads there', async (start, words, found) => {
    const { page, errors } = await openAt(start, 1280)
    const results = await search(page, words)
    expect(results.length).toBeGreaterThan(0)
    await page.click('.results .result >> nth=0')
    await page.waitForURL((url) => url.pathname !== `/${start}` || url.hash !== '')
    await page.locator('.vp-doc', { hasText: found }).waitFor()
    expect(new URL(page.url()).pathname.startsWith('/zh-CN/')).toBe(start === 'zh-CN/')
    expect(errors).toEqual([])
    await page.close()
  })

  test('a search for a word that is nowhere finds nothing', async () => {
    const { page } = await openAt('zh-CN/', 1280)
    expect(await search(page, '龙井茶')).toEqual([])
    await page.close()
  })

  test('the language menu leads to the same page in the other language, on a phone too', async () => {
    const { page } = await openAt('providers/feishu.html', 390)
    await page.click('.VPNavBarHamburger')
    await page.click('.VPNavScreenTranslations .title')
    await page.click('.VPNavScreenTranslations a')
    await page.waitForURL('**/zh-CN/providers/feishu.html')
    await page.locator('h1', { hasText: '飞书与 Lark' }).waitFor()
    await page.close()
  })
})

/** The titles that a search shows. */
async function search(page: Page, words: string): Promise<string[]> {
  await page.click('.VPNavBarSearch button')
  await page.fill('.search-input', words)
  await page.locator('.results .result, .no-results').first().waitFor()
  return page.locator('.results .result').allInnerTexts()
}
