// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { DingtalkStrategy, type ErrorCode } from 'passport-dialects'
import type { Emulator, EmulatorOptions, Fault, FaultEndpoint } from 'passport-dialects/emulators'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf, profileOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const UNION_ID = 'zX9mKq1LpT7vRn3WbYc2sQiEiE'
const OPEN_ID = 'kPqmKq1LpT7vRn3WbYc2sQiEiE'
const CORP = 'ding0a1b2c3d4e5f6a7b8c9d'
const HEADER = 'x-acs-dingtalk-access-token'

const at = <Result>(
  knobs: EmulatorOptions<'dingtalk'>,
  body: (emulator: Emulator<'dingtalk'>) => Promise<Result>,
): Promise<Result> => withEmulator('dingtalk', knobs, body)

const jsonOf = (body: string | undefined): object => JSON.parse(body ?? '{}')

describe('a whole login', () => {
  test('under the router: JSON in camel case, no redirect URI, the token in a header of its own', () =>
    at({}, async (emulator) => {
      const { code, request, query, profile, tokens, sent } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth2/auth')
      const { clientID, clientSecret } = emulator.options
      expect(query).toEqual({
        response_type: 'code',
        client_id: clientID,
        redirect_uri: expect.stringMatching(/\/auth\/dingtalk\/callback$/),
        scope: 'openid',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        prompt: 'consent',
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/v1.0/oauth2/userAccessToken', query: {} })
      expect(jsonOf(sent('token')?.body)).toEqual({
        clientId: clientID,
        clientSecret,
        code: expect.any(String),
        grantType: 'authorization_code',
      })
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/v1.0/contact/users/me', query: {} })
      expect(sent('profile')?.headers).toMatchObject({ [HEADER]: tokens?.accessToken })
      expect(sent('profile')?.headers).not.toHaveProperty('authorization')
      expect(profile).toMatchObject({
        provider: 'dingtalk',
        id: UNION_ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: 'https://static-legacy.dingtalk.example/zhangsan.png' }],
        _json: { openId: OPEN_ID, unionId: UNION_ID, stateCode: '86', visitor: false },
      })
    }))

  test('under bare Passport: an empty avatarUrl is no picture, and no address is no e-mail', () =>
    at({}, async (emulator) => {
      const { user } = await bareLoginAt(emulator, {}, { user: 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE' })
      expect(user).toMatchObject({ id: 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE', displayName: 'Ada Lovelace' })
      expect(user).toMatchObject({ _json: { avatarUrl: '' } })
      expect(user).not.toHaveProperty('photos')
      expect(user).not.toHaveProperty('emails')
    }))

  test('expireIn is when the token ends', () =>
    at({}, async (emulator) => {
      const { expiresAt, raw } = await tokensAt(emulator)
      expect(raw.expireIn).toBe(7200)
      const seconds = ((expiresAt?.getTime() ?? 0) - Date.now()) / 1000
      expect(seconds).toBeGreaterThan(7000)
      expect(seconds).toBeLessThanOrEqual(7200)
    }))
})

describe('the callback', () => {
  test.each(['both', 'authCode', 'code'] as const)('brings the code by the name %s', (callbackNames) =>
    at({ callbackNames }, async (emulator) => {
      expect(await logInAt(emulator)).toMatchObject({ code: undefined, user: { id: UNION_ID } })
    }),
  )

  test('two codes that differ are callback_invalid, and neither is sent', () =>
    at({}, async (emulator) => {
      const differing = (address: string) => address.replace(/([?&]code=)[^&]+/, '$1another')
      expect((await logInAt(emulator, {}, { callback: differing })).code).toBe('callback_invalid')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('the user says no', () =>
    at({}, async (emulator) => {
      expect((await logInAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('any other error is authorization_failed with that word', () =>
    at({}, async (emulator) => {
      const failed = (address: string) => `${address.split('?', 1)[0]}?error=someWord&state=${stateOf(address)}`
      const { code, error } = await logInAt(emulator, {}, { callback: failed })
      expect(code).toBe('authorization_failed')
      expect(error).toMatchObject({ providerCode: 'someWord' })
    }))
})

const stateOf = (address: string) => new URL(address).searchParams.get('state')

describe('prompt', () => {
  test('is consent: who agreed before is asked again', () =>
    at({ silentWithoutPrompt: true }, async (emulator) => {
      const { request } = await logInAt(emulator)
      expect((await fetch(request, { redirect: 'manual' })).status).toBe(200)
    }))

  test('none leaves it out: who agreed before is let through without a page', () =>
    at({ silentWithoutPrompt: true }, async (emulator) => {
      const { request, query, code } = await logInAt(emulator, { prompt: 'none' })
      expect(code).toBeUndefined()
      expect(query).not.toHaveProperty('prompt')
      expect((await fetch(request, { redirect: 'manual' })).headers.get('location')).toContain('authCode=')
    }))
})

describe('corpId', () => {
  test('asks for the scope corpid too, and for that organisation; the token response names it', () =>
    at({ corpId: CORP }, async (emulator) => {
      const { code, query, tokens } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(query).toMatchObject({ corpId: CORP, scope: 'openid corpid' })
      expect(tokens).toMatchObject({ context: { corpId: CORP }, scope: ['openid', 'corpid'] })
    }))

  test('a browser that asks for another organisation is user_unknown', () =>
    at({}, async (emulator) => {
      const other = 'ding9f8e7d6c5b4a39281706'
      const asked = { scope: 'openid corpid', corpId: other }
      const { code, user, error } = await logInAsking(emulator, CORP, asked)
      expect({ code, user }).toEqual({ code: 'user_unknown', user: undefined })
      expect(error).toMatchObject({ phase: 'token', status: 403 })
      expect(countOf(emulator, 'profile')).toBe(0)
      expect((await logInAsking(emulator, other, asked)).code).toBeUndefined() // the control
    }))

  test('a browser that takes the scope corpid out is user_unknown', () =>
    at({}, async (emulator) => {
      expect((await logInAsking(emulator, CORP, { scope: 'openid' })).code).toBe('user_unknown')
    }))

  test('lives through a refresh', () =>
    at({ corpId: CORP }, async (emulator) => {
      const { context: _, ...tokens } = await tokensAt(emulator)
      expect(await strategyAt(emulator).refresh(tokens)).toMatchObject({ context: { corpId: CORP } })
    }))

  test('without the scope corpid is config_invalid', () =>
    at({}, async (emulator) => {
      const wrong = expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('corpId') })
      expect(() => strategyAt(emulator, { corpId: CORP, scope: 'openid' })).toThrow(wrong)
      expect(() => strategyAt(emulator, { corpId: CORP, scope: 'openid corpid' })).not.toThrow()
    }))
})

/** A login whose browser asks DingTalk for something else than the app did. */
async function logInAsking(emulator: Emulator, corpId: string, asked: Record<string, string>) {
  const address = new URL(emulator.options.authorizationURL)
  const redirect_uri = 'http://127.0.0.1:3000/callback'
  const usual = { client_id: emulator.options.clientID, redirect_uri, response_type: 'code', state: 's' }
  address.search = String(new URLSearchParams({ ...usual, ...asked }))
  const code = new URL(await emulator.approve(address.href)).searchParams.get('code') ?? ''
  const callback = (back: string) => back.replace(/([?&](?:authCode|code)=)[^&]+/g, `$1${code}`)
  return logInAt(emulator, { corpId }, { callback })
}

describe('who the user is', () => {
  test('idSource openId', () =>
    at({}, async (emulator) => {
      expect((await logInAt(emulator, { idSource: 'openId' })).profile?.id).toBe(OPEN_ID)
    }))

  test.each([
    ['unionId', { openId: OPEN_ID, nick: 'x' }],
    ['unionId', { openId: OPEN_ID, unionId: '', nick: 'x' }],
    ['openId', { unionId: UNION_ID, nick: 'x' }],
  ] as const)('a user without %s is response_invalid, never the other id: %j', (idSource, user) =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator, { idSource })
      expect(() => profileOf(strategy, user)).toThrow(
        expect.objectContaining({ code: 'response_invalid', phase: 'profile' }),
      )
    }),
  )

  test('a visitor is told by _json', () =>
    at({ users: [{ id: 'zX9guest', name: 'Guest', external: true }] }, async (emulator) => {
      expect((await logInAt(emulator)).profile).toMatchObject({ id: 'zX9guest', _json: { visitor: true } })
    }))

  test('what the application may not see stays away', () =>
    at({ permissions: ['Contact.User.Read'] }, async (emulator) => {
      const { profile } = await logInAt(emulator)
      expect(profile).not.toHaveProperty('emails')
      expect(profile?._json).not.toHaveProperty('mobile')
    }))
})

describe('refusals', () => {
  test('an application without Contact.User.Read is scope_insufficient', () =>
    at({ permissions: [] }, async (emulator) => {
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({
        code: 'scope_insufficient',
        phase: 'profile',
        providerStatus: 403,
        providerCode: 'Forbidden.AccessDenied.AccessTokenPermissionDenied',
        requestId: expect.stringMatching(/^[\dA-F-]{36}$/),
      })
      // A scope of that name there is not: the console gives the permission.
      expect(error?.message).toMatch(/^The application lacks a permission: .*权限管理.*`Contact\.User\.Read`/)
      expect(error?.message).not.toContain('scope')
    }))

  test('a wrong secret', () =>
    at({}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: 'invalidClientIdOrSecret' })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
    }))

  test.each([
    ['an old code', { codeLifetime: 0 }, undefined],
    ['a forged code', {}, (address: string) => address.replace(/ode=[^&]+/g, 'ode=forged')],
  ] as const)('%s', (_what, knobs, callback) =>
    at(knobs, async (emulator) => {
      const { error } = await logInAt(emulator, {}, callback ? { callback } : {})
      expect(error).toMatchObject({
        code: 'grant_rejected',
        providerStatus: 400,
        providerCode: 'invalidParameter.authCode.notFound',
      })
    }),
  )

  test.each<[FaultEndpoint, Fault, ErrorCode]>([
    ['token', 'http-400:invalidParameter.authCode.notFound', 'grant_rejected'],
    ['token', 'http-400:invalidClientIdOrSecret', 'client_rejected'],
    ['token', 'http-400:MissingclientSecret', 'client_rejected'],
    ['token', 'http-400:invalidParameter.grantType', 'provider_error'],
    ['token', 'http-403:Forbidden.AccessDenied.QpsLimitForApi', 'rate_limited'],
    ['token', 'http-429', 'rate_limited'],
    ['token', 'http-500:ServiceUnavailable', 'provider_unavailable'],
    ['token', 'refused:ServiceUnavailable', 'provider_unavailable'],
    ['profile', 'http-400:InvalidAuthentication', 'token_rejected'],
    ['profile', 'http-400:anotherWord', 'token_rejected'],
    ['profile', 'http-403:Forbidden.AccessDenied.AccessTokenPermissionDenied', 'scope_insufficient'],
    ['profile', 'http-403:Forbidden.AccessDenied.QpsLimitForApi', 'rate_limited'],
    ['profile', 'http-429', 'rate_limited'],
    ['profile', 'http-503', 'provider_unavailable'],
  ])('%s %s: %s', (endpoint, fault, code) =>
    at({}, async (emulator) => {
      emulator.failNext(endpoint, fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: endpoint, provider: 'dingtalk' })
      const word = fault.split(':')[1]
      if (word !== undefined) expect(error?.providerCode).toBe(word)
    }),
  )

  test.each<[Fault, ErrorCode]>([
    ['http-400:invalidParameter.refreshToken.notFound', 'refresh_rejected'],
    ['http-400:anotherWord', 'refresh_rejected'],
    ['http-400:invalidClientIdOrSecret', 'client_rejected'],
    ['http-403:Forbidden.AccessDenied.QpsLimitForApi', 'rate_limited'],
    ['http-503', 'provider_unavailable'],
  ])('refresh %s: %s', (fault, code) =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('refresh', fault)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code, phase: 'refresh' })
    }),
  )

  test.each([{ idSource: 'unionid' }, { corpId: '' }, { prompt: 'login' }, { appTokenURL: 'somewhere' }])(
    '%j is config_invalid',
    (wrong) =>
      at({}, async (emulator) => {
        const [name = ''] = Object.keys(wrong)
        expect(() => strategyAt(emulator, wrong)).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) }),
        )
      }),
  )
})

describe('after the login', () => {
  test('a refresh brings the same access token while it lives, and a new refresh token', () =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const renewed = await strategyAt(emulator).refresh(tokens)
      const { clientID: clientId, clientSecret } = emulator.options
      expect(jsonOf(emulator.requests.at(-1)?.body)).toEqual({
        clientId,
        clientSecret,
        refreshToken: tokens.refreshToken,
        grantType: 'refresh_token',
      })
      expect(renewed).toMatchObject({ accessToken: tokens.accessToken, scope: ['openid'] })
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      expect(await strategyAt(emulator).profileOf(renewed)).toMatchObject({ id: UNION_ID })
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test('req.oauth: the header everywhere, a dead token on HTTP 400 renewed once, the profile, nothing to revoke', () =>
    at({}, async (emulator) => {
      const app = await startTokenApp({ providers: { dingtalk: { ...emulator.options, kind: 'browser' } } })
      try {
        const browser = await loggedIn(app, 'dingtalk', emulator)
        const { tokens } = await ask(browser, `${app.origin}/tokens/dingtalk`)
        const me = `${app.origin}/fetch/dingtalk?path=/v1.0/contact/users/me`
        expect(JSON.parse((await ask(browser, me)).body)).toMatchObject({ unionId: UNION_ID })
        expect(emulator.requests.at(-1)?.headers).toMatchObject({ [HEADER]: tokens?.accessToken })
        expect(emulator.requests.at(-1)?.headers).not.toHaveProperty('authorization')
        emulator.expireTokens()
        const resource = `${app.origin}/fetch/dingtalk?path=/emulator/resource`
        expect(JSON.parse((await ask(browser, resource)).body)).toMatchObject({ user: UNION_ID })
        expect(countOf(emulator, 'refresh')).toBe(1)
        expect((await ask(browser, `${app.origin}/profile/dingtalk`)).value).toMatchObject({ id: UNION_ID })
        expect((await ask(browser, `${app.origin}/revoke/dingtalk`)).value).toBe(false)
        expect((await ask(browser, `${app.origin}/tokens/dingtalk`)).tokens).toBeNull()
      } finally {
        await app.close()
      }
    }))

  test('a new secret logs nobody out: tokens stay, and the next refresh goes with it', () =>
    at({}, async (emulator) => {
      const secret = { now: emulator.options.clientSecret }
      const app = await startTokenApp({
        providers: () => ({ dingtalk: { ...emulator.options, kind: 'browser', clientSecret: secret.now } }),
        verify: ({ profile }) => ({ id: profile.id }),
      })
      try {
        const browser = await loggedIn(app, 'dingtalk', emulator)
        const before = await ask(browser, `${app.origin}/tokens/dingtalk`)
        secret.now = 'a canary: the secret after the change'
        expect((await ask(browser, `${app.origin}/tokens/dingtalk`)).tokens).toEqual(before.tokens)
        emulator.expireTokens()
        // This emulator has the old one still: a failure of the app's, which ends no login.
        const refused = await ask(browser, `${app.origin}/fetch/dingtalk?path=/emulator/resource`)
        expect(refused.error).toMatchObject({ code: 'client_rejected', phase: 'refresh' })
        expect(jsonOf(emulator.requests.at(-1)?.body)).toMatchObject({ clientSecret: secret.now })
        secret.now = emulator.options.clientSecret
        const { body } = await ask(browser, `${app.origin}/fetch/dingtalk?path=/emulator/resource`)
        expect(JSON.parse(body)).toMatchObject({ user: UNION_ID })
      } finally {
        await app.close()
      }
    }))

  test('HTTP 400 of another meaning is the app’s own: handed on, and no refresh', () =>
    at({}, async (emulator) => {
      const app = await startTokenApp({ providers: { dingtalk: { ...emulator.options, kind: 'browser' } } })
      try {
        const browser = await loggedIn(app, 'dingtalk', emulator)
        emulator.failNext('request', 'http-400:invalidParameter.pageSize')
        const { status, body } = await ask(browser, `${app.origin}/fetch/dingtalk?path=/emulator/resource`)
        expect(status).toBe(400)
        expect(JSON.parse(body)).toMatchObject({ code: 'invalidParameter.pageSize' })
        expect(countOf(emulator, 'refresh')).toBe(0)
      } finally {
        await app.close()
      }
    }))

  test('baseURL moves every host; without it they are DingTalk’s', () => {
    const options = { clientID: 'id', clientSecret: 'cs-hosts-7f3a9c1e5b2d', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new DingtalkStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://login.dingtalk.com/oauth2/auth',
      tokenURL: 'https://api.dingtalk.com/v1.0/oauth2/userAccessToken',
      userProfileURL: 'https://api.dingtalk.com/v1.0/contact/users/me',
      appTokenURL: 'https://api.dingtalk.com/v1.0/oauth2/accessToken',
    })
    expect(endpoints({ baseURL: 'https://mirror.example/ding/' })).toMatchObject({
      authorizationURL: 'https://mirror.example/ding/oauth2/auth',
      userProfileURL: 'https://mirror.example/ding/v1.0/contact/users/me',
    })
  })
})
