import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../docs/markdown'

export const SITE = join(ROOT, 'site', 'dist')

/** A page as it is served. */
export interface Page {
  /** Below the site's root. */
  address: string
  /** Where one click leads to, as addresses with their anchors, if any. */
  links: string[]
  /** What the browser fetches for it: pictures, styles, scripts. */
  parts: string[]
  ids: Set<string>
}

/** Every page of the site, by its address. */
export function readSite(): Map<string, Page> {
  const files = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'))
  const pages = files.map((file) => readPage(`/${file}`, readFileSync(join(SITE, file), 'utf8')))
  return new Map(pages.map((page) => [page.address, page]))
}

export function readPage(file: string, html: string): Page {
  const address = file.replace(/(^|\/)index\.html$/, '$1')
  const inTags = (tags: string, attribute: string) =>
    [...html.matchAll(new RegExp(`<(?:${tags})\\s(?:[^>"]|"[^"]*")*?\\b${attribute}="([^"]*)"`, 'g'))].map(
      ([, value = '']) => value.replaceAll('&amp;', '&'),
    )
  const onSite = (target: string) => {
    const { origin, pathname, hash } = new URL(target, `http://site.invalid${address}`)
    return origin === 'http://site.invalid' ? [decodeURI(pathname + hash)] : []
  }
  return {
    address,
    links: [...new Set(inTags('a', 'href').flatMap(onSite))],
    parts: [...inTags('img|script|source', 'src'), ...inTags('link', 'href')],
    ids: new Set(inTags('[a-z][a-z0-9]*', 'id')),
  }
}
