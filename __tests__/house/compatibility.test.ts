import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')
const FOLDER = join(ROOT, '__tests__', 'compatibility')

/** The rows of the tables, without their heads. */
const rows = readFileSync(join(ROOT, 'docs', 'compatibility.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\|(?! *-| *behaviour *\|)/.test(line))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  )

/** The titles of the tests that show a difference. */
const titles = readdirSync(FOLDER)
  .flatMap((file) => [...readFileSync(join(FOLDER, file), 'utf8').matchAll(/test\('differs: ([^']+)'/g)])
  .map(([, title]) => title)

test('every row of docs/compatibility.md says all five things and names a test of its own that exists', () => {
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter((cells) => cells.length !== 5 || cells.includes(''))).toEqual([])
  const named = rows.map(([, , , , test]) => test)
  expect(named.filter((test) => !titles.includes(test))).toEqual([])
  expect(new Set(named).size).toBe(named.length)
})

test('every test that shows a difference stands in docs/compatibility.md', () => {
  const named = rows.map(([, , , , test]) => test)
  expect(titles.filter((title) => !named.includes(title))).toEqual([])
})
