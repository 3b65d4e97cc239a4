import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROVIDER_NAMES } from 'passport-dialects'

const ROOT = join(__dirname, '..', '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('every changeset names the package and the kind of its change', () => {
  const { name } = JSON.parse(read('package.json'))
  const changesets = readdirSync(join(ROOT, '.changeset')).filter((file) => /(?<!README)\.md$/.test(file))
  for (const file of changesets) {
    // A formatter that takes the front matter for a heading makes the release fail.
    expect(read(`.changeset/${file}`)).toMatch(new RegExp(`^---\n["']${name}["']: (patch|minor|major)\n---\n\n\\S`))
  }
})

test('the registry finds the package by the name of every provider', () => {
  const { keywords, description } = JSON.parse(read('package.json'))
  expect(keywords).toEqual(expect.arrayContaining([...PROVIDER_NAMES]))
  expect(new Set(keywords).size).toBe(keywords.length)
  expect(description).toContain(`${PROVIDER_NAMES.length} OAuth 2.0 providers`)
})

test.each([
  '.github/ISSUE_TEMPLATE/login-fails.yml',
  '.github/ISSUE_TEMPLATE/provider-differs.yml',
  '.github/pull_request_template.md',
])('%s asks for a wire transcript and says what to mask in it', (file) => {
  const text = read(file)
  expect(text).toMatch(/wire transcript, secrets removed/i)
  // Whatever of a login could be used by who reads it: the parameters of the five dialects, and two headers.
  const secrets = ['code', 'token', 'access_token', 'refresh_token', 'id_token', 'client_secret', 'code_verifier']
  for (const secret of [...secrets, 'state', 'login_state', 'Authorization', 'Cookie', 'Set-Cookie']) {
    expect(text).toMatch(new RegExp(`(^|[\\s\`,])${secret}([\`,;. ]|$)`, 'm'))
  }
})

test('the commands that CONTRIBUTING names exist', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const commands = [...read('CONTRIBUTING.md').matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name = '']) => name)
  expect(commands.length).toBeGreaterThanOrEqual(5)
  for (const name of commands) expect(['ci', ...Object.keys(scripts)]).toContain(name)
})

test('CI runs the checks, the tests, the package check and the site, and at night the long runs', () => {
  const run = read('.ci/run')
  const commands = [
    'npm ci',
    'npm run check',
    'npm test',
    'npm run check:package',
    'npm run docs:site',
    'npm run test:site',
  ]
  for (const command of commands) expect(run.split('\n')).toContain(command)
  const nightly = read('.ci/nightly').split('\n')
  for (const command of ['npm run test:whole', 'npm run test:soak']) expect(nightly).toContain(command)
  expect(JSON.parse(read('package.json')).scripts.check).toMatch(/lint.*knip.*build.*docs/)
})
