import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import cookieSession from 'cookie-session'
import session from 'express-session'
import { AihubmixStrategy, oauthRouter } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { known } from '../support/canaries/learn'
import { loggedIn, startTokenApp } from '../support/token-app'

// The net that lies under every test file (support/canaries/setup.ts) catches: each kind of secret, at each outlet.
const run = promisify(execFile)
const SECRET = 'a canary secret of the app'
let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('tailchat')
})
afterAll(() => emulator.close())

function strategyOf(clientSecret = SECRET) {
  return new AihubmixStrategy({ ...emulator.options, clientSecret, callbackURL: '/callback' }, () => {})
}

describe('what is secret is known without being listed', () => {
  test('of a login: state, verifier, code and tokens, before anybody has shown them', async () => {
    const app = await startRouterApp({ providers: { tailchat: { ...emulator.options } } })
    const browser = new Browser()
    const address = await browser.location(`${app.origin}/auth/tailchat`)
    const [text = ''] = Object.values(Reflect.get(app.store, 'sessions') as Record<string, string>) // its own, as JSON
    const [pending] = JSON.parse(JSON.parse(text)['passport-dialects']).pending
    for (const secret of [pending.verifier, pending.state]) expect(known.kindOf(secret)).toBe('state or verifier')
    expect(known.kindOf(emulator.options.clientSecret)).toBe('client secret')
    const code = new URL(await emulator.approve(address)).searchParams.get('code') ?? ''
    expect(known.kindOf(code)).toBe('code')
    await app.close()
  })

  test('of its end: the tokens that it brings', async () => {
    const app = await startTokenApp({
      providers: { tailchat: { ...emulator.options, scope: ['openid', 'offline_access'] } },
    })
    const browser = await loggedIn(app, 'tailchat', emulator)
    const { tokens } = (await (await browser.get(`${app.origin}/tokens/tailchat`)).json()) as {
      tokens: { accessToken: string; refreshToken?: string; raw: Record<string, string> }
    }
    expect(known.kindOf(tokens.accessToken)).toBe('token')
    expect(known.kindOf(tokens.raw.id_token ?? '')).toBe('token')
    await app.close()
  })

  test('what an app is given: secrets of clients and sessions, keys, also where they are refused', () => {
    strategyOf()
    expect(known.kindOf(SECRET)).toBe('client secret')
    expect(
      () => new AihubmixStrategy({ clientID: '', clientSecret: 'a canary of a refused one' } as never, () => {}),
    ).toThrow()
    expect(known.kindOf('a canary of a refused one')).toBe('client secret')
    session({ secret: ['a canary of the session', 'an older canary'], resave: false, saveUninitialized: false })
    cookieSession({ keys: ['a canary of the cookie'] })
    const encryptionKey = [randomBytes(40), 'a canary that encrypts, long enough for a key']
    oauthRouter({
      providers: { own: { ...emulator.options, clientSecret: 'a canary of a provider', strategy: AihubmixStrategy } },
      encryptionKey,
    })
    expect(known.kindOf('an older canary')).toBe('session secret')
    expect(known.kindOf('a canary of the cookie')).toBe('session secret')
    expect(known.kindOf('a canary of a provider')).toBe('client secret')
    for (const key of [String(encryptionKey[1]), (encryptionKey[0] as Buffer).toString('hex')])
      expect(known.kindOf(key)).toBe('encryption key')
  })
})

/** What jest says of a file in which every test but the last lets a secret out. */
interface Report {
  testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[]
}

test('what comes out is caught at each outlet, and fails the test that let it out', async () => {
  const jest = join(__dirname, '../../node_modules/.bin/jest')
  const args = ['--testMatch', '**/__tests__/secrets/leaks.ts', '--json', '--runInBand', '--reporters', 'default']
  const { stdout } = await run(jest, args, { cwd: join(__dirname, '../..'), maxBuffer: 2 ** 24 }).catch(
    (ended) => ended,
  )
  const report = JSON.parse(stdout.slice(stdout.indexOf('{"num'))) as Report // jest's own
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  expect(results.length).toBeGreaterThan(20)
  for (const { title, status, failureMessages } of results) {
    const [outlet = ''] = title.split(':')
    const said = failureMessages.join('\n')
    if (outlet === 'nothing') expect([title, status]).toEqual([title, 'passed'])
    else expect([title, failureMessages.length, said]).toEqual([title, 1, expect.stringContaining(outlet)])
    expect(said).not.toContain('canary+secret')
  }
}, 120_000)
