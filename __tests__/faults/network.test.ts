import type { OAuthError, ProviderConfig } from 'passport-dialects'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { eventually } from '../support/eventually'
import { expectInTime } from '../support/in-time'
import { usually } from '../support/whole'
import { CONNECTION_FAULTS, type ConnectionFault, causesOf, type Opened, openSockets } from './connections'

type Endpoint = 'code' | 'token' | 'profile'

/** The calls that a login makes to each provider. */
const CALLS: { name: EmulatorName; endpoint: Endpoint }[] = [
  { name: 'tailchat', endpoint: 'token' },
  { name: 'tailchat', endpoint: 'profile' },
  { name: 'tapd', endpoint: 'token' },
  { name: 'tapd', endpoint: 'profile' },
  { name: 'bbscloud', endpoint: 'code' },
  { name: 'bbscloud', endpoint: 'profile' },
  { name: 'tiktok', endpoint: 'token' },
  { name: 'tiktok', endpoint: 'profile' },
  { name: 'aihubmix', endpoint: 'token' },
  { name: 'aihubmix', endpoint: 'profile' },
  { name: 'feishu', endpoint: 'token' },
  { name: 'feishu', endpoint: 'profile' },
]
/** A call of each kind; `npm run test:whole` cuts the others' too. */
const USUAL: readonly string[] = ['bbscloud code', 'tapd token', 'tapd profile']
const STRUCK = usually(CALLS, ({ name, endpoint }) => USUAL.includes(`${name} ${endpoint}`))
const OPTION = { code: 'codeURL', token: 'tokenURL', profile: 'userProfileURL' } as const
/** In ms: no deadline has to come to an end for these. */
const IN_TIME = 1200

describe.each(Object.entries(CONNECTION_FAULTS))('%s', (_title, openFault) => {
  describe.each(STRUCK)('$name, $endpoint', ({ name, endpoint }) => {
    let emulator: Emulator
    let app: RunningApp
    let fault: Opened
    let failure: OAuthError | undefined
    let config: 'good' | 'broken' | 'mended' = 'good'

    beforeAll(async () => {
      emulator = await startEmulator(name)
      fault = await openFault(emulator)
      // A dispatcher keeps its own connections to the emulator: they belong to the count before the fault.
      const good = { ...emulator.options, dispatcher: fault.broken.dispatcher }
      const at = (place: ConnectionFault['broken'] | undefined): ProviderConfig => {
        const path = new URL(String(Reflect.get(emulator.options, OPTION[endpoint]))).pathname
        return place
          ? {
              ...good,
              [OPTION[endpoint]]: place.origin + path,
              ...(place.dispatcher && { dispatcher: place.dispatcher }),
            }
          : good
      }
      const configs = {
        good: { [name]: good },
        broken: { [name]: at(fault.broken) },
        mended: { [name]: at(fault.mended) },
      }
      app = await startRouterApp({
        verify: ({ profile }) => ({ provider: profile.provider, id: profile.id, displayName: profile.displayName }),
        providers: () => configs[config],
        onError: (error, _req, res) => {
          failure = error
          res.status(error.status).end()
        },
      })
    })
    afterAll(async () => {
      await app.close()
      await fault.close()
      await emulator.close()
    })

    /** One login; resolves to the status of its last answer, and how long that took. */
    async function login(browser: Browser, which: typeof config) {
      config = which
      failure = undefined
      let started = performance.now()
      const begun = await browser.get(`${app.origin}/auth/${name}`)
      if (begun.status !== 302) return { status: begun.status, took: performance.now() - started }
      const callback = await emulator.approve(begun.headers.get('location') ?? '')
      started = performance.now()
      const finished = await browser.get(callback)
      return { status: finished.status, took: performance.now() - started }
    }

    test('is provider_unreachable in time, leaves no socket, and the next try logs in', async () => {
      const browser = new Browser()
      expect(await login(browser, 'good')).toMatchObject({ status: 303 })
      const before = openSockets()
      await expectInTime(IN_TIME, async () => {
        const { status, took } = await login(browser, 'broken')
        expect(status).toBe(502)
        expect(failure).toMatchObject({
          code: 'provider_unreachable',
          provider: name,
          phase: endpoint,
          retryable: true,
        })
        expect(causesOf(failure)).toMatch(fault.cause)
        return took
      })
      const { server } = fault
      if (server)
        await eventually(() =>
          expect({ open: server.open(), came: server.accepted() > 0 }).toEqual({ open: 0, came: true }),
        )
      await eventually(() => expect(openSockets()).toBeLessThanOrEqual(before))
      expect(await login(browser, 'mended')).toMatchObject({ status: 303 })
      // Jest fails the test that an unhandled rejection falls into: let late ones come.
      await new Promise((resolve) => setImmediate(resolve))
    })
  })
})
