import { DouyinStrategy, type ErrorCode } from 'passport-dialects'
import type { Emulator, EmulatorOptions } from 'passport-dialects/emulators'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf, profileOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const ZHANG = '00000000-aaaa-4bbb-8ccc-000000000001'
const ADA = '00000000-aaaa-4bbb-8ccc-000000000002'

const at = <Result>(
  knobs: EmulatorOptions<'douyin'>,
  body: (emulator: Emulator<'douyin'>) => Promise<Result>,
): Promise<Result> => withEmulator('douyin', knobs, body)

describe('a whole login', () => {
  test('under the router: client_key, forms, no redirect URI at the token, the slashes at the end', () =>
    at({}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/platform/oauth/connect')
      const { clientID: client_key, clientSecret: client_secret } = emulator.options
      expect(query).toEqual({
        response_type: 'code',
        client_key,
        redirect_uri: expect.stringMatching(/\/auth\/douyin\/callback$/),
        scope: 'user_info',
        state: expect.any(String),
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/oauth/access_token/', query: {} })
      const grant = { grant_type: 'authorization_code', code: expect.any(String) }
      expect(form('token')).toEqual({ client_key, client_secret, ...grant })
      expect(sent('profile')).toMatchObject({ method: 'POST', path: '/oauth/userinfo/', query: {} })
      expect(sent('profile')?.headers['content-type']).toBe('application/x-www-form-urlencoded')
      expect(form('profile')).toEqual({ access_token: tokens?.accessToken, open_id: ZHANG })
      expect(tokens).toMatchObject({ context: { open_id: ZHANG }, scope: ['user_info'] })
      expect(profile).toMatchObject({ provider: 'douyin', id: ZHANG, displayName: '张三', _json: { open_id: ZHANG } })
      expect(profile?.photos).toEqual([{ value: 'https://p3.douyinpic.example/aweme/zhangsan.jpeg' }])
      expect(profile).not.toHaveProperty('emails')
    }))

  test('under bare Passport: an empty avatar is no picture', () =>
    at({}, async (emulator) => {
      const { user } = await bareLoginAt(emulator, {}, { user: ADA })
      expect(user).toMatchObject({ id: ADA, displayName: 'Ada Lovelace', _json: { avatar: '' } })
      expect(user).not.toHaveProperty('photos')
    }))

  test('scopes have commas', () =>
    at({}, async (emulator) => {
      const { query, tokens } = await logInAt(emulator, { scope: ['user_info', 'renew_refresh_token'] })
      expect(query.scope).toBe('user_info,renew_refresh_token')
      expect(tokens?.scope).toEqual(['user_info', 'renew_refresh_token'])
    }))

  test.each(['number', 'text'] as const)('lifetimes and error_code come as %s', (numbers) =>
    at({ numbers }, async (emulator) => {
      const { expiresAt, raw } = await tokensAt(emulator)
      expect(typeof raw.expires_in).toBe(numbers === 'text' ? 'string' : 'number')
      const days = ((expiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000
      expect(days).toBeGreaterThan(14.9)
      expect(days).toBeLessThanOrEqual(15)
      emulator.failNext('token', 'refused:10013')
      expect((await logInAt(emulator)).error).toMatchObject({ code: 'client_rejected', providerCode: '10013' })
    }),
  )

  test('the user says no', () =>
    at({}, async (emulator) => {
      expect((await logInAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))
})

describe('idSource', () => {
  test('union_id', () =>
    at({}, async (emulator) => {
      const { profile } = await logInAt(emulator, { idSource: 'union_id' })
      expect(profile?.id).toBe('11111111-dddd-4bbb-8ccc-000000000001')
    }))

  test.each([
    ['union_id', { open_id: ZHANG, nickname: 'x' }],
    ['union_id', { open_id: ZHANG, union_id: '' }],
    ['open_id', { union_id: ZHANG, nickname: 'x' }],
  ] as const)('a user without %s is response_invalid, never the other id: %j', (idSource, user) =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator, { idSource })
      expect(() => profileOf(strategy, user)).toThrow(expect.objectContaining({ code: 'response_invalid' }))
    }),
  )

  test('anything else is config_invalid', () =>
    at({}, async (emulator) => {
      expect(() => strategyAt(emulator, { idSource: 'openid' })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('idSource') }),
      )
    }))

  test('a token without an open_id is response_invalid', () =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator)
      expect(strategy.unwrap({ data: { access_token: 'act.x' } }, 'token')).toBeUndefined()
      expect(strategy.unwrap({ data: { access_token: 'act.x', open_id: ZHANG } }, 'token')).toBeDefined()
    }))
})

const all = (numbers: number[], code: ErrorCode) => numbers.map((number): [number, ErrorCode] => [number, code])
const ANYWHERE = [
  ...all([10001, 2100004, 28001005, 28001006], 'provider_unavailable'),
  ...all([10002, 10005, 2100005, 28001007, 99999], 'provider_error'),
  ...all([10003, 10013, 28001016, 28001019, 28001021], 'client_rejected'),
  ...all([10004, 2100007, 28001012, 28001014, 28001018, 28004020], 'scope_insufficient'),
  ...all([2190001, 28003017, 28003018], 'rate_limited'),
  ...all([2100009, 28001020, 28001045, 28001046, 28001047], 'user_unknown'),
]

describe('refusals, each a number on HTTP 200', () => {
  test.each([...ANYWHERE, ...all([10007, 10014], 'grant_rejected')])('%d at the token is %s', (number, code) =>
    at({}, async (emulator) => {
      emulator.failNext('token', `refused:${number}`)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', providerCode: String(number), providerStatus: 200 })
      expect(error?.requestId).toMatch(/^\d{14}/)
    }),
  )

  test.each([...ANYWHERE, ...all([10008, 28001003, 28001008, 28001015], 'token_rejected')])(
    '%d at the user is %s',
    (number, code) =>
      at({}, async (emulator) => {
        emulator.failNext('profile', `refused:${number}`)
        const { error } = await logInAt(emulator)
        expect(error).toMatchObject({ code, phase: 'profile', providerCode: String(number), providerStatus: 200 })
      }),
  )

  test.each<[number, ErrorCode]>([
    ...all([10010, 10020, 10008], 'refresh_rejected'),
    ...all([10003], 'client_rejected'),
    ...all([10001], 'provider_unavailable'),
  ])('%d at a refresh is %s', (number, code) =>
    at({}, async (emulator) => {
      emulator.failNext('refresh', `refused:${number}`)
      const refreshed = strategyAt(emulator).refresh({ refreshToken: 'rft.x', scope: [] })
      await expect(refreshed).rejects.toMatchObject({ code, phase: 'refresh', providerCode: String(number) })
    }),
  )

  test.each(['both', 'new', 'old'] as const)('at the user in the shape %s', (userErrors) =>
    at({ userErrors, accessTokenLifetime: 0 }, async (emulator) => {
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({
        code: 'token_rejected',
        providerCode: '28001008',
        providerMessage: 'access_token 过期，请刷新或重新授权',
        requestId: expect.any(String),
      })
    }),
  )

  test.each([
    [{ err_no: 0, data: { error_code: '0' } }, undefined],
    [{ err_no: 0, data: {} }, undefined],
    [{ message: 'success', data: { error_code: 0 } }, undefined],
    [{ err_no: 0, data: { error_code: 28001003 } }, 'token_rejected'],
    [{ err_no: 28001003, data: { error_code: 0 } }, 'token_rejected'],
    [{ message: 'error', data: { description: 'no' } }, 'provider_error'],
  ])('success is only where both say so: %j is %s', (body, code) =>
    at({}, async (emulator) => {
      expect(strategyAt(emulator).refusal(body, 'profile', 200, {})?.code).toBe(code)
    }),
  )

  test('a wrong secret, and a used code', () =>
    at({}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: '10013' })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
      let used = ''
      const remember = (address: string) => {
        used = new URL(address).searchParams.get('code') ?? ''
        return address
      }
      await logInAt(emulator, {}, { callback: remember })
      const reuse = (address: string) => address.replace(/code=[^&]+/, `code=${used}`)
      expect((await logInAt(emulator, {}, { callback: reuse })).error).toMatchObject({
        code: 'grant_rejected',
        providerCode: '10007',
      })
    }))
})

describe('after the login', () => {
  test('a refresh goes without the secret; the refresh token stays', () =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'POST', path: '/oauth/refresh_token/', query: {} })
      expect(Object.fromEntries(new URLSearchParams(emulator.requests.at(-1)?.body))).toEqual({
        client_key: emulator.options.clientID,
        grant_type: 'refresh_token',
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(renewed).toMatchObject({ refreshToken: tokens.refreshToken, context: { open_id: ZHANG } })
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ZHANG })
    }))

  test('req.oauth: access-token and open_id at every call, a dead token on HTTP 200 renewed once, no revocation', () =>
    at({}, async (emulator) => {
      const app = await startTokenApp({ providers: { douyin: emulator.options } })
      try {
        const browser = await loggedIn(app, 'douyin', emulator)
        const { tokens } = await ask(browser, `${app.origin}/tokens/douyin`)
        const resource = `${app.origin}/fetch/douyin?path=/emulator/resource`
        expect(JSON.parse((await ask(browser, resource)).body)).toMatchObject({
          user: ZHANG,
          query: { open_id: ZHANG },
        })
        expect(emulator.requests.at(-1)?.headers).toMatchObject({ 'access-token': tokens?.accessToken })
        expect(emulator.requests.at(-1)?.headers).not.toHaveProperty('authorization')
        emulator.expireTokens()
        expect(JSON.parse((await ask(browser, resource)).body)).toMatchObject({ user: ZHANG })
        expect(countOf(emulator, 'refresh')).toBe(1)
        expect((await ask(browser, `${app.origin}/profile/douyin`)).value).toMatchObject({ id: ZHANG })
        expect((await ask(browser, `${app.origin}/revoke/douyin`)).value).toBe(false)
      } finally {
        await app.close()
      }
    }))

  test('without a baseURL every endpoint is Douyin’s', () => {
    const options = { clientID: 'id', clientSecret: 'cs-hosts-7f3a9c1e5b2d', callbackURL: '/callback' }
    expect(endpointsOf(new DouyinStrategy(options, () => {}))).toEqual({
      authorizationURL: 'https://open.douyin.com/platform/oauth/connect',
      tokenURL: 'https://open.douyin.com/oauth/access_token/',
      refreshURL: 'https://open.douyin.com/oauth/refresh_token/',
      userProfileURL: 'https://open.douyin.com/oauth/userinfo/',
    })
  })
})
