import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DefaultTheme } from 'vitepress'
import { addressOf, type Language, languageOf, markdownOf, pageOf, pages, ROOT } from './pages.mjs'

/** TypeDoc's number for a module. */
const MODULE = 2
/** A section with more pages than that is closed until somebody opens it, or one of its pages. */
const LONG = 12

/** As the index of the documentation has it, section by section; what it does not name comes last. */
export function sidebarOfDocs(language: Language, rest: string): DefaultTheme.SidebarItem[] {
  const index = `docs/${language}README.md`
  const text = readFileSync(join(ROOT, index), 'utf8')
  const named = new Set<string>()
  const sections = text.split(/^## /m).map((section) => {
    const title = section.slice(0, section.indexOf('\n'))
    const items = [...section.matchAll(/\[([^\]]+)\]\(([^)#:]+\.md)\)/g)].flatMap(([, label = '', target = '']) => {
      const page = pageOf(join(index, '..', target), language)
      if (page === undefined || languageOf(page) !== language || named.has(page)) return []
      named.add(page)
      return [{ text: label, link: addressOf(page) }]
    })
    return { text: title.replace(/^# /, ''), items, ...(items.length > LONG && { collapsed: true }) }
  })
  const unnamed = [...pages.keys()].filter((page) => languageOf(page) === language && !named.has(page))
  const others = unnamed.filter((page) => !page.startsWith(`${language}reference/`))
  const last = { text: rest, items: others.map((page) => ({ text: titleOf(page), link: addressOf(page) })) }
  return [...sections, last].filter(({ items }) => items.length > 0)
}

/** The reference: a group for each path that can be imported, and in it the names by their kinds. */
export function sidebarOfReference(language: Language): DefaultTheme.SidebarItem[] {
  return modules().map((module) => itemOf(module, language))
}

/** The first page of each path that can be imported. */
export function pathsOfReference(language: Language): { text: string; link: string }[] {
  return modules().map(({ title, path = '' }) => ({ text: title, link: addressOf(`${language}reference/${path}`) }))
}

/** What TypeDoc writes of its pages. */
interface Entry {
  title: string
  path?: string
  kind?: number
  children?: Entry[]
}

/** TypeDoc puts `passport-dialects/redis` into `passport-dialects`, for the slash; here it stands beside it. */
function modules(): Entry[] {
  const entries: Entry[] = JSON.parse(readFileSync(join(ROOT, 'site/reference/navigation.json'), 'utf8'))
  return entries.flatMap((entry) => {
    const [inner = [], names = []] = [true, false].map((are) =>
      entry.children?.filter(({ kind }) => (kind === MODULE) === are),
    )
    return [
      { ...entry, children: names },
      ...inner.map((module) => ({ ...module, title: `${entry.title}/${module.title}` })),
    ]
  })
}

function itemOf({ title, path, children }: Entry, language: Language): DefaultTheme.SidebarItem {
  return {
    text: title,
    ...(path && { link: addressOf(`${language}reference/${path}`) }),
    ...(children && { collapsed: path === undefined, items: children.map((child) => itemOf(child, language)) }),
  }
}

function titleOf(page: string): string {
  return /^# (.+)$/m.exec(markdownOf(pages.get(page) ?? ''))?.[1] ?? page
}
