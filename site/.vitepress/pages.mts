import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The repository. */
export const ROOT = join(import.meta.dirname, '..', '..')
/** Where the pages are gathered, each at its address. */
export const GATHERED = join(ROOT, 'site', 'pages')
export const CHINESE = 'zh-CN/'
/** Where the pages of a language begin. */
export type Language = '' | typeof CHINESE
/** What stands below the title of an English page among the Chinese ones. */
const ENGLISH_ONLY = '> 本页只有英文版。'
const REFERENCE = 'site/reference/'

/** A page's path below the site's root, with `.md`; and the Markdown that it is made of, relative to the repository. */
export const pages: ReadonlyMap<string, string> = findPages()

/** The first page of a file, seen from a page of one language; `undefined` where the file is no page. */
export function pageOf(file: string, language: Language): string | undefined {
  const own = pathOf(file)
  const framed = language + own
  return [framed, own].find((page) => pages.get(page) === file)
}

export function languageOf(page: string): Language {
  return page.startsWith(CHINESE) ? CHINESE : ''
}

/** The address of a page. */
export function addressOf(page: string): string {
  return `/${page.replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '.html')}`
}

/** Writes every page to its place. Their links are put right as they are rendered: see `links.mts`. */
export function gather(): void {
  rmSync(GATHERED, { recursive: true, force: true })
  for (const [page, file] of pages) {
    mkdirSync(dirname(join(GATHERED, page)), { recursive: true })
    const text = markdownOf(file)
    writeFileSync(join(GATHERED, page), pathOf(file) === page ? text : text.replace(/^# .+$/m, `$&\n\n${ENGLISH_ONLY}`))
  }
}

/** A page's Markdown. The changelog is headed by the name of its package, as its tool has it: a page says what it is. */
export function markdownOf(file: string): string {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return file === 'CHANGELOG.md' ? text.replace(/^# .+$/m, '# Changelog') : text
}

/** What the package ships, and the reference. What is in English alone is a page among the Chinese ones too. */
function findPages(): Map<string, string> {
  const files = [
    ...['README.md', 'README.zh-CN.md', 'SECURITY.md', 'CHANGELOG.md'],
    ...markdownIn('docs/'),
    ...markdownIn(REFERENCE),
  ]
  const found = new Map(files.map((file) => [pathOf(file), file]))
  for (const [page, file] of [...found]) {
    if (languageOf(page) === '' && !found.has(CHINESE + page)) found.set(CHINESE + page, file)
  }
  return found
}

function pathOf(file: string): string {
  if (file === 'README.md') return 'index.md'
  if (file === 'README.zh-CN.md') return `${CHINESE}index.md`
  if (file === 'docs/README.md') return 'docs.md'
  if (file === `docs/${CHINESE}README.md`) return `${CHINESE}docs.md`
  if (file.startsWith(REFERENCE)) return `reference/${file.slice(REFERENCE.length)}`
  return file.startsWith('docs/') ? file.slice('docs/'.length) : file.toLowerCase()
}

function markdownIn(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.md'))
    .map((file) => folder + file)
    .filter((file) => file !== `${REFERENCE}index.md`) // the menu has what it lists
    .sort()
}
