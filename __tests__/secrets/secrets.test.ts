import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { TiktokStrategy } from 'passport-dialects'
import { FAULTS, type Fault, type FaultEndpoint } from 'passport-dialects/emulators'
import OAuth2Strategy from 'passport-oauth2'
import { KNOBS } from '../faults/table'
import { Browser } from '../support/browser'
import { bundled } from '../support/bundled'
import type { Found } from '../support/canaries/known'
import { known } from '../support/canaries/learn'
import { leaksOnPurpose } from '../support/canaries/on-purpose'
import { eventually } from '../support/eventually'
import { isOfEachKind } from '../support/kinds'
import { closeAll, type Emulators, NAMES, type ProviderName, providersOf, startAll } from '../support/providers'
import { usually } from '../support/whole'
import type { SecretsAppOptions } from './app-process'

// A whole app in a process of its own, with `DEBUG=passport-dialects:*`: everything that it writes, and everything that
// browsers and error handlers get of it, is searched for every secret that its logins had.
const sessionSecret = `canary-session-${randomBytes(16).toString('hex')}`
const encryptionKey = `canary-encryption-${randomBytes(16).toString('hex')}`
/** Whose logins meet each fault. The others' answers come in the same ways: `npm run test:whole` has them too. */
const STRUCK = usually(NAMES, (name) => ['bbscloud', 'tiktok'].includes(name))
/** The calls after a login fail by the same code as those of a login: `npm test` strikes them with a fault of each kind. */
const LATER_FAULTS = usually(FAULTS, (fault) => isOfEachKind(`${fault} at `))
let emulators: Emulators
let child: ChildProcess
let origin = ''
let output = ''
let dumps: string[] = []
const marks: string[] = []
let answers: string[] = []

beforeAll(async () => {
  emulators = await startAll({ refresh: true })
  known.note('session secret', sessionSecret)
  known.note('encryption key', encryptionKey)
  const withTimeout = (timeout: number) => {
    const more = (name: string) => ({
      ...KNOBS[name as ProviderName]?.strategy,
      ...(name === 'tapd' && { silentLogin: true }),
    })
    const entries = Object.entries(providersOf(emulators)).map(([name, options]) => [
      name,
      { ...options, ...more(name), timeout, maxResponseBytes: 65_536 },
    ])
    return Object.fromEntries(entries)
  }
  const options: SecretsAppOptions = {
    providers: withTimeout(10_000),
    hasty: withTimeout(500),
    sessionSecret,
    encryptionKey,
  }
  child = fork(bundled('__tests__/secrets/app-process.ts'), [JSON.stringify(options)], {
    execArgv: ['--trace-warnings'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, DEBUG: 'passport-dialects:*', NODE_ENV: 'development' },
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  child.on('message', (told: { dump?: string; origin?: string; mark?: string }) => {
    if (told.mark !== undefined) marks.push(told.mark)
    if (told.dump !== undefined) dumps.push(told.dump)
    if (told.origin !== undefined) origin = told.origin
  })
  await eventually(
    () => expect({ origin, exitCode: child.exitCode }).toMatchObject({ origin: expect.stringMatching(/^http/) }),
    50_000,
  )
}, 120_000)

afterAll(async () => {
  child.kill()
  await closeAll(emulators)
})

beforeEach(() => {
  dumps = []
  answers = []
  output = ''
  for (const { options } of Object.values(emulators)) known.note('client secret', options.clientSecret)
})

/** A state is in addresses alone; the net knows all else, for the providers are in this process. */
function noteAddress(address: string): void {
  for (const [name, value] of new URL(address).searchParams) {
    if (/^(login_)?state$/.test(name)) known.note('state or verifier', value.split('?', 1)[0])
    if (URL.canParse(value)) noteAddress(value)
  }
}

/** An answer of the app, page, headers and all; `ours` is false for the redirect to the provider, where it belongs. */
async function get(browser: Browser, path: string, headers: Record<string, string> = {}, ours = true) {
  const answer = await browser.get(new URL(path, origin).href, headers)
  const location = answer.headers.get('location')
  if (location !== null && !ours) noteAddress(location)
  const shown = [...answer.headers].filter(([name]) => ours || name !== 'location')
  answers.push(`${JSON.stringify(shown)} ${await answer.text()}`)
  return { status: answer.status, location }
}

async function login(name: ProviderName, headers: Record<string, string> = {}, query = '', browser = new Browser()) {
  const { location } = await get(browser, `/auth/${name}${query}`, headers, false)
  if (location === null) return { browser, status: 0 }
  const callback = await emulators[name].approve(location)
  noteAddress(callback)
  const { status } = await get(browser, callback, headers)
  return { browser, status }
}

/** Everything that the app has sent off is here: its output and its dumps come by other ways than its responses. */
async function settled(): Promise<void> {
  const mark = `mark-${marks.length + 1}`
  await fetch(`${origin}/mark/${mark}`)
  await eventually(() => expect([output.split(mark).length - 1, marks.at(-1)]).toEqual([2, mark]))
}

/** The secrets that show in what came out since the test began. */
async function shown(): Promise<Found[]> {
  await settled()
  return known.in([output, ...dumps, ...answers].join('\n'))
}

test('control: a naive error that carries the request shows one', async () => {
  leaksOnPurpose('token', 'the naive error is logged')
  const { browser, status } = await login('aihubmix')
  expect(status).toBe(303)
  await get(browser, '/naive')
  expect(await shown()).toEqual([{ kind: 'token', secret: expect.any(String) }])
})

test.each(NAMES)('%s: a login, its repetition, a popup, a refused and a failing verify show none', async (name) => {
  const ways: Record<string, string>[] = [
    {},
    { 'x-verify': 'refuse' },
    { 'x-verify': 'throw' },
    { 'x-verify': 'throw', 'x-pages': '1' },
  ]
  for (const headers of ways) {
    for (const query of ['', '?popup=1']) await login(name, headers, query)
  }
  const { browser } = await login(name)
  await get(browser, `/tokens/${name}`)
  await get(browser, '/auth/session')
  await get(browser, `/revoke/${name}`)
  expect(await shown()).toEqual([])
  expect(dumps.length).toBeGreaterThanOrEqual(6)
})

const ENDPOINTS: readonly FaultEndpoint[] = ['code', 'token', 'profile']

/** The calls that a provider knows after a login. */
const LATER: Record<ProviderName, FaultEndpoint[]> = {
  tailchat: ['refresh', 'request'],
  tapd: ['refresh', 'request'],
  bbscloud: ['request'], // its token lives five minutes, and nothing renews or revokes it
  tiktok: ['refresh', 'request', 'revoke'],
  aihubmix: ['refresh', 'request'],
  feishu: ['refresh', 'request'],
}

const ROUTES: Partial<Record<FaultEndpoint, string>> = { refresh: '/profile', request: '/fetch', revoke: '/revoke' }

const HASTY = { 'x-hasty': '1' }

/**
 * Lets each of these faults strike once at an endpoint: which browser it strikes makes no difference. On a busy machine a browser
 * may not come as far as the endpoint, so the faults that are left wait for others.
 * @param prepare brings a browser as far as that one call
 */
async function strike(
  name: ProviderName,
  endpoint: FaultEndpoint,
  faults: readonly Fault[],
  prepare: () => Promise<() => Promise<unknown>>,
) {
  const { requests } = emulators[name]
  const before = requests.length
  const left = () => {
    const struck = requests.slice(before).flatMap((request) => (request.endpoint === endpoint ? [request.fault] : []))
    return faults.filter((fault) => !struck.includes(fault))
  }
  for (const fault of faults) emulators[name].failNext(endpoint, fault)
  for (let round = 0; round < 20 && left().length > 0; round++) {
    const calls = await inTens(left().length, prepare)
    if (endpoint === 'refresh') emulators[name].expireTokens() // the provider refuses the token, and it is refreshed
    await inTens(calls.length, async (nth) => calls[nth]?.())
  }
  expect(left()).toEqual([])
}

/** Most of a fault's time is waiting. */
async function inTens<T>(times: number, work: (nth: number) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  for (let nth = 0; nth < times; nth += 10) {
    const tens = Array.from({ length: Math.min(10, times - nth) }, (_, at) => work(nth + at))
    done.push(...(await Promise.all(tens)))
  }
  return done
}

test.each(STRUCK)(
  '%s: no fault at any turn of its login shows one',
  async (name) => {
    for (const endpoint of ENDPOINTS) {
      if (!emulators[name].requests.some((request) => request.endpoint === endpoint)) continue
      await strike(name, endpoint, FAULTS, async () => () => login(name, HASTY))
    }
    expect(await shown()).toEqual([])
    expect(dumps.length).toBeGreaterThan(15)
  },
  120_000,
)

test.each(STRUCK)(
  '%s: no fault at refresh, API call or revocation shows one',
  async (name) => {
    for (const endpoint of LATER[name]) {
      const path = `${ROUTES[endpoint]}/${name}?path=/emulator/resource`
      await strike(name, endpoint, LATER_FAULTS, async () => {
        const { browser } = await login(name)
        return () => get(browser, path, HASTY)
      })
    }
    const { browser } = await login(name)
    await get(browser, `/fetch/${name}?path=https://evil.example/`)
    await get(browser, `/revoke/${name}`)
    expect(await shown()).toEqual([])
    expect(dumps.length).toBeGreaterThan((LATER_FAULTS.length / 3) * LATER[name].length)
  },
  120_000,
)

test('TAPD’s unsolicited code shows none, accepted or refused', async () => {
  const code = emulators.tapd.entryCode()
  for (const path of [`/auth/tapd/entry?code=${code}`, '/auth/tapd/entry?code=canary-unknown-code-1']) {
    await get(new Browser(), path)
  }

  expect(await shown()).toEqual([])
})

test('the objects that an app may log show none: req.oauth, the router, a keeper, a strategy', async () => {
  const { browser } = await login('aihubmix')
  await get(browser, '/objects')
  expect(await shown()).toEqual([])
  expect(dumps).toHaveLength(4)
})

test('console.dir of a strategy, which asks no custom inspection, shows no secret (control: passport-oauth2 does)', () => {
  const own = { authorization: 'Bearer canary-custom-header-1' }
  const secrets = [emulators.tiktok.options.clientSecret, 'canary-custom-header-1']
  const options = { ...emulators.tiktok.options, customHeaders: own, callbackURL: 'http://127.0.0.1/callback' }
  const dump = (strategy: object) => inspect(strategy, { customInspect: false, depth: Number.POSITIVE_INFINITY })
  const found = (text: string) => secrets.filter((secret) => text.includes(secret))
  const ours = new TiktokStrategy(options, () => {})
  expect(found(dump(ours))).toEqual([])
  expect(found(dump(Object.create(ours)))).toEqual([]) // what Passport makes of it at each request
  expect(found(JSON.stringify(ours))).toEqual([])
  expect(found(dump(new OAuth2Strategy(options, () => {})))).toEqual(secrets)
})

test('the debug log says where a login stopped: provider, phase, code and the provider’s HTTP status', async () => {
  emulators.tiktok.failNext('token', 'http-503')
  await login('tiktok')
  await settled()
  expect(output).toMatch(
    /passport-dialects:login.*tiktok: failed in phase token: provider_unavailable( \([\w-]+\))? after HTTP 503/,
  )
})
