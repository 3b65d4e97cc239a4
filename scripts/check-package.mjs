import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { checkKit } from './package-check/kit-tests.mjs'
import { checkNew } from './package-check/new-provider.mjs'

// Packs the package and uses it as strangers would: judged by publint and attw, installed into fresh projects of each
// kind, logged in with on each Node. Needs the npm registry (or npm's cache) and nothing else outside loopback.

const ROOT = resolve(import.meta.dirname, '..')
const FIXTURES = join(ROOT, 'scripts', 'package-check')
const NODES = [20, 22, 24]
const PEERS = { old: ['express@4.18', 'passport@0.6'], new: ['express@5', 'passport@0.7'] }
const MIXED = { 'old-express': ['express@4.18', 'passport@0.7'], 'old-passport': ['express@5', 'passport@0.6'] }

const manifest = readJSON(join(ROOT, 'package.json'))
const entries = Object.keys(manifest.exports).map((path) => manifest.name + path.slice(1))
/** The entries with types: the path, and where `require` finds them. */
const typed = Object.entries(manifest.exports)
  .map(([path, entry]) => [path, entry.types ?? entry.require?.types])
  .filter(([, types]) => types !== undefined)
const budget = readJSON(join(FIXTURES, 'budget.json'))

const work = mkdtempSync(join(tmpdir(), 'check-package-'))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
const children = new AbortController()
process.once('exit', () => {
  children.abort()
  rmSync(work, { recursive: true, force: true })
})

const started = Date.now()
const notes = []
await main()

async function main() {
  await step('exports and typesVersions name the same entries', checkTypesVersions)
  const tarball = await step('npm pack', pack)
  await Promise.all([
    step('publint --strict', () => run('npx', ['publint', 'run', tarball, '--strict'], ROOT)),
    step('attw', () => run('npx', ['attw', tarball], ROOT)),
  ])
  const nodes = await step('Node 20, 22 and 24', installNodes)
  const projects = {}
  await inTurns(
    Object.entries({ ...PEERS, ...MIXED }).map(([kind, peers]) => async () => {
      projects[kind] = await step(`install with ${peers.join(', ')}`, () => project(kind, tarball, peers))
    }),
  )
  await inTurns(
    nodes.flatMap(([version, node]) => [
      ...Object.entries(projects).flatMap(([kind, directory]) =>
        ['login.mjs', 'login.cjs'].map(
          (file) => () =>
            step(`Node ${version}, ${kind} peers: ${file}`, () => expectOutput(node, [file], directory, 'logged in')),
        ),
      ),
      () =>
        step(`Node ${version}: every entry by import and require, errors across two copies`, () =>
          expectOutput(node, ['entries.cjs', ...entries, projects.old], projects.new, `${entries.length} entries`),
        ),
      () =>
        step(`Node ${version}: the command line emulates a provider and registers an application`, () =>
          expectOutput(node, ['command-line.cjs'], projects.new, 'registered'),
        ),
    ]),
  )
  await checkTypes(tarball)
  const kit = newDirectory('kit')
  await checkKit(kit, [tarball, ...PEERS.new], { step, install, run, inTurns })
  await checkNew(kit, nodes, { step, run, inTurns })
  await step('budget', () => checkBudget(tarball))
  for (const note of notes) console.log(note)
  console.log(`${Math.round((Date.now() - started) / 1000)} s`)
}

/** TypeScript under `node10` knows no `exports`; what it reads instead must not fall behind. */
function checkTypesVersions() {
  const expected = Object.fromEntries(
    typed.filter(([path]) => path !== '.').map(([path, types]) => [path.slice(2), [types]]),
  )
  const actual = manifest.typesVersions['*']
  if (JSON.stringify(sorted(actual)) !== JSON.stringify(sorted(expected))) {
    throw new Error(`typesVersions['*'] in package.json must be ${JSON.stringify(expected)}`)
  }
}

async function pack() {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', work], ROOT)
  const file = readdirSync(work).find((name) => name.endsWith('.tgz'))
  if (!file) throw new Error(stdout)
  return join(work, file)
}

/** This Node, and the others from npm; one that can't be had is told of, not silently left out. */
async function installNodes() {
  const [current] = process.versions.node.split('.').map(Number)
  const found = []
  for (const version of NODES) {
    if (version === current) {
      found.push([version, process.execPath])
      continue
    }
    const directory = newDirectory(`node-${version}`)
    // What the package `node` fetches in its install script, without the script.
    const platform = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
    const node = join(directory, 'node_modules', platform, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    try {
      await install(directory, [`${platform}@${version}`])
      await expectOutput(node, ['--version'], directory, `v${version}.`)
      found.push([version, node])
    } catch (error) {
      notes.push(`NOT CHECKED on Node ${version}: it could not be installed (${firstLine(error)}).`)
    }
  }
  return found
}

async function project(kind, tarball, peers) {
  const directory = newDirectory(kind)
  for (const file of ['journey.cjs', 'login.mjs', 'login.cjs', 'entries.cjs', 'command-line.cjs']) {
    cpSync(join(FIXTURES, file), join(directory, file))
  }
  await install(directory, [tarball, ...peers, 'express-session', optionalPeers()].flat())
  return directory
}

/** The TypeScript of this repository, in fresh projects: what is checked is what `tsc` emits, by running it. */
async function checkTypes(tarball) {
  const directory = newDirectory('types')
  const compilers = ['typescript', '@types/node', '@types/express-session']
  const wanted = compilers.map((name) => `${name}@${manifest.devDependencies[name]}`)
  await step('install with TypeScript', () =>
    install(directory, [tarball, ...PEERS.new, 'express-session', ...optionalPeers(), ...wanted]),
  )
  const kinds = [
    ['NodeNext, ESM', { module: 'nodenext' }, 'module'],
    ['NodeNext, CommonJS, no DOM', { module: 'nodenext', lib: ['es2023'] }, 'commonjs'],
    ['Node16, ESM', { module: 'node16' }, 'module'],
    ['Node16, CommonJS', { module: 'node16' }, 'commonjs'],
    ['Bundler', { module: 'esnext', moduleResolution: 'bundler' }, 'module'],
    ['CommonJS', { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }, 'commonjs'],
  ]
  await inTurns(
    kinds.map(
      ([name, options, type], index) =>
        () =>
          step(`TypeScript, ${name}: compiled, then logged in`, async () => {
            const home = join(directory, `kind-${index}`)
            mkdirSync(home)
            cpSync(join(FIXTURES, 'login.ts'), join(home, 'login.ts'))
            const everyEntry = typed.map(
              ([path], i) => `export * as entry${i} from '${manifest.name}${path.slice(1)}'\n`,
            )
            writeFileSync(join(home, 'entries.ts'), everyEntry.join(''))
            writeFileSync(join(home, 'package.json'), JSON.stringify({ type }))
            const compilerOptions = {
              ...options,
              target: 'es2022',
              strict: true,
              esModuleInterop: true,
              skipLibCheck: false,
            }
            const config = { compilerOptions: { ...compilerOptions, types: ['node'], rootDir: '.', outDir: 'out' } }
            writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(config))
            await run(process.execPath, [join(directory, 'node_modules/typescript/bin/tsc'), '-p', home], home)
            await expectOutput(process.execPath, ['out/login.js'], home, 'logged in')
          }),
    ),
  )
}

/** What a production install brings beside the peers. */
async function checkBudget(tarball) {
  const directory = newDirectory('production')
  await install(directory, [tarball, '--omit=dev', '--omit=peer', '--legacy-peer-deps'])
  const modules = join(directory, 'node_modules')
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' }).map((file) => join(modules, file))
  const bytes = files.reduce((sum, file) => sum + (statSync(file).isFile() ? statSync(file).size : 0), 0)
  const own = files.reduce(
    (sum, file) =>
      sum + (file.startsWith(join(modules, manifest.name)) && statSync(file).isFile() ? statSync(file).size : 0),
    0,
  )
  const installed = Object.keys(readJSON(join(modules, '.package-lock.json')).packages)
  const spent = {
    installedMiB: Math.round((bytes / 2 ** 20) * 10) / 10,
    directDependencies: Object.keys(manifest.dependencies).length,
    packages: installed.length,
  }
  const types = installed.filter((path) => path.includes('@types/') || path.endsWith('undici-types')).length
  notes.push(
    `A production install without its peers: ${spent.installedMiB} MiB (${Math.round(own / 1024)} KiB of them this package), ` +
      `${spent.directDependencies} direct dependencies, ${spent.packages} packages with this one, ${types} of them types only.`,
  )
  const over = Object.keys(budget)
    .filter((name) => spent[name] > budget[name])
    .map((name) => `${name}: ${spent[name]}, budget ${budget[name]}`)
  for (const readme of ['README.md', 'README.zh-CN.md']) {
    const told = [`${Math.round(spent.installedMiB)} MiB`, spent.packages, spent.directDependencies]
    const line =
      readFileSync(join(ROOT, readme), 'utf8')
        .split('\n')
        .find((text) => text.includes(' MiB')) ?? ''
    if (!told.every((number) => line.includes(String(number)))) over.push(`${readme} must say ${told.join(', ')}`)
  }
  if (over.length > 0) throw new Error(over.join('; '))
}

function optionalPeers() {
  const optional = Object.keys(manifest.peerDependenciesMeta ?? {})
  return optional.map((name) => `${name}@${manifest.devDependencies[name] ?? manifest.peerDependencies[name]}`)
}

function newDirectory(name) {
  const directory = join(work, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: `check-${name}`, private: true }))
  if (existsSync(join(ROOT, '.npmrc'))) cpSync(join(ROOT, '.npmrc'), join(directory, '.npmrc'))
  return directory
}

function install(directory, packages) {
  return run(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', ...packages],
    directory,
  )
}

async function expectOutput(command, args, directory, wanted) {
  const { stdout, stderr } = await run(command, args, directory)
  if (!stdout.startsWith(wanted) || /PassportDialectsWarning|DeprecationWarning/.test(stderr)) {
    throw new Error(`${args.join(' ')} said: ${stdout}${stderr}`)
  }
}

/** Without what npm tells its scripts, and with nothing of this repository on the way. */
function run(command, args, cwd, more = {}) {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_cache)|NODE_OPTIONS$|NODE_ENV$)/i.test(name)),
  )
  return promisify(execFile)(command, args, {
    cwd,
    env: { ...own, ...more },
    signal: children.signal,
    timeout: 120_000,
    shell: process.platform === 'win32',
  })
}

/** Two at a time: more would only wait for each other. */
async function inTurns(jobs) {
  const queue = [...jobs]
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) await job()
  }
  await Promise.all([worker(), worker()])
}

async function step(name, job) {
  const begun = Date.now()
  try {
    const result = await job()
    console.log(`ok    ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
    return result
  } catch (error) {
    console.error(`FAIL  ${name}\n${[error.message, error.stdout, error.stderr].filter(Boolean).join('\n')}`)
    process.exit(1)
  }
}

function firstLine(error) {
  return String(error.stderr || error.message)
    .trim()
    .split('\n')[0]
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object ?? {}).sort(([a], [b]) => a.localeCompare(b)))
}

function readJSON(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}
