import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROVIDER_NAMES } from 'passport-dialects'
import { EMULATOR_NAMES } from 'passport-dialects/emulators'
import { papers } from '../../scripts/provider-tables'

const ROOT = join(__dirname, '..', '..')

test('every emulator has a strategy', () => {
  expect([...EMULATOR_NAMES].sort()).toEqual([...PROVIDER_NAMES].sort())
})

test.each(PROVIDER_NAMES)('%s has an emulator and a page in both languages', (name) => {
  expect(EMULATOR_NAMES).toContain(name)
  const pages = ['docs', 'docs/zh-CN'].map((docs) => `${docs}/providers/${name}.md`)
  expect(pages.filter((page) => !existsSync(join(ROOT, page)))).toEqual([])
})

// Where this fails: `npm run tables`.
test.each([...papers()])('%s has every provider in its table', (file, text) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toBe(text)
})
