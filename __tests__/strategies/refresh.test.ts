import {
  AihubmixStrategy,
  BbscloudStrategy,
  type DialectStrategy,
  type StrategyClass,
  TailchatStrategy,
  TapdStrategy,
  TiktokStrategy,
} from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { bareLogin } from '../support/whole-login'

interface Row {
  title: string
  name: EmulatorName
  Strategy: StrategyClass
  knobs?: EmulatorOptions
  options?: Record<string, unknown>
  /** The refresh token dies with its first use. */
  rotates: boolean
}

const ROWS: Row[] = [
  { title: 'TAPD at its own path', name: 'tapd', Strategy: TapdStrategy, knobs: { refresh: true }, rotates: true },
  { title: 'TikTok v2', name: 'tiktok', Strategy: TiktokStrategy, rotates: true },
  {
    title: 'TikTok v1, without a secret',
    name: 'tiktok',
    Strategy: TiktokStrategy,
    knobs: { apiVersion: 'v1' },
    rotates: true,
  },
  { title: 'AIHubMix', name: 'aihubmix', Strategy: AihubmixStrategy, rotates: true },
]

/** A login under bare Passport, and the tokens it brought. */
async function tokensOf(emulator: Emulator, Strategy: StrategyClass, options: object = {}) {
  let strategy: DialectStrategy | undefined
  const verify = (
    accessToken: string,
    refreshToken: string | undefined,
    _profile: object,
    done: (e: null, user: object) => void,
  ) => done(null, { accessToken, refreshToken })
  const { user } = await bareLogin(emulator, (callbackURL) => {
    strategy = new Strategy({ ...emulator.options, ...options, callbackURL }, verify)
    return strategy
  })
  if (!strategy || !user) throw new Error('the login failed')
  return { strategy, refreshToken: user.refreshToken as string | undefined, accessToken: user.accessToken as string }
}

describe.each(ROWS)('$title', ({ name, Strategy, knobs, rotates }) => {
  let emulator: Emulator
  beforeEach(async () => {
    emulator = await startEmulator(name, knobs)
  })
  afterEach(() => emulator.close())

  test('renews the tokens', async () => {
    const { strategy, accessToken, refreshToken } = await tokensOf(emulator, Strategy)
    const renewed = await strategy.refresh({ refreshToken: refreshToken ?? '', scope: ['kept'] })
    expect(renewed.accessToken).not.toBe(accessToken)
    expect(renewed.refreshToken !== refreshToken).toBe(rotates)
    expect(renewed.expiresAt?.getTime()).toBeGreaterThan(Date.now())
    expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  })

  test('says refresh_rejected of a dead refresh token, and client_rejected or another of everything else', async () => {
    const { strategy, refreshToken = '' } = await tokensOf(emulator, Strategy)
    await strategy.refresh({ refreshToken, scope: [] })
    const code = knobs?.apiVersion === 'v1' ? 'provider_error' : 'refresh_rejected'
    await expect(strategy.refresh({ refreshToken, scope: [] })).rejects.toMatchObject({ code, phase: 'refresh' })
    emulator.failNext('refresh', 'http-503')
    await expect(strategy.refresh({ refreshToken, scope: [] })).rejects.toMatchObject({ code: 'provider_unavailable' })
  })

  test('passport-oauth2-refresh finds a working _oauth2 whose constructor goes the same way', async () => {
    const { strategy, refreshToken = '' } = await tokensOf(emulator, Strategy)
    const { _oauth2 } = strategy as unknown as { _oauth2: AddOnClient }
    const Client = _oauth2.constructor as new (...args: unknown[]) => AddOnClient
    const addOn = new Client(_oauth2._clientId, _oauth2._clientSecret, '', '', _oauth2._accessTokenUrl)
    const accessToken = await new Promise((resolve, reject) => {
      addOn.getOAuthAccessToken(refreshToken, { grant_type: 'refresh_token' }, (error, token) =>
        error ? reject(error) : resolve(token),
      )
    })
    expect(accessToken).toEqual(expect.any(String))
  })
})

/** What add-ons reach for in a passport-oauth2 strategy. */
interface AddOnClient {
  _clientId: string
  _clientSecret: string
  _accessTokenUrl: string
  getOAuthAccessToken(code: string, params: object, done: (error: unknown, token?: string) => void): void
}

test.each([
  ['bbscloud', BbscloudStrategy],
  ['tailchat', TailchatStrategy],
  ['tapd', TapdStrategy],
] as const)(
  '%s without a refresh token says so, and the old one stays where none comes back',
  async (name, Strategy) => {
    const emulator = await startEmulator(name)
    try {
      const { strategy, refreshToken } = await tokensOf(emulator, Strategy as StrategyClass)
      expect(refreshToken).toBeUndefined()
      await expect(strategy.refresh({ scope: [] })).rejects.toMatchObject({ code: 'refresh_rejected' })
    } finally {
      await emulator.close()
    }
  },
)
