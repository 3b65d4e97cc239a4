import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')
const PROVIDERS = ['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix', 'feishu']

function sources(room: string): { file: string; text: string }[] {
  const files = readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  return files.map((file) => ({ file: `${room}/${file}`, text: readFileSync(join(ROOT, room, file), 'utf8') }))
}

/** The code without its comments. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

test.each(sources('strategies'))('$file is a dialect and nothing else', ({ text }) => {
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(120)
  expect(codeOf(text)).not.toMatch(/express|session|socket|undici|\bDate\b|\breq\b|\bres\b/i)
  const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from)
  expect(imported.filter((from) => from !== '../lib/dialect' && from !== 'node:crypto')).toEqual([])
})

test.each(sources('lib').filter(({ file }) => !/^lib\/(index|providers)\.ts$/.test(file)))(
  '$file names no provider',
  ({ text }) => {
    for (const name of PROVIDERS) expect(text.toLowerCase()).not.toContain(name)
  },
)

test.each(sources('emulators'))('$file imports nothing of the other side', ({ text }) => {
  expect(text).not.toMatch(/from '\.\.\/(lib|strategies)/)
})

test.each(sources('lib').filter(({ file }) => !/^lib\/(index|providers)\.ts$/.test(file)))(
  '$file imports neither a strategy nor an emulator',
  ({ text }) => {
    expect(text).not.toMatch(/from '(\.\.\/)+(strategies|emulators)/)
  },
)

test.each(sources('testing'))('$file knows the public side alone, no provider and no test framework', ({ text }) => {
  const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, from = '']) => from)
  const known = ['../lib/index', '../emulators/index', 'express', 'express-session', 'passport', 'passport-oauth2']
  const foreign = imported.filter((from) => !known.includes(from) && !/^(node:|\.\/)/.test(from))
  expect([...foreign, ...imported.filter((from) => from === 'node:test')]).toEqual([])
  for (const name of PROVIDERS) expect(text.toLowerCase()).not.toContain(name)
})

// What is built of the engine is one file, `lib/index`: `npm run build` fails too where a built file asks for another.
test.each([...sources('bin'), ...sources('lib').filter(({ file }) => file === 'lib/tokens/redis.ts')])(
  '$file takes the engine whole',
  ({ text }) => {
    const values = [...text.matchAll(/^import (?!type )[^;]*?from '(\.\.\/[^']+)'/gm)].map(([, from]) => from)
    expect(values.filter((from) => !/^\.\.\/(lib\/index|index|emulators\/index)$/.test(from ?? ''))).toEqual([])
  },
)

test('one file opens connections, and only those of the session touch it', () => {
  const lib = sources('lib').map(({ file, text }) => ({ file, code: codeOf(text) }))
  const opening = lib.filter(({ code }) =>
    /(import|require)\('undici'\)|from 'node:(http|https|net|tls)'|(?<!async )\bfetch\(/.test(
      code.replace(/import type[^\n]+/g, ''),
    ),
  )
  expect(opening.map(({ file }) => file)).toEqual(['lib/provider-call.ts'])
  const touching = lib.filter(({ code }) => /\breq\.session\b|\{[^{}]*\bsession\b[^{}]*\} = req\b/.test(code))
  const others = touching.map(({ file }) => file).filter((file) => !/^lib\/session(-\w+)?\.ts$/.test(file))
  expect(touching.length).toBeGreaterThan(0)
  expect(others).toEqual([])
})
