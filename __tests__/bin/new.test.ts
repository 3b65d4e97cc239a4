import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { UsageError } from '../../bin/command'
import { newProvider } from '../../bin/new'
import { formAt } from '../../bin/project'
import { filesOf } from '../../bin/templates'
import { CommandLine } from '../emulators/command-line'
import { describeInWholeRuns, IS_WHOLE } from '../support/whole'

const ROOT = join(__dirname, '..', '..')
const TSCONFIG: { compilerOptions: { paths: Record<string, string[]> } } = JSON.parse(
  readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'),
)
/** The package, for files outside the repository: its sources. */
const PATHS = Object.fromEntries(
  Object.entries(TSCONFIG.compilerOptions.paths).map(([name, [path = '']]) => [name, [join(ROOT, path)]]),
)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'new-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A project with this package.json, and perhaps a tsconfig.json. */
function project(name: string, manifest: object, typescript = false): string {
  const home = join(folder, name)
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest))
  if (typescript) writeFileSync(join(home, 'tsconfig.json'), '{}')
  return home
}

async function write(name: string, ...args: string[]) {
  const command = new CommandLine('new', name, ...args)
  return { code: await command.exitCode(), out: command.stdout, problem: command.stderr }
}

/** A test file, run by node:test: how many checks passed and failed. */
async function nodeTest(file: string, ...options: string[]) {
  const { NODE_ENV: _env, NODE_OPTIONS: _options, ...rest } = process.env
  const config = join(folder, 'tsx.json')
  const compilerOptions = { allowJs: true, paths: PATHS }
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions }))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--test', '--test-reporter', 'tap', ...options, file],
    { cwd: ROOT, env: { ...rest, TSX_TSCONFIG_PATH: config }, maxBuffer: 2 ** 24 },
  ).catch((failed: { stdout: string }) => failed)
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1])
  return { passed: count('pass'), failed: count('fail'), stdout }
}

test('TypeScript where there is a tsconfig.json: the test passes before anything is changed', async () => {
  const home = project('typescript', {}, true)
  const { code, out, problem } = await write('acme-corp', '--dir', home)
  expect({ code, problem }).toEqual({ code: 0, problem: '' })
  expect(readdirSync(home)).toEqual(expect.arrayContaining(FILES.map((file) => `${file}.ts`)))
  expect(out).toMatch(/^ {2}npx tsx --test \S+\/acme-corp\.test\.ts$/m)
  expect(out).toMatch(/^ {2}docs\/adding-a-provider\.md$/m)
  const some = IS_WHOLE ? [] : ['--test-name-pattern', 'under oauthRouter|(html|http-500) at|_rejected$']
  const { passed, failed } = await nodeTest(join(home, 'acme-corp.test.ts'), ...some)
  expect({ passed: passed > (IS_WHOLE ? 80 : 10), failed }).toEqual({ passed: true, failed: 0 })
})

test.each([
  ['my folder', '"'],
  ['a;b', '"'],
  ["it's mine", '"'],
  ['50% $HOME `id` "x" \\ !', "'"],
  ["it's $5", "'"],
  ['天气', '.'],
])('the command that it prints means a file in the folder %j to a shell', async (name, quote) => {
  const home = project(name, {})
  const { out } = await write('acme', '--dir', home)
  const [, typed = ''] = /^ {2}node --test (.+)$/m.exec(out) ?? []
  expect(typed[0]).toBe(quote)
  const { stdout } = await promisify(execFile)('sh', ['-c', `for each in ${typed}; do printf '%s\\n' "$each"; done`])
  const named = stdout.split('\n')
  expect(named).toEqual([expect.stringMatching(/\/acme\.test\.js$/), ''])
  expect(resolve(ROOT, named[0] ?? '')).toBe(join(home, 'acme.test.js'))
})

test.each([
  ['app (old)', /^ {2}npx jest --runTestsByPath "\S+app \(old\)\/acme\.test\.js"$/m],
  ['app', /^ {2}npx jest \S+\/app\/acme\.test\.js$/m],
])('the command that it prints finds the file in the folder %j under jest', async (name, command) => {
  expect((await write('acme', '--dir', project(name, using('jest')))).out).toMatch(command)
})

test('JavaScript: CommonJS passes, and a mistake in it fails', async () => {
  const home = join(folder, 'made', 'for', 'it')
  expect((await write('acme-corp', '--dir', home)).code).toBe(0)
  expect(readdirSync(home).sort()).toEqual(FILES.map((file) => `${file}.js`).sort())
  const some = IS_WHOLE ? [] : ['--test-name-pattern', 'under oauthRouter']
  const { passed, failed } = await nodeTest(join(home, 'acme-corp.test.js'), ...some)
  expect({ passed: passed > (IS_WHOLE ? 80 : 5), failed }).toEqual({ passed: true, failed: 0 })
  const strategy = join(home, 'acme-corp.js')
  writeFileSync(strategy, readFileSync(strategy, 'utf8').replace('id: user.id', 'id: String(user.number)'))
  const mistaken = await nodeTest(join(home, 'acme-corp.test.js'), '--test-name-pattern', 'each user')
  expect(mistaken.failed).toBeGreaterThan(0)
  expect(mistaken.stdout).toContain('profile.id is the text "undefined"')
})

const FILES = ['acme-corp', 'acme-corp-emulator', 'acme-corp.test']

/** What stands in a package.json, the language, and: the ending of the files, how the test names its neighbours and its runner. */
const FORMS: [manifest: object, language: 'ts' | 'js', ending: string, neighbour: string, first: string][] = [
  [{}, 'js', 'js', "require('./acme.js')", "const { describe, it } = require('node:test')"],
  [{ type: 'module' }, 'js', 'js', "from './acme.js'", "import { describe, it } from 'node:test'"],
  [{ type: 'module' }, 'ts', 'ts', "from './acme.js'", "import { describe, it } from 'node:test'"],
  [{ type: 'commonjs' }, 'ts', 'ts', "from './acme'", "import { describe, it } from 'node:test'"],
  [
    using('jest'),
    'js',
    'js',
    "require('./acme.js')",
    "const { describeDialect } = require('passport-dialects/testing')",
  ],
  [using('jest'), 'ts', 'ts', "from './acme'", "import { describeDialect } from 'passport-dialects/testing'"],
  [using('vitest'), 'js', 'mjs', "from './acme.mjs'", "import { describe, it } from 'vitest'"],
  [{ ...using('vitest'), type: 'module' }, 'js', 'js', "from './acme.js'", "import { describe, it } from 'vitest'"],
  [using('vitest'), 'ts', 'ts', "from './acme'", "import { describe, it } from 'vitest'"],
]

function using(runner: string) {
  return { devDependencies: { [runner]: '1' } }
}

test.each(FORMS)('in a project of %j, in %s', (manifest, language, ending, neighbour, first) => {
  const files = filesOf('acme', formAt(project('of-that-form', manifest), language))
  expect(files.map(({ file }) => file)).toEqual([`acme.${ending}`, `acme-emulator.${ending}`, `acme.test.${ending}`])
  const test = files[2]?.text ?? ''
  expect(test).toContain(neighbour)
  expect(test.split('\n')[0]).toBe(first)
  expect(/\{ describe, it \},?\n\)/.test(test)).toBe(!first.includes('describeDialect'))
})

test('the runner of a repository is that of the packages in it', () => {
  const home = project('outer', { ...using('vitest'), type: 'module' }, true)
  mkdirSync(join(home, 'inner'))
  writeFileSync(join(home, 'inner', 'package.json'), '{}')
  expect(formAt(join(home, 'inner', 'src'))).toEqual({ language: 'ts', modules: false, runner: 'vitest' })
})

// Under the project's own options the documentation's test compiles it, in `npm test` too.
describeInWholeRuns('the TypeScript', () => {
  test('is right under the strictest options, as ES modules and as CommonJS', () => {
    const roots = [{ type: 'module' }, { type: 'commonjs' }].flatMap((manifest) => {
      const home = project(manifest.type, manifest)
      return filesOf('acme', formAt(home, 'ts')).map(({ file, text }) => {
        writeFileSync(join(home, file), text)
        return join(home, file)
      })
    })
    const program = ts.createProgram(roots, {
      strict: true,
      noEmit: true,
      noImplicitOverride: true,
      noUncheckedIndexedAccess: true,
      noUnusedLocals: true,
      noUnusedParameters: true,
      exactOptionalPropertyTypes: true,
      isolatedModules: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      types: ['node'],
      paths: PATHS,
    })
    const found = roots.flatMap((file) => [
      ...program.getSemanticDiagnostics(program.getSourceFile(file)),
      ...program.getSyntacticDiagnostics(program.getSourceFile(file)),
    ])
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
  })
})

test.each(['acme', 'acme-emulator'])('templates/%s.mjs is its TypeScript without the types', (name) => {
  const bare = (file: string) => {
    const text = readFileSync(join(ROOT, 'templates', file), 'utf8')
    const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: false }
    const { outputText } = ts.transpileModule(text, { compilerOptions: target })
    return outputText.replace(/\s+/g, ' ').replaceAll(', }', ' }') // an import is on one line where it fits
  }
  expect(bare(`${name}.mjs`)).toBe(bare(`${name}.ts`))
})

test('a file that is there is not replaced, and then none is written', async () => {
  writeFileSync(join(folder, 'acme.test.js'), '// mine')
  const { code, problem } = await write('acme', '--dir', folder)
  expect(code).toBe(1)
  expect(problem).toMatch(/^file_exists: \S+\/acme\.test\.js is there already\. Nothing was written\.\n$/)
  expect(readdirSync(folder)).toEqual(['acme.test.js'])
  expect(readFileSync(join(folder, 'acme.test.js'), 'utf8')).toBe('// mine')
})

test.each([
  ['Acme', 'name_invalid'],
  ['acme_corp', 'name_invalid'],
  ['../acme', 'name_invalid'],
  ['4ever', 'name_invalid'],
  ['acme-', 'name_invalid'],
  ['极客', 'name_invalid'],
  ['a'.repeat(41), 'name_invalid'],
  ['', 'name_invalid'],
  ['wechat', 'name_taken'],
  ['dialect', 'name_taken'],
  ['session', 'name_taken'],
  ['logout', 'name_taken'],
])('the name %j: %s', async (name, wanted) => {
  const home = join(folder, 'not-made')
  const refusal = await newProvider.run([name, '--dir', home]).catch((problem: unknown) => problem)
  expect(refusal).toBeInstanceOf(UsageError)
  expect((refusal as Error).message.split(':')[0]).toBe(wanted)
  expect(existsSync(home)).toBe(false)
})

test('a package.json that is no JSON is named', async () => {
  writeFileSync(join(folder, 'package.json'), '{')
  const { code, problem } = await write('acme', '--dir', folder)
  expect(code).toBe(1)
  expect(problem).toContain(`${join(folder, 'package.json')} can't be read`)
})

test('it shows its help, and says what it does not know', async () => {
  const help = await write('--help')
  expect(help.code).toBe(0)
  expect(help.out).toContain('file_exists')
  const { code, problem } = await write('wechat')
  expect(code).toBe(2)
  expect(problem).toMatch(/^name_taken: wechat .*\nTry: passport-dialects new --help\n$/)
  for (const more of [['--typescript'], ['more'], ['--ts', '--js'], ['--dir', '']]) {
    await expect(newProvider.run(['acme', ...more])).rejects.toThrow(UsageError)
  }
})
