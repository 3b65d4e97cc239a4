import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROVIDER_NAMES, providersFromEnv } from 'passport-dialects'
import type { EmulatorName } from 'passport-dialects/emulators'
import { rsaPair } from '../support/rsa-keys'
import { usually } from '../support/whole'
import { compileBlocks, wholeFile } from './compile'
import { type Block, blocksOf, CHINESE, ROOT, readExamples, readPages } from './markdown'
import { logInAt, runBlock, variablesOf } from './run'

// Marks, as HTML comments directly before a block:
//   run             it is run as a file of its own; a text block directly after it is what it prints
//   run: login X    it is a whole app; it is started against the emulator of X and somebody logs in
//   browser         it is for the page: compiled with the DOM's types
//   not yet         it shows what is not merged yet: it must not compile, or the mark has to go
const MARKS = /^(run|run: login \w+|browser|not yet)$/

// A Chinese page has the code of its English twin, which the house's test of the two compares: it is compiled once.
const blocks = readPages().flatMap((page) => (page.file.startsWith(CHINESE) ? [] : page.blocks))
const examples = readExamples()
/** A page imports it and does not show it: `passport-dialects new` writes it. */
const unseen: Block = {
  file: 'docs/adding-a-provider.md',
  line: 0,
  language: 'ts',
  code: `// acme-emulator.ts\n${readFileSync(join(ROOT, 'templates', 'acme-emulator.ts'), 'utf8')}`,
  marks: [],
}
const typescript = [...blocks.filter(({ language }) => language === 'ts'), unseen, ...examples]
// What users get as types, and slips of theirs that must be errors where they stand. `npm run types` compiles them too.
const TYPES = ['providers', 'verify'].map((name) => wholeFile(`__tests__/types/${name}.types.ts`))
const EXAMPLES = [
  'lib/router/router.ts',
  'lib/strategy.ts',
  'lib/errors.ts',
  'lib/options.ts',
  'lib/providers-from-env.ts',
  'lib/tokens/token-keeper.ts',
  'lib/tokens/redis.ts',
  'lib/router/request-oauth.ts',
  'strategies/aihubmix-application.ts',
  'emulators/index.ts',
  'testing/describe-dialect.ts',
  'testing/collect.ts',
]
const has = (mark: string) => (block: Block) => block.marks.includes(mark)
const hasNot = (mark: string) => (block: Block) => !block.marks.includes(mark)
const place = ({ file, line }: Block) => `${file}:${line}`

test('every mark is known, and stands before code', () => {
  const strange = blocks.flatMap((block) =>
    block.marks
      .filter((mark) => !MARKS.test(mark) || block.language !== 'ts')
      .map((mark) => `${place(block)}: <!-- ${mark} -->`),
  )
  expect(strange).toEqual([])
})

describe.each([
  { title: 'on the server', mine: hasNot('browser'), dom: false },
  { title: 'in the browser', mine: has('browser'), dom: true },
])('code $title', ({ mine, dom }) => {
  const problems = compileBlocks([...typescript.filter(mine), ...(dom ? [] : TYPES)], { dom })

  test('compiles against the real types', () => {
    const ready = [...problems].filter(([block]) => hasNot('not yet')(block))
    expect(ready.flatMap(([, found]) => found)).toEqual([])
  })

  test('is marked as not yet only while it is so', () => {
    const merged = [...problems].filter(([block, found]) => has('not yet')(block) && found.length === 0)
    expect(merged.map(([block]) => `${place(block)}: compiles by now; take the mark away`)).toEqual([])
  })
})

test('what people type most has an example in its comment', () => {
  const files = new Set(examples.map(({ file }) => file.replace(/#.*/, '')))
  const shown = EXAMPLES.filter((file) => files.has(file))
  expect(shown).toEqual(EXAMPLES)
})

test('the compiler finds what is wrong, and says where', () => {
  const page =
    '# A page\n\n```ts\nimport { TapdStrategy } from "passport-dialects"\n\nnew TapdStrategy({ clientIDD: "x" })\n```\n'
  const found = [...compileBlocks(blocksOf('docs/wrong.md', page), { dom: false }).values()].flat()
  expect(found).toEqual([expect.stringMatching(/^docs\/wrong\.md:6: TS\d+: /)])
})

test('a file that is shown whole stands on its own', () => {
  const page =
    '# A page\n\n```ts\n// whole.ts\nimport { TapdStrategy } from "passport-dialects"\n\napp.disable("etag")\n```\n'
  const found = [...compileBlocks(blocksOf('docs/wrong.md', page), { dom: false }).values()].flat()
  expect(found).toEqual([expect.stringMatching(/^docs\/wrong\.md:5: TS6133: /), 'docs/wrong.md:7: app is not declared'])
})

const merged = typescript.filter(hasNot('not yet'))

/** Whether no block before it has the same code and prints the same, as those of the two README do. */
const isFirst = ({ code, prints }: Block, at: number, all: readonly Block[]) =>
  all.findIndex((block) => block.code === code && block.prints === prints) === at

test.each(
  merged
    .filter(has('run'))
    .filter(isFirst)
    .map((block) => ({ block, title: place(block) })),
)('$title runs to its end', async ({ block }) => {
  const { status, stdout, stderr } = await runBlock(block)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  if (block.prints !== undefined) expect(stdout).toBe(block.prints)
})

const apps = merged.flatMap((block) => {
  const name = block.marks.map((mark) => /^run: login (\w+)$/.exec(mark)?.[1]).find((found) => found !== undefined)
  return name === undefined ? [] : [{ block, title: place(block), name: name as EmulatorName }] // checked below
})

test('every provider has an app in its page that is run', () => {
  for (const name of PROVIDER_NAMES) {
    expect(apps).toContainEqual(
      expect.objectContaining({ name, title: expect.stringContaining(`providers/${name}.md`) }),
    )
  }
})

// The apps of the providers' pages are one and the same but for their variables, which the test below reads: of those
// that need no more than an id and a secret, one is run; and `npm test` runs those with keys, addresses or a posted callback.
const RUN = ['tailchat', 'tapd', 'bbscloud', 'aihubmix', 'wechat', 'kakao', 'vk', 'apple', 'shopify', 'alipay', 'wecom']
const USUAL = ['tailchat', 'bbscloud', 'apple', 'alipay']
const isRun = ({ name, title }: { name: string; title: string }) => RUN.includes(name) || !title.includes('/providers/')

const isFirstApp = ({ block, name }: (typeof apps)[number], at: number, all: typeof apps) =>
  all.findIndex((app) => app.block.code === block.code && app.name === name) === at
const isUsual = ({ name, title }: { name: string; title: string }) =>
  USUAL.includes(name) || !title.includes('/providers/')

test.each(usually(apps.filter(isRun).filter(isFirstApp), isUsual))(
  '$title logs somebody in at $name',
  async ({ block, name }) => {
    const { user, callback } = await logInAt(block, name)
    expect(user.id).toEqual(expect.stringMatching(/./))
    expect(callback).toBe(`/auth/${name}/callback`)
  },
)

const SOME_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'der' })
  .toString('base64')

const RSA = rsaPair('test')
const KEYS = {
  private: RSA.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  public: RSA.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
}

const provided = blocks.flatMap(({ file, language, code }) => {
  const name = /^docs\/providers\/(\w+)\.md$/.exec(file)?.[1]
  // Apple's and Alipay's are read at the start.
  const said = code.replace('\\n…\\n', `\\n${SOME_KEY}\\n`).replace('MIIE…', KEYS.private).replace('MIIB…', KEYS.public)
  return name !== undefined && language === 'sh' && /^[A-Z_]+=/.test(code) ? [{ name, code: said }] : []
})

test.each(provided)('the variables of $name in its page are those that it has', ({ name, code }) => {
  expect(Object.keys(providersFromEnv(variablesOf(code)))).toEqual([name])
  // Those that not everybody needs are commented out.
  expect(Object.keys(providersFromEnv(variablesOf(code.replace(/^# /gm, ''))))).toEqual([name])
})

test('most providers show their variables', () => {
  expect(provided.length).toBeGreaterThan(20)
})

test('every npm script in a shell block exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object } // our own file
  const missing = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => {
      const named = [...block.code.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
        ([, run, short]) => run ?? short,
      )
      return named
        .filter((name) => !Object.hasOwn(scripts, name ?? ''))
        .map((name) => `${place(block)}: npm run ${name}`)
    })
  expect(missing).toEqual([])
})

test('shell, TypeScript, HTML, JSON and text are all that a page has', () => {
  const others = blocks.filter(({ language }) => !['', 'ts', 'sh', 'html', 'json', 'text', 'nginx'].includes(language))
  expect(others.map(place)).toEqual([])
})
