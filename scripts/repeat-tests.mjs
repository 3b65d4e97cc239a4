// Runs `npm test` again and again, some of the runs beside a busy loop, and prints a line a run: for tests that fail now
// and then. What follows `--` goes to jest, such as the paths of the tests to repeat.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const USAGE = 'Usage: node scripts/repeat-tests.mjs [--runs 20] [--busy 10] [-- jest arguments]'

/** Ends by itself where this process was killed, also before the loop began. */
const BUSY_LOOP = `while (process.ppid === ${process.pid});`

const { runs, busy, jestArguments } = readArguments()
const folder = mkdtempSync(join(tmpdir(), 'repeat-tests-'))
const running = new Set()
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
])
  process.once(signal, () => process.exit(128 + number))
process.on('exit', end)

let failedRuns = 0
for (let run = 0; run < runs; run++) {
  // Spread evenly over all runs.
  const isBusy = Math.floor(((run + 1) * busy) / runs) > Math.floor((run * busy) / runs)
  if (!(await ran(run + 1, isBusy))) failedRuns++
}
if (failedRuns === 0) rmSync(folder, { recursive: true })
console.log(failedRuns === 0 ? `${runs} runs, none failed` : `${runs} runs, ${failedRuns} failed: see ${folder}`)
process.exitCode = failedRuns === 0 ? 0 : 1

/** One run and its line; whether nothing failed. */
async function ran(run, isBusy) {
  const file = join(folder, `run-${run}.json`)
  const started = new Date()
  const loop = isBusy ? start(process.execPath, ['-e', BUSY_LOOP]) : undefined
  const code = await start('npm', ['test', '--silent', '--', '--json', `--outputFile=${file}`, ...jestArguments]).ended
  loop?.kill()
  const { passed, failed, names } = resultOf(file)
  const seconds = Math.round((Date.now() - started.getTime()) / 1000)
  const columns = [
    `run ${run}/${runs}`,
    started.toISOString(),
    `${seconds} s`,
    `${passed} passed`,
    `${failed} failed`,
    ...(isBusy ? ['busy loop'] : []),
    ...(code !== 0 && failed === 0 ? [`npm test ended with ${code}`] : []),
    ...names,
  ]
  console.log(columns.join(' | '))
  return code === 0 && failed === 0
}

/** What jest wrote of a run. A file that could not be run counts as one failure. */
function resultOf(file) {
  let result
  try {
    result = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, names: [] }
  }
  const names = result.testResults.flatMap(({ name, status, assertionResults }) => {
    const failures = assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName)
    return status === 'failed' && failures.length === 0 ? [`${name} could not be run`] : failures
  })
  return { passed: result.numPassedTests, failed: names.length, names }
}

/** A process in a group of its own, so that whatever it starts ends with it. */
function start(command, args) {
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  running.add(child)
  const ended = new Promise((resolve) => {
    child.once('error', (problem) => resolve(problem.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  void ended.then(() => running.delete(child))
  return { ended, kill: () => killGroup(child, 'SIGKILL') }
}

function end(code) {
  if (code > 128) rmSync(folder, { recursive: true, force: true })
  for (const child of running) killGroup(child, child.spawnfile === process.execPath ? 'SIGKILL' : 'SIGINT')
}

function killGroup({ pid }, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it has ended by itself
  }
}

function readArguments() {
  const own = process.argv.slice(2)
  const at = own.indexOf('--')
  const options = { runs: { type: 'string', default: '20' }, busy: { type: 'string', default: '10' } }
  try {
    const { values } = parseArgs({ args: at < 0 ? own : own.slice(0, at), options })
    const [runs, busy] = [values.runs, values.busy].map((text) => (/^\d{1,6}$/.test(text) ? Number(text) : Number.NaN))
    if (!(runs > 0) || !(busy >= 0)) throw new Error('--runs and --busy must be whole numbers, --runs above 0.')
    // More busy runs than runs are all of them.
    return { runs, busy: Math.min(busy, runs), jestArguments: at < 0 ? [] : own.slice(at + 1) }
  } catch (problem) {
    console.error(`${problem.message}\n${USAGE}`)
    process.exit(2)
  }
}
