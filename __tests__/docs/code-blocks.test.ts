import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EmulatorName } from 'passport-dialects/emulators'
import { NAMES } from '../support/providers'
import { compileBlocks, wholeFile } from './compile'
import { type Block, blocksOf, CHINESE, ROOT, readPages } from './markdown'
import { logInAt, runBlock } from './run'

// Marks, as HTML comments directly before a block:
//   run             it is run as a file of its own; a text block directly after it is what it prints
//   run: login X    it is a whole app; it is started against the emulator of X and somebody logs in
//   browser         it is for the page: compiled with the DOM's types
//   not yet         it shows what is not merged yet: it must not compile, or the mark has to go
const MARKS = /^(run|run: login \w+|browser|not yet)$/

// A Chinese page has the code of its English twin, which the house's test of the two compares: it is compiled once.
const blocks = readPages().flatMap((page) => (page.file.startsWith(CHINESE) ? [] : page.blocks))
const typescript = blocks.filter(({ language }) => language === 'ts')
// What users get as types, and slips of theirs that must be errors where they stand. `npm run types` compiles them too.
const TYPES = ['providers', 'verify'].map((name) => wholeFile(`__tests__/types/${name}.types.ts`))
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

test.each(merged.filter(has('run')).map((block) => ({ block, title: place(block) })))(
  '$title runs to its end',
  async ({ block }) => {
    const { status, stdout, stderr } = await runBlock(block)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    if (block.prints !== undefined) expect(stdout).toBe(block.prints)
  },
)

const apps = merged.flatMap((block) => {
  const name = block.marks.map((mark) => /^run: login (\w+)$/.exec(mark)?.[1]).find((found) => found !== undefined)
  return name === undefined ? [] : [{ block, title: place(block), name: name as EmulatorName }] // checked below
})

test('every provider has an app in its page that is run', () => {
  for (const name of NAMES) {
    expect(apps).toContainEqual(
      expect.objectContaining({ name, title: expect.stringContaining(`providers/${name}.md`) }),
    )
  }
})

test.each(apps)('$title logs somebody in at $name', async ({ block, name }) => {
  const { user, callback } = await logInAt(block, name)
  expect(user.id).toEqual(expect.stringMatching(/./))
  expect(callback).toBe(`/auth/${name}/callback`)
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
