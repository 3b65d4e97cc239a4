import { dirname, join, relative } from 'node:path'
import type { MarkdownOptions } from 'vitepress'
import { addressOf, GATHERED, languageOf, pageOf, pages, ROOT } from './pages.mjs'

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0]

/**
 * The links of a page are those of its file in the repository: here they become addresses of the site, and pictures are
 * taken from where they are. A link to a file that is no page ends the build: name such a file in code.
 */
export function linksOfTheSite(md: MarkdownIt): void {
  md.core.ruler.push('links-of-the-site', ({ tokens, env }) => {
    const page = relative(GATHERED, env.path)
    for (const token of tokens.flatMap((token) => [token, ...(token.children ?? [])])) {
      for (const name of ['href', 'src']) {
        const target = token.attrGet(name)
        if (target !== null) token.attrSet(name, onSite(page, target))
      }
      if (/^html_/.test(token.type)) {
        token.content = token.content.replace(
          /(\s(?:href|src|srcset)=")([^"]+)/g,
          (_, before: string, target: string) => before + onSite(page, target),
        )
      }
    }
  })
}

function onSite(page: string, target: string): string {
  if (/^[a-z]+:|^\/|^#/i.test(target)) return target
  const [path = '', anchor] = target.split('#')
  const file = join(dirname(pages.get(page) ?? page), decodeURI(path))
  if (/\.(?:png|svg|webp)$/.test(file)) return relative(dirname(join(GATHERED, page)), join(ROOT, file))
  const found = pageOf(file, languageOf(page))
  if (found === undefined) throw new Error(`${pages.get(page)} links to ${target}, which is no page of the site.`)
  return anchor === undefined ? addressOf(found) : `${addressOf(found)}#${anchor}`
}
