import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../support/eventually'

const ROOT = join(__dirname, '../..')
/** A file of ours with tests that fail, and one that passes. */
const LEAKS = ['--testMatch', '**/__tests__/secrets/leaks.ts', '--testNamePattern']

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill('SIGTERM')
})

function repeat(...args: string[]) {
  const child = spawn(process.execPath, ['scripts/repeat-tests.mjs', ...args], { cwd: ROOT, stdio: 'pipe' })
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
    const { child, ended } = repeat('--runs', '1', '--busy', '1', '--', ...LEAKS, 'debug line')
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
