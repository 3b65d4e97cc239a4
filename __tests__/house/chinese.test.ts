import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { blocksOf, CHINESE, type Page, proseOf, ROOT, readPages } from '../docs/markdown'

/** Pages that are in English alone; README.zh-CN.md and the Chinese index say so. */
const ENGLISH_ALONE = ['docs/compatibility.md', 'docs/fault-matrix.md', 'docs/performance.md']

const pages = new Map(readPages().map((page) => [page.file, page]))
const inDocs = [...pages.keys()].filter((file) => file.startsWith('docs/'))
const twins = inDocs.filter((file) => !file.startsWith(CHINESE) && !ENGLISH_ALONE.includes(file))
const twinOf = (file: string) => file.replace(/^docs\//, CHINESE)

test('every page has its Chinese twin, and no twin is alone', () => {
  const chinese = inDocs.filter((file) => file.startsWith(CHINESE))
  expect(chinese.sort()).toEqual(twins.map(twinOf).sort())
  expect(twins.length).toBeGreaterThanOrEqual(20)
})

describe.each(twins)('%s', (file) => {
  const english = pageOf(file)
  const chinese = pageOf(twinOf(file))

  test('its twin has the same headings, tables and lists', () => {
    expect(shapeOf(chinese)).toEqual(shapeOf(english))
  })

  test('its twin has the same code, byte for byte', () => {
    const codeOf = ({ blocks }: Page) => blocks.map(({ language, code }) => ({ language, code }))
    expect(codeOf(chinese)).toEqual(codeOf(english))
  })

  test('each leads to the other, below its title', () => {
    const between = (from: string, to: string) => relative(dirname(from), to)
    expect(proseOf(english)[2]).toBe(`[中文](${between(file, twinOf(file))})`)
    expect(proseOf(chinese)[2]).toBe(`[English](${between(twinOf(file), file)})`)
  })

  test('what its twin says in code, it says too: names, options, numbers', () => {
    expect(namesOf(chinese)).toEqual(namesOf(english))
  })

  test('its twin is in Chinese, and sends its reader to Chinese pages', () => {
    const prose = proseOf(chinese).filter((line) => /\S/.test(line))
    expect(prose.filter((line) => /\p{Script=Han}/u.test(line)).length).toBeGreaterThan(prose.length / 3)
    const astray = [
      ...proseOf(chinese)
        .slice(3)
        .join('\n')
        .matchAll(/\]\(([^)#]+\.md)/g),
    ]
      .map(([, target = '']) => join(dirname(twinOf(file)), target))
      .filter((target) => !target.startsWith(CHINESE) && !target.startsWith('README'))
    expect(astray.filter((target) => !ENGLISH_ALONE.includes(target))).toEqual([])
  })
})

test('the checks see what is missing', () => {
  const page = (text: string): Page => ({ file: 'docs/x.md', text, blocks: blocksOf('docs/x.md', text) })
  const table = '| a |\n| - |\n| `x` |\n'
  const shape = shapeOf(page(`# A\n\n${table}| b |\n\n- one\n\n## B\n`))
  expect(shape).toEqual(['#', 'table of 4', 'list of 1', '##'])
  expect(shapeOf(page(`# A\n\n${table}\n- one\n\n## B\n`))).not.toEqual(shape)
  expect(shapeOf(page(`# A\n\n${table}| b |\n\n- one\n\n### B\n`))).not.toEqual(shape)
  expect(namesOf(page('`a` and `b`, `a`'))).toEqual(['a', 'b'])
})

test.each(['README.zh-CN.md', `${CHINESE}README.md`])('%s says of every page in English alone that it is', (file) => {
  const prose = proseOf(pageOf(file)).join('\n')
  const targets = ENGLISH_ALONE.map((page) => relative(dirname(file), page))
  for (const target of file === 'README.zh-CN.md' ? [...targets, 'SECURITY.md'] : targets) {
    const links = prose.split(`](${target})`)
    expect({ target, links: links.length - 1 }).not.toEqual({ target, links: 0 })
    for (const [at, after] of links.slice(1).entries()) {
      expect(`${links[at]?.slice(-4)}](${target})${after.slice(0, 4)}`).toContain('（英文）')
    }
  }
})

test('every test and constant that the scaling page names is there', () => {
  const text = pageOf('docs/scaling.md').text.replace(/```[\s\S]*?```/g, '')
  const named = [
    ...[...text.matchAll(/`(__tests__\/[^`]+)`: "([^"]+)"/g)].map(([, path = '', title = '']) => [path, `'${title}'`]),
    ...[...text.matchAll(/`(lib\/[^`]+)`: `([^`]+)`/g)].map(([, path = '', code = '']) => [path, code]),
  ]
  expect(named.length).toBeGreaterThanOrEqual(18)
  for (const [path = '', words = ''] of named) {
    expect(existsSync(join(ROOT, path))).toBe(true)
    expect(readFileSync(join(ROOT, path), 'utf8')).toContain(words)
  }
})

function pageOf(file: string): Page {
  return pages.get(file) ?? { file, text: '', blocks: [] }
}

/** Headings by level, tables by their lines, lists by their entries, in order. */
function shapeOf(page: Page): string[] {
  const shape: string[] = []
  let run = { kind: '', lines: 0 }
  const end = () => {
    if (run.lines > 0) shape.push(`${run.kind} of ${run.lines}`)
    run = { kind: '', lines: 0 }
  }
  for (const line of proseOf(page)) {
    const heading = /^#+(?= )/.exec(line)?.[0]
    const kind = line.startsWith('|') ? 'table' : /^(?:[-*]|\d+\.) /.test(line) ? 'list' : ''
    const goesOn = kind === '' && run.kind === 'list' && line.startsWith(' ')
    if (goesOn) continue
    if (kind !== run.kind) end()
    if (kind !== '') run = { kind, lines: run.lines + 1 }
    if (heading) shape.push(heading)
  }
  end()
  return shape
}

/** What stands in backquotes, each once. */
function namesOf(page: Page): string[] {
  const prose = proseOf(page).join('\n')
  return [...new Set([...prose.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name))].sort()
}
