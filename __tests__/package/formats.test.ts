import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'

const run = promisify(execFile)
const ROOT = join(__dirname, '..', '..')

beforeAll(async () => {
  await run('npm', ['run', 'build', '--silent'], { cwd: ROOT })
}, 120_000)

const PRINT =
  'console.log([m.oauthRouter, m.TapdStrategy, m.startEmulator, m.describeDialect].map((value) => typeof value).join())'

test.each([
  ['import', `Promise.all(['', '/emulators', '/testing'].map((path) => import('passport-dialects' + path)))`],
  ['require', `Promise.resolve(['', '/emulators', '/testing'].map((path) => require('passport-dialects' + path)))`],
])('the built package loads by %s, under its own name', async (_how, loaded) => {
  const code = `${loaded}.then((parts) => { const m = Object.assign({}, ...parts); ${PRINT} })`
  const { stdout } = await run(process.execPath, ['-e', code], { cwd: ROOT })
  expect(stdout.trim()).toBe('function,function,function,function')
})

test('the declarations of lib, emulators and testing stand on their own', () => {
  const rooms = ['lib', 'emulators', 'testing'].map((room) => join(ROOT, 'dist', room, 'index.d.ts'))
  const program = ts.createProgram(rooms, {
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    strict: true,
    esModuleInterop: true,
    noEmit: true,
  })
  for (const room of rooms) expect(program.getSourceFile(room)).toBeDefined()
  const built = program.getSourceFiles().filter(({ fileName }) => fileName.includes('/dist/'))
  const problems = [
    ...program.getGlobalDiagnostics(),
    ...built.flatMap((file) => ts.getPreEmitDiagnostics(program, file)),
  ]
  expect(
    problems.map(({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
  ).toEqual([])
}, 60_000)

test('the packed files are the build, the documents and the licence', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  const outside = [...stdout.matchAll(/"path": "([^"]+)"/g)]
    .map(([, path = '']) => path)
    .filter((path) => !path.startsWith('dist/'))
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh-CN.md', 'SECURITY.md', 'package.json']
  expect(outside.filter((path) => !/^docs\/.+\.md$/.test(path)).sort()).toEqual(documents)
  expect(outside).toContain('docs/guides/troubleshooting.md')
})
