import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROVIDER_NAMES } from 'passport-dialects'

const read = (file: string) => readFileSync(join(__dirname, '..', '..', file), 'utf8')

describe.each(['README.md', 'README.zh-CN.md'])('%s', (file) => {
  const text = read(file)

  test('has at most 150 lines', () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(150)
  })

  test('says how many providers there are', () => {
    expect(text).toMatch(new RegExp(`\\[${PROVIDER_NAMES.length} (providers|个平台)\\]\\(#`))
  })

  test('has a picture, a router of at most twelve lines, and the two commands', () => {
    expect(text).toMatch(/<img src="docs\/images\/[\w-]+\.png"/)
    expect(text).toMatch(/^npm ci && npm start\b.*\nnpm ci && npm test\b/m)
    const router = /```ts\n([^`]*?oauthRouter(?:[^`]|`[^`\n]+`)*?)```/.exec(text)?.[1] ?? ''
    expect(router).toContain('app.listen(')
    expect(router.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(12)
  })
})

test('both languages have the same outline, the same code and the same options', () => {
  const [english, chinese] = ['README.md', 'README.zh-CN.md'].map(read)
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
