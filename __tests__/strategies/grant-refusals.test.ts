import {
  AihubmixStrategy,
  type DialectStrategy,
  type ErrorCode,
  type StrategyClass,
  TailchatStrategy,
  TapdStrategy,
  TiktokStrategy,
} from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { bareLogin } from '../support/whole-login'

/** The part of a strategy's `_oauth2` that asks the token endpoint for whatever it is told to. */
interface Client {
  getOAuthAccessToken(code: string, params: object, done: (error: unknown, token?: string) => void): void
}

interface Row {
  title: string
  name: EmulatorName
  Strategy: StrategyClass
  knobs?: EmulatorOptions
  code: ErrorCode
}

// What a strategy never sends by itself, sent by hand through its own dialect: the provider's refusal must come to its code.
const ROWS: Row[] = [
  { title: 'Tailchat', name: 'tailchat', Strategy: TailchatStrategy, code: 'grant_rejected' },
  { title: 'TAPD', name: 'tapd', Strategy: TapdStrategy, code: 'grant_rejected' },
  { title: 'TikTok', name: 'tiktok', Strategy: TiktokStrategy, code: 'grant_rejected' },
  { title: 'TikTok v1', name: 'tiktok', Strategy: TiktokStrategy, knobs: { apiVersion: 'v1' }, code: 'provider_error' },
  { title: 'AIHubMix', name: 'aihubmix', Strategy: AihubmixStrategy, code: 'grant_rejected' },
]

describe.each(ROWS)('$title', ({ name, Strategy, knobs, code }) => {
  let emulator: Emulator
  let strategy: DialectStrategy
  let used: { code: string; redirectURI: string }

  /** A code that a login has used, and the strategy that used it. */
  beforeEach(async () => {
    emulator = await startEmulator(name, knobs)
    let callback = ''
    const { request, user } = await bareLogin(
      emulator,
      (callbackURL) => {
        const verify = (_at: string, _rt: string, _profile: object, done: (error: null, user: object) => void) =>
          done(null, { id: 'known' })
        strategy = new Strategy({ ...emulator.options, callbackURL }, verify)
        return strategy
      },
      {
        callback: (address) => {
          callback = address
          return address
        },
      },
    )
    expect(user).toBeDefined()
    used = {
      code: new URL(callback).searchParams.get('code') ?? '',
      redirectURI: request.searchParams.get('redirect_uri') ?? '',
    }
  })
  afterEach(() => emulator.close())

  function ask(grantCode: string, params: object): Promise<unknown> {
    const { _oauth2 } = strategy as unknown as { _oauth2: Client } // protected, as in passport-oauth2
    return new Promise((resolve, reject) => {
      _oauth2.getOAuthAccessToken(grantCode, params, (error, token) => (error ? reject(error) : resolve(token)))
    })
  }

  test('a code that was used', async () => {
    await expect(ask(used.code, { redirect_uri: used.redirectURI })).rejects.toMatchObject({ code, phase: 'token' })
  })

  test('a grant type that does not exist', async () => {
    const asked = ask(used.code, { grant_type: 'password', redirect_uri: used.redirectURI })
    await expect(asked).rejects.toMatchObject({ provider: name, phase: 'token', providerStatus: expect.any(Number) })
  })
})

/** A fresh code at each provider, asked for by hand with one thing wrong. */
async function freshCode(emulator: Emulator, redirectURI: string, extra: Record<string, string> = {}): Promise<string> {
  const address = new URL(emulator.options.authorizationURL)
  const id = emulator.name === 'tiktok' ? 'client_key' : 'client_id'
  const scopes: Readonly<Record<string, string>> = {
    tailchat: 'openid profile',
    tapd: 'user',
    tiktok: 'user.info.basic',
    aihubmix: 'profile',
    bbscloud: '',
    feishu: '',
  }
  const params = {
    [id]: emulator.options.clientID,
    response_type: 'code',
    redirect_uri: redirectURI,
    state: 's',
    scope: scopes[emulator.name] ?? '',
    ...extra,
  }
  for (const [key, value] of Object.entries(params)) address.searchParams.set(key, value)
  if (emulator.name === 'tapd') address.searchParams.set('auth_by', 'user')
  return new URL(await emulator.approve(address.href)).searchParams.get('code') ?? ''
}

const CALLBACK = 'http://127.0.0.1:3000/callback'
const CHALLENGE = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' }
const WRONG: {
  name: EmulatorName
  Strategy: StrategyClass
  what: string
  extra?: Record<string, string>
  params: object
}[] = [
  ...(
    [
      ['tailchat', TailchatStrategy],
      ['tapd', TapdStrategy],
      ['tiktok', TiktokStrategy],
      ['aihubmix', AihubmixStrategy],
    ] as const
  ).map(([name, Strategy]) => ({
    name,
    Strategy: Strategy as StrategyClass,
    what: 'another redirect address',
    params: { redirect_uri: `${CALLBACK}/other` },
  })),
  {
    name: 'tailchat',
    Strategy: TailchatStrategy,
    what: 'a wrong verifier',
    extra: CHALLENGE,
    params: { redirect_uri: CALLBACK, code_verifier: 'b'.repeat(43) },
  },
  {
    name: 'tailchat',
    Strategy: TailchatStrategy,
    what: 'a missing verifier',
    extra: CHALLENGE,
    params: { redirect_uri: CALLBACK },
  },
  {
    name: 'tiktok',
    Strategy: TiktokStrategy,
    what: 'a wrong verifier',
    extra: { ...CHALLENGE, code_challenge: 'a'.repeat(64) },
    params: { redirect_uri: CALLBACK, code_verifier: 'b'.repeat(43) },
  },
]

test.each(WRONG)('$name refuses $what: grant_rejected', async ({ name, Strategy, extra, params }) => {
  const emulator = await startEmulator(name)
  try {
    const strategy = new Strategy({ ...emulator.options, callbackURL: CALLBACK }, () => {})
    const { _oauth2 } = strategy as unknown as { _oauth2: Client } // protected, as in passport-oauth2
    const code = await freshCode(emulator, CALLBACK, extra)
    const asked = new Promise((resolve, reject) => {
      _oauth2.getOAuthAccessToken(code, params, (error, token) => (error ? reject(error) : resolve(token)))
    })
    await expect(asked).rejects.toMatchObject({ code: 'grant_rejected', phase: 'token' })
  } finally {
    await emulator.close()
  }
})
