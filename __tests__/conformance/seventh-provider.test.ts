import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import type { StrategyClass } from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'
import { collectDialectChecks, type DialectKit } from 'passport-dialects/testing'
import { filesOf } from '../../bin/templates'
import { bundled } from '../support/bundled'
import { leaksOnPurpose } from '../support/canaries/on-purpose'
import { isOfEachKind, isOfEachKindAtRefresh } from '../support/kinds'
import { IS_WHOLE, usually } from '../support/whole'

/**
 * A provider that nobody knew, added by following docs/adding-a-provider.md word for word. That its code compiles is
 * tested with all the other code of docs/.
 */
const ROOT = join(__dirname, '..', '..')
const PAGE = readFileSync(join(ROOT, 'docs', 'adding-a-provider.md'), 'utf8')

/** The code blocks of the page that begin with the name of their file. */
const FILES = new Map(
  [...PAGE.matchAll(/```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```/g)].map(([, name = '', code = '']) => [name, code]),
)

/** What `passport-dialects new` writes for a project in TypeScript. */
function written(name: string, runner: 'jest' | 'node:test'): Map<string, string> {
  return new Map(filesOf(name, { language: 'ts', modules: false, runner }).map(({ file, text }) => [file, text]))
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(__dirname, 'seventh-'))
  for (const [name, code] of FILES) writeFileSync(join(folder, name), code)
  for (const [runner, name] of [['jest', 'lantern.test'] as const, ['node:test', 'lantern.node-test'] as const]) {
    writeFileSync(join(folder, `${name}.ts`), written('lantern', runner).get('lantern.test.ts') ?? '')
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(name: string): string {
  const code = FILES.get(name)
  if (code === undefined) throw new Error(`docs/adding-a-provider.md has no block named ${name}`)
  return code
}

/** The page's kit, for its strategy or for one with a mistake in it. */
function kitOf(strategyFile: string): DialectKit {
  const { LanternStrategy }: { LanternStrategy: StrategyClass } = require(join(folder, strategyFile))
  const { startLantern }: { startLantern(): Promise<Emulator<string>> } = require(join(folder, 'lantern-emulator'))
  return {
    strategy: LanternStrategy,
    emulator: () => startLantern(),
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
  }
}

test('the page has every file that it speaks of', () => {
  const names = ['acme', 'acme.test', 'try', 'lantern-emulator', 'lantern', 'camel-case']
  expect([...FILES.keys()]).toEqual(names.map((name) => `${name}.ts`))
})

/** `titlesOf` alone reads it, of the package's own emulators. */
const NOT_OF_YOUR_OWN = ['chineseTitle']

test.each([
  ['server', 'Provider'],
  ['server', 'Route'],
  ['definition', 'EmulatorKind'],
  ['authorize', 'Asked'],
  ['consent-page', 'Consent'],
  ['ledger', 'Grant'],
  ['reply', 'Reply'],
])('the page has every member of emulators/%s: %s', (file, name) => {
  const text = readFileSync(join(ROOT, 'emulators', `${file}.ts`), 'utf8')
  const [, body = ''] = new RegExp(`^export interface ${name}\\b.*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text) ?? []
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, member = '']) => member)
  expect(members.length).toBeGreaterThan(1)
  const [, table = ''] = /^All parts, .*\n\n((?:\|.*\n)+)/m.exec(PAGE) ?? []
  const names = [...table.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => code.match(/\w+/g) ?? [])
  expect([...names, ...NOT_OF_YOUR_OWN]).toEqual(expect.arrayContaining(members))
})

test('what the page begins with is what `passport-dialects new` writes', () => {
  const files = written('acme', 'node:test')
  expect([...files.keys()]).toEqual(['acme.ts', 'acme-emulator.ts', 'acme.test.ts'])
  for (const name of ['acme.ts', 'acme.test.ts']) expect(fileOf(name)).toBe(files.get(name))
  const [, body = ''] = fileOf('acme.ts').split("from 'passport-dialects'\n\n")
  expect(body.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
})

test('the strategy is at most 60 lines', () => {
  expect(fileOf('lantern.ts').trimEnd().split('\n').length).toBeLessThanOrEqual(60)
})

test('the kit passes it', async () => {
  const failures: string[] = []
  const checks = collectDialectChecks(kitOf('lantern'))
  const isUsual = ({ group, name }: (typeof checks)[number]) =>
    group === 'faults' ? isOfEachKind(name) : !name.includes(' at refresh is ') || isOfEachKindAtRefresh(name)
  for (const { group, name, run } of usually(checks, isUsual)) {
    await run().catch((error: Error) => failures.push(`${group}: ${name}: ${error.message}`))
  }
  expect(failures).toEqual([])
  expect(checks.length).toBeGreaterThan(80)
}, 120_000)

test('the page in camelCase: its strategy and its names of the token pass, and without either the kit says so', async () => {
  const [tokenNames = ''] = /\{ access_token: 'accessToken'[^}]*\}/.exec(PAGE) ?? []
  const emulator = fileOf('lantern-emulator.ts')
    .replace(
      "access_token, token_type: 'bearer', expires_in: ledger.accessSeconds",
      "accessToken: access_token, tokenType: 'bearer', expiresIn: ledger.accessSeconds",
    )
    .replace("essential: ['uid'],", `$&\n    tokenNames: ${tokenNames},`)
  writeFileSync(join(folder, 'camel-emulator.ts'), emulator)
  const { CamelCaseStrategy }: { CamelCaseStrategy: StrategyClass } = require(join(folder, 'camel-case'))
  const { startLantern }: { startLantern(): Promise<Emulator<string>> } = require(join(folder, 'camel-emulator'))
  const kit = { strategy: CamelCaseStrategy, emulator: () => startLantern() }
  const told = /each user|token-type-mac|expires-|missing-token|wrong-types/
  const checks = collectDialectChecks(kit).filter(({ name }) => told.test(name))
  for (const { run } of checks) await run()
  expect(checks.length).toBe(16)
  const unnamed = await firstFailure({ ...kitOf('lantern'), emulator: () => startLantern() })
  expect(unnamed).toMatch(/no usable access_token, but has accessToken, tokenType.*the names of RFC 6749: access_token/)
})

/** One mistake each: what stands there in place of what, and what the kit must say of it. */
const MISTAKES: [title: string, right: string, wrong: string, says: RegExp][] = [
  [
    'an option that is not checked',
    "read.base('baseURL', 'https://lantern.example')",
    "(read, options.baseURL ?? 'https://lantern.example')",
    /option `baseURL` is plain http, the strategy is built all the same .* Read it by `new OptionReader/,
  ],
  [
    'a parameter by its usual name',
    "clientIDName: 'app_id'",
    "clientIDName: 'client_id'",
    /authorization request is not what the provider's documentation says.* app_id is missing or wrong.* Look at .*`clientIDName`/,
  ],
  [
    'a token request without the redirect address',
    '...grant, app_id',
    'grant_type: grant.grant_type, code: grant.code, app_id',
    /must succeed fails with `grant_rejected` in phase `token`.* redirect_uri is not that of the code.* Look at `tokenRequest\(\)`/,
  ],
  [
    'refusals on HTTP 200 taken for answers',
    'if (body.ok === true)',
    'if (body.ok !== undefined)',
    /With a wrong client secret, it must come to client_rejected, but comes to `response_invalid`.* Look at .*`refusal\(\)`/,
  ],
  [
    'an id from a member that is not there',
    'id: user.uid',
    'id: String(user.id)',
    /profile\.id is the text "undefined".* without String\(\) .* Look at `profileFields\(\)`/,
  ],
  [
    'an e-mail address that nobody gave',
    'email: user.mail',
    "email: user.mail ?? user.uid + '@lantern.example'",
    /gives no e-mail address of Ada Lovelace: invent none/,
  ],
  [
    'an envelope that is not opened',
    'return body.result',
    'return body',
    /must succeed fails with `response_invalid` in phase `token`.* no usable access_token.* Look at .*`unwrap\(\)`/,
  ],
  [
    'an error that quotes the request',
    'const providerCode = textOf(body.code)',
    `const providerCode = textOf(body.code)
    if (providerCode === '1001') throw this.failure('client_rejected', 'token', 'refused: ' + this.clientSecret)`,
    /A credential of this login .* stands in JSON\.stringify\(error\)\. Build errors by `this\.failure/,
  ],
  [
    'an address that the provider does not have',
    '/api/me',
    '/api/user',
    /`userProfileURL` is http:\S+\/api\/user below its `baseURL`, but the emulator's is http:\S+\/api\/me/,
  ],
]

/** The page's own table of mistakes: the sentences in it, one for each of the first mistakes above. */
const SAYS = [
  ...(/\| what the kit says[^\n]+\n[^\n]+\n((?:\|[^\n]+\n)+)/.exec(PAGE)?.[1] ?? '').matchAll(/^\|.*?\|(.*)\|$/gm),
].map(([, cell = '']) => cell.split('…').map((part) => part.trim()))

test('the page tells of six mistakes', () => {
  expect(SAYS).toHaveLength(6)
})

test.each(MISTAKES)('%s: the kit names it', async (title, right, wrong, says) => {
  if (wrong.includes('+ this.clientSecret')) leaksOnPurpose('client secret', 'the mistake')
  const source = fileOf('lantern.ts')
  expect(source.split(right)).toHaveLength(2)
  const nth = MISTAKES.findIndex(([one]) => one === title)
  const name = `mistake-${nth}`
  writeFileSync(
    join(folder, `${name}.ts`),
    source.replace(right, () => wrong),
  )
  const message = await firstFailure(kitOf(name))
  expect(message).toMatch(says)
  for (const part of SAYS[nth] ?? []) expect(message).toContain(part)
})

/** What an author sees first. */
async function firstFailure(kit: DialectKit): Promise<string> {
  for (const { run } of collectDialectChecks(kit)) {
    const failure = await run().then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (failure !== undefined) return failure
  }
  return 'the kit found nothing'
}

/** A file of the folder, run by Node without jest. */
async function runNode(file: string, ...options: string[]): Promise<{ failed: boolean; output: string }> {
  const { NODE_ENV: _env, NODE_OPTIONS: _options, ...env } = process.env
  return promisify(execFile)(process.execPath, [...options, bundled(relative(ROOT, join(folder, file)))], {
    cwd: ROOT,
    env,
    maxBuffer: 2 ** 24,
  }).then(
    ({ stdout, stderr }) => ({ failed: false, output: stdout + stderr }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ failed: true, output: stdout + stderr }),
  )
}

test('the page’s provider runs under node:test', async () => {
  // The same checks as the kit's above: the runner is what differs.
  const some = IS_WHOLE ? [] : ['--test-name-pattern', 'under oauthRouter']
  const { failed, output } = await runNode('lantern.node-test.ts', '--test', ...some)
  expect(output).toMatch(/^# fail 0$|ℹ fail 0/m)
  expect(Number(/(?:#|ℹ) pass (\d+)/.exec(output)?.[1])).toBeGreaterThan(IS_WHOLE ? 80 : 5)
  expect(failed).toBe(false)
}, 120_000)

test('under node:test a mistake fails, with its message', async () => {
  const source = fileOf('lantern.ts').replace('id: user.uid', 'id: String(user.id)')
  writeFileSync(join(folder, 'mistaken.ts'), source)
  writeFileSync(
    join(folder, 'mistaken.node-test.ts'),
    readFileSync(join(folder, 'lantern.node-test.ts'), 'utf8').replace("'./lantern'", "'./mistaken'"),
  )
  const { failed, output } = await runNode('mistaken.node-test.ts', '--test', '--test-name-pattern', 'each user')
  expect(output).toContain('profile.id is the text "undefined"')
  expect(failed).toBe(true)
}, 120_000)

test('the page’s provider runs where describe and test are global, as in vitest with globals', async () => {
  const shim = `
    const checks: [string, () => Promise<void>][] = []
    Object.assign(globalThis, {
      describe: (_name: string, body: () => void) => body(),
      test: (name: string, body: () => Promise<void>) => void checks.push([name, body]),
    })
    async function main() {
      await import('./lantern.test')
      const run = checks.filter(([name]) => ${IS_WHOLE} || name.endsWith(' under oauthRouter'))
      for (const [, body] of run) await body()
      console.log('passed', run.length, 'of', checks.length)
    }
    void main()`
  writeFileSync(join(folder, 'shim.ts'), shim)
  const { failed, output } = await runNode('shim.ts')
  const [, passed, all] = /passed (\d+) of (\d+)/.exec(output) ?? []
  expect(Number(passed)).toBeGreaterThan(IS_WHOLE ? 80 : 5)
  expect(Number(all)).toBeGreaterThan(80)
  expect(failed).toBe(false)
}, 120_000)

test('without a test framework it says what to do', async () => {
  const { failed, output } = await runNode('lantern.test.ts')
  expect(output).toContain('There is no test framework here: hand over its functions')
  expect(failed).toBe(true)
})
