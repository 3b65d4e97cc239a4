import { OAuthError } from 'passport-dialects'
import { type Emulator, FAULTS, type Fault, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import type { Browser } from '../support/browser'
import { expectInTime } from '../support/in-time'
import { NAMES } from '../support/providers'
import { loggedIn, startTokenApp } from '../support/token-app'
import { KNOBS } from './table'

// `req.oauth.fetch` gives the provider's statuses and words on as they are, as fetch does. What is a failure of the call
// itself, or of reading JSON from it, has its code.
const CODES: Partial<Record<Fault, string>> = {
  reset: 'provider_unreachable',
  silent: 'provider_timeout',
  'slow-headers': 'provider_timeout',
  drip: 'provider_timeout',
  truncated: 'provider_unreachable',
  'wrong-length': 'provider_unreachable',
  empty: 'response_invalid',
  html: 'response_invalid',
  'not-json': 'response_invalid',
  'invalid-utf8': 'response_invalid',
  oversize: 'response_too_large',
  'gzip-bomb': 'response_too_large',
  redirect: 'provider_redirected',
}
const TIMEOUT = 300

describe.each(NAMES)('%s, an API call', (name) => {
  let emulator: Emulator
  let app: RunningApp
  let browser: Browser
  /** Patient but where the deadline is what strikes. */
  let pace: 'hasty' | 'patient' = 'patient'
  beforeAll(async () => {
    const knobs = KNOBS[name]
    emulator = await startEmulator(name, knobs?.emulator)
    const options = { ...emulator.options, ...knobs?.strategy, baseURL: emulator.origin }
    const providers = {
      hasty: { [name]: { ...options, timeout: TIMEOUT } },
      patient: { [name]: { ...options, timeout: 10_000 } },
    }
    app = await startTokenApp(
      { providers: () => providers[pace] },
      {
        routes: (routes) =>
          void routes.get('/call', (req, res) => {
            req.oauth
              .fetch(name, '/emulator/resource')
              .then(async (answer) => {
                const { user } = (await answer.json()) as { user?: unknown } // the emulators' own API
                res.json({ status: answer.status, body: { user } })
              })
              .catch((error) => res.json({ error: OAuthError.is(error) ? error : { code: String(error) } }))
          }),
      },
    )
    browser = await loggedIn(app, name, emulator)
  })
  afterAll(async () => {
    await app.close()
    await emulator.close()
  })

  async function call(fault?: Fault) {
    if (fault) emulator.failNext('request', fault)
    pace = fault && CODES[fault] === 'provider_timeout' ? 'hasty' : 'patient'
    const started = performance.now()
    const answer = (await (await browser.get(`${app.origin}/call`)).json()) as {
      status?: number
      body?: { user?: string }
      error?: { code: string; phase: string; provider: string }
    } // the route above
    return { ...answer, took: performance.now() - started }
  }

  test.each(FAULTS)('%s', async (fault) => {
    // A refused token is refreshed and the call made again, where there is a refresh token.
    const { status, error, took } = await call(fault)
    const code = CODES[fault]
    if (code !== undefined) expect(error).toMatchObject({ code, phase: 'request', provider: name })
    else expect(error).toBeUndefined()
    const told = /^http-(\d+)$/.exec(fault)?.[1]
    if (told === '401') expect(name === 'bbscloud' ? 401 : 200).toBe(status)
    else if (told !== undefined) expect(status).toBe(Number(told))
    if (code !== undefined) await expectInTime(TIMEOUT + 200, took, async () => (await call(fault)).took)
    // The next call is as good as any.
    expect(await call()).toMatchObject({ status: 200, body: { user: emulator.users[0]?.id } })
  })
})
