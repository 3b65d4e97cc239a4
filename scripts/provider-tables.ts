import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OAuthError } from '../lib/errors'
import { optionsOf } from '../lib/options'
import { BUILT_IN, type StrategyClass } from '../lib/registry'

// `npm run tables` writes what the papers say of all providers between two comments of each: from the classes, and from
// the title of each provider's page. A test holds them to it.
const ROOT = join(__dirname, '..')

/** By name, so that a reader finds theirs. */
const PROVIDERS = Object.entries(BUILT_IN).sort(([a], [b]) => a.localeCompare(b))

/** The papers with tables of providers in them, as they must be. */
export function papers(): Map<string, string> {
  const blocks: [file: string, block: string][] = [
    ['README.md', overview('docs', ENGLISH)],
    ['README.zh-CN.md', overview('docs/zh-CN', CHINESE)],
    ['docs/options.md', options('docs', ENGLISH)],
    ['docs/zh-CN/options.md', options('docs/zh-CN', CHINESE)],
    ['docs/environment.md', variables('docs', ENGLISH)],
    ['docs/zh-CN/environment.md', variables('docs/zh-CN', CHINESE)],
    ['docs/README.md', list('docs')],
    ['docs/zh-CN/README.md', list('docs/zh-CN')],
    ['.env.example', environmentFile()],
  ]
  return new Map(blocks.map(([file, block]) => [file, between(readFileSync(join(ROOT, file), 'utf8'), block)]))
}

/** @throws Error where a paper has no such two comments */
function between(text: string, block: string): string {
  const [start, end] = text.includes('<!-- providers -->')
    ? ['<!-- providers -->', '<!-- end of providers -->']
    : ['# providers', '# end of providers']
  const [before, rest] = text.split(`${start}\n`)
  const after = rest?.split(`${end}\n`)[1]
  if (before === undefined || after === undefined) throw new Error(`There is no ${start} with its ${end}.`)
  return `${before}${start}\n${block}${end}\n${after}`
}

/** The words of the tables in a language. */
interface Words {
  provider: string
  required: string
  differs: string
  options: string
  scope: string
  variables: string
  none: string
  noSecret: string
  optionalSecret: string
  divider: string
}

const ENGLISH: Words = {
  provider: 'provider',
  required: 'you must give, beside id and secret',
  differs: 'what differs',
  options: 'its own options',
  scope: 'default scope',
  variables: 'variables',
  none: 'none',
  noSecret: 'no secret',
  optionalSecret: 'the secret is optional',
  divider: '; ',
}

const CHINESE: Words = {
  provider: '平台',
  required: '除 id 和 secret 外必须提供',
  differs: '有何不同',
  options: '自己的选项',
  scope: '默认 scope',
  variables: '变量',
  none: '无',
  noSecret: '没有 secret',
  optionalSecret: 'secret 可以不给',
  divider: '；',
}

/** The README's: what each provider asks of an app, and why it needs a strategy of its own. */
function overview(docs: string, words: Words): string {
  return table(['', words.provider, words.required, words.differs], (name, Strategy) => [
    `\`${name}\``,
    `[${titleOf(docs, name)}](${docs}/providers/${name}.md)`,
    requirements(Strategy, words),
    differenceOf(docs, name),
  ])
}

function options(docs: string, words: Words): string {
  return table([words.provider, words.required, words.options, words.scope], (name, Strategy) => [
    `[${titleOf(docs, name)}](providers/${name}.md)`,
    requirements(Strategy, words),
    codes(own(Strategy).filter((option) => !required(Strategy).includes(option))),
    codes(scopeOf(Strategy)) || words.none,
  ])
}

function variables(docs: string, words: Words): string {
  return table([words.provider, words.variables], (name, Strategy) => [
    `[${titleOf(docs, name)}](providers/${name}.md)`,
    codes(variablesOf(name, Strategy)),
  ])
}

function table(titles: string[], row: (name: string, Strategy: StrategyClass) => string[]): string {
  const rows = PROVIDERS.map(([name, Strategy]) => row(name, Strategy))
  const lines = [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `\n${lines.join('\n')}\n\n`
}

function requirements(Strategy: StrategyClass, words: Words): string {
  return [secretOf(Strategy, words), codes(required(Strategy))].filter((text) => text !== '').join(words.divider)
}

function list(docs: string): string {
  const items = PROVIDERS.map(([name]) => `- [${titleOf(docs, name)}](providers/${name}.md)\n`)
  return `\n${items.join('')}\n`
}

function environmentFile(): string {
  return PROVIDERS.map(([name, Strategy]) => {
    const lines = variablesOf(name, Strategy).map((variable) => `# ${variable}=`)
    return `\n# ${titleOf('docs', name)}: docs/providers/${name}.md\n${lines.join('\n')}\n`
  })
    .concat('\n')
    .join('')
}

/** The variables of a provider: its credentials, what it requires, its scope, its own options. */
function variablesOf(name: string, Strategy: StrategyClass): string[] {
  const known = optionsOf(Strategy) ?? new Map()
  const credentials = ['clientID', 'clientSecret'].filter((option) => known.has(option))
  const all = new Set([...credentials, ...required(Strategy), 'scope', ...own(Strategy)])
  return [...all].map((option) => `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase())
}

function secretOf(Strategy: StrategyClass, words: Words): string {
  if (!optionsOf(Strategy)?.has('clientSecret')) return words.noSecret
  return built(Strategy).asked.includes('clientSecret') ? '' : words.optionalSecret
}

/** What differs at a provider, in one line of its page. */
function differenceOf(docs: string, name: string): string {
  const page = readFileSync(join(ROOT, docs, 'providers', `${name}.md`), 'utf8')
  const line = /^(?:In one line: |一句话：)(.+)[.。]$/m.exec(page)?.[1]
  if (line === undefined) throw new Error(`${docs}/providers/${name}.md says nothing in one line.`)
  return line
}

function titleOf(docs: string, name: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(join(ROOT, docs, 'providers', `${name}.md`), 'utf8'))?.[1]
  if (title === undefined) throw new Error(`${docs}/providers/${name}.md has no title.`)
  return title
}

const codes = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(' ')

function own({ options = {} }: StrategyClass): string[] {
  return Object.keys(options).filter((option) => options[option] !== 'none')
}

/** What a strategy asks for beside the credentials and the redirect URI. */
function required(Strategy: StrategyClass): string[] {
  return built(Strategy).asked.filter((option) => option !== 'clientSecret')
}

function scopeOf(Strategy: StrategyClass): readonly string[] {
  const { strategy, asked } = built(Strategy)
  return asked.includes('scope') ? [] : (Reflect.get(strategy, 'scope') as readonly string[]) // protected, and always there
}

/** The strategy with as few options as it can be built with. */
function built(Strategy: StrategyClass) {
  const asked: string[] = []
  const options: Record<string, string> = { clientID: 'id', callbackURL: '/callback' }
  for (;;) {
    try {
      return { strategy: new Strategy(options, () => {}), asked }
    } catch (error) {
      const message = OAuthError.is(error) ? error.message : ''
      const [, option = '', kind, type] =
        /option `(\w+)` (?:is required|must be a (private|public) key of type (\w+))/.exec(message) ?? []
      const value = kind ? keyOf(kind, type === 'ec') : 'https://site.example.com'
      if (option === '' || options[option] === value) throw error
      if (!asked.includes(option)) asked.push(option)
      options[option] = value
    }
  }
}

const PAIRS = {
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

function keyOf(kind: string, isEC: boolean): string {
  const { privateKey, publicKey } = isEC ? PAIRS.ec : PAIRS.rsa
  const key =
    kind === 'private'
      ? privateKey.export({ type: 'pkcs8', format: 'pem' })
      : publicKey.export({ type: 'spki', format: 'pem' })
  return String(key)
}

if (require.main === module) {
  for (const [file, text] of papers()) writeFileSync(join(ROOT, file), text)
}
