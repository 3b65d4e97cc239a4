import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { type EmulatorName, FAULTS, type FaultEndpoint } from 'passport-dialects/emulators'
import { Browser } from '../support/browser'
import { closeAll, type Emulators, NAMES, providersOf, startAll } from '../support/providers'
import type { SecretsAppOptions } from './app-process'

// A whole app in a process of its own, with `DEBUG=passport-dialects:*`: everything that it writes, and everything that
// browsers and error handlers get of it, is searched for every secret that its logins had.
const sessionSecret = `canary-session-${randomBytes(16).toString('hex')}`
const encryptionKey = `canary-encryption-${randomBytes(16).toString('hex')}`
const secrets = new Set([sessionSecret, encryptionKey])
let received = ''
let emulators: Emulators
let child: ChildProcess
let origin = ''
let output = ''
let dumps: string[] = []
let answers: string[] = []

beforeAll(async () => {
  emulators = await startAll({ accessTokenLifetime: 250, refresh: true })
  const providers = Object.fromEntries(
    Object.entries(providersOf(emulators)).map(([name, options]) => [
      name,
      { ...options, timeout: 200, maxResponseBytes: 65_536, ...(name === 'tapd' && { silentLogin: true }) },
    ]),
  )
  const options: SecretsAppOptions = { providers, sessionSecret, encryptionKey }
  child = fork(join(__dirname, 'app-process.ts'), [JSON.stringify(options)], {
    execArgv: ['--import', 'tsx', '--trace-warnings'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, DEBUG: 'passport-dialects:*', NODE_ENV: 'development' },
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  child.on('message', (told: { secrets?: unknown; received?: string; dump?: string; origin?: string }) => {
    if (told.dump !== undefined) dumps.push(told.dump)
    received += told.received ?? ''
    if (told.origin !== undefined) origin = told.origin
    JSON.stringify(told.secrets ?? null, (name, value) => (typeof value === 'string' ? note(name, value) : value))
  })
  while (origin === '') await once(child, 'message')
}, 60_000)

afterAll(async () => {
  child.kill()
  await closeAll(emulators)
})

beforeEach(() => {
  dumps = []
  answers = []
  output = ''
  for (const { options } of Object.values(emulators)) secrets.add(options.clientSecret)
})

const SECRET = /^(code|token|access_?token|refresh_?token|id_token|code_verifier|client_secret|state|login_state)$/i

function note(name: string, value: string): string {
  if (SECRET.test(name) && value.length >= 8) secrets.add(value)
  return value
}

function noteAddress(address: string): void {
  for (const [name, value] of new URL(address).searchParams) {
    note(name, value)
    if (URL.canParse(value)) noteAddress(value)
  }
}

/** What the providers were sent is where most secrets are. */
function noteRequests(): void {
  for (const { requests } of Object.values(emulators)) {
    for (const { query, body, headers } of requests) {
      for (const [name, value] of Object.entries(query)) note(name, value)
      for (const [name, value] of new URLSearchParams(body)) note(name, value)
      const bearer = /^(?:Bearer|Basic) (\S{8,})$/.exec(headers.authorization ?? '')?.[1]
      if (bearer !== undefined) secrets.add(bearer)
    }
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

async function login(name: EmulatorName, headers: Record<string, string> = {}, query = '', browser = new Browser()) {
  const { location } = await get(browser, `/auth/${name}${query}`, headers, false)
  if (location === null) return { browser, status: 0 }
  const callback = await emulators[name].approve(location)
  noteAddress(callback)
  const { status } = await get(browser, callback, headers)
  return { browser, status }
}

/** The secrets that show in what came out since the test began. */
async function shown(): Promise<string[]> {
  noteRequests()
  await new Promise((resolve) => setTimeout(resolve, 200)) // the child's output comes by another way than its answers
  for (const [, name = '', value = ''] of received.matchAll(/"((?:access|refresh|id)_token)":\s*"([^"\\]+)"/g))
    note(name, value)
  received = ''
  const all = [output, ...dumps, ...answers].join('\n')
  const inForms = (secret: string) => [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
  ]
  return [...secrets].filter((secret) => inForms(secret).some((form) => all.includes(form)))
}

test('control: a naive error that carries the request shows one', async () => {
  const { browser, status } = await login('aihubmix')
  expect(status).toBe(303)
  await get(browser, '/naive')
  expect(received).toContain('access_token')
  expect(await shown()).toHaveLength(1)
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
  expect(dumps.length).toBeGreaterThanOrEqual(6)
  expect(await shown()).toEqual([])
})

const ENDPOINTS: readonly FaultEndpoint[] = ['code', 'token', 'profile']

test.each(NAMES)(
  '%s: no fault at any turn of its login shows one',
  async (name) => {
    for (const endpoint of ENDPOINTS) {
      if (!emulators[name].requests.some((request) => request.endpoint === endpoint)) continue
      for (const fault of FAULTS) {
        emulators[name].failNext(endpoint, fault)
        await login(name)
      }
    }
    expect(dumps.length).toBeGreaterThan(15)
    expect(await shown()).toEqual([])
  },
  90_000,
)

test.each(['aihubmix', 'tiktok'] as const)(
  '%s: no fault at refresh, API call or revocation shows one',
  async (name) => {
    const { browser } = await login(name)
    for (const fault of FAULTS) {
      await login(name, {}, '', browser)
      emulators[name].failNext('refresh', fault)
      await get(browser, `/tokens/${name}`)
      emulators[name].failNext('request', fault)
      await get(browser, `/fetch/${name}?path=/api/resource`)
      await get(browser, `/fetch/${name}?path=https://evil.example/`)
      if (name === 'tiktok') emulators[name].failNext('revoke', fault)
      await get(browser, `/revoke/${name}`)
    }
    expect(dumps.length).toBeGreaterThan(30)
    expect(await shown()).toEqual([])
  },
  90_000,
)

test('TAPD’s unasked code shows none, accepted or refused', async () => {
  const code = emulators.tapd.entryCode()
  secrets.add(code)
  for (const path of [`/auth/tapd/entry?code=${code}`, '/auth/tapd/entry?code=canary-unknown-code']) {
    await get(new Browser(), path)
  }
  secrets.add('canary-unknown-code')
  expect(await shown()).toEqual([])
})

test('the objects that an app may log show none: req.oauth, the router, a keeper, a strategy', async () => {
  const { browser } = await login('aihubmix')
  await get(browser, '/objects')
  expect(dumps).toHaveLength(4)
  expect(await shown()).toEqual([])
})

test('the debug log says where a login stopped: provider, phase, code and the provider’s HTTP status', async () => {
  emulators.tiktok.failNext('token', 'http-503')
  await login('tiktok')
  await shown()
  expect(output).toMatch(/passport-dialects:login.*tiktok: failed in phase token: provider_unavailable after HTTP 503/)
})
