import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { BUILT_IN } from '../../lib/registry'

const ROOT = join(__dirname, '..', '..')
const PROVIDERS = Object.keys(BUILT_IN)
/** Providers that are called by a word, or a letter, of everyday: only the name of a class or a text is certain to mean them. */
const EVERYDAY = new Set(['apple', 'line', 'notion', 'x'])
const NAMED = new RegExp(
  PROVIDERS.map((name) => (EVERYDAY.has(name) ? `\\b${name}(strategy|options)\\b|'${name}'` : name)).join('|'),
  'i',
)

function sources(room: string): { file: string; text: string }[] {
  const files = readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  return files.map((file) => ({ file: `${room}/${file}`, text: readFileSync(join(ROOT, room, file), 'utf8') }))
}

/** The code without its comments. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

test.each(sources('strategies'))('$file is a dialect and nothing else', ({ text }) => {
  const withoutImports = text.replace(/^import [^;]*? from '[^']+'\n/gm, '')
  const hasReason = text.startsWith('// Over 120 lines because ')
  if (!hasReason) expect(withoutImports.trimEnd().split('\n').length).toBeLessThanOrEqual(120)
  // The two texts are HUAWEI's words for a dead token.
  const code = codeOf(text).replace(/'(?:session timeout|invalid session)'/g, '')
  expect(code).not.toMatch(/express|session|socket|undici|\bDate\b|\breq\b|\bres\b/i)
  const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from)
  expect(imported.filter((from) => from !== '../lib/dialect' && from !== 'node:crypto')).toEqual([])
})

test('the package exports every strategy file by its names', () => {
  const index = readFileSync(join(ROOT, 'lib', 'index.ts'), 'utf8')
  const exported = [...index.matchAll(/^export \{[^}]*\} from '\.\.\/(strategies\/.+)'$/gm)].map(
    ([, path]) => `${path}.ts`,
  )
  expect(exported.sort()).toEqual(
    sources('strategies')
      .map(({ file }) => file)
      .sort(),
  )
})

test.each(sources('emulators'))('$file imports nothing of the other side', ({ text }) => {
  expect(text).not.toMatch(/from '\.\.\/(lib|strategies)/)
})

test.each(sources('testing'))('$file knows the public side alone, no provider and no test framework', ({ text }) => {
  const imported = [...codeOf(text).matchAll(/from '([^']+)'/g)].map(([, from = '']) => from)
  const known = ['../lib/index', '../emulators/index', 'express', 'express-session', 'passport', 'passport-oauth2']
  const foreign = imported.filter((from) => !known.includes(from) && !/^(node:|\.\/)/.test(from))
  expect([...foreign, ...imported.filter((from) => from === 'node:test')]).toEqual([])
  expect(codeOf(text)).not.toMatch(NAMED)
})

// What is built of the engine is one file, `lib/index`: `npm run build` fails too where a built file asks for another.
test.each([...sources('bin'), ...sources('lib').filter(({ file }) => file === 'lib/tokens/redis.ts')])(
  '$file takes the engine whole',
  ({ text }) => {
    const values = [...text.matchAll(/^import (?!type )[^;]*?from '(\.\.\/[^']+)'/gm)].map(([, from]) => from)
    expect(values.filter((from) => !/^\.\.\/(lib\/index|index|emulators\/index)$/.test(from ?? ''))).toEqual([])
  },
)

interface Room {
  /** The rooms that it may import, all of them below it. */
  below: readonly string[]
  why: string
}

/** What every room above them may import. */
const FLOOR = ['util', 'json', 'redact', 'foreign-error', 'error-codes', 'errors', 'log', 'options']

/** The rooms of `lib/`, the lowest first: a folder, or a file of `lib/` itself. Arrows go down only. */
const ROOMS: Readonly<Record<string, Room>> = {
  util: { below: [], why: 'knows nothing of this package' },
  json: { below: [], why: "a provider's JSON, before anyone knows what it means" },
  redact: { below: [], why: 'text made fit to be shown' },
  'foreign-error': { below: ['redact'], why: "somebody else's error, fit to be a cause" },
  'error-codes': { below: [], why: 'the one table of codes' },
  errors: { below: ['redact', 'error-codes'], why: 'every room fails by these codes' },
  log: { below: ['util', 'errors'], why: 'every room may log' },
  keys: { below: [], why: "keys in whichever form a provider's console gives them" },
  options: { below: ['util', 'errors', 'keys'], why: 'options are checked before anything runs' },
  http: { below: FLOOR, why: 'the one door: a request and its response, nothing of OAuth' },
  session: {
    below: ['util', 'json', 'foreign-error', 'errors'],
    why: 'express-session and cookie-session, nothing of a login',
  },
  'form-post': {
    below: [...FLOOR, 'http', 'session'],
    why: 'a callback by POST: its form, and the page that posts it again; nothing of what it says',
  },
  provider: { below: [...FLOOR, 'http'], why: "what is said to a provider, in OAuth's words: no browser, no session" },
  login: {
    below: [...FLOOR, 'http', 'session', 'provider'],
    why: 'one login from redirect to profile: no Express, no Passport, no tokens of a login that has ended',
  },
  verify: { below: [...FLOOR, 'provider'], why: "the app's word on a login" },
  strategy: {
    below: [...FLOOR, 'http', 'session', 'form-post', 'provider', 'login', 'verify'],
    why: "Passport's adapter over login/: no Express, no tokens that outlive the login",
  },
  registry: { below: [...FLOOR, 'provider', 'strategy'], why: 'the strategies by name' },
  'providers-from-env': { below: [...FLOOR, 'registry'], why: 'reads what the registry knows' },
  tokens: {
    below: [...FLOOR, 'session', 'provider', 'registry'],
    why: 'after the login: knows neither how one goes nor who asks',
  },
  router: {
    below: [...FLOOR, 'http', 'session', 'form-post', 'provider', 'login', 'strategy', 'registry', 'tokens'],
    why: 'Express, and whatever stands below it',
  },
}

/** What users import, and what a strategy file imports: they export from every room and have nothing of their own. */
const FRONT_DOORS = ['index', 'dialect']

/** Arrows that go up all the same, each with its reason; one that is not needed any more fails the test. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'lib/provider/client.ts → lib/verify.ts': "a type: passport-oauth2's constructor wants `verify`",
  'lib/tokens/redis.ts → lib/index.ts': 'it is built apart, and takes the engine whole',
}

function roomOf(file: string): string {
  const [, first = '', second] = file.split('/')
  return second === undefined ? first.replace(/\.ts$/, '') : first
}

/** The arrows of `lib/` that leave their room. */
function arrows(): { from: string; to: string; arrow: string }[] {
  return sources('lib').flatMap(({ file, text }) =>
    [...text.matchAll(/(?:\bfrom|\bimport\(|\brequire\()\s*'(\.[^']+)'/g)]
      .map(([, path = '']) => `${posix.normalize(posix.join(posix.dirname(file), path))}.ts`)
      .filter((target) => target.startsWith('lib/') && roomOf(target) !== roomOf(file))
      .map((target) => ({ from: roomOf(file), to: roomOf(target), arrow: `${file} → ${target}` })),
  )
}

test('each room of lib/ imports the rooms below it that the table names', () => {
  const wrong = arrows()
    .filter(({ from, to }) => !FRONT_DOORS.includes(from) && !ROOMS[from]?.below.includes(to))
    .filter(({ arrow }) => !Object.hasOwn(EXCEPTIONS, arrow))
    .map(({ from, to, arrow }) => {
      const room = ROOMS[from]
      if (!room) return `${arrow}: ROOMS does not say what ${from} is for, nor what it may import`
      return `${arrow}: the wall between ${from} and ${to} (${from}: ${room.why}). It may import: ${room.below.join(', ')}`
    })
  expect(wrong).toEqual([])
})

test('the table of rooms goes down only, and has no exception that nobody needs', () => {
  const order = Object.keys(ROOMS)
  const up = Object.entries(ROOMS).flatMap(([name, { below }]) =>
    below.filter((room) => !order.slice(0, order.indexOf(name)).includes(room)).map((room) => `${name} → ${room}`),
  )
  expect(up).toEqual([])
  const drawn = new Set(arrows().map(({ arrow }) => arrow))
  expect(Object.keys(EXCEPTIONS).filter((arrow) => !drawn.has(arrow))).toEqual([])
})

/** Further walls: what a room must not say, and why. */
const WALLS: readonly { wall: string; holds: (file: string) => boolean; never: RegExp; why: string }[] = [
  {
    wall: 'no provider has a name in lib/',
    holds: (file) => !/^lib\/(index|registry)\.ts$/.test(file),
    never: NAMED,
    why: 'the engine owns what all of them share; what one does differently is its strategy',
  },
  {
    wall: 'lib/ imports neither a strategy nor an emulator',
    holds: (file) => !/^lib\/(index|registry)\.ts$/.test(file),
    never: /from '(\.\.\/)+(strategies|emulators)/,
    why: 'only the registry knows which strategies there are',
  },
  {
    wall: 'only lib/http opens a connection',
    holds: (file) => !file.startsWith('lib/http/'),
    never:
      /(?<!typeof )(import|require)\('undici'\)|^import (?!type)[^;]*?from '(undici|node:(http|https|net|tls|dns))'|(?<!async |\.|#)\bfetch\(/m,
    why: 'deadline, size and redirects are bounded at one door',
  },
  {
    wall: 'only lib/session touches the session',
    holds: (file) => !file.startsWith('lib/session/'),
    never: /\breq(uest)?\.session\b|\{[^{}]*\bsession\b[^{}]*\} = req\b/,
    why: 'two requests of one session meet there, and nowhere else is that thought of',
  },
  {
    wall: 'lib/http knows nothing of OAuth',
    holds: (file) => file.startsWith('lib/http/'),
    never:
      /access_token|refresh_token|id_token|client_id|client_secret|code_verifier|grant_type|redirect_uri|passport-oauth2/,
    why: 'a request and its response are the same whatever they are about',
  },
  {
    wall: 'lib/login imports no Express and no Passport',
    holds: (file) => file.startsWith('lib/login/'),
    never: /'(express|express-session|cookie-session|passport|passport-oauth2)'/,
    why: 'a login is data: Passport and the router are two hosts that act on it',
  },
]

test.each(WALLS)('$wall', ({ holds, never, why }) => {
  const held = sources('lib').filter(({ file }) => holds(file))
  expect(held.length).toBeGreaterThan(0)
  const through = held.filter(({ text }) => never.test(codeOf(text))).map(({ file }) => `${file}: ${why}`)
  expect(through).toEqual([])
})
