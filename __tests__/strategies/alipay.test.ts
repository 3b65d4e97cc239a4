// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { createPrivateKey, createPublicKey, createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import session from 'express-session'
import {
  AlipayStrategy,
  type DialectProfile,
  decodeJson,
  type ErrorCode,
  type Json,
  OAuthError,
  type TokenSet,
} from 'passport-dialects'
import {
  ALIPAY_FORGERIES,
  type AlipayForgery,
  type Emulator,
  type EmulatorRequest,
  startEmulator,
} from 'passport-dialects/emulators'
import { Browser } from '../support/browser'
import { jump } from '../support/clock'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { rsaPair } from '../support/rsa-keys'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const ZHANG = '061a7KdRq2ZsW0vXnT4hB9yLmE3cJ8uGpF5oA6iQzSxYtHw'
const ADA = '074bUe1MgC5tPzH8nYxW3vLkQ6jR0sDfA9oI2mB7rNcKyTq'
const TOKEN = 'alipay.system.oauth.token'
const USER = 'alipay.user.info.share'

afterEach(() => jest.restoreAllMocks())

const pemOf = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
const ANOTHER_PAIR = rsaPair('test')
const ANOTHER_KEY = pemOf(ANOTHER_PAIR.privateKey)

const tokensOf = (accessToken: string, more: Partial<TokenSet> = {}): TokenSet => ({
  accessToken,
  tokenType: 'Bearer',
  scope: ['auth_user'],
  raw: {},
  ...more,
})

/** All parameters of a request, and whether they are signed by the key that the emulator's app has. */
function readRequest({ query, body }: EmulatorRequest, privateKey: string) {
  const all: Record<string, string> = { ...query, ...Object.fromEntries(new URLSearchParams(body)) }
  const { sign = '', ...signed } = all
  const text = Object.keys(signed)
    .sort()
    .map((name) => `${name}=${signed[name]}`)
    .join('&')
  const isSigned = createVerify('RSA-SHA256').update(text).verify(createPublicKey(privateKey), sign, 'base64')
  return { all, isSigned }
}

describe('a login', () => {
  test('under the router: nothing is invented', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const { profile, code } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(profile).toMatchObject({ provider: 'alipay', id: ZHANG, displayName: '张三' })
      expect(profile?.photos).toEqual([{ value: 'https://tfs.alipayobjects.example/images/partner/zhangsan' }])
      expect(profile).not.toHaveProperty('emails')
      expect(profile).not.toHaveProperty('username')
      expect(profile?._json).toMatchObject({ code: '10000', msg: 'Success', open_id: ZHANG, city: '杭州市' })
      expect(profile?._json).not.toHaveProperty('user_id')
    }))

  test('under bare Passport: what the user has not filled in is absent', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator, {}, { user: ADA })
      expect(user).toMatchObject({ id: ADA, displayName: 'Ada Lovelace' })
      expect(user).not.toHaveProperty('photos')
    }))

  test('asks in the documented names and order, without response_type', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const { request } = await logInAt(emulator, { scope: ['auth_user', 'auth_base'] })
      expect([...request.searchParams.keys()]).toEqual(['app_id', 'scope', 'redirect_uri', 'state'])
      expect(request.searchParams.get('scope')).toBe('auth_user,auth_base')
      expect(request.searchParams.get('state')).toMatch(/^[A-Za-z\d]{22,128}$/)
    }))

  test('speaks with the gateway alone: public parameters in the query, the grant in a form, both signed', () =>
    withEmulator('alipay', { keyForm: 'pkcs8-pem' }, async (emulator) => {
      jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-11-25T16:30:00.500Z'))
      const { sent } = await logInAt(emulator)
      const { clientID: app_id, privateKey } = emulator.options
      const common = {
        app_id,
        format: 'JSON',
        charset: 'utf-8',
        sign_type: 'RSA2',
        timestamp: '2026-11-26 00:30:00',
        version: '1.0',
        sign: expect.any(String),
      }
      const [token, user] = [sent('token'), sent('profile')]
      if (!token || !user) throw new Error('There were no two requests.')
      expect(token).toMatchObject({ method: 'POST', path: '/gateway.do', query: { ...common, method: TOKEN } })
      expect(Object.keys(token.query)).toHaveLength(8)
      expect(Object.fromEntries(new URLSearchParams(token.body))).toEqual({
        grant_type: 'authorization_code',
        code: expect.any(String),
      })
      const auth_token = expect.stringMatching(/^composeB/)
      expect(user).toMatchObject({ method: 'POST', path: '/gateway.do', body: '' })
      expect(user.query).toEqual({ ...common, method: USER, auth_token })
      expect(readRequest(token, privateKey).isSigned).toBe(true)
      expect(readRequest(user, privateKey).isSigned).toBe(true)
      expect(readRequest(user, ANOTHER_KEY).isSigned).toBe(false) // the control
      for (const { headers } of [token, user]) expect(headers).not.toHaveProperty('authorization')
    }))

  test.each(['numbers', 'text'] as const)('lifetimes may come as %s', (form) =>
    withEmulator('alipay', { lifetimesAsText: form === 'text' }, async (emulator) => {
      const { expiresAt } = await tokensAt(emulator)
      const days = ((expiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000
      expect(days).toBeGreaterThan(14.9)
      expect(days).toBeLessThanOrEqual(15)
    }),
  )

  test('that the user refuses comes back with a state alone: access_denied, and nobody is asked', () =>
    withEmulator('alipay', {}, async (emulator) => {
      expect(await logInAt(emulator, {}, { deny: true })).toMatchObject({ code: 'access_denied', user: undefined })
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('takes no code by another name, and none twice', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const renamed = (address: string) => address.replace('auth_code=', 'code=')
      expect((await logInAt(emulator, {}, { callback: renamed })).user).toBeUndefined()
      const repeated = (address: string) => `${address}&auth_code=another`
      expect((await logInAt(emulator, {}, { callback: repeated })).code).toBe('callback_invalid')
      expect(countOf(emulator, 'token')).toBe(0)
    }))
})

describe('the id', () => {
  test('is the user_id where the app has one', () =>
    withEmulator('alipay', { idSource: 'user_id' }, async (emulator) => {
      const { profile } = await logInAt(emulator)
      expect(profile?.id).toMatch(/^2088\d{12}$/)
      expect(profile?._json).not.toHaveProperty('open_id')
    }))

  test.each(['open_id', 'user_id'] as const)('is never the other one, where the app has %s', (has) =>
    withEmulator('alipay', { idSource: has }, async (emulator) => {
      const idSource = has === 'open_id' ? 'user_id' : 'open_id'
      const { code, user, error } = await logInAt(emulator, { idSource })
      expect({ code, user }).toEqual({ code: 'response_invalid', user: undefined })
      expect(error?.message).toContain(`idSource: '${has}'`)
    }),
  )

  test('with auth_base alone is the one of the token, and no user is asked for, now or later', () =>
    withEmulator('alipay', { silent: true }, async (emulator) => {
      const { profile, tokens } = await logInAt(emulator, { scope: 'auth_base' })
      expect(profile).toMatchObject({ id: ZHANG, displayName: '', _json: { open_id: ZHANG } })
      expect(Object.keys(profile?._json ?? {})).toEqual(['open_id'])
      const again = await strategyAt(emulator).profileOf(tokens ?? tokensOf(''))
      expect(again.id).toBe(ZHANG)
      expect(countOf(emulator, 'profile')).toBe(0)
    }))

  test('with auth_base alone never falls back either', () =>
    withEmulator('alipay', { silent: true }, async (emulator) => {
      const { code, user } = await logInAt(emulator, { scope: 'auth_base', idSource: 'user_id' })
      expect({ code, user }).toEqual({ code: 'response_invalid', user: undefined })
    }))

  test('of the user must be that of the token', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect((await strategy.profileOf(tokens)).id).toBe(ZHANG)
      const another = { ...tokens, raw: { ...tokens.raw, open_id: ADA } }
      await expect(strategy.profileOf(another)).rejects.toMatchObject({ code: 'response_invalid', phase: 'profile' })
    }))
})

describe('a forged answer', () => {
  let emulator: Emulator<'alipay'>
  let planned: { method: string; forgery: AlipayForgery } | undefined
  beforeAll(async () => {
    emulator = await startEmulator('alipay', {
      forge: ({ method }) => (planned?.method === method ? planned.forgery : undefined),
    })
  })
  beforeEach(() => {
    planned = undefined
  })
  afterAll(() => emulator.close())

  /** The control: a client that only parses what comes. */
  class Parsing extends AlipayStrategy {
    override readBody({ text }: { text: string }): Json | undefined {
      return decodeJson(text)
    }

    override refusal() {
      return undefined
    }

    protected override fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
      return super.fetchProfile(tokens.scope.includes('auth_user') ? { ...tokens, raw: {} } : tokens)
    }
  }

  describe.each(ALIPAY_FORGERIES)('%s', (forgery) => {
    test('of the token logs nobody in (control: a client that only parses does)', async () => {
      planned = { method: TOKEN, forgery }
      const { code, user, error } = await logInAt(emulator, { scope: 'auth_base' })
      expect({ code, user }).toEqual({ code: 'signature_invalid', user: undefined })
      expect(error).toMatchObject({ phase: 'token', status: 502 })
      expect((await logInAt(emulator, { scope: 'auth_base', strategy: Parsing })).user).toBeDefined()
    })

    test('of the user logs nobody in (control: a client that only parses does)', async () => {
      planned = { method: USER, forgery }
      const { code, user, error } = await logInAt(emulator)
      expect({ code, user }).toEqual({ code: 'signature_invalid', user: undefined })
      expect(error).toMatchObject({ phase: 'profile', status: 502 })
      expect((await logInAt(emulator, { strategy: Parsing })).user).toBeDefined()
    })

    test('at a refresh brings no tokens', async () => {
      const tokens = await tokensAt(emulator)
      planned = { method: TOKEN, forgery }
      const failure = { code: 'signature_invalid', phase: 'refresh' }
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject(failure)
    })

    test('that says no is not believed, unless it is unsigned', async () => {
      planned = { method: TOKEN, forgery }
      const code = forgery === 'unsigned' ? 'refresh_rejected' : 'signature_invalid'
      const dead = { refreshToken: 'not issued by anybody', scope: [] }
      await expect(strategyAt(emulator).refresh(dead)).rejects.toMatchObject({ code, phase: 'refresh' })
    })
  })

  test('is told with the one mistake that an app makes, and with nothing of the answer', async () => {
    planned = { method: TOKEN, forgery: 'wrong-signature' }
    const { error } = await logInAt(emulator)
    expect(error?.message).toContain('`alipayPublicKey` must be the key of Alipay, not that of the app')
    expect(JSON.stringify(error)).not.toContain('composeB')
  })

  test('is what every answer is to an app that took its own public key for Alipay’s', async () => {
    const der = Buffer.from(emulator.options.privateKey, 'base64')
    const own = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    const alipayPublicKey = String(own.export({ type: 'spki', format: 'pem' }))
    expect((await logInAt(emulator, { alipayPublicKey })).code).toBe('signature_invalid')
  })
})

describe('an answer', () => {
  const strategy = () => {
    const { privateKey, publicKey } = ANOTHER_PAIR
    const options = {
      clientID: '2021000000000001',
      callbackURL: 'https://app.example.com/callback',
      privateKey: pemOf(privateKey),
      alipayPublicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
    }
    return new AlipayStrategy(options, () => {})
  }
  const read = (text: string, phase: 'token' | 'profile' = 'token') =>
    strategy().readBody({ status: 200, headers: {}, text }, phase)
  const failure = { code: '40002', sub_code: 'isv.code-invalid' }

  test('of a failure is believed unsigned, and never as anything else', () => {
    const said = strategy()
    const body = { error_response: { ...failure, access_token: 'a', open_id: 'x' } }
    expect(said.readBody({ status: 200, headers: {}, text: JSON.stringify(body) }, 'token')).toEqual(body)
    expect(said.refusal(body)).toMatchObject({ code: 'grant_rejected' })
    expect(said.unwrap(body, 'token')).toBeUndefined()
    const own = { alipay_user_info_share_response: failure }
    expect(read(JSON.stringify(own), 'profile')).toEqual(own)
    expect(said.refusal(own)).toBeDefined()
    for (const empty of [{ error_response: {} }, { error_response: null }, { error_response: { code: '10000' } }]) {
      expect(said.refusal(empty)).toMatchObject({ code: 'provider_error' })
    }
  })

  test.each([
    ['a success', { alipay_system_oauth_token_response: { access_token: 'a' } }],
    ['a success that says so', { alipay_user_info_share_response: { code: '10000', open_id: 'x' } }],
    ['of a number', { alipay_user_info_share_response: { code: 10000, open_id: 'x' } }],
    ['a failure beside a success', { error_response: failure, alipay_system_oauth_token_response: {} }],
  ])('unsigned, %s, is signature_invalid', (_what, body) => {
    expect(() => read(JSON.stringify(body))).toThrow(expect.objectContaining({ code: 'signature_invalid' }))
  })
})

describe('a refresh', () => {
  test('brings a new refresh token, and the old one dies', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      const { query, body } = emulator.requests.at(-1) ?? {}
      expect(query).toMatchObject({ method: TOKEN, sign_type: 'RSA2' })
      const grant = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken }
      expect(Object.fromEntries(new URLSearchParams(body))).toEqual(grant)
      expect((await strategy.profileOf(renewed)).id).toBe(ZHANG)
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({
        code: 'refresh_rejected',
        providerCode: 'isv.refreshed-token-invalid',
      })
    }))

  test('revoking is nothing that Alipay has', () =>
    withEmulator('alipay', {}, async (emulator) => {
      expect(await strategyAt(emulator).revoke(tokensOf('x'))).toBe(false)
    }))
})

describe('req.oauth', () => {
  const PATH = encodeURIComponent(`/gateway.do?method=${USER}&format=JSON`)

  test('fetch signs a call of the gateway and sends the token beside it, before and after a refresh', () =>
    withEmulator('alipay', { keyForm: 'pkcs8-pem' }, async (emulator) => {
      const app = await startTokenApp({ providers: { alipay: emulator.options } })
      try {
        const browser = await loggedIn(app, 'alipay', emulator)
        const user = async () => JSON.parse((await ask(browser, `${app.origin}/fetch/alipay?path=${PATH}`)).body)
        const success = { alipay_user_info_share_response: { code: '10000', open_id: ZHANG }, sign: expect.any(String) }
        expect(await user()).toMatchObject(success)
        const arrived = emulator.requests.at(-1)
        expect(arrived).toMatchObject({ method: 'GET', query: { auth_token: expect.any(String), method: USER } })
        expect(arrived && readRequest(arrived, emulator.options.privateKey).isSigned).toBe(true)
        emulator.expireTokens() // refused on HTTP 200
        expect(await user()).toMatchObject(success)
        expect(countOf(emulator, 'refresh')).toBe(1)
        expect((await ask(browser, `${app.origin}/profile/alipay`)).value).toMatchObject({ id: ZHANG })
        expect((await ask(browser, `${app.origin}/revoke/alipay`)).value).toBe(false)
      } finally {
        await app.close()
      }
    }))

  test('fetch signs the members of a form too', () =>
    withEmulator('alipay', { keyForm: 'pkcs8-pem' }, async (emulator) => {
      const forms: [body: string | URLSearchParams, headers: Record<string, string>][] = [
        [new URLSearchParams({ method: USER, note: 'a&b=c 张' }), {}],
        ['method=alipay.user.info.share&note=x', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      ]
      const answers: unknown[] = []
      const app = await startTokenApp(
        { providers: { alipay: emulator.options } },
        {
          routes: (express) => {
            express.get('/forms', async (req, res) => {
              for (const [body, headers] of forms) {
                const url = '/gateway.do?method=alipay.user.info.share'
                answers.push(
                  await (
                    await req.oauth.fetch('alipay', url, { method: 'POST', body: withoutMethod(body), headers })
                  ).json(),
                )
              }
              res.json({})
            })
          },
        },
      )
      try {
        const browser = await loggedIn(app, 'alipay', emulator)
        await ask(browser, `${app.origin}/forms`)
        const success = {
          alipay_user_info_share_response: expect.objectContaining({ code: '10000' }),
          sign: expect.any(String),
        }
        expect(answers).toEqual([success, success])
      } finally {
        await app.close()
      }
    }))

  /** The gateway's tests ask for a method in the query, and refuse what stands twice. */
  function withoutMethod(body: string | URLSearchParams): string | URLSearchParams {
    if (typeof body === 'string') return body.replace(/method=[^&]+&/, '')
    body.delete('method')
    return body
  }
})

describe('the keys', () => {
  test.each(['pkcs8', 'pkcs1', 'pkcs8-pem', 'pkcs1-pem'] as const)('may come as %s', (keyForm) =>
    withEmulator('alipay', { keyForm }, async (emulator) => {
      expect((await logInAt(emulator)).user).toEqual({ id: ZHANG })
    }),
  )

  const { privateKey, publicKey } = ANOTHER_PAIR
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsaPSS = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  const spki = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }))
  const right = {
    clientID: '2021000000000001',
    callbackURL: 'https://app.example.com/callback',
    privateKey: pemOf(privateKey),
    alipayPublicKey: spki(publicKey),
  }
  const built = (options: object) => new AlipayStrategy({ ...right, ...options }, () => {})

  test.each<[string, string, unknown]>([
    ['privateKey', 'missing', undefined],
    ['privateKey', 'empty', ''],
    ['privateKey', 'no key', 'bm8ga2V5IGF0IGFsbA=='],
    ['privateKey', 'cut', pemOf(privateKey).slice(0, 900)],
    ['privateKey', 'a public key', spki(publicKey)],
    ['privateKey', 'of an elliptic curve', pemOf(ec.privateKey)],
    ['privateKey', 'for another padding', pemOf(rsaPSS.privateKey)],
    ['alipayPublicKey', 'missing', undefined],
    ['alipayPublicKey', 'no key', 'bm8ga2V5IGF0IGFsbA=='],
    ['alipayPublicKey', 'a private key', pemOf(privateKey)],
    ['alipayPublicKey', 'of an elliptic curve', spki(ec.publicKey)],
    ['idSource', 'another word', 'unionid'],
  ])('%s that is %s is config_invalid, and is not shown', (option, _what, value) => {
    let thrown: unknown
    try {
      built({ [option]: value })
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'config_invalid', message: expect.stringContaining(`\`${option}\``) })
    const shown = inspect(thrown) + JSON.stringify(thrown)
    expect(OAuthError.is(thrown)).toBe(true)
    for (const line of String(value || 'absent').split('\n'))
      if (line.length > 8 && !line.startsWith('-')) expect(shown).not.toContain(line)
  })

  test('stand in no inspection, JSON or property of a strategy', () => {
    const strategy = built({})
    const depth = Number.POSITIVE_INFINITY
    const shown = [
      inspect(strategy),
      inspect(strategy, { customInspect: false, showHidden: true, depth, maxStringLength: null }),
      JSON.stringify(strategy),
      JSON.stringify({ ...strategy }),
    ].join('\n')
    const lines = right.privateKey.split('\n').filter((line) => line.length === 64)
    expect(lines.length).toBeGreaterThan(20)
    for (const line of lines) expect(shown).not.toContain(line)
    expect(shown).toContain('PrivateKeyObject') // the control: it is there, and says nothing
  })

  test('an error that quotes the whole signed text shows no code and no token of it', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const { code, error, form } = await logInAt(emulator, { privateKey: ANOTHER_KEY })
      expect(code).toBe('client_rejected')
      expect(error).toMatchObject({ phase: 'token', providerCode: 'isv.invalid-signature' })
      expect(error?.providerMessage).toContain('grant_type=authorization_code') // the control: it was quoted
      const sent = form('token').code ?? ''
      expect(sent.length).toBeGreaterThan(20)
      expect(JSON.stringify(error)).not.toContain(sent)
      const refreshed = strategyAt(emulator, { privateKey: ANOTHER_KEY }).refresh({
        refreshToken: 'composeBsecret0123',
        scope: [],
      })
      const refusal = await refreshed.catch((thrown: unknown) => thrown)
      expect(refusal).toMatchObject({ code: 'client_rejected' })
      expect(inspect(refusal)).not.toContain('composeBsecret0123')
    }))

  test('seal the pending logins: one begun under another private key goes no further', () =>
    withEmulator('alipay', {}, async (emulator) => {
      const store = new session.MemoryStore()
      const start = (privateKey: string) =>
        startTokenApp({ providers: { alipay: { ...emulator.options, privateKey } } }, { store })
      const [before, after] = [await start(emulator.options.privateKey), await start(ANOTHER_KEY)]
      try {
        const browser = new Browser()
        const callback = new URL(await emulator.approve(await browser.location(`${before.origin}/auth/alipay`)))
        const moved = browser.at(before.origin, after.origin)
        const answer = await moved.get(`${after.origin}${callback.pathname}${callback.search}`, {
          accept: 'application/json',
        })
        expect(await answer.json()).toMatchObject({ error: { code: 'state_mismatch' } })
        expect(countOf(emulator, 'token')).toBe(0)
      } finally {
        await Promise.all([before.close(), after.close()])
      }
    }))

  test('can change without logging anybody out: sessions and tokens stay while the two sides differ, and go on after it', () =>
    withEmulator('alipay', { accessTokenLifetime: 3600 }, async (emulator) => {
      const store = new session.MemoryStore()
      const loggedOut = jest.fn()
      const start = (privateKey: string) =>
        startTokenApp({ providers: { alipay: { ...emulator.options, privateKey } }, onLoggedOut: loggedOut }, { store })
      const [before, between] = [await start(emulator.options.privateKey), await start(ANOTHER_KEY)]
      try {
        const browser = await loggedIn(before, 'alipay', emulator)
        const { tokens } = await ask(browser, `${before.origin}/tokens/alipay`)
        const during = browser.at(before.origin, between.origin)
        expect((await ask(during, `${between.origin}/tokens/alipay`)).tokens).toEqual(tokens)
        jump(3700)
        expect((await ask(during, `${between.origin}/tokens/alipay`)).error.code).toBe('client_rejected')
        expect(await (await during.get(`${between.origin}/auth/session`)).json()).toMatchObject({
          user: { id: ZHANG },
          providers: [{ name: 'alipay' }],
        })
        const renewed = await ask(browser, `${before.origin}/tokens/alipay`) // both sides have one key again
        expect(renewed.tokens?.accessToken).toMatch(/^composeB/)
        expect(renewed.tokens?.accessToken).not.toBe(tokens?.accessToken)
        expect(loggedOut).not.toHaveBeenCalled()
      } finally {
        await Promise.all([before.close(), between.close()])
      }
    }))

  test('that leaked lets anybody speak as the app, and forge no answer to it', () =>
    withEmulator('alipay', { forge: ({ failed }) => (failed ? undefined : 'wrong-key') }, async (emulator) => {
      // All that is the thief's: the key, the app's id, which stands in every address, and a code that he saw.
      const { clientID, privateKey, tokenURL } = emulator.options
      const alipayPublicKey = spki(publicKey)
      const thief = built({ clientID, privateKey, alipayPublicKey, tokenURL })
      const app = await startTokenApp({ providers: { alipay: emulator.options } })
      try {
        const request = await new Browser().location(`${app.origin}/auth/alipay`)
        const code = new URL(await emulator.approve(request)).searchParams.get('auth_code') ?? ''
        const parameters: Record<string, string> = { method: TOKEN, grant_type: 'authorization_code', code }
        const signed = new URLSearchParams()
        for (const [name, value] of Object.entries({ ...parameters, ...thief.signRequest(parameters) })) {
          if (value !== undefined) signed.set(name, value)
        }
        const redeemed = await (await fetch(`${tokenURL}?${signed}`)).text()
        expect(redeemed).toContain('access_token')
        // Its `wrong-key` is the app's own: what the thief signs with it is no answer of Alipay's.
        expect(await logInAt(emulator)).toMatchObject({ code: 'signature_invalid', user: undefined })
      } finally {
        await app.close()
      }
    }))

  test('there is no client secret, and one that is given is ignored with a warning', () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    built({})
    expect(warned).not.toHaveBeenCalled()
    built({ clientSecret: 'cs-alipay-has-none-of-these' })
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('`clientSecret`'), expect.anything())
  })

  test('baseURL moves the page and the gateway', () => {
    const endpoints = (options: object) => endpointsOf(built(options))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://openauth.alipay.com/oauth2/publicAppAuthorize.htm',
      tokenURL: 'https://openapi.alipay.com/gateway.do',
      userProfileURL: 'https://openapi.alipay.com/gateway.do',
    })
    expect(endpoints({ baseURL: 'https://mirror.example/a/', tokenURL: 'https://own.example/t' })).toEqual({
      authorizationURL: 'https://mirror.example/a/oauth2/publicAppAuthorize.htm',
      tokenURL: 'https://own.example/t',
      userProfileURL: 'https://mirror.example/a/gateway.do',
    })
  })
})

describe('refusals, each on HTTP 200', () => {
  let emulator: Emulator<'alipay'>
  beforeAll(async () => {
    emulator = await startEmulator('alipay')
  })
  afterAll(() => emulator.close())

  const GATEWAY: [string, ErrorCode][] = [
    ['isp.unknow-error', 'provider_unavailable'],
    ['aop.unknow-error', 'provider_unavailable'],
    ['aop.invalid-app-auth-token', 'client_rejected'],
    ['aop.no-product-reg-by-partner', 'client_rejected'],
    ['isv.missing-signature', 'client_rejected'],
    ['isv.missing-app-id', 'client_rejected'],
    ['isv.missing-app-cert-sn', 'client_rejected'],
    ['isv.missing-timestamp', 'provider_error'],
    ['isv.missing-version', 'provider_error'],
    ['isv.invalid-signature', 'client_rejected'],
    ['isv.invalid-app-id', 'client_rejected'],
    ['isv.app-cert-expired', 'client_rejected'],
    ['not-online-app', 'client_rejected'],
    ['isv.grant-type-invalid', 'provider_error'],
    ['isv.invalid-timestamp', 'provider_error'],
    ['isv.invalid-charset', 'provider_error'],
    ['isv.invalid-method', 'provider_error'],
    ['isv.missing-signature-config', 'client_rejected'],
    ['40004', 'provider_error'],
    ['isv.app-call-limited', 'rate_limited'],
    ['isv.method-call-limited', 'rate_limited'],
    ['isv.insufficient-isv-permissions', 'client_rejected'],
    ['isv.nobody-knows-this', 'provider_error'],
  ]
  const REFRESH = ['isv.refresh-token-invalid', 'isv.refresh-token-time-out', 'isv.refreshed-token-invalid']

  test.each<[string, ErrorCode]>([
    ...GATEWAY,
    ['isv.code-invalid', 'grant_rejected'],
    ['20000', 'provider_unavailable'],
    ['40005', 'rate_limited'],
  ])('%s at the token is %s', async (said, expected) => {
    emulator.failNext('token', `refused:${said}`)
    const { code, error } = await logInAt(emulator)
    expect(code).toBe(expected)
    expect(error).toMatchObject({
      phase: 'token',
      providerCode: said,
      requestId: expect.stringMatching(/^[\da-f]{30}$/),
    })
  })

  test.each<[string, ErrorCode]>([
    ...GATEWAY,
    ...REFRESH.map((said): [string, ErrorCode] => [said, 'refresh_rejected']),
  ])('%s at a refresh is %s', async (said, code) => {
    emulator.failNext('refresh', `refused:${said}`)
    const refreshed = strategyAt(emulator).refresh({ refreshToken: 'composeBxyz', scope: [] })
    await expect(refreshed).rejects.toMatchObject({ code, phase: 'refresh', providerCode: said })
  })

  test.each<[string, ErrorCode]>([
    ...GATEWAY,
    ['aop.invalid-auth-token', 'token_rejected'],
    ['aop.auth-token-time-out', 'token_rejected'],
    ['isv.insufficient-user-permissions', 'scope_insufficient'],
  ])('%s at the user is %s', async (said, code) => {
    emulator.failNext('profile', `refused:${said}`)
    const asked = strategyAt(emulator).profileOf(tokensOf('composeBxyz'))
    await expect(asked).rejects.toMatchObject({ code, phase: 'profile', providerCode: said })
  })

  test('a code that was used is grant_rejected, a dead token token_rejected, in signed words', async () => {
    let used = ''
    const remember = (address: string) => {
      used = new URL(address).searchParams.get('auth_code') ?? ''
      return address
    }
    await logInAt(emulator, {}, { callback: remember })
    const reuse = (address: string) => {
      const url = new URL(address)
      url.searchParams.set('auth_code', used)
      return url.href
    }
    const again = await logInAt(emulator, {}, { callback: reuse })
    expect(again).toMatchObject({ code: 'grant_rejected', error: { providerCode: 'isv.code-invalid' } })
    const asked = strategyAt(emulator).profileOf(tokensOf('composeBnobodys'))
    await expect(asked).rejects.toMatchObject({ code: 'token_rejected', providerCode: 'aop.invalid-auth-token' })
  })
})
