import { type JsonObject, OAuthError, type ProviderConfig, TokenKeeper, type TokenStore } from 'passport-dialects'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { loginAt } from '../emulators/logins'
import { eventually } from '../support/eventually'
import { expectInTime, timeOf } from '../support/in-time'
import { usually } from '../support/whole'
import { CONNECTION_FAULTS, causesOf, type Opened, openSockets } from './connections'

type Later = 'refresh' | 'revoke' | 'request'

/** The calls that are made after a login, and the option that says where each goes. */
const CALLS: { name: EmulatorName; phase: Later; option: string }[] = [
  { name: 'tailchat', phase: 'refresh', option: 'refreshURL' },
  { name: 'tapd', phase: 'refresh', option: 'refreshURL' },
  { name: 'tiktok', phase: 'refresh', option: 'refreshURL' },
  { name: 'tiktok', phase: 'revoke', option: 'revokeURL' },
  { name: 'aihubmix', phase: 'refresh', option: 'refreshURL' },
  { name: 'aihubmix', phase: 'request', option: 'topupURL' },
  { name: 'feishu', phase: 'refresh', option: 'refreshURL' },
]
/** A call of each kind; `npm run test:whole` cuts the others' too. */
const USUAL: readonly string[] = ['tiktok refresh', 'tiktok revoke', 'aihubmix request']
const STRUCK = usually(CALLS, ({ name, phase }) => USUAL.includes(`${name} ${phase}`))
/** In ms: no deadline has to come to an end for these. */
const IN_TIME = 1200

/** One login's tokens, in memory. */
function storeOf(): TokenStore {
  const texts = new Map<string, string>()
  return {
    get: async (key) => texts.get(key),
    set: async (key, value, expected) =>
      (expected === undefined || texts.get(key) === expected) && texts.set(key, value).has(key),
    delete: async (key) => texts.delete(key),
  }
}

describe.each(Object.entries(CONNECTION_FAULTS))('%s', (_title, openFault) => {
  describe.each(STRUCK)('$name, $phase', ({ name, phase, option }) => {
    let emulator: Emulator
    let fault: Opened
    beforeAll(async () => {
      emulator = await startEmulator(name, { refresh: true })
      fault = await openFault(emulator)
    })
    afterAll(async () => {
      await fault.close()
      await emulator.close()
    })

    /** A keeper whose call goes to another place, with the tokens of a new login; those of a refresh are due. */
    async function keeperAt(place: Opened['broken'] | undefined) {
      const address = new URL(String(Reflect.get(emulator.options, option)))
      const options: ProviderConfig = {
        ...emulator.options,
        dispatcher: place?.dispatcher ?? fault.broken.dispatcher,
        ...(place && { [option]: place.origin + address.pathname }),
      }
      const keeper = new TokenKeeper({ providers: { [name]: options }, tokenStore: storeOf() })
      const { access, refresh, raw } = await loginAt(emulator)
      const expiresAt = new Date(phase === 'refresh' ? Date.now() - 1 : Date.now() + 3_600_000)
      const tokens = { accessToken: access, tokenType: 'Bearer', scope: [], expiresAt, raw: raw as JsonObject } as const
      await keeper.keep(name, 'key', { ...tokens, scope: [], ...(refresh !== undefined && { refreshToken: refresh }) })
      return keeper
    }

    async function call(keeper: TokenKeeper): Promise<unknown> {
      if (phase === 'refresh') return keeper.tokens(name, 'key')
      return phase === 'revoke' ? keeper.revoke(name, 'key') : keeper.topupURL(name, 'key')
    }

    test('is provider_unreachable in time, leaves no socket, and the next try succeeds', async () => {
      let before = 0
      await expectInTime(IN_TIME, async () => {
        const keeper = await keeperAt(fault.broken) // after a revocation that failed, there is nothing more to revoke
        before = openSockets()
        let failure: unknown
        const took = await timeOf(async () => {
          failure = await call(keeper).catch((error) => error)
        })
        expect(OAuthError.is(failure)).toBe(true)
        expect(failure).toMatchObject({
          code: 'provider_unreachable',
          provider: name,
          phase,
          status: 502,
          retryable: true,
        })
        expect(causesOf(failure)).toMatch(fault.cause)
        return took
      })
      await eventually(() => expect(fault.server?.open() ?? 0).toBe(0))
      await eventually(() => expect(openSockets()).toBeLessThanOrEqual(before))
      expect(await call(await keeperAt(fault.mended))).toBeTruthy()
    })
  })
})
