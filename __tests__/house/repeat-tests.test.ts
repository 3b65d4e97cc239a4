import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { eventually } from '../support/eventually'
import { IS_WHOLE } from '../support/whole'

const ROOT = join(__dirname, '../..')
/** A file of ours with tests that fail, and one that passes. */
const LEAKS = ['--testMatch', '**/__tests__/secrets/leaks.ts', '--testNamePattern']

/** In place of `npm`, whose runs take seconds each: writes what jest writes of these tests of {@link LEAKS}, or waits. */
const FAKE_NPM = `#!${process.execPath}
const args = process.argv.slice(2)
if (args.slice(0, 4).join(' ') !== 'test --silent -- --json') process.exit(3)
const file = args.find((arg) => arg.startsWith('--outputFile=')).slice('--outputFile='.length)
const named = args[args.indexOf('--testNamePattern') + 1]
if (named === 'waits') setInterval(() => {}, 60_000)
else {
  const failed = named === 'debug line'
  const one = { status: failed ? 'failed' : 'passed', fullName: named }
  const testResults = [{ name: 'leaks.ts', status: one.status, assertionResults: [one] }]
  require('node:fs').writeFileSync(file, JSON.stringify({ testResults, numPassedTests: failed ? 0 : 1 }))
  process.exitCode = failed ? 1 : 0
}
`
let folder: string
let env = process.env
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fake-npm-'))
  writeFileSync(join(folder, 'npm'), FAKE_NPM)
  chmodSync(join(folder, 'npm'), 0o755)
  if (!IS_WHOLE) env = { ...env, PATH: `${folder}${delimiter}${env.PATH}` }
})
afterAll(() => rmSync(folder, { recursive: true }))

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill('SIGTERM')
})

function repeat(...args: string[]) {
  const child = spawn(process.execPath, ['scripts/repeat-tests.mjs', ...args], { cwd: ROOT, stdio: 'pipe', env })
  running.push(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk))
  const ended = once(child, 'close').then(([code]) => ({ code, lines: printed.trim().split('\n') }))
  return { child, ended }
}

/** The busy loops of this machine that `pid` has started. */
function loopsOf(pid: number | undefined): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  const own = rows.map((row) => /^\s*(\d+)\s+(\d+)\s.*while \(process\.ppid/.exec(row) ?? [])
  return own.flatMap(([, loop, parent]) => (Number(parent) === pid ? [Number(loop)] : []))
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a line a run: the failures by name, and the exit code says whether there were any', async () => {
  const failing = await repeat('--runs', '1', '--busy', '0', '--', ...LEAKS, 'debug line').ended
  const line = /^run 1\/1 \| \d{4}-\d\d-\d\dT[\d:.]+Z \| \d+ s \| 0 passed \| 1 failed \| debug line$/
  expect(failing).toEqual({
    code: 1,
    lines: [expect.stringMatching(line), expect.stringMatching(/^1 runs, 1 failed: see /)],
  })
  rmSync(String(failing.lines[1]?.split(': see ')[1]), { recursive: true })
  const passing = await repeat('--runs', '2', '--busy', '1', '--', ...LEAKS, 'nothing').ended
  expect(passing.lines.map((line) => line.replace(/Z \| \d+ s/, ''))).toEqual([
    expect.stringMatching(/1 passed \| 0 failed$/),
    expect.stringMatching(/1 passed \| 0 failed \| busy loop$/),
    '2 runs, none failed',
  ])
  expect(passing.code).toBe(0)
}, 120_000)

test('a wrong number is a usage error', async () => {
  const { code, lines } = await repeat('--runs', 'x').ended
  expect([code, lines.at(-1)]).toEqual([2, expect.stringMatching(/^Usage/)])
})

test.each(['SIGINT', 'SIGKILL'] as const)(
  '%s leaves no busy loop behind',
  async (signal) => {
    const { child, ended } = repeat('--runs', '1', '--busy', '1', '--', ...LEAKS, IS_WHOLE ? 'debug line' : 'waits')
    const loops = await eventually(() => {
      const found = loopsOf(child.pid)
      expect(found).toHaveLength(1)
      return found
    })
    child.kill(signal)
    await eventually(() => expect(loops.filter(isThere)).toEqual([]))
    if (signal === 'SIGINT') expect((await ended).code).toBe(130)
  },
  120_000,
)
