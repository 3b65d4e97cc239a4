import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closeBrowsers } from './browser.js'
import { cold } from './cold.js'
import { CONTESTANTS } from './contestant.js'
import { importTimes } from './import-time.js'
import { startProvider } from './processes.js'
import { CONCURRENCY, inRedis, overHttp, overHttps, type Settings, slowProvider, soak, sparse } from './scenarios.js'

// `[BENCH_BEFORE=CHECKOUT] npm run bench [-- --quick] [--only login,read] [--apps hand,router] [--rounds 6]
// [--processes 2] [--warm-up 3000] [--logins 300] [--soak 100000]
// [--cpu-prof FOLDER]`: this process drives, the provider and each app have one of their own. Loopback only.

const PARTS = ['login', 'redirect', 'read', 'fetch', 'https', 'slow', 'redis', 'sparse', 'cold', 'import'] as const
const MOST_MINUTES = { quick: 3, full: 30 }

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      apps: { type: 'string' },
      rounds: { type: 'string' },
      processes: { type: 'string' },
      'warm-up': { type: 'string' },
      logins: { type: 'string' },
      soak: { type: 'string' },
      'cpu-prof': { type: 'string' },
    },
  })
  const { quick } = values
  giveUpAfter(quick ? MOST_MINUTES.quick : MOST_MINUTES.full)
  const parts = new Set<string>(chosen(values.only, PARTS, values.soak === undefined ? PARTS : []))
  const folder = values['cpu-prof']
  const settings: Settings = {
    names: chosen(values.apps, CONTESTANTS, CONTESTANTS),
    rounds: positive(values.rounds, quick ? 3 : 6),
    processes: positive(values.processes, 1),
    logins: positive(values.logins, quick ? 100 : 400),
    warmUp: positive(values['warm-up'], quick ? 100 : 1000),
    sparse: quick ? 3 : 5,
    flags: folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`],
  }
  const say = (text: string) => console.log(`${text}\n`)
  say(`Node ${process.version}, ${cpus().length} cores, concurrency ${CONCURRENCY}; ${versions()}`)
  const provider = await startProvider()
  const stage = { provider, settings, say }
  try {
    if (['login', 'redirect', 'read', 'fetch'].some((part) => parts.has(part))) await overHttp(stage, parts)
    if (parts.has('https')) await overHttps(stage)
    if (parts.has('slow')) await slowProvider(stage)
    if (parts.has('redis')) await inRedis(stage)
    if (parts.has('sparse')) await sparse(stage)
    if (parts.has('cold')) await cold(stage)
    if (parts.has('import')) say(importTimes(quick ? 3 : 25))
    if (values.soak !== undefined) await soak(stage, positive(values.soak, 100_000))
  } finally {
    await provider.stop()
    await closeBrowsers()
  }
}

/** Nothing of it runs for ever: the children end with the connection to this process. */
function giveUpAfter(minutes: number): void {
  const end = () => {
    console.error(`The benchmark did not end within ${minutes} minutes.`)
    process.exit(1)
  }
  setTimeout(end, minutes * 60_000).unref()
}

function chosen<T extends string>(asked: string | undefined, known: readonly T[], fallback: readonly T[]): T[] {
  if (asked === undefined) return [...fallback]
  return asked.split(',').map((name) => {
    const found = known.find((each) => each === name)
    if (found === undefined) throw new Error(`${name} is none of ${known.join(', ')}`)
    return found
  })
}

function positive(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${text} is no positive number`)
  return value
}

function versions(): string {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
  return Object.keys(dependencies)
    .map((name) => `${name} ${installed(name)}`)
    .join(', ')
}

function installed(name: string): string {
  try {
    const path = join(import.meta.dirname, '..', 'node_modules', name, 'package.json')
    return JSON.parse(readFileSync(path, 'utf8')).version
  } catch {
    return '(not installed)'
  }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
