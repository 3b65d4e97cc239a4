import { OAuthError } from 'passport-dialects'
import { type Emulator, FAULTS, type Fault, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import type { Browser } from '../support/browser'
import { expectInTime, inOneOfTenTries, Paced } from '../support/in-time'
import { NAMES } from '../support/providers'
import { loggedIn, startTokenApp } from '../support/token-app'
import { usually } from '../support/whole'
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

// One whose token nothing renews, and one whose token is refreshed.
const STRUCK = usually(NAMES, (name) => name === 'bbscloud' || name === 'tailchat')

describe.each(STRUCK)('%s, an API call', (name) => {
  let emulator: Emulator
  let app: RunningApp
  let browser: Browser
  let paced: Paced
  beforeAll(async () => {
    const knobs = KNOBS[name]
    emulator = await startEmulator(name, knobs?.emulator)
    paced = new Paced(name, { ...emulator.options, ...knobs?.strategy, baseURL: emulator.origin }, TIMEOUT)
    app = await startTokenApp(
      { providers: paced.providers },
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

  async function call() {
    const started = performance.now()
    const answer = (await (await browser.get(`${app.origin}/call`)).json()) as {
      status?: number
      body?: { user?: string }
      error?: { code: string; phase: string; provider: string }
    } // the route above
    return { ...answer, took: performance.now() - started }
  }

  // A GET over a connection that rested for half a second is sent once more after a reset, on a machine that stands still.
  test.each(FAULTS)('%s', async (fault) => {
    const code = CODES[fault]
    const told = /^http-(\d+)$/.exec(fault)?.[1]
    const timed = async () => {
      emulator.failNext('request', fault)
      const { status, error, took } = await (code === 'provider_timeout' ? paced.hastily(call) : call())
      if (code !== undefined) expect(error).toMatchObject({ code, phase: 'request', provider: name })
      else expect(error).toBeUndefined()
      // A refused token is refreshed and the call made again, where there is a refresh token.
      if (told === '401') expect(name === 'bbscloud' ? 401 : 200).toBe(status)
      else if (told !== undefined) expect(status).toBe(Number(told))
      return took
    }
    if (code === undefined) await timed()
    else await expectInTime(TIMEOUT + 200, fault === 'reset' ? () => inOneOfTenTries(timed) : timed)
    // The next call is as good as any.
    expect(await call()).toMatchObject({ status: 200, body: { user: emulator.users[0]?.id } })
  })
})
