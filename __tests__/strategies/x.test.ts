// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { type ErrorCode, type Refusal, type TokenGrant, XStrategy } from 'passport-dialects'
import type { Emulator, EmulatorOptions, Fault } from 'passport-dialects/emulators'
import { bareLoginAt, logInAt, strategyAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const ID = '1500000000000000001'
const ADA = '1500000000000000003'
const WITH_EMAIL = ['users.read', 'tweet.read', 'users.email']
const OFFLINE = ['users.read', 'tweet.read', 'offline.access']

const basicOf = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

async function tokensAt(emulator: Emulator, scope = OFFLINE) {
  const { tokens } = await logInAt(emulator, { scope })
  if (!tokens) throw new Error('The login failed.')
  return tokens
}

describe('a whole login', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('x', {}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/i/oauth2/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/x\/callback$/),
        scope: 'users.read tweet.read',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/2/oauth2/token', query: {} })
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        code: expect.any(String),
        redirect_uri: query.redirect_uri,
        code_verifier: expect.stringMatching(/^[\w.~-]{43,128}$/),
      })
      expect(sent('profile')).toMatchObject({
        method: 'GET',
        path: '/2/users/me',
        query: { 'user.fields': 'profile_image_url' },
      })
      expect(sent('profile')?.headers.authorization).toBe(`Bearer ${tokens?.accessToken}`)
      expect(profile).toMatchObject({
        provider: 'x',
        id: ID,
        displayName: '张三',
        username: 'zhangsan_example',
        photos: [{ value: 'https://pbs.twimg.example/profile_images/1/zhangsan_normal.jpg' }],
        _json: { id: ID, name: '张三' },
      })
      expect(profile).not.toHaveProperty('emails')
      expect(tokens).not.toHaveProperty('refreshToken')
    }))

  test('under bare Passport', () =>
    withEmulator('x', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator, { scope: WITH_EMAIL })
      expect(user).toMatchObject({ id: ID, username: 'zhangsan_example', emails: [{ value: 'zhangsan@example.com' }] })
    }))
})

describe('the client', () => {
  test('names itself by Basic, with id and secret as they are', () =>
    withEmulator('x', { clientID: 'sheetClientId', clientSecret: 'sheet secret' }, async (emulator) => {
      const { code, sent } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(sent('token')?.headers.authorization).toBe('Basic c2hlZXRDbGllbnRJZDpzaGVldCBzZWNyZXQ=')
    }))

  test('that puts its secret into the form, as passport-oauth2 does, is refused: the control', () =>
    withEmulator('x', {}, async (emulator) => {
      class InTheForm extends XStrategy {
        protected override tokenRequest(grant: TokenGrant) {
          const form = { ...grant, client_id: this.clientID, client_secret: this.clientSecret }
          return { method: 'POST' as const, url: this.tokenEndpoint(grant), form }
        }
      }
      const { error } = await logInAt(emulator, { strategy: InTheForm })
      expect(error).toMatchObject({
        code: 'client_rejected',
        providerStatus: 401,
        providerCode: 'unauthorized_client',
        providerMessage: 'Missing valid authorization header',
      })
    }))

  test('cannot go without a secret, or without PKCE', () =>
    withEmulator('x', {}, async (emulator) => {
      for (const [option, value] of Object.entries({ clientSecret: undefined, pkce: false })) {
        expect(() => strategyAt(emulator, { [option]: value })).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
        )
      }
    }))
})

describe('a code', () => {
  afterEach(() => jest.restoreAllMocks())

  /** Lets the clock go on between the consent and the callback. */
  const waiting = (seconds: number) => (address: string) => {
    const now = Date.now
    jest.spyOn(Date, 'now').mockImplementation(() => now() + seconds * 1000)
    return address
  }

  test('is exchanged within its 30 seconds', () =>
    withEmulator('x', {}, async (emulator) => {
      expect((await logInAt(emulator, {}, { callback: waiting(20) })).code).toBeUndefined()
    }))

  test('of more than 30 seconds is a refused grant, though X calls the request invalid', () =>
    withEmulator('x', {}, async (emulator) => {
      const { error, sent } = await logInAt(emulator, {}, { callback: waiting(31) })
      expect(error).toMatchObject({ code: 'grant_rejected', phase: 'token', providerCode: 'invalid_request' })
      expect(JSON.stringify(error)).not.toContain(new URLSearchParams(sent('token')?.body).get('code'))
    }))

  test.each([
    ['Value passed for the code verifier did not match the code challenge.', 'grant_rejected'],
    ['Missing required parameter [code_verifier].', 'provider_error'],
  ])('invalid_request that says %j is %s', (error_description, code) =>
    withEmulator('x', {}, async (emulator) => {
      const refusal = strategyAt(emulator).refusal({ error: 'invalid_request', error_description }, 'token', 400, {})
      expect(refusal?.code ?? 'provider_error').toBe(code)
    }),
  )

  test('that X never gave is a refused grant', () =>
    withEmulator('x', {}, async (emulator) => {
      const forged = (address: string) => address.replace(/code=[^&]+/, 'code=forged')
      expect((await logInAt(emulator, {}, { callback: forged })).code).toBe('grant_rejected')
    }))

  test('without its verifier is the app’s mistake, and no refused grant', () =>
    withEmulator('x', {}, async (emulator) => {
      class Forgetful extends XStrategy {
        protected override tokenRequest({ code_verifier: _, ...grant }: TokenGrant) {
          return super.tokenRequest(grant)
        }
      }
      const { error } = await logInAt(emulator, { strategy: Forgetful })
      expect(error).toMatchObject({
        code: 'provider_error',
        providerCode: 'invalid_request',
        providerMessage: 'Missing required parameter [code_verifier].',
      })
    }))
})

describe('the e-mail address', () => {
  test('is asked for, in the one call for the user, where users.email was granted', () =>
    withEmulator('x', {}, async (emulator) => {
      const { profile, sent } = await logInAt(emulator, { scope: WITH_EMAIL })
      expect(sent('profile')?.query).toEqual({ 'user.fields': 'profile_image_url,confirmed_email' })
      expect(profile).toMatchObject({ emails: [{ value: 'zhangsan@example.com' }] })
      expect(countOf(emulator, 'profile')).toBe(1)
    }))

  test('is not asked for where X granted less than was asked for', () =>
    withEmulator('x', {}, async (emulator) => {
      const tokens = await tokensAt(emulator, WITH_EMAIL)
      const granted = { ...tokens, scope: ['users.read', 'tweet.read'] }
      expect(await strategyAt(emulator, { scope: WITH_EMAIL }).profileOf(granted)).not.toHaveProperty('emails')
      expect(emulator.requests.at(-1)?.query).toEqual({ 'user.fields': 'profile_image_url' })
    }))

  test.each<[string, EmulatorOptions<'x'>, string | undefined]>([
    ['the account has none', {}, ADA],
    ['the console does not let the app ask for it', { requestEmail: false }, undefined],
  ])('is missing, and the login succeeds, where %s', (_why, knobs, user) =>
    withEmulator('x', knobs, async (emulator) => {
      const { code, profile } = await logInAt(emulator, { scope: WITH_EMAIL }, user ? { user } : {})
      expect(code).toBeUndefined()
      expect(profile).not.toHaveProperty('emails')
    }),
  )
})

describe('fields', () => {
  test.each<[fields: unknown, scope: string[], query: object]>([
    [['verified', 'description'], OFFLINE, { 'user.fields': 'verified,description' }],
    ['verified, description', WITH_EMAIL, { 'user.fields': 'verified,description,confirmed_email' }],
    [['verified', 'confirmed_email'], OFFLINE, { 'user.fields': 'verified' }],
    [['confirmed_email', 'verified'], WITH_EMAIL, { 'user.fields': 'verified,confirmed_email' }],
    [[], OFFLINE, {}],
  ])('%j with the scopes %j', (fields, scope, query) =>
    withEmulator('x', {}, async (emulator) => {
      const { code, sent } = await logInAt(emulator, { fields, scope })
      expect(code).toBeUndefined()
      expect(sent('profile')?.query).toEqual(query)
    }),
  )

  test('bring what they name into _json', () =>
    withEmulator('x', {}, async (emulator) => {
      const { profile } = await logInAt(emulator, { fields: ['verified'] })
      expect(profile?._json).toEqual({ id: ID, name: '张三', username: 'zhangsan_example', verified: false })
      expect(profile).not.toHaveProperty('photos')
    }))

  test('that are no words are refused at the start', () =>
    withEmulator('x', {}, async (emulator) => {
      for (const fields of [7, [7], ['a b']]) {
        expect(() => strategyAt(emulator, { fields })).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('fields') }),
        )
      }
    }))
})

describe('the user', () => {
  test('comes with problems beside: a login all the same', () =>
    withEmulator('x', { problems: 'beside' }, async (emulator) => {
      expect((await logInAt(emulator)).profile).toMatchObject({ id: ID })
    }))

  test('does not come, but a problem on HTTP 200: its type tells', () =>
    withEmulator('x', { problems: 'instead' }, async (emulator) => {
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({
        code: 'user_unknown',
        phase: 'profile',
        providerStatus: 200,
        providerCode: 'resource-not-found',
      })
    }))

  test('whose id is a number has lost its last digits: response_invalid', () =>
    withEmulator('x', { idType: 'number' }, async (emulator) => {
      expect((await logInAt(emulator)).error).toMatchObject({ code: 'response_invalid', phase: 'profile' })
    }))
})

describe('refusals', () => {
  test('the user says no', () =>
    withEmulator('x', {}, async (emulator) => {
      expect((await logInAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('a wrong secret', () =>
    withEmulator('x', {}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: 'unauthorized_client' })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-400:invalid_request', 'provider_error'],
    ['http-400:invalid_grant', 'grant_rejected'],
    ['http-400:invalid_client', 'client_rejected'],
    ['http-401:unauthorized_client', 'client_rejected'],
    ['http-429', 'rate_limited'],
    ['http-503', 'provider_unavailable'],
  ])('%s at the token endpoint → %s', (fault, code) =>
    withEmulator('x', {}, async (emulator) => {
      emulator.failNext('token', fault)
      expect((await logInAt(emulator)).error).toMatchObject({ code, phase: 'token' })
    }),
  )

  test.each<[Fault, ErrorCode, string]>([
    ['http-401', 'token_rejected', 'Unauthorized'],
    ['http-402:credits-depleted', 'provider_error', 'credits-depleted'],
    ['http-403', 'scope_insufficient', 'Forbidden'],
    ['http-403:client-not-enrolled', 'client_rejected', 'client-not-enrolled'],
    ['http-403:client-forbidden', 'client_rejected', 'client-forbidden'],
    ['http-403:oauth1-permissions', 'scope_insufficient', 'oauth1-permissions'],
    ['http-429:usage-capped', 'rate_limited', 'usage-capped'],
    ['http-500', 'provider_unavailable', 'Internal Server Error'],
    ['http-503', 'provider_unavailable', 'Service Unavailable'],
    ['refused:client-forbidden', 'client_rejected', 'client-forbidden'],
    ['refused:something-else', 'response_invalid', 'something-else'],
  ])('%s at the API → %s', (fault, code, providerCode) =>
    withEmulator('x', {}, async (emulator) => {
      emulator.failNext('profile', fault)
      expect((await logInAt(emulator)).error).toMatchObject({ code, phase: 'profile', providerCode })
    }),
  )

  test('an app that belongs to no project is told so, and not to check its credentials', () =>
    withEmulator('x', {}, async (emulator) => {
      emulator.failNext('profile', 'http-403:client-not-enrolled')
      const { error } = await logInAt(emulator)
      expect(error?.message).toMatch(/^The app does not belong to a project .* The provider says: When authenticating/)
      expect(error?.message).not.toContain('clientSecret')
    }))

  test.each<[string, object, Refusal]>([
    ['`detail`', { title: 'Forbidden', detail: 'words' }, { providerCode: 'Forbidden', providerMessage: 'words' }],
    [
      '`message` of `errors`, beside `detail`',
      { errors: [{ message: 'field [x]' }], title: 'Invalid Request', detail: 'One is wrong.' },
      { providerCode: 'Invalid Request', providerMessage: 'One is wrong. field [x]' },
    ],
    ['`message` of `errors` alone', { errors: [{ message: 'words' }] }, { providerMessage: 'words' }],
  ])('the words of a problem: %s', (_what, body, refusal) =>
    withEmulator('x', {}, async (emulator) => {
      expect(strategyAt(emulator).refusal({ ...body }, 'profile', 400, {})).toMatchObject(refusal)
    }),
  )

  test('a scope that users/me wants is missing', () =>
    withEmulator('x', {}, async (emulator) => {
      expect((await logInAt(emulator, { scope: 'users.read' })).code).toBe('scope_insufficient')
    }))

  test('the user’s allowance of one call is enough for one login; the second is told when to come again', () =>
    withEmulator('x', { profileLimit: 1 }, async (emulator) => {
      const before = Date.now()
      expect((await logInAt(emulator)).code).toBeUndefined()
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code: 'rate_limited', providerStatus: 429 })
      // The emulator's windows are of a day; X has no Retry-After.
      expect(Date.parse(String(error?.retryAfter))).toBeGreaterThanOrEqual(before + 24 * 3600_000)
    }))
})

describe('after the login', () => {
  test('a refresh goes by Basic, brings a new refresh token, and the old one is dead', () =>
    withEmulator('x', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      const { clientID, clientSecret = '' } = emulator.options
      const sent = emulator.requests.at(-1)
      expect(sent?.headers.authorization).toBe(basicOf(clientID, clientSecret))
      expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
        grant_type: 'refresh_token',
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID })
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({
        code: 'refresh_rejected',
        phase: 'refresh',
        providerCode: 'invalid_request',
        providerMessage: 'Value passed for the token was invalid.',
      })
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-400:invalid_grant', 'refresh_rejected'],
    ['http-400:invalid_request', 'provider_error'],
    ['http-401:unauthorized_client', 'client_rejected'],
  ])('%s at a refresh → %s', (fault, code) =>
    withEmulator('x', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('refresh', fault)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code, phase: 'refresh' })
    }),
  )

  test.each([
    ['the refresh token', OFFLINE, 'refreshToken'],
    ['the access token, where there is no other', ['users.read', 'tweet.read'], 'accessToken'],
  ] as const)('a revocation sends %s, by Basic', (_what, scope, name) =>
    withEmulator('x', {}, async (emulator) => {
      const tokens = await tokensAt(emulator, [...scope])
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      const sent = emulator.requests.at(-1)
      expect(sent).toMatchObject({ method: 'POST', path: '/2/oauth2/revoke' })
      expect(sent?.headers.authorization).toMatch(/^Basic /)
      expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({ token: tokens[name] })
      await expect(strategy.profileOf(tokens)).rejects.toMatchObject({ code: 'token_rejected' })
    }),
  )

  test('a revocation that X calls invalid is no refused grant', () =>
    withEmulator('x', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('revoke', 'http-400:invalid_request')
      const refused = { code: 'provider_error', phase: 'revoke' }
      await expect(strategyAt(emulator).revoke(tokens)).rejects.toMatchObject(refused)
    }))

  test('req.oauth: fetch renews a dead token once, profile asks again, revoke ends it', () =>
    withEmulator('x', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { x: { ...emulator.options, scope: OFFLINE } } })
      try {
        const browser = await loggedIn(app, 'x', emulator)
        const { tokens: before } = await ask(browser, `${app.origin}/tokens/x`)
        emulator.expireTokens()
        const fetched = await ask(browser, `${app.origin}/fetch/x?path=/2/users/me`)
        expect(fetched.status).toBe(200)
        expect(JSON.parse(fetched.body)).toMatchObject({ data: { id: ID } })
        expect(countOf(emulator, 'refresh')).toBe(1)
        const { tokens: after } = await ask(browser, `${app.origin}/tokens/x`)
        expect(after?.refreshToken).not.toBe(before?.refreshToken)
        expect((await ask(browser, `${app.origin}/profile/x`)).value).toMatchObject({ id: ID })
        expect((await ask(browser, `${app.origin}/revoke/x`)).value).toBe(true)
        expect((await ask(browser, `${app.origin}/tokens/x`)).tokens).toBeNull()
      } finally {
        await app.close()
      }
    }))

  test('baseURL moves both hosts; without it they are two', () => {
    const options = { clientID: 'id', clientSecret: 'cs-hosts-7f3a9c1e5b2d', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new XStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toMatchObject({
      authorizationURL: 'https://x.com/i/oauth2/authorize',
      tokenURL: 'https://api.x.com/2/oauth2/token',
      revokeURL: 'https://api.x.com/2/oauth2/revoke',
      userProfileURL: 'https://api.x.com/2/users/me',
    })
    expect(endpoints({ baseURL: 'https://mirror.example' })).toMatchObject({
      authorizationURL: 'https://mirror.example/i/oauth2/authorize',
      userProfileURL: 'https://mirror.example/2/users/me',
    })
  })
})
