// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { type ErrorCode, NaverStrategy } from 'passport-dialects'
import type { EmulatorOptions, Fault } from 'passport-dialects/emulators'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const ID = 'qV3nT-example_7hXw2LmB9cRkYs0ZpDfGjUoEaQ1t4vN6'

describe('a whole login', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('naver', {}, async (emulator) => {
      const { code, request, query, profile, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth2.0/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/naver\/callback$/),
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
      })
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        code: expect.any(String),
        state: query.state,
        redirect_uri: query.redirect_uri,
      })
      expect(sent('token')).toMatchObject({ method: 'POST', query: {} })
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/v1/nid/me', query: {} })
      expect(profile).toMatchObject({
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: 'https://ssl.pstatic.example/zhangsan.png' }],
        _json: { id: ID, enc_id: expect.any(String) },
      })
    }))

  test('under bare Passport', () =>
    withEmulator('naver', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三' })
    }))
})

describe('what Naver wants otherwise than others', () => {
  test('a client that does not repeat the state is refused on HTTP 200: the control', () =>
    withEmulator('naver', {}, async (emulator) => {
      const address = new URL(emulator.options.authorizationURL)
      const redirect_uri = 'http://127.0.0.1:3000/callback'
      const client_id = emulator.options.clientID
      address.search = String(new URLSearchParams({ response_type: 'code', client_id, redirect_uri, state: 's1' }))
      const code = new URL(await emulator.approve(address.href)).searchParams.get('code') ?? ''
      const client_secret = String(emulator.options.clientSecret)
      const body = new URLSearchParams({
        ...{ grant_type: 'authorization_code', code, redirect_uri, client_id, client_secret },
      })
      const response = await fetch(emulator.options.tokenURL, { method: 'POST', body })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ error: 'invalid_request' })
    }))

  test.each(['text', 'number'] as const)('expires_in is a %s', (expiresIn) =>
    withEmulator('naver', { expiresIn }, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(typeof tokens.raw.expires_in).toBe(expiresIn === 'text' ? 'string' : 'number')
      const seconds = ((tokens.expiresAt?.getTime() ?? 0) - Date.now()) / 1000
      expect(seconds).toBeGreaterThan(3500)
      expect(seconds).toBeLessThanOrEqual(3600)
    }),
  )

  test('tokens with +, / and = arrive unharmed in the header and in forms', () =>
    withEmulator('naver', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens.accessToken).toMatch(/\+\/w==$/)
      const sent = emulator.requests.find(({ endpoint }) => endpoint === 'profile')
      expect(sent?.headers.authorization).toBe(`Bearer ${tokens.accessToken}`)
      await strategyAt(emulator).refresh(tokens)
      expect(new URLSearchParams(emulator.requests.at(-1)?.body).get('refresh_token')).toBe(tokens.refreshToken)
    }))

  test('a token of type mac is no bearer token', () =>
    withEmulator('naver', {}, async (emulator) => {
      emulator.failNext('token', 'token-type-mac')
      expect((await logInAt(emulator)).code).toBe('response_invalid')
    }))

  test.each(['reprompt', 'reauthenticate'] as const)('authType %s', (authType) =>
    withEmulator('naver', {}, async (emulator) => {
      const { code, query } = await logInAt(emulator, { authType })
      expect(code).toBeUndefined()
      expect(query.auth_type).toBe(authType)
    }),
  )

  test('another authType is refused at the start', () =>
    withEmulator('naver', {}, async (emulator) => {
      for (const authType of ['rerequest', '', 7]) {
        expect(() => strategyAt(emulator, { authType })).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('authType') }),
        )
      }
    }))
})

describe('who the user is', () => {
  const profileOf = (knobs: EmulatorOptions<'naver'>, user?: string) =>
    withEmulator('naver', knobs, async (emulator) => {
      const { code, profile } = await logInAt(emulator, {}, user ? { user } : {})
      expect(code).toBeUndefined()
      return profile
    })

  test('an app that may see nothing gets an id, and that is enough', async () => {
    const profile = await profileOf({ profileItems: [] })
    expect(profile).toMatchObject({ id: ID, displayName: '' })
    expect(profile).not.toHaveProperty('emails')
    expect(profile).not.toHaveProperty('photos')
  })

  test('without a nickname the name is shown', async () => {
    expect(await profileOf({ profileItems: ['name'] })).toMatchObject({ id: ID, displayName: '张三' })
  })

  test('an id of 64 bits of an older app keeps all its digits', async () => {
    expect(await profileOf({}, '9223372036854775807')).toMatchObject({ id: '9223372036854775807' })
  })
})

describe('refusals', () => {
  const TOKEN: [Fault, ErrorCode][] = [
    ['refused:invalid_request', 'grant_rejected'],
    ['refused:unauthorized_client', 'grant_rejected'],
    ['refused:invalid_grant', 'grant_rejected'],
    ['refused:invalid_client', 'client_rejected'],
    ['refused:server_error', 'provider_unavailable'],
    ['refused:temporarily_unavailable', 'provider_unavailable'],
    ['refused:something_else', 'provider_error'],
  ]
  test.each([
    ['wrong client id / client secret pair', 'client_rejected'],
    ['no valid data in session', 'grant_rejected'],
  ])('invalid_request that says "%s" is %s', (error_description, code) => {
    const strategy = new NaverStrategy(
      { clientID: 'id', clientSecret: 'cs-7f3a9c1e5b2d', callbackURL: '/cb' },
      () => {},
    )
    expect(strategy.refusal({ error: 'invalid_request', error_description }, 'token')).toMatchObject({ code })
  })

  test.each(TOKEN)('%s on HTTP 200 at the token endpoint → %s', (fault, code) =>
    withEmulator('naver', {}, async (emulator) => {
      emulator.failNext('token', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', providerStatus: 200, providerCode: fault.split(':')[1] })
    }),
  )

  const API: [Fault, ErrorCode][] = [
    ['http-401:024', 'token_rejected'],
    ['http-401:028', 'token_rejected'],
    ['http-403:403', 'scope_insufficient'],
    ['http-404:404', 'user_unknown'],
    ['http-500:500', 'provider_unavailable'],
    ['refused:024', 'token_rejected'],
    ['refused:403', 'scope_insufficient'],
    ['refused:404', 'user_unknown'],
    ['refused:429', 'rate_limited'],
    ['refused:500', 'provider_unavailable'],
    ['refused:0', 'provider_error'],
    ['refused:999', 'provider_error'],
  ]
  test.each(API)('%s at the API → %s', (fault, code) =>
    withEmulator('naver', {}, async (emulator) => {
      emulator.failNext('profile', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'profile', providerCode: fault.split(':')[1] })
    }),
  )

  test('HTTP 429 at the API → rate_limited', () =>
    withEmulator('naver', {}, async (emulator) => {
      emulator.failNext('profile', 'http-429')
      expect((await logInAt(emulator)).code).toBe('rate_limited')
    }))

  test('a wrong secret, refused on HTTP 200', () =>
    withEmulator('naver', {}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', providerStatus: 200, providerCode: 'invalid_client' })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
    }))

  test('a code that Naver never gave', () =>
    withEmulator('naver', {}, async (emulator) => {
      const forged = (address: string) => address.replace(/code=[^&]+/, 'code=forged')
      const { error } = await logInAt(emulator, {}, { callback: forged })
      expect(error).toMatchObject({ code: 'grant_rejected', providerCode: 'invalid_request', providerStatus: 200 })
    }))

  test('the user says no', () =>
    withEmulator('naver', {}, async (emulator) => {
      const { code } = await logInAt(emulator, {}, { deny: true })
      expect(code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('unsupported_response_type at the callback is authorization_failed', () =>
    withEmulator('naver', {}, async (emulator) => {
      const refused = (address: string) => address.replace(/code=[^&]+/, 'error=unsupported_response_type')
      expect((await logInAt(emulator, {}, { callback: refused })).code).toBe('authorization_failed')
    }))
})

describe('after the login', () => {
  test('a refresh has no state, and brings no refresh token: the old one stays', () =>
    withEmulator('naver', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(Object.fromEntries(new URLSearchParams(emulator.requests.at(-1)?.body))).toEqual({
        grant_type: 'refresh_token',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(renewed.raw).not.toHaveProperty('refresh_token')
      expect(renewed.refreshToken).toBe(tokens.refreshToken)
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID })
    }))

  test.each(['invalid_request', 'invalid_grant'])('%s at a refresh: refresh_rejected', (word) =>
    withEmulator('naver', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('refresh', `refused:${word}`)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({
        code: 'refresh_rejected',
        phase: 'refresh',
        providerCode: word,
      })
    }),
  )

  test('revoke ends both tokens of a login, by the one that lives longer', () =>
    withEmulator('naver', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(await strategy.revoke(renewed)).toBe(true)
      const sent = emulator.requests.at(-1)
      expect(sent?.path).toBe('/oauth2.0/revoke')
      expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        token: tokens.refreshToken,
        token_type_hint: 'refresh_token',
      })
      await expect(strategy.profileOf(renewed)).rejects.toMatchObject({ code: 'token_rejected' })
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test('revoked after the access token has ended: the refresh token is dead too', () =>
    withEmulator('naver', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.expireTokens()
      expect(await strategyAt(emulator).revoke(tokens)).toBe(true)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test('without a refresh token the access token is revoked', () =>
    withEmulator('naver', {}, async (emulator) => {
      const { refreshToken: _, ...tokens } = await tokensAt(emulator)
      expect(await strategyAt(emulator).revoke(tokens)).toBe(true)
      const sent = new URLSearchParams(emulator.requests.at(-1)?.body)
      expect(sent.get('token')).toBe(tokens.accessToken)
      expect(sent.get('token_type_hint')).toBe('access_token')
    }))

  test.each([
    ['http-401:unauthorized_client', 'client_rejected'],
    ['http-400:invalid_request', 'provider_error'],
    ['http-503:temporarily_unavailable', 'provider_unavailable'],
  ] as const)('%s at the revocation → %s', (fault, code) =>
    withEmulator('naver', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('revoke', fault)
      await expect(strategyAt(emulator).revoke(tokens)).rejects.toMatchObject({ code, phase: 'revoke' })
    }),
  )

  test('req.oauth: fetch renews a dead token once, profile asks again, revoke ends it', () =>
    withEmulator('naver', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { naver: { ...emulator.options } } })
      try {
        const browser = await loggedIn(app, 'naver', emulator)
        emulator.expireTokens()
        const path = encodeURIComponent('/v1/nid/me')
        const fetched = await ask(browser, `${app.origin}/fetch/naver?path=${path}`)
        expect(fetched.status).toBe(200)
        expect(JSON.parse(fetched.body)).toMatchObject({ resultcode: '00', response: { id: ID } })
        expect(countOf(emulator, 'refresh')).toBe(1)
        expect((await ask(browser, `${app.origin}/profile/naver`)).value).toMatchObject({ id: ID })
        expect((await ask(browser, `${app.origin}/revoke/naver`)).value).toBe(true)
        expect((await ask(browser, `${app.origin}/tokens/naver`)).tokens).toBeNull()
      } finally {
        await app.close()
      }
    }))

  test('baseURL moves both hosts; without it they are two', () => {
    const options = { clientID: 'id', clientSecret: 'cs-hosts-7f3a9c1e5b2d', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new NaverStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toMatchObject({
      authorizationURL: 'https://nid.naver.com/oauth2.0/authorize',
      tokenURL: 'https://nid.naver.com/oauth2.0/token',
      revokeURL: 'https://nid.naver.com/oauth2.0/revoke',
      userProfileURL: 'https://openapi.naver.com/v1/nid/me',
    })
    expect(endpoints({ baseURL: 'https://mirror.example' })).toMatchObject({
      authorizationURL: 'https://mirror.example/oauth2.0/authorize',
      userProfileURL: 'https://mirror.example/v1/nid/me',
    })
  })
})
