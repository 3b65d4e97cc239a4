import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { CHINESE, type Page, proseOf, ROOT, readPages } from '../docs/markdown'

/** Pages that others are writing; a page that is there must not stand here. */
const NOT_YET: string[] = []

interface Link {
  from: string
  /** As written. */
  target: string
  /** Relative to the repository. */
  path: string
  anchor: string | undefined
}

const pages = readPages()
const byFile = new Map(pages.map((page) => [page.file, page]))
const links = pages.flatMap(linksOf)

test('every relative link leads to a file', () => {
  const broken = links.filter(({ path }) => !NOT_YET.includes(path) && !existsSync(join(ROOT, path)))
  expect(broken.map(({ from, target }) => `${from}: ${target}`)).toEqual([])
})

test('no link of a page in the npm package leads to a file that stays behind', () => {
  const shipped: string[] = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).files
  const isShipped = (path: string) => shipped.includes(path) || /^docs\/.*\.md$/.test(path)
  expect(shipped).toContain('docs/**/*.md')
  const fromShipped = links.filter(({ from }) => isShipped(from.replace(/:\d+$/, '')))
  expect(fromShipped.length).toBeGreaterThan(100)
  // README says of its pictures that they are in a clone alone.
  const dead = fromShipped.filter(({ path }) => !isShipped(path) && !path.startsWith('docs/images/'))
  expect(dead.map(({ from, target }) => `${from}: ${target}`)).toEqual([])
})

test('every anchor is a heading of its page', () => {
  const broken = links.filter(({ path, anchor }) => {
    const page = byFile.get(path)
    return anchor !== undefined && page !== undefined && !anchorsOf(page).includes(anchor)
  })
  expect(broken.map(({ from, target }) => `${from}: ${target}`)).toEqual([])
})

test('no page is excused that is there', () => {
  expect(NOT_YET.filter((path) => existsSync(join(ROOT, path)))).toEqual([])
})

test.each(['docs/README.md', `${CHINESE}README.md`])('the index %s leads to every page of its language', (index) => {
  const listed = new Set(links.filter(({ from }) => from.startsWith(`${index}:`)).map(({ path }) => path))
  const isOther = (file: string) => file.startsWith(CHINESE) !== index.startsWith(CHINESE) && file.startsWith('docs/')
  const forgotten = pages
    .map(({ file }) => file)
    .filter((file) => file !== index && !isOther(file) && !listed.has(file))
  expect(forgotten).toEqual([])
})

test('both READMEs lead to the same pages, each to those of its language', () => {
  const pagesFrom = (readme: string) => {
    const found = links.filter(
      ({ from, path }) => from.startsWith(`${readme}:`) && path.startsWith('docs/') && path.endsWith('.md'),
    )
    return [...new Set(found.map(({ path }) => path))].sort()
  }
  const inChinese = (path: string) => {
    const twin = path.replace(/^docs\//, CHINESE)
    return existsSync(join(ROOT, twin)) ? twin : path
  }
  expect(pagesFrom('README.zh-CN.md')).toEqual(pagesFrom('README.md').map(inChinese).sort())
})

test.each([
  ['README.md', 'docs/'],
  ['README.zh-CN.md', CHINESE],
])('%s leads to every page of its language in two clicks at most', (readme, folder) => {
  const from = (file: string) => links.filter((link) => link.from.startsWith(`${file}:`)).map(({ path }) => path)
  const first = from(readme)
  const reached = new Set([...first, ...first.flatMap(from)])
  const own = pages.map(({ file }) => file).filter((file) => file.startsWith(folder))
  const inLanguage = own.filter((file) => folder === CHINESE || !file.startsWith(CHINESE))
  expect(inLanguage.length).toBeGreaterThan(35)
  expect(inLanguage.filter((file) => !reached.has(file))).toEqual([])
})

test('the checks find a broken link and a broken anchor', () => {
  const text = '# A page\n\n[here](#a-page) [there](#another) [away](missing.md) `[code](none.md)`\n'
  const page: Page = { file: 'docs/x.md', text, blocks: [] }
  expect(linksOf(page)).toEqual([
    { from: 'docs/x.md:3', target: '#a-page', path: 'docs/x.md', anchor: 'a-page' },
    { from: 'docs/x.md:3', target: '#another', path: 'docs/x.md', anchor: 'another' },
    { from: 'docs/x.md:3', target: 'missing.md', path: 'docs/missing.md', anchor: undefined },
  ])
  expect(anchorsOf(page)).toEqual(['a-page'])
})

function linksOf(page: Page): Link[] {
  return proseOf(page).flatMap((line, index) => {
    const prose = line.replace(/`[^`]*`/g, '')
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|\b(?:src|href)="([^"]+)"/g)].map(([, a, b]) => a ?? b ?? '')
    return targets.flatMap((target) => {
      if (/^[a-z]+:|^\/\//i.test(target)) return []
      const [path = '', anchor] = target.split('#', 2)
      const resolved = path === '' ? page.file : normalize(join(dirname(page.file), decodeURI(path)))
      return [{ from: `${page.file}:${index + 1}`, target, path: resolved, anchor }]
    })
  })
}

function headingsOf(page: Page): string[] {
  return proseOf(page).flatMap((line) => /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1] ?? [])
}

/** As GitHub makes them: lower case, no punctuation, hyphens for spaces, a number for what comes again. */
function anchorsOf(page: Page): string[] {
  const seen = new Map<string, number>()
  return headingsOf(page).map((heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  })
}
