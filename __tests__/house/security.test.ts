import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const ROOT = join(__dirname, '..', '..')
const TEXT = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')

/** The rows of the tables of guarantees: what is said, the file, the test. */
const GUARANTEES = [...TEXT.matchAll(/^\| ([^|]+?)\s*\| `([^`|]+)`\s*\| `([^`|]+)`\s*\|$/gm)].map(
  ([, guarantee = '', file = '', title = '']) => ({ guarantee, file, title }),
)

/** The titles of the tests and groups of a file that are run: none that is skipped. */
function titlesOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const [title] = node.arguments
      const called = node.expression.getText(source)
      const runs = /^(?:test|it|describe)\b(?!\.(?:skip|todo|failing))/.test(called)
      if (runs && title && ts.isStringLiteralLike(title)) titles.push(title.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return titles
}

test('every row of a table of guarantees was read', () => {
  const section = TEXT.split('## What is guaranteed')[1]?.split('## What is not guaranteed')[0] ?? ''
  const rows = section.split('\n').filter((line) => /^\| (?!guarantee|-)/.test(line))
  expect(GUARANTEES).toHaveLength(rows.length)
  expect(rows.length).toBeGreaterThan(30)
})

test.each(GUARANTEES)('$guarantee: its test exists', ({ file, title }) => {
  expect(existsSync(join(ROOT, file))).toBe(true)
  expect(titlesOf(file)).toContain(title)
})

test('what is named beside the tests exists too', () => {
  for (const [, path = ''] of TEXT.matchAll(/`(__tests__\/[\w/.-]+)`/g)) expect(existsSync(join(ROOT, path))).toBe(true)
})

test('a vulnerability is reported in private, by a way that exists', () => {
  expect(TEXT).toContain('private security advisory')
  expect(TEXT).not.toMatch(/\b[\w.+-]+@[\w-]+\.\w+/)
})
