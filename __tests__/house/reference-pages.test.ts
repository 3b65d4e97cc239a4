import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES, OAuthError, oauthRouter, TapdStrategy } from 'passport-dialects'
import { optionsOf } from '../../lib/options'
import { BUILT_IN } from '../../lib/registry'

const ROOT = join(__dirname, '..', '..')

interface Section {
  heading: string
  text: string
}

/** A page by its headings of one level. */
function sectionsOf(file: string, level: '##' | '###'): Section[] {
  const [, ...sections] = readFileSync(join(ROOT, file), 'utf8').split(new RegExp(`^${level} `, 'm'))
  return sections.map((section) => {
    const [heading = '', ...lines] = section.split('\n')
    return { heading, text: lines.join('\n').replace(/^#{2,3} [\s\S]*/m, '') }
  })
}

/** The cells of the rows that begin with a name in code. */
function rowsOf(text: string): string[][] {
  const rows = text.split('\n').filter((line) => /^\| \[?`/.test(line))
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const namesIn = (cell = '') => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)

describe.each(['docs', 'docs/zh-CN'])('%s/error-codes.md', (docs) => {
  const codes = Object.entries(ERROR_CODES)
  const [table = ''] = readFileSync(join(ROOT, docs, 'error-codes.md'), 'utf8').split(/^## /m)

  test('has every error code in its table, with its status and whether to try again', () => {
    const rows = new Map(rowsOf(table).map(([code = '', ...cells]) => [namesIn(code)[0], cells]))
    expect([...rows.keys()].sort()).toEqual(codes.map(([code]) => code).sort())
    for (const [code, { status, retryable }] of codes) {
      const [statuses = '', again, what] = rows.get(code) ?? []
      expect(statuses.split(/[,、]\s*/).map(Number)).toContain(status)
      expect({ code, again }).toEqual({ code, again: retryable ? expect.stringMatching(/^(yes|是)$/) : '' })
      expect(what).not.toBe('')
    }
  })

  test('has a section for every error code, and no other', () => {
    const headings = sectionsOf(`${docs}/error-codes.md`, '###').map(({ heading }) => heading)
    expect(headings.sort()).toEqual(codes.map(([code]) => `\`${code}\``).sort())
  })

  test.each(sectionsOf(`${docs}/error-codes.md`, '###'))(
    'says of $heading when it is seen, why, and what to do',
    ({ text }) => {
      expect([...text.matchAll(/^- \*\*(.+?)\*\*[ :：].*\S/gm)].map(([, label]) => label)).toEqual(
        docs === 'docs' ? ['The user sees', 'Why', 'Do'] : ['用户看到', '原因', '怎么办'],
      )
    },
  )
})

describe.each(['docs', 'docs/zh-CN'])('%s/options.md', (docs) => {
  const [shared, ofProviders, ofRouter] = sectionsOf(`${docs}/options.md`, '##')

  test('has every option of every strategy', () => {
    const listed = rowsOf(shared?.text ?? '').flatMap(([cell]) => namesIn(cell))
    const own = Object.keys(TapdStrategy.options)
    const expected = [...(optionsOf(TapdStrategy)?.keys() ?? [])].filter((option) => !own.includes(option))
    expect(expected.length).toBeGreaterThan(20)
    expect(listed.sort()).toEqual(expected.sort())
  })

  test('has every option of the router', () => {
    const known = /the router knows (.+?)\.?$/.exec(messageOf(() => oauthRouter({ nope: true } as never)))?.[1] ?? '' // a slip
    const listed = rowsOf(ofRouter?.text ?? '').flatMap(([cell]) => namesIn(cell))
    expect(listed.sort()).toEqual(known.split(', ').sort())
  })

  test('has every option of one provider, and so has the page of that provider', () => {
    for (const [name, Strategy] of Object.entries(BUILT_IN)) {
      const row = ofProviders?.text.split('\n').find((line) => line.includes(`(providers/${name}.md)`)) ?? ''
      const page = readFileSync(join(ROOT, docs, 'providers', `${name}.md`), 'utf8')
      const own = Object.entries(Strategy.options ?? {}).flatMap(([option, kind]) => (kind === 'none' ? [] : [option]))
      const missing = (text: string) => own.filter((option) => !namesIn(text).includes(option))
      expect({ name, inTable: missing(row), onPage: missing(page) }).toEqual({ name, inTable: [], onPage: [] })
    }
  })
})

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (OAuthError.is(error)) return error.message
  }
  throw new Error('nothing was thrown')
}
