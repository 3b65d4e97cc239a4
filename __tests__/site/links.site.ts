import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPages } from '../docs/markdown'
import { type Page, readPage, readSite, SITE } from './site'

const CHINESE = '/zh-CN/'
const site = readSite()
// Shown for an address that there is not.
const pages = [...site.values()].filter(({ address }) => address !== '/404.html')
const inChinese = ({ address }: Page) => address.startsWith(CHINESE)

test('every link leads to a page, and to an anchor of it', () => {
  expect(pages.length).toBeGreaterThan(300)
  expect(pages.flatMap((page) => brokenOf(page, site))).toEqual([])
})

test('every picture, style and script is of the site itself', () => {
  const parts = pages.flatMap(({ address, parts }) => parts.map((part) => ({ address, part })))
  expect(parts.filter(({ part }) => part.endsWith('.png')).length).toBeGreaterThan(1)
  const elsewhere = parts.filter(({ part }) => part !== 'data:,' && !existsSync(join(SITE, part)))
  expect(elsewhere).toEqual([])
})

test.each(['/', CHINESE])('every page of a language is two clicks from its first, %s, at most', (first) => {
  const language = pages.filter((page) => inChinese(page) === (first === CHINESE))
  const near = withinClicks(2, first)
  expect(language.length).toBeGreaterThan(150)
  expect(language.filter(({ address }) => !near.has(address)).map(({ address }) => address)).toEqual([])
})

test('every page switches to the same page in the other language', () => {
  const twinOf = (page: Page) =>
    inChinese(page) ? page.address.replace(CHINESE, '/') : page.address.replace('/', CHINESE)
  const alone = pages.filter((page) => !page.links.some((link) => link === twinOf(page)))
  expect(alone.map(({ address }) => address)).toEqual([])
})

test('an English page among the Chinese ones says that it is', () => {
  for (const path of ['security.html', 'fault-matrix.html', 'reference/passport-dialects/functions/oauthRouter.html']) {
    const [english, chinese] = ['', CHINESE].map((folder) => readFileSync(join(SITE, folder, path), 'utf8'))
    expect(chinese).toContain('本页只有英文版。')
    expect(english).not.toContain('本页只有英文版。')
  }
})

test('every page of the documentation is there', () => {
  const addresses = readPages().map(({ file }) => `/${file.replace(/^docs\//, '').replace(/\.md$/, '.html')}`)
  const others = new Map([
    ['/README.html', '/'],
    ['/README.zh-CN.html', CHINESE],
    ['/zh-CN/README.html', '/zh-CN/docs.html'],
  ])
  expect(addresses.length).toBeGreaterThan(80)
  expect(addresses.map((address) => others.get(address) ?? address).filter((address) => !site.has(address))).toEqual([])
  expect(site.has('/docs.html')).toBe(true)
})

test('the reference has a page for a class of each path that is imported', () => {
  for (const name of [
    'classes/FeishuStrategy',
    'functions/oauthRouter',
    'redis/classes/RedisTokenStore',
    'emulators/functions/startEmulator',
    'popup/functions/loginWithPopup',
    'testing/functions/describeDialect',
  ]) {
    expect([name, site.has(`/reference/passport-dialects/${name}.html`)]).toEqual([name, true])
  }
})

test('the checks find a broken link, a broken anchor and a page that is far', () => {
  const a = readPage('/index.html', '<h1 id="a">A</h1><a class="x" href="/b.html#no">b</a><a href="none.html">c</a>')
  const b = readPage('/b.html', '<p id="yes"><a href="./#a">a</a> <a href="https://x.example">x</a>')
  const both = new Map([a, b].map((page) => [page.address, page]))
  expect(brokenOf(a, both)).toEqual(['/: /b.html#no', '/: /none.html'])
  expect(brokenOf(b, both)).toEqual([])
  expect([...withinClicks(0, '/', both)]).toEqual(['/'])
  expect([...withinClicks(1, '/', both)]).toEqual(['/', '/b.html'])
})

function brokenOf({ address, links }: Page, among: Map<string, Page>): string[] {
  return links
    .filter((link) => {
      const [path = '', anchor] = link.split('#')
      const page = among.get(path)
      return page === undefined ? !existsSync(join(SITE, path)) || path.endsWith('/') : anchor && !page.ids.has(anchor)
    })
    .map((link) => `${address}: ${link}`)
}

function withinClicks(clicks: number, first: string, among = site): Set<string> {
  let reached = new Set([first])
  for (let click = 0; click < clicks; click++) {
    const links = [...reached].flatMap((address) => among.get(address)?.links ?? [])
    reached = new Set([...reached, ...links.map((link) => link.replace(/#.*/, '')).filter((link) => among.has(link))])
  }
  return reached
}
