import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES } from 'passport-dialects'

/** The rows of the table of error codes: code, and the statuses it may have. */
function codesOf(file: string): Map<string, number[]> {
  const text = readFileSync(join(__dirname, '..', '..', file), 'utf8')
  const rows = [...text.matchAll(/^\| `([a-z]+_[a-z_]+)`\s*\| (\d{3}(?:[,、] ?\d{3})*)\s*\|/gm)]
  return new Map(rows.map(([, code = '', statuses = '']) => [code, statuses.split(/[,、]\s*/).map(Number)]))
}

test.each(['README.md', 'README.zh-CN.md'])('%s lists every error code with its status', (file) => {
  const listed = codesOf(file)
  expect([...listed.keys()].sort()).toEqual(Object.keys(ERROR_CODES).sort())
  for (const [code, { status }] of Object.entries(ERROR_CODES)) expect(listed.get(code)).toContain(status)
})

test.each(['README.md', 'README.zh-CN.md'])('%s says of every code when it is seen, why, and what to do', (file) => {
  const text = readFileSync(join(__dirname, '..', '..', file), 'utf8')
  const rows = text.split('\n').filter((line) => /^\| `[a-z]+_[a-z_]+`\s*\| \d{3}/.test(line))
  expect(rows).toHaveLength(Object.keys(ERROR_CODES).length)
  for (const row of rows) {
    const cells = row.split('|').slice(1, -1)
    expect({ row, told: cells.filter((cell) => cell.trim() !== '').length }).toEqual({ row, told: 5 })
  }
})

test('both languages have the same outline, the same code and the same options', () => {
  const [english, chinese] = ['README.md', 'README.zh-CN.md'].map((file) =>
    readFileSync(join(__dirname, '..', '..', file), 'utf8'),
  )
  const codeOf = (text = '') =>
    [...text.matchAll(/```(?:ts|sh)\n([\s\S]*?)```/g)].map(([, code = '']) =>
      code.replace(/(\/\/|#) .*$/gm, '').replace(/[ \t]+$/gm, ''),
    )
  const outlineOf = (text = '') => [...text.matchAll(/^(#+) .+|^<!-- .+ -->$/gm)].map(([line, level]) => level ?? line)
  const optionsOf = (text = '') =>
    [...text.matchAll(/^\| (`[^|]+`)/gm)].map(([, cell = '']) => cell.replaceAll('、', ', ').trim())
  expect(codeOf(chinese)).toEqual(codeOf(english))
  expect(outlineOf(chinese)).toEqual(outlineOf(english))
  expect(optionsOf(chinese)).toEqual(optionsOf(english))
})
