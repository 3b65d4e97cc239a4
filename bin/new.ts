import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { EMULATOR_NAMES } from '../emulators/index'
import { PROVIDER_NAMES } from '../lib/index'
import { type Command, readArgs, UsageError } from './command'
import { type Form, formAt } from './project'
import { filesOf } from './templates'

const HELP = `Usage: passport-dialects new NAME [options]

Writes a provider of your own as three files: its strategy, its emulator, and the test of the one on the other.
The test passes before you change anything. NAME has lower-case letters, digits and dashes: acme, acme-corp.

  --dir FOLDER  where to write (default: the current folder)
  --ts, --js    TypeScript or JavaScript (default: TypeScript where a tsconfig.json is found)
  -h, --help    this text

The test is for vitest or jest where package.json has one of them, else for node:test.
Fails with name_invalid or name_taken (exit code 2), or file_exists (exit code 1): then nothing is written.
`

export const newProvider: Command = {
  summary: 'writes a provider of your own: strategy, emulator and test',

  async run(args) {
    const { name, folder, language, help } = read(args)
    if (help) {
      process.stdout.write(HELP)
      return 0
    }
    const form = formAt(folder, language)
    const files = filesOf(name, form)
    const taken = files.find(({ file }) => existsSync(join(folder, file)))
    if (taken) throw new Error(`file_exists: ${shown(join(folder, taken.file))} is there already. Nothing was written.`)
    mkdirSync(folder, { recursive: true })
    for (const { file, text } of files) writeFileSync(join(folder, file), text, { flag: 'wx' })
    process.stdout.write(
      nextSteps(
        folder,
        files.map(({ file }) => shown(join(folder, file))),
        form,
      ),
    )
    return 0
  },
}

function read(args: string[]) {
  const { values, positionals } = parsed(args)
  const { dir = '.', ts = false, js = false, help = false } = values
  const [name = '', ...more] = positionals
  if (!help) {
    if (name === '' || more.length > 0) throw new UsageError('name_invalid: say one name, as in: new acme')
    checkName(name)
  }
  if (ts && js) throw new UsageError('--ts and --js exclude each other.')
  if (dir === '') throw new UsageError('--dir must not be empty.')
  return { name, folder: resolve(dir), language: ts ? 'ts' : js ? 'js' : undefined, help } as const
}

/** @throws UsageError if the name cannot be used in a file, a class and an address, or belongs to a built-in provider */
function checkName(name: string): void {
  if (!/^[a-z][a-z\d]*(-[a-z\d]+)*$/.test(name) || name.length > 40) {
    throw new UsageError(
      `name_invalid: ${JSON.stringify(name)} must be lower-case letters, digits and dashes, begin with a letter, and have at most 40 of them.`,
    )
  }
  if (TAKEN.has(name)) throw new UsageError(`name_taken: ${name} is a name of this package; take another.`)
}

/** Other reserved names: the base class is DialectStrategy, and the router has /auth/session and /auth/logout. */
const TAKEN: ReadonlySet<string> = new Set([...PROVIDER_NAMES, ...EMULATOR_NAMES, 'dialect', 'session', 'logout'])

function parsed(args: string[]) {
  const flag = { type: 'boolean' } as const
  const options = { dir: { type: 'string' }, ts: flag, js: flag, help: { ...flag, short: 'h' } } as const
  return readArgs({ args, options, allowPositionals: true })
}

function nextSteps(folder: string, files: readonly string[], form: Form): string {
  const docs = join(dirname(require.resolve('passport-dialects/package.json')), 'docs')
  const page = (...path: string[]) => shown(join(docs, ...path, 'adding-a-provider.md'))
  const install = missing(folder, form).map((line) => `  ${line}\n`)
  return `Written: ${files.join(', ')}

${install.length > 0 ? `Install what is missing:\n${install.join('')}\n` : ''}Run the test, which passes as it is:
  ${testCommand(files.at(-1) ?? '', form)}

Then change the emulator to what your provider documents, see the test fail, and change the strategy:
  ${page()}
  ${page('zh-CN')} (中文)
`
}

function testCommand(path: string, { language, modules, runner }: Form): string {
  const file = typed(path)
  if (runner === 'vitest') return `npx vitest run ${file}`
  if (runner === 'jest') {
    // What jest needs for ES modules: https://jestjs.io/docs/ecmascript-modules
    const env = modules ? 'NODE_OPTIONS=--experimental-vm-modules ' : ''
    // It takes a path for a regular expression.
    const byPath = /[()[\]{}+*?^$|\\]/.test(path) ? '--runTestsByPath ' : ''
    return `${env}npx jest ${byPath}${file}`
  }
  return language === 'ts' ? `npx tsx --test ${file}` : `node --test ${file}`
}

/** The commands that install what the test needs and the folder lacks. */
function missing(folder: string, { language, runner }: Form): string[] {
  const { resolve: find } = createRequire(join(folder, 'any.js'))
  const isMissing = (name: string) => {
    try {
      return find(name) === ''
    } catch {
      return true
    }
  }
  const wanted = ['passport-dialects', 'passport', 'express', 'express-session'].filter(isMissing)
  const tools = (language === 'ts' && runner === 'node:test' ? ['tsx'] : []).filter(isMissing)
  return [
    ...(wanted.length > 0 ? [`npm install ${wanted.join(' ')}`] : []),
    ...(tools.length > 0 ? [`npm install --save-dev ${tools.join(' ')}`] : []),
  ]
}

/** A path as a user types it: relative, with slashes. */
function shown(path: string): string {
  return relative('', path).split(sep).join('/')
}

/** A path in a command: quoted if a shell would take it apart. Double quotes are those of Windows too. */
function typed(path: string): string {
  if (/^[\p{L}\p{N}_./:@%+-]+$/u.test(path)) return path
  return /["$`\\!]/.test(path) ? `'${path.replaceAll("'", "'\\''")}'` : `"${path}"`
}
