import type { ErrorCode } from 'passport-dialects'
import {
  type Emulator,
  type EmulatorName,
  FAULTS,
  type Fault,
  type FaultEndpoint,
  startEmulator,
} from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'

/** The calls that a login makes to each provider. */
const CALLS: [EmulatorName, FaultEndpoint[]][] = [
  ['tailchat', ['token', 'profile']],
  ['tapd', ['token', 'profile']],
  ['bbscloud', ['code', 'profile']],
  ['tiktok', ['token', 'profile']],
  ['aihubmix', ['token', 'profile']],
]

const TIMEOUT = 300

/** What a fault must come to; `undefined`: the login succeeds. A function where the call matters. */
const EXPECTED: Record<string, ErrorCode | undefined | ((endpoint: FaultEndpoint) => ErrorCode | undefined)> = {
  reset: 'provider_unreachable',
  silent: 'provider_timeout',
  'slow-headers': 'provider_timeout',
  drip: 'provider_timeout',
  truncated: 'provider_unreachable',
  'wrong-length': 'provider_unreachable',
  empty: 'response_invalid',
  html: 'response_invalid',
  'not-json': 'response_invalid',
  bom: undefined,
  'invalid-utf8': 'response_invalid',
  'split-utf8': undefined,
  proto: undefined,
  deep: 'response_invalid',
  'wrong-types': 'response_invalid',
  'missing-token': 'response_invalid',
  'token-type-mac': (endpoint) => (endpoint === 'token' ? 'response_invalid' : undefined),
  'expires-text': (endpoint) => (endpoint === 'token' ? 'response_invalid' : undefined),
  'expires-negative': (endpoint) => (endpoint === 'token' ? 'response_invalid' : undefined),
  'expires-missing': undefined,
  'expires-huge': undefined,
  oversize: 'response_too_large',
  'gzip-bomb': 'response_too_large',
  redirect: 'provider_redirected',
  'http-401': (endpoint) => (endpoint === 'profile' ? 'token_rejected' : 'client_rejected'),
  'http-429': 'rate_limited',
  'http-500': 'provider_unavailable',
  'http-503': 'provider_unavailable',
}

test('every fault of the emulators is in the table, or below it', () => {
  const below = ['http-403', 'refused']
  expect(FAULTS.filter((fault) => !(fault in EXPECTED) && !below.includes(fault))).toEqual([])
})

describe.each(CALLS.flatMap(([name, endpoints]) => endpoints.map((endpoint) => ({ name, endpoint }))))(
  '$name, $endpoint',
  ({ name, endpoint }) => {
    let emulator: Emulator
    let app: RunningApp
    beforeAll(async () => {
      emulator = await startEmulator(name)
      app = await startRouterApp({ providers: { [name]: { ...emulator.options, timeout: TIMEOUT } } })
    })
    afterAll(async () => {
      await app.close()
      await emulator.close()
    })

    /** One login in which `fault` strikes: its error's code, and how long the answer took. */
    async function strike(browser: Browser, fault?: Fault) {
      const json = { accept: 'application/json' }
      if (fault && endpoint === 'code') emulator.failNext(endpoint, fault)
      const started = performance.now()
      const begun = await browser.get(`${app.origin}/auth/${name}`, json)
      if (begun.status !== 302)
        return { ...(await told(begun)).error, status: begun.status, took: performance.now() - started }
      const callback = await emulator.approve(begun.headers.get('location') ?? '')
      if (fault && endpoint !== 'code') emulator.failNext(endpoint, fault)
      const called = performance.now()
      const finished = await browser.get(callback, json)
      const took = performance.now() - called
      if (finished.status === 303) return { code: undefined, status: 303, took }
      return { ...(await told(finished)).error, status: finished.status, took }
    }

    test.each(Object.keys(EXPECTED))('%s', async (fault) => {
      const expected = EXPECTED[fault]
      const code = typeof expected === 'function' ? expected(endpoint) : expected
      const browser = new Browser()
      const result = await strike(browser, fault as Fault)
      expect(result.code).toBe(code)
      if (code === 'provider_timeout') expect(result.took).toBeLessThan(TIMEOUT + 200)
      expect(({} as { polluted?: string }).polluted).toBeUndefined()
      // The next try of the same browser succeeds.
      if (code !== undefined) expect(await strike(browser)).toMatchObject({ status: 303 })
    })

    test.each(['http-403', 'refused'] as const)('%s is a refusal of this call, never a login', async (fault) => {
      const { code } = await strike(new Browser(), fault)
      const refusals = ['client_rejected', 'grant_rejected', 'token_rejected', 'scope_insufficient', 'provider_error']
      expect(refusals).toContain(code)
    })
  },
)
