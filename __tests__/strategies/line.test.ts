// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { type ErrorCode, LineStrategy } from 'passport-dialects'
import { type EmulatorOptions, type Fault, ID_TOKEN_FORGERIES } from 'passport-dialects/emulators'
import { isForgeryOfEachKind } from '../support/kinds'
import { LINE, loginWith, verify } from '../support/oidc-login'
import { DecodingStrategy } from '../support/oidc-strategy'
import { bareLoginAt, inApp, lastForm, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { countOf } from '../support/token-app'
import { usually } from '../support/whole'

const ID = 'U4af4980629b1c7e1a2d3f5b6c7d8e9f0'
const ADA = 'U00112233445566778899aabbccddeeff'
const PICTURE = 'https://profile.line-scdn.example/zhangsan'
const DAY = 24 * 3600

describe('a whole login', () => {
  test('under the router: what goes over the wire, and nothing is asked but the token', () =>
    withEmulator('line', {}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth2/v2.1/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/line\/callback$/),
        scope: 'profile openid email',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        nonce: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/oauth2/v2.1/token', query: {} })
      expect(sent('token')?.headers.authorization).toBeUndefined()
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        code: expect.any(String),
        redirect_uri: query.redirect_uri,
        code_verifier: expect.stringMatching(/^[\w.~-]{43,128}$/),
      })
      expect(countOf(emulator, 'profile') + countOf(emulator, 'keys')).toBe(0)
      expect(profile).toEqual({
        provider: 'line',
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: PICTURE }],
        _raw: JSON.stringify(tokens?.claims),
        _json: tokens?.claims,
      })
      expect(tokens?.claims).toMatchObject({ iss: 'https://access.line.me', sub: ID, nonce: query.nonce })
    }))

  test('under bare Passport', () =>
    withEmulator('line', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三', emails: [{ value: 'zhangsan@example.com' }] })
    }))

  test('tokens with + / = in them go where they must', () =>
    withEmulator('line', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens.accessToken).toMatch(/\+.*\/.*==$/)
      expect(await strategyAt(emulator).profileOf(tokens)).toMatchObject({ id: ID })
      expect((await strategyAt(emulator).refresh(tokens)).accessToken).not.toBe(tokens.accessToken)
    }))
})

describe('what a login asks for', () => {
  test('botPrompt and uiLocales; the callback that says what became of it is a callback like any', () =>
    withEmulator('line', {}, async (emulator) => {
      let callback = ''
      const { code, query } = await logInAt(
        emulator,
        { botPrompt: 'aggressive', uiLocales: 'ja zh-Hant-TW' },
        {
          callback: (address) => {
            callback = address
            return `${address}&liffClientId=1&liffRedirectUri=https%3A%2F%2Fapp.example`
          },
        },
      )
      expect(query).toMatchObject({ bot_prompt: 'aggressive', ui_locales: 'ja zh-Hant-TW' })
      expect(new URL(callback).searchParams.get('friendship_status_changed')).toBe('true')
      expect(code).toBeUndefined()
    }))

  test.each([
    ['botPrompt', 'always'],
    ['botPrompt', ''],
    ['uiLocales', ''],
    ['uiLocales', 'ja,en'],
    ['uiLocales', 7],
    ['issuer', ''],
    ['jwksURL', 'certs'],
    ['clientSecret', undefined],
  ])('%s: %p is config_invalid, by name', (option, value) => {
    const options = { clientID: '2001234567', clientSecret: 'cs-line-5f4e3d2c', callbackURL: '/cb', [option]: value }
    expect(() => new LineStrategy(options as never, () => {})).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
    )
  })

  test('PKCE can be left out', () =>
    withEmulator('line', {}, async (emulator) => {
      const { code, query, form } = await logInAt(emulator, { pkce: false })
      expect(code).toBeUndefined()
      expect(query).not.toHaveProperty('code_challenge')
      expect(form('token')).not.toHaveProperty('code_verifier')
    }))

  test('without openid no id_token comes, and the profile is asked for', () =>
    withEmulator('line', {}, async (emulator) => {
      const { code, profile, tokens, sent } = await logInAt(emulator, { scope: 'profile' })
      expect(code).toBeUndefined()
      expect(tokens).not.toHaveProperty('claims')
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/v2/profile' })
      expect(sent('profile')?.headers.authorization).toBe(`Bearer ${tokens?.accessToken}`)
      expect(profile).toMatchObject({
        id: ID,
        displayName: '张三',
        photos: [{ value: PICTURE }],
        _json: { userId: ID, displayName: '张三', pictureUrl: PICTURE },
      })
      expect(profile).not.toHaveProperty('emails')
    }))

  test('with openid alone a user is an id, and that is enough', () =>
    withEmulator('line', {}, async (emulator) => {
      const { code, profile } = await logInAt(emulator, { scope: 'openid' })
      expect(code).toBeUndefined()
      expect(profile).toMatchObject({ id: ID, displayName: '' })
      expect(profile).not.toHaveProperty('photos')
    }))
})

describe('the e-mail address', () => {
  test('was granted where the id_token has it, though `scope` never says so; a refresh changes nothing of it', () =>
    withEmulator('line', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens.raw.scope).toBe('profile openid')
      expect(tokens.scope).toEqual(['profile', 'openid', 'email'])
      const renewed = await strategyAt(emulator).refresh(tokens)
      expect(renewed.raw.scope).toBe('profile openid')
      expect(renewed.scope).toEqual(['profile', 'openid', 'email'])
    }))

  test.each<[string, EmulatorOptions<'line'>, { user?: string }]>([
    ['a channel without permission for it', { withoutEmailPermission: true }, {}],
    ['a user who has none', {}, { user: ADA }],
  ])('%s: none comes, and none was granted', (_what, knobs, steps) =>
    withEmulator('line', knobs, async (emulator) => {
      const { code, profile, tokens } = await logInAt(emulator, {}, steps)
      expect(code).toBeUndefined()
      expect(profile).not.toHaveProperty('emails')
      expect(tokens?.scope).toEqual(['profile', 'openid'])
      if (!tokens) throw new Error('The login failed.')
      expect((await strategyAt(emulator).refresh(tokens)).scope).toEqual(['profile', 'openid'])
    }),
  )

  test('is told at the login alone: the profile that is asked for later has none', () =>
    withEmulator('line', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        const { value } = await get('/profile/line')
        expect(value).toMatchObject({ id: ID, displayName: '张三', photos: [{ value: PICTURE }] })
        expect(value).not.toHaveProperty('emails')
      }),
    ))

  test('is asked for with openid only: LINE refuses it without', () =>
    withEmulator('line', {}, async (emulator) => {
      const { error } = await logInAt(emulator, { scope: 'profile email' })
      expect(error).toMatchObject({ code: 'authorization_failed', providerCode: 'invalid_scope' })
    }))
})

describe('the id_token', () => {
  const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => name !== 'no-id-token' && name !== 'other-sub')
  const ALGORITHMS = ['HS256', 'ES256'] as const

  test('of a web channel is HS256 by the secret, without a kid: no keys are asked for', () =>
    withEmulator('line', {}, async (emulator) => {
      const { id_token } = (await tokensAt(emulator)).raw
      const [header = ''] = String(id_token).split('.')
      expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ typ: 'JWT', alg: 'HS256' })
      expect(countOf(emulator, 'keys')).toBe(0)
    }))

  test('of a native app is ES256 by a key of LINE’s, also after a new one', () =>
    withEmulator('line', { idTokenAlg: 'ES256' }, async (emulator) => {
      const { code, profile, sent } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(profile?.id).toBe(ID)
      expect(sent('keys')).toMatchObject({ method: 'GET', path: '/oauth2/v2.1/certs' })
      emulator.rotateKeys()
      expect((await logInAt(emulator)).profile?.id).toBe(ID)
    }))

  test('that was signed elsewhere, with the secret as text, has the right signature, and is over', async () => {
    const options = {
      clientID: '2001234567',
      clientSecret: '0123456789abcdef0123456789abcdef',
      callbackURL: '/cb',
    }
    const verifier = Reflect.get(new LineStrategy(options, () => {}), 'idTokens')
    const [header, claims, signature] = [
      'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9',
      'eyJpc3MiOiJodHRwczovL2FjY2Vzcy5saW5lLm1lIiwic3ViIjoiVTAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIiwiYXVkIjoiMjAwMTIzNDU2NyIsImV4cCI6MTc2NDEwNDQwMCwiaWF0IjoxNzY0MTAwODAwLCJub25jZSI6Im4tNzciLCJhbXIiOlsibGluZXNzbyJdLCJuYW1lIjoiSGFuYWtvIn0',
      '-yRPdo0wzY9YpixNqC5nyIYAn7ExUY2XHMENpo7qCX0',
    ]
    const verified = (token: string) => verifier.verify(token, { nonce: 'n-77' }, { provider: 'line', phase: 'token' })
    const over = { code: 'signature_invalid', message: expect.stringContaining('`exp`') }
    await expect(verified(`${header}.${claims}.${signature}`)).rejects.toMatchObject(over)
    const wrong = { code: 'signature_invalid', message: expect.stringContaining('signature') }
    await expect(verified(`${header}.${claims}.${signature?.replace('-y', '-z')}`)).rejects.toMatchObject(wrong)
  })

  describe.each(ALGORITHMS)('%s', (idTokenAlg) => {
    test.each(usually(FORGERIES, isForgeryOfEachKind))('%s logs nobody in', (forgery) =>
      withEmulator('line', { idTokenAlg }, async (emulator) => {
        emulator.forgeNext(forgery)
        const { user, error } = await logInAt(emulator)
        expect(user).toBeUndefined()
        expect(error).toMatchObject({ code: 'signature_invalid', phase: 'token' })
      }),
    )
  })

  test.each(['alg-none', 'other-key', 'changed-claims', 'other-nonce', 'expired'] as const)(
    'control: %s logs in at a client that only decodes',
    (forgery) =>
      withEmulator('line', {}, async (emulator) => {
        emulator.forgeNext(forgery)
        const { id } = await loginWith(new DecodingStrategy(emulator.options, verify), { emulator, rules: LINE })
        expect(id).toBeTruthy()
      }),
  )

  test('that was asked for and does not come is response_invalid', () =>
    withEmulator('line', {}, async (emulator) => {
      emulator.forgeNext('no-id-token')
      expect((await logInAt(emulator)).error).toMatchObject({ code: 'response_invalid', phase: 'token' })
    }))

  test('and a profile of somebody else’s, asked for later, do not go together', () =>
    withEmulator('line', {}, async (emulator) => {
      emulator.forgeNext('other-sub')
      const tokens = await tokensAt(emulator)
      expect(tokens.subject).toBe('somebody-else')
      const { claims: _claims, ...kept } = tokens
      await expect(strategyAt(emulator).profileOf(kept)).rejects.toMatchObject({
        code: 'signature_invalid',
        phase: 'profile',
      })
    }))

  test('has the iss of option issuer, and LINE’s own where there is none', () =>
    withEmulator('line', {}, async (emulator) => {
      const { error } = await logInAt(emulator, { issuer: 'https://line.example' })
      expect(error).toMatchObject({ code: 'signature_invalid', message: expect.stringContaining('`iss`') })
    }))
})

describe('refusals', () => {
  test.each(['small', 'capitals'] as const)('the user says no, in %s letters', (denialCase) =>
    withEmulator('line', { denialCase }, async (emulator) => {
      const { error } = await logInAt(emulator, {}, { deny: true })
      expect(error).toMatchObject({
        code: 'access_denied',
        providerCode: denialCase === 'small' ? 'access_denied' : 'ACCESS_DENIED',
        providerMessage: 'The resource owner denied the request.',
      })
      expect(countOf(emulator, 'token')).toBe(0)
    }),
  )

  test.each([
    'login_required',
    'INTERACTION_REQUIRED',
    'invalid_request',
    'INVALID_SCOPE',
    'unsupported_response_type',
    'server_error',
  ])('%s at the callback is authorization_failed', (word) =>
    withEmulator('line', {}, async (emulator) => {
      const refused = (address: string) => address.replace(/code=[^&]+/, `error=${word}`)
      const { error } = await logInAt(emulator, {}, { callback: refused })
      expect(error).toMatchObject({ code: 'authorization_failed', providerCode: word })
    }),
  )

  test('a wrong secret, which nobody shows', () =>
    withEmulator('line', {}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({
        code: 'client_rejected',
        phase: 'token',
        providerCode: 'invalid_client',
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-400:invalid_grant', 'grant_rejected'],
    ['http-400:invalid_client', 'client_rejected'],
    ['http-401', 'client_rejected'],
    ['http-401:invalid_request', 'client_rejected'],
    ['http-400:invalid_request', 'provider_error'],
    ['http-429', 'rate_limited'],
    ['http-500:server_error', 'provider_unavailable'],
  ])('%s at the token endpoint → %s', (fault, code) =>
    withEmulator('line', {}, async (emulator) => {
      emulator.failNext('token', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', requestId: expect.stringMatching(/^[\da-f-]{36}$/) })
    }),
  )

  test.each<[Fault, ErrorCode]>([
    ['http-401', 'token_rejected'],
    ['http-400:The access token is invalid or expired', 'token_rejected'],
    ['http-400:access token expired', 'token_rejected'],
    ['http-400:The request body has 1 error(s)', 'provider_error'],
    ['http-403:The access token lacks a scope', 'scope_insufficient'],
    ['http-413:Too large', 'provider_error'],
    ['http-429', 'rate_limited'],
    ['http-500', 'provider_unavailable'],
  ])('%s at the API → %s', (fault, code) =>
    withEmulator('line', {}, async (emulator) => {
      emulator.failNext('profile', fault)
      const { error } = await logInAt(emulator, { scope: 'profile' })
      expect(error).toMatchObject({
        code,
        phase: 'profile',
        providerMessage: expect.any(String),
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      })
    }),
  )

  test('a response that grows refuses nothing, not even by a `message`', () =>
    withEmulator('line', {}, (emulator) => {
      expect(strategyAt(emulator).refusal({ userId: ID, message: 'hello' }, 'profile', 200, {})).toBeUndefined()
      return Promise.resolve()
    }))
})

describe('after the login', () => {
  test('a refresh repeats the refresh token, brings no id_token, and prolongs nothing', () =>
    withEmulator('line', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(lastForm(emulator)).toEqual({
        grant_type: 'refresh_token',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.raw).not.toHaveProperty('id_token')
      expect(renewed.refreshToken).toBe(tokens.refreshToken)
      expect(renewed.subject).toBe(ID)
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID })
    }))

  test('an access token lives 30 days', () =>
    withEmulator('line', {}, async (emulator) => {
      const { raw, expiresAt } = await tokensAt(emulator)
      expect(raw.expires_in).toBe(30 * DAY)
      expect(expiresAt).toBeInstanceOf(Date)
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-400:invalid_grant', 'refresh_rejected'],
    ['http-400:invalid_client', 'client_rejected'],
    ['http-400:invalid_request', 'provider_error'],
    ['http-429', 'rate_limited'],
  ])('%s at a refresh → %s', (fault, code) =>
    withEmulator('line', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('refresh', fault)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code, phase: 'refresh' })
    }),
  )

  test('revoke calls the token access_token', () =>
    withEmulator('line', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'POST', path: '/oauth2/v2.1/revoke' })
      expect(lastForm(emulator)).toEqual({
        access_token: tokens.accessToken,
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
      })
      const { claims: _claims, ...kept } = tokens
      await expect(strategy.profileOf(kept)).rejects.toMatchObject({ code: 'token_rejected' })
    }))

  test('req.oauth: fetch renews a dead token once and keeps the refresh token, revoke ends the login', () =>
    withEmulator('line', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        const { tokens: before } = await get('/tokens/line')
        emulator.expireTokens()
        const fetched = await get('/fetch/line?path=/v2/profile')
        expect(fetched.status).toBe(200)
        expect(JSON.parse(fetched.body)).toMatchObject({ userId: ID })
        expect(countOf(emulator, 'refresh')).toBe(1)
        const { tokens: after } = await get('/tokens/line')
        expect(after?.accessToken).not.toBe(before?.accessToken)
        expect(after?.refreshToken).toBe(before?.refreshToken)
        expect((await get('/revoke/line')).value).toBe(true)
        expect((await get('/tokens/line')).tokens).toBeNull()
      }),
    ))

  test('a dead token may be said on HTTP 400 too, and a mistake of the app’s is none', () =>
    withEmulator('line', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        emulator.failNext('profile', 'http-400:The access token is invalid or expired')
        expect((await get('/fetch/line?path=/v2/profile')).status).toBe(200)
        expect(countOf(emulator, 'refresh')).toBe(1)
        emulator.failNext('profile', 'http-400:The request body has 1 error(s)')
        expect((await get('/fetch/line?path=/v2/profile')).status).toBe(400)
        expect(countOf(emulator, 'refresh')).toBe(1)
      }),
    ))

  test('baseURL moves both hosts; without it they are two', () => {
    const options = { clientID: 'id', clientSecret: 'cs-line-5f4e3d2c', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new LineStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://access.line.me/oauth2/v2.1/authorize',
      tokenURL: 'https://api.line.me/oauth2/v2.1/token',
      revokeURL: 'https://api.line.me/oauth2/v2.1/revoke',
      userProfileURL: 'https://api.line.me/v2/profile',
      jwksURL: 'https://api.line.me/oauth2/v2.1/certs',
    })
    expect(endpoints({ baseURL: 'https://mirror.example/', jwksURL: 'https://keys.example/certs' })).toMatchObject({
      authorizationURL: 'https://mirror.example/oauth2/v2.1/authorize',
      userProfileURL: 'https://mirror.example/v2/profile',
      jwksURL: 'https://keys.example/certs',
    })
  })
})
