import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fixed, table } from './numbers.js'

// `node dist/profile.js FOLDER`: what the `--cpu-prof` files of a folder say, by package and by function, self time.

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

const MOST_FUNCTIONS = 40

for (const file of readdirSync(process.argv[2] ?? '.').filter((name) => name.endsWith('.cpuprofile'))) {
  const profile: Profile = JSON.parse(readFileSync(join(process.argv[2] ?? '.', file), 'utf8'))
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const packages = new Map<string, number>()
  const functions = new Map<string, number>()
  let busy = 0
  for (const [at, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    const spent = (profile.timeDeltas[at] ?? 0) / 1000
    if (!frame || frame.functionName === '(idle)' || frame.functionName === '(program)') continue
    busy += spent
    add(packages, packageOf(frame.url, frame.functionName), spent)
    const place = frame.url === '' ? '' : ` ${shortened(frame.url)}:${frame.lineNumber + 1}`
    add(functions, `${frame.functionName || '(anonymous)'}${place}`, spent)
  }
  console.log(`${file}: ${fixed(busy, 0)} ms busy\n`)
  console.log(`${listed('package', packages, busy)}\n\n${listed('function', functions, busy)}\n`)
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value)
}

function listed(what: string, sums: Map<string, number>, busy: number): string {
  const top = [...sums].sort(([, a], [, b]) => b - a).slice(0, MOST_FUNCTIONS)
  return table([what, 'self ms', '%'], top.map(([name, ms]) => [name, fixed(ms, 0), fixed((ms / busy) * 100, 1)])) // biome-ignore format: one row
}

function packageOf(url: string, name: string): string {
  if (url === '') return name.startsWith('(') ? name : '(native)'
  if (url.startsWith('node:')) return `node:${url.slice(5).split('/', 2).join('/')}`
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? 'the app'
}

function shortened(url: string): string {
  return url.replace(/^.*node_modules\//, '').replace(/^file:.*\/bench\/dist\//, '')
}
