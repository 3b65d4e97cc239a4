import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Emulator, type EmulatorName, FAULTS, type Fault, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { eventually } from '../support/eventually'
import { expectInTime, inOneOfTenTries, Paced } from '../support/in-time'
import { ask, loggedIn, startTokenApp } from '../support/token-app'
import { usually } from '../support/whole'
import { openSockets } from './connections'
import { CALLS, KNOBS, matrixAsText, outcomeOf, REFUSALS } from './table'

const TIMEOUT = 300

test('the table in docs/fault-matrix.md is this one', () => {
  expect(readFileSync(join(__dirname, '..', '..', 'docs', 'fault-matrix.md'), 'utf8')).toContain(matrixAsText())
})

interface Struck {
  code: string | undefined
  phase: string | undefined
  status: number | undefined
  took: number
}

/** One of each kind of call. The others' answers come in the same ways: `npm run test:whole` strikes them too. */
const USUAL: readonly string[] = ['bbscloud code', 'tapd token', 'tiktok profile', 'tiktok refresh', 'tiktok revoke']

const rows = usually(
  Object.entries(CALLS).flatMap(([name, endpoints]) =>
    endpoints.map((endpoint) => ({ name: name as EmulatorName, endpoint })),
  ),
  ({ name, endpoint }) => USUAL.includes(`${name} ${endpoint}`),
)

describe.each(rows)('$name, $endpoint', ({ name, endpoint }) => {
  let emulator: Emulator
  let app: RunningApp
  let paced: Paced
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)

  beforeAll(async () => {
    process.on('unhandledRejection', note)
    const knobs = KNOBS[name]
    emulator = await startEmulator(name, knobs?.emulator)
    paced = new Paced(name, { ...emulator.options, ...knobs?.strategy }, TIMEOUT)
    app = await startTokenApp({
      providers: paced.providers,
      onError: (error, _req, res) => void res.status(error.status).json({ error }),
    })
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })
  afterAll(async () => {
    await app.close()
    await emulator.close()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    await eventually(() => expect(openSockets()).toBe(0)) // both sides of each, and closing takes a moment
  })

  /** A browser that has come as far as the call, and what makes it. */
  async function ready(): Promise<{ browser: Browser; call: () => Promise<Struck> }> {
    const { origin } = app
    if (endpoint === 'code') return calling(new Browser(), (browser) => browser.get(`${origin}/auth/${name}`), 302)
    if (endpoint === 'token' || endpoint === 'profile') {
      const browser = new Browser()
      const callback = await emulator.approve(await browser.location(`${origin}/auth/${name}`))
      return calling(browser, () => browser.get(callback), 303)
    }
    const browser = await loggedIn(app, name, emulator)
    const route = { refresh: `tokens/${name}`, revoke: `revoke/${name}`, request: 'topup' }[endpoint as 'refresh'] // the three that are left
    if (endpoint === 'refresh') {
      const later = Date.now() + 48 * 3600_000 // the access token is dead, the refresh token of every provider lives
      jest.spyOn(Date, 'now').mockImplementation(() => later)
    }
    return calling(browser, () => browser.get(`${origin}/${route}`), 200)
  }

  function calling(browser: Browser, send: (browser: Browser) => Promise<Response>, success: number) {
    const call = async (): Promise<Struck> => {
      const started = performance.now()
      const answer = await send(browser)
      const took = performance.now() - started
      if (answer.status === success) return { code: undefined, phase: undefined, status: undefined, took }
      const { code, phase, status } = (await told(answer)).error as unknown as Omit<Struck, 'took'> // onError's, above
      return { code, phase, status, took }
    }
    return { browser, call }
  }

  async function strike(fault: Fault): Promise<Struck & { browser: Browser }> {
    // An API call is made once more after the token is refused.
    emulator.failNext(endpoint, fault, endpoint === 'request' && /^http-40[13]$/.test(fault) ? 2 : 1)
    for (let tries = 1; ; tries++) {
      jest.restoreAllMocks()
      const { browser, call } = await ready()
      const struck = outcomeOf(fault, endpoint) === 'provider_timeout' ? await paced.hastily(call) : await call()
      // Where the machine stood still, the deadline may have struck an earlier call: the fault still waits for its own.
      const tooEarly = struck.code === 'provider_timeout' && struck.phase !== endpoint
      if (!tooEarly || tries === 10) return { browser, ...struck }
    }
  }

  // A GET over a connection that rested for half a second is sent once more after a reset, on a machine that stands still.
  test.each(FAULTS)('%s', async (fault: Fault) => {
    const expected = outcomeOf(fault, endpoint)
    let browser = new Browser()
    const timed = async () => {
      const struck = await strike(fault)
      const { code, phase, status } = struck
      browser = struck.browser
      if (expected === 'ok') expect(code).toBeUndefined()
      else if (expected === 'refusal') expect(REFUSALS).toContain(code)
      else expect(code).toBe(expected)
      if (code !== undefined) expect({ phase, status }).toEqual({ phase: endpoint, status: expect.any(Number) })
      return struck.took
    }
    if (expected === 'ok') await timed()
    else await expectInTime(TIMEOUT + 200, fault === 'reset' ? () => inOneOfTenTries(timed) : timed)
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
    // Whatever it was, the same browser can log in at the next try.
    if (expected !== 'ok') {
      jest.restoreAllMocks()
      await loggedIn(app, name, emulator, browser)
      expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: name })
    }
  })
})

test('a token that is refused once at an API call is refreshed and the call made again: nobody notices', async () => {
  const emulator = await startEmulator('aihubmix')
  const app = await startTokenApp({ providers: { aihubmix: { ...emulator.options } } })
  const browser = await loggedIn(app, 'aihubmix', emulator)
  emulator.failNext('request', 'http-401')
  expect((await ask(browser, `${app.origin}/topup`)).value).toContain('http')
  await app.close()
  await emulator.close()
})
