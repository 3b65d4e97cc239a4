// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { type ErrorCode, KakaoStrategy } from 'passport-dialects'
import { type EmulatorOptions, type Fault, ID_TOKEN_FORGERIES } from 'passport-dialects/emulators'
import { isForgeryOfEachKind } from '../support/kinds'
import { bareLoginAt, inApp, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { countOf } from '../support/token-app'
import { usually } from '../support/whole'

const ID = '2700000001'
const ADA = '2700000002'
const RESOURCE = '/emulator/resource'
const DAY = 24 * 3600

describe('a whole login', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/kakao\/callback$/),
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        nonce: expect.stringMatching(/^[\w-]{43}$/),
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/oauth/token', query: {} })
      expect(sent('token')?.headers.authorization).toBeUndefined()
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        code: expect.any(String),
        redirect_uri: query.redirect_uri,
      })
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/v2/user/me', query: { secure_resource: 'true' } })
      expect(sent('profile')?.headers.authorization).toBe(`Bearer ${tokens?.accessToken}`)
      expect(profile).toMatchObject({
        provider: 'kakao',
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        _json: { id: Number(ID), kakao_account: { has_email: true } },
      })
      expect(tokens?.scope).toEqual(['account_email', 'profile_image', 'profile_nickname'])
    }))

  test('under bare Passport', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三' })
    }))

  test('scopes go with commas, and come with spaces', () =>
    withEmulator('kakao', { consentItems: [] }, async (emulator) => {
      const { query, tokens } = await logInAt(emulator, { scope: ['profile_nickname', 'account_email'] })
      expect(query.scope).toBe('profile_nickname,account_email')
      expect(tokens?.scope).toEqual(['account_email', 'profile_nickname'])
    }))
})

describe('the client secret', () => {
  test('that is switched off is not sent, and nothing is missing: login, refresh and revocation', () =>
    withEmulator('kakao', { secret: 'off' }, async (emulator) => {
      expect(emulator.options).not.toHaveProperty('clientSecret')
      const { code, form, tokens } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(Object.keys(form('token')).sort()).toEqual(['client_id', 'code', 'grant_type', 'redirect_uri'])
      if (!tokens) throw new Error('The login failed.')
      const renewed = await strategyAt(emulator).refresh(tokens)
      const sent = Object.fromEntries(new URLSearchParams(emulator.requests.at(-1)?.body))
      expect(Object.keys(sent).sort()).toEqual(['client_id', 'grant_type', 'refresh_token'])
      expect(await strategyAt(emulator).revoke(renewed)).toBe(true)
    }))

  test('that is switched off may be sent all the same', () =>
    withEmulator('kakao', { secret: 'off' }, async (emulator) => {
      const { code, form } = await logInAt(emulator, { clientSecret: 'whatever-it-was' })
      expect(code).toBeUndefined()
      expect(form('token').client_secret).toBe('whatever-it-was')
    }))

  test.each([
    ['missing', undefined],
    ['wrong', 'notTheSecret'],
  ])('that is switched on and %s', (_what, clientSecret) =>
    withEmulator('kakao', {}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret })
      expect(error).toMatchObject({ code: 'client_rejected', phase: 'token', providerCode: 'KOE010' })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
    }),
  )

  test('that is blank is refused at the start, and so is a missing id', () =>
    withEmulator('kakao', {}, async (emulator) => {
      for (const [option, value] of Object.entries({ clientSecret: '', clientID: undefined })) {
        expect(() => strategyAt(emulator, { [option]: value })).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
        )
      }
    }))
})

describe('who the user is', () => {
  const profileOf = (knobs: EmulatorOptions<'kakao'>, user?: string) =>
    withEmulator('kakao', knobs, async (emulator) => {
      const { code, profile } = await logInAt(emulator, {}, user ? { user } : {})
      expect(code).toBeUndefined()
      return profile
    })

  test('images are asked for by https, and http it would have been without', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const { profile, tokens } = await logInAt(emulator)
      expect(profile?.photos).toEqual([{ value: 'https://k.kakaocdn.example/zhangsan.jpg' }])
      const headers = { authorization: `Bearer ${tokens?.accessToken}` }
      expect(await (await fetch(emulator.options.userProfileURL, { headers })).json()).toMatchObject({
        kakao_account: { profile: { profile_image_url: 'http://k.kakaocdn.example/zhangsan.jpg' } },
      })
    }))

  test('the image that Kakao gives to everybody is none', async () => {
    const profile = await profileOf({}, ADA)
    expect(profile?._json).toMatchObject({ kakao_account: { profile: { is_default_image: true } } })
    expect(profile).not.toHaveProperty('photos')
    expect(profile).not.toHaveProperty('emails')
  })

  test.each(['unverified', 'invalid'] as const)('an e-mail address that is %s stays in _json', async (emails) => {
    const profile = await profileOf({ emails })
    expect(profile).not.toHaveProperty('emails')
    expect(profile?._json).toMatchObject({ kakao_account: { email: 'zhangsan@example.com' } })
  })

  test('an app without consent items gets an id, and that is enough', async () => {
    const profile = await profileOf({ consentItems: [] })
    expect(profile).toMatchObject({ id: ID, displayName: '' })
    expect(profile?._json).not.toHaveProperty('kakao_account')
  })

  test('a nickname without an image', async () => {
    const profile = await profileOf({ consentItems: ['profile_nickname'] })
    expect(profile).toMatchObject({ id: ID, displayName: '张三' })
    expect(profile).not.toHaveProperty('photos')
  })

  test('the largest id that a number holds keeps all its digits', async () => {
    expect(await profileOf({}, '9007199254740991')).toMatchObject({ id: '9007199254740991' })
  })
})

describe('the id_token', () => {
  const OPENID = { scope: ['openid', 'profile_nickname'] }
  const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => name !== 'no-id-token')

  test('comes with the scope openid, and is verified by Kakao’s keys', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const { code, query, profile, tokens, sent } = await logInAt(emulator, OPENID)
      expect(code).toBeUndefined()
      expect(sent('keys')).toMatchObject({ method: 'GET', path: '/.well-known/jwks.json' })
      expect(profile?.id).toBe(ID)
      expect(tokens?.claims).toMatchObject({
        iss: 'https://kauth.kakao.com',
        aud: emulator.options.clientID,
        sub: ID,
        nonce: query.nonce,
      })
    }))

  test('does not come without it, and nobody asks for keys', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const { code, tokens } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(tokens).not.toHaveProperty('claims')
      expect(countOf(emulator, 'keys')).toBe(0)
    }))

  test.each(usually(FORGERIES, isForgeryOfEachKind))('%s logs nobody in', (forgery) =>
    withEmulator('kakao', {}, async (emulator) => {
      emulator.forgeNext(forgery)
      const { user, error } = await logInAt(emulator, OPENID)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({
        code: 'signature_invalid',
        phase: forgery === 'other-sub' ? 'profile' : 'token',
      })
    }),
  )

  test('that was asked for and does not come is response_invalid', () =>
    withEmulator('kakao', {}, async (emulator) => {
      emulator.forgeNext('no-id-token')
      expect((await logInAt(emulator, OPENID)).error).toMatchObject({ code: 'response_invalid', phase: 'token' })
    }))

  test('of a refresh is of the same user, and has no nonce to bring', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const { tokens } = await logInAt(emulator, OPENID)
      if (!tokens) throw new Error('The login failed.')
      const strategy = strategyAt(emulator, OPENID)
      emulator.forgeNext('no-nonce')
      const renewed = await strategy.refresh(tokens)
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID })
      emulator.forgeNext('other-sub')
      const refused = { code: 'signature_invalid', phase: 'refresh' }
      await expect(strategy.refresh(renewed)).rejects.toMatchObject(refused)
    }))
})

describe('a 401 of the API', () => {
  test('for a user under 14 is no dead token: nothing is refreshed, and the token goes on', () =>
    withEmulator('kakao', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        emulator.failNext('request', 'http-401:-406')
        const { status, body } = await get(`/fetch/kakao?path=${RESOURCE}`)
        expect({ status, code: JSON.parse(body).code }).toEqual({ status: 401, code: -406 })
        emulator.failNext('profile', 'http-401:-406')
        expect((await get('/profile/kakao')).error).toMatchObject({ code: 'user_unknown', phase: 'profile' })
        expect(countOf(emulator, 'refresh')).toBe(0)
        expect((await get(`/fetch/kakao?path=${RESOURCE}`)).status).toBe(200)
      }),
    ))

  test('with a number that nobody documents is no dead token either', () =>
    withEmulator('kakao', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        emulator.failNext('request', 'http-401:-4711')
        expect((await get(`/fetch/kakao?path=${RESOURCE}`)).status).toBe(401)
        emulator.failNext('profile', 'http-401:-4711')
        expect((await get('/profile/kakao')).error).toMatchObject({ code: 'provider_error', providerCode: '-4711' })
        expect(countOf(emulator, 'refresh')).toBe(0)
      }),
    ))

  test('with -401 is one: it is refreshed, once, and the call succeeds. The control', () =>
    withEmulator('kakao', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        emulator.failNext('request', 'http-401:-401')
        expect((await get(`/fetch/kakao?path=${RESOURCE}`)).status).toBe(200)
        expect(countOf(emulator, 'refresh')).toBe(1)
        emulator.failNext('profile', 'http-401:-401')
        expect((await get('/profile/kakao')).value).toMatchObject({ id: ID })
        expect(countOf(emulator, 'refresh')).toBe(2)
      }),
    ))

  test('at the login of a user under 14 is user_unknown', () =>
    withEmulator('kakao', { under14: [ID] }, async (emulator) => {
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({
        code: 'user_unknown',
        phase: 'profile',
        providerCode: '-406',
        providerMessage: 'This user is under 14.',
      })
    }))
})

describe('refusals', () => {
  test('the user says no', () =>
    withEmulator('kakao', {}, async (emulator) => {
      expect((await logInAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test.each(['consent_required', 'login_required', 'interaction_required'])(
    '%s at the callback is authorization_failed',
    (word) =>
      withEmulator('kakao', {}, async (emulator) => {
        const refused = (address: string) => address.replace(/code=[^&]+/, `error=${word}`)
        const { error } = await logInAt(emulator, {}, { callback: refused })
        expect(error).toMatchObject({ code: 'authorization_failed', providerCode: word })
      }),
  )

  test('a refusal that quotes the code does not show it', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const forged = (address: string) => address.replace(/code=[^&]+/, 'code=forged0123456789')
      const { error } = await logInAt(emulator, {}, { callback: forged })
      expect(error).toMatchObject({
        code: 'grant_rejected',
        providerCode: 'KOE320',
        providerMessage: 'authorization code not found for code=[redacted]',
      })
      expect(JSON.stringify(error)).not.toContain('forged0123456789')
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-401:KOE010', 'client_rejected'],
    ['http-401:KOE101', 'client_rejected'],
    ['http-400:KOE009', 'client_rejected'],
    ['http-400:KOE303', 'grant_rejected'],
    ['http-400:KOE320', 'grant_rejected'],
    ['http-400:KOE310', 'provider_error'],
    ['http-400:KOE237', 'rate_limited'],
    ['http-400:KOE003', 'provider_unavailable'],
    ['http-400:KOE999', 'provider_error'],
  ])('%s at the token endpoint → %s', (fault, code) =>
    withEmulator('kakao', {}, async (emulator) => {
      emulator.failNext('token', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', providerCode: fault.split(':')[1] })
    }),
  )

  test('an error_code alone, and an error alone, are refusals too', () =>
    withEmulator('kakao', {}, (emulator) => {
      const strategy = strategyAt(emulator)
      const refusal = (body: { error?: string; error_code?: string }) => strategy.refusal(body, 'token', 400, {})
      expect(refusal({ error_code: 'KOE237' })).toMatchObject({ code: 'rate_limited', providerCode: 'KOE237' })
      expect(refusal({ error: 'invalid_grant' })).toMatchObject({
        code: 'grant_rejected',
        providerCode: 'invalid_grant',
      })
      return Promise.resolve()
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-401:-401', 'token_rejected'],
    ['http-403:-402', 'scope_insufficient'],
    ['http-400:-101', 'user_unknown'],
    ['http-400:-103', 'user_unknown'],
    ['http-403:-4', 'user_unknown'],
    ['http-403:-3', 'client_rejected'],
    ['http-403:-5', 'client_rejected'],
    ['http-403:-12', 'client_rejected'],
    ['http-400:-903', 'client_rejected'],
    ['http-400:-10', 'rate_limited'],
    ['http-400:-11', 'rate_limited'],
    ['http-403:-6', 'provider_error'],
    ['http-400:-1', 'provider_unavailable'],
    ['http-400:-7', 'provider_unavailable'],
    ['http-400:-603', 'provider_unavailable'],
    ['http-503:-9798', 'provider_unavailable'],
    ['http-400:-2', 'provider_error'],
    ['http-400:-8', 'provider_error'],
    ['http-400:-201', 'provider_error'],
    ['refused:-101', 'user_unknown'],
  ])('%s at the API → %s', (fault, code) =>
    withEmulator('kakao', {}, async (emulator) => {
      emulator.failNext('profile', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'profile', providerCode: fault.split(':')[1] })
    }),
  )
})

describe('after the login', () => {
  test('a refresh brings no refresh token while the old one has more than a month: it stays', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(Object.fromEntries(new URLSearchParams(emulator.requests.at(-1)?.body))).toEqual({
        grant_type: 'refresh_token',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.raw).not.toHaveProperty('refresh_token')
      expect(renewed.refreshToken).toBe(tokens.refreshToken)
      expect(renewed.scope).toEqual(tokens.scope)
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID })
    }))

  test('in its last month it brings a new one, and the old one is dead', () =>
    withEmulator('kakao', { refreshTokenLifetime: 29 * DAY }, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(renewed.refreshToken).toBe(renewed.raw.refresh_token)
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({
        code: 'refresh_rejected',
        phase: 'refresh',
        providerCode: 'KOE322',
      })
      expect((await strategy.refresh(renewed)).accessToken).not.toBe(renewed.accessToken)
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-400:KOE319', 'refresh_rejected'],
    ['http-400:KOE322', 'refresh_rejected'],
    ['http-401:KOE010', 'client_rejected'],
    ['http-400:KOE237', 'rate_limited'],
  ])('%s at a refresh → %s', (fault, code) =>
    withEmulator('kakao', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('refresh', fault)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code, phase: 'refresh' })
    }),
  )

  test('revoke is a logout of this token', () =>
    withEmulator('kakao', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      const sent = emulator.requests.at(-1)
      expect(sent).toMatchObject({ method: 'POST', path: '/v1/user/logout', body: '' })
      expect(sent?.headers.authorization).toBe(`Bearer ${tokens.accessToken}`)
      await expect(strategy.profileOf(tokens)).rejects.toMatchObject({ code: 'token_rejected' })
      await expect(strategy.revoke(tokens)).rejects.toMatchObject({ code: 'token_rejected', phase: 'revoke' })
    }))

  test('req.oauth: fetch renews a dead token once and keeps the refresh token, revoke ends the login', () =>
    withEmulator('kakao', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        const { tokens: before } = await get('/tokens/kakao')
        emulator.expireTokens()
        const fetched = await get('/fetch/kakao?path=/v2/user/me')
        expect(fetched.status).toBe(200)
        expect(JSON.parse(fetched.body)).toMatchObject({ id: Number(ID) })
        expect(countOf(emulator, 'refresh')).toBe(1)
        const { tokens: after } = await get('/tokens/kakao')
        expect(after?.accessToken).not.toBe(before?.accessToken)
        expect(after?.refreshToken).toBe(before?.refreshToken)
        expect((await get('/profile/kakao')).value).toMatchObject({ id: ID })
        expect((await get('/revoke/kakao')).value).toBe(true)
        expect((await get('/tokens/kakao')).tokens).toBeNull()
      }),
    ))

  test('baseURL moves both hosts; without it they are two', () => {
    const options = { clientID: 'id', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new KakaoStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toMatchObject({
      authorizationURL: 'https://kauth.kakao.com/oauth/authorize',
      tokenURL: 'https://kauth.kakao.com/oauth/token',
      revokeURL: 'https://kapi.kakao.com/v1/user/logout',
      userProfileURL: 'https://kapi.kakao.com/v2/user/me',
    })
    expect(endpoints({ baseURL: 'https://mirror.example' })).toMatchObject({
      authorizationURL: 'https://mirror.example/oauth/authorize',
      userProfileURL: 'https://mirror.example/v2/user/me',
    })
  })
})
