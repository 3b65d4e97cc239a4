import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = join(__dirname, '..', '..')

beforeAll(async () => {
  await run('npm', ['run', 'build', '--silent'], { cwd: ROOT })
}, 120_000)

const PRINT = 'console.log([m.oauthRouter, m.TapdStrategy, m.startEmulator].map((value) => typeof value).join())'

test.each([
  ['import', `Promise.all([import('passport-dialects'), import('passport-dialects/emulators')])`],
  ['require', `Promise.resolve([require('passport-dialects'), require('passport-dialects/emulators')])`],
])('the built package loads by %s, under its own name', async (_how, loaded) => {
  const code = `${loaded}.then(([main, emulators]) => { const m = { ...main, ...emulators }; ${PRINT} })`
  const { stdout } = await run(process.execPath, ['-e', code], { cwd: ROOT })
  expect(stdout.trim()).toBe('function,function,function')
})

test('the packed files are the build, the README and the licence', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  const outside = [...stdout.matchAll(/"path": "([^"]+)"/g)]
    .map(([, path = '']) => path)
    .filter((path) => !path.startsWith('dist/'))
  expect(outside.sort()).toEqual(['LICENSE', 'README.md', 'README.zh-CN.md', 'package.json'])
})
