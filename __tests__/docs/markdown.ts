import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(__dirname, '..', '..')

/** Where the Chinese twins of the pages are. Their code is that of the English pages, byte for byte. */
export const CHINESE = 'docs/zh-CN/'

/** A fenced block of a page. */
export interface Block {
  /** Relative to the repository. */
  file: string
  /** Of its first line of code, from 1. */
  line: number
  language: string
  code: string
  /** The HTML comments directly before it: what it asks of the tests. */
  marks: string[]
  /** The text block that follows it directly: what it prints. */
  prints?: string
}

/** A page, as the tests read it. */
export interface Page {
  file: string
  text: string
  blocks: Block[]
}

/** The READMEs and every page under docs/. */
export function readPages(): Page[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  const files = ['README.md', 'README.zh-CN.md', ...docs.filter((file) => file.endsWith('.md')).map((f) => `docs/${f}`)]
  return files.sort().map((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    return { file, text, blocks: blocksOf(file, text) }
  })
}

/** The `@example` blocks of the sources that users read the types of. */
export function readExamples(): Block[] {
  return ['lib', 'strategies', 'emulators', 'testing', 'popup'].flatMap((folder) => {
    const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    return files
      .filter((file) => file.endsWith('.ts'))
      .sort()
      .flatMap((file) => examplesOf(`${folder}/${file}`))
  })
}

/** An example speaks of the exports that it stands at; in a reader's file they are imported. */
function withImports(code: string): string {
  const known = Object.entries(EXPORTED).flatMap(([path, names]) => {
    const used = names.filter(
      (name) => new RegExp(`\\b${name.replace('type ', '')}\\b`).test(code) && !code.includes(`{ ${name} }`),
    )
    return used.length > 0 ? [`import { ${used.join(', ')} } from '${path}'`] : []
  })
  return known.length > 0 ? `${known.join('; ')};${code}` : code
}

const EXPORTED: Readonly<Record<string, readonly string[]>> = {
  'passport-dialects': [
    'oauthRouter',
    'OAuthError',
    'providersFromEnv',
    'TokenKeeper',
    'registerApplication',
    'DialectStrategy',
    'OptionReader',
    'TiktokStrategy',
    'type DialectOptions',
    'type VerifyFunction',
    'type JsonObject',
  ],
  'passport-dialects/emulators': ['startEmulator'],
  'passport-dialects/testing': ['describeDialect', 'collectDialectChecks'],
  'passport-dialects/redis': ['RedisTokenStore'],
}

function examplesOf(file: string): Block[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const found = text.matchAll(/^ *\* @example\n *\* ```ts\n((?: *\*.*\n)*?) *\* ```$/gm)
  return [...found].map(([whole, code = ''], nth) => ({
    file: `${file}#example-${nth}`,
    line: text.slice(0, text.indexOf(whole)).split('\n').length + 2,
    language: 'ts',
    code: withImports(code.replace(/^ *\* ?/gm, '')),
    marks: file.startsWith('popup/') ? ['browser'] : [],
  }))
}

/** The fenced blocks of a page, in order. */
export function blocksOf(file: string, text: string): Block[] {
  const blocks: Block[] = []
  let marks: string[] = []
  let previous: Block | undefined
  let open: { fence: string; block: Block; lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    if (open) {
      if (line.trim() !== open.fence) {
        open.lines.push(line)
        continue
      }
      const block = { ...open.block, code: `${open.lines.join('\n')}\n` }
      if (block.language === 'text' && previous) previous.prints = block.code
      blocks.push(block)
      previous = block
      open = undefined
      marks = []
      continue
    }
    const fence = /^\s*(`{3,})(\S*)\s*$/.exec(line)
    const mark = /^\s*<!--\s*(.*?)\s*-->\s*$/.exec(line)
    if (fence) {
      const [, ticks = '', language = ''] = fence
      open = { fence: ticks, lines: [], block: { file, line: index + 2, language, code: '', marks } }
    } else if (mark) {
      marks = [...marks, mark[1] ?? '']
      previous = undefined
    } else if (line.trim() !== '') {
      marks = []
      previous = undefined
    }
  }
  if (open) throw new Error(`${file}:${open.block.line - 1}: this block is never closed`)
  return blocks
}

/** The page without its fenced blocks, line by line in place. */
export function proseOf({ text }: Page): string[] {
  let fence: string | undefined
  return text.split('\n').map((line) => {
    const ticks = /^\s*(`{3,})/.exec(line)?.[1]
    if (fence === undefined && ticks === undefined) return line
    if (fence === undefined) fence = ticks
    else if (ticks === fence) fence = undefined
    return ''
  })
}
