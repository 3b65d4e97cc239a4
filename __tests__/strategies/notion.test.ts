// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { type ErrorCode, NotionStrategy } from 'passport-dialects'
import type { Emulator, EmulatorOptions, Fault } from 'passport-dialects/emulators'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'
import { bareLogin } from '../support/whole-login'

const ID = '11111111-2222-4333-8444-555555550001'
const VERSION = '2026-03-11'

/** The last request: what it carried, with the client's credentials by Basic. */
function lastOf(emulator: Emulator) {
  const { method, path, headers, query, body } = emulator.requests.at(-1) ?? {}
  const { clientID, clientSecret } = emulator.options
  const basic = `Basic ${Buffer.from(`${clientID}:${clientSecret}`).toString('base64')}`
  const isClient = headers?.authorization === basic
  return { method, path, query, version: headers?.['notion-version'], isClient, json: JSON.parse(body ?? '') }
}

describe('a whole login', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('notion', {}, async (emulator) => {
      const { code, request, query, profile, tokens } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/v1/oauth/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/notion\/callback$/),
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        owner: 'user',
      })
      expect(lastOf(emulator)).toEqual({
        ...{ method: 'POST', path: '/v1/oauth/token', query: {}, version: VERSION, isClient: true },
        json: { grant_type: 'authorization_code', code: expect.any(String), redirect_uri: query.redirect_uri },
      })
      const owner = {
        object: 'user',
        id: ID,
        name: '张三',
        avatar_url: 'https://s3-us-west-2.amazonaws.example/public.notion-static.com/zhangsan.jpg',
        type: 'person',
        person: { email: 'zhangsan@example.com' },
      }
      expect(profile).toEqual({
        provider: 'notion',
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: owner.avatar_url }],
        _raw: JSON.stringify(owner),
        _json: owner,
      })
      expect(tokens).not.toHaveProperty('expiresAt')
      expect(tokens?.raw).toMatchObject({ bot_id: expect.any(String), workspace_name: 'Example Workspace' })
    }))

  test('the user stands in the token response: nothing else is asked', () =>
    withEmulator('notion', {}, async (emulator) => {
      await logInAt(emulator)
      expect(countOf(emulator, 'token')).toBe(1)
      expect(countOf(emulator, 'profile')).toBe(0)
    }))

  test('under bare Passport', () =>
    withEmulator('notion', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三' })
      expect(lastOf(emulator)).toMatchObject({ path: '/v1/oauth/token', version: VERSION, isClient: true })
    }))

  test('a secret with characters that forms escape goes into base64 as it is', () =>
    withEmulator('notion', { clientSecret: 'a secret: 100 % + more' }, async (emulator) => {
      expect((await logInAt(emulator)).code).toBeUndefined()
      expect(lastOf(emulator).isClient).toBe(true)
    }))
})

describe('who the user is', () => {
  const profileOf = (knobs: EmulatorOptions<'notion'>, user?: string) =>
    withEmulator('notion', knobs, async (emulator) => {
      const { code, profile } = await logInAt(emulator, {}, user ? { user } : {})
      expect(code).toBeUndefined()
      return profile
    })

  test('a connection that may know no address gets none', async () => {
    const profile = await profileOf({ userInformation: 'without-email' })
    expect(profile).toMatchObject({ id: ID, displayName: '张三' })
    expect(profile).not.toHaveProperty('emails')
  })

  test('a connection that may know nothing of users gets an id, and that is enough', async () => {
    const profile = await profileOf({ userInformation: 'none' })
    expect(profile).toMatchObject({ id: ID, displayName: '', _json: { object: 'user', id: ID } })
    expect(profile).not.toHaveProperty('photos')
  })

  test('a person without picture and address: null is none', async () => {
    const profile = await profileOf({}, '11111111-2222-4333-8444-555555550002')
    expect(profile).toMatchObject({ displayName: 'Ada Lovelace', _json: { avatar_url: null } })
    expect(profile).not.toHaveProperty('emails')
    expect(profile).not.toHaveProperty('photos')
  })

  test('the token of a whole workspace logs nobody in: user_unknown', () =>
    withEmulator('notion', { ownerType: 'workspace' }, async (emulator) => {
      const { user, error } = await logInAt(emulator)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({
        code: 'user_unknown',
        phase: 'profile',
        message: expect.stringContaining('person'),
      })
      expect(countOf(emulator, 'profile')).toBe(0)
    }))

  test('an app that wants no profile gets the tokens of a workspace all the same', () =>
    withEmulator('notion', { ownerType: 'workspace' }, async (emulator) => {
      const verify = (accessToken: string, _rt: unknown, profile: unknown, done: (error: null, user: object) => void) =>
        done(null, { token: accessToken.slice(0, 4), profile: profile ?? 'none' })
      const options = { ...emulator.options, skipUserProfile: true }
      const { user } = await bareLogin(
        emulator,
        (callbackURL) => new NotionStrategy({ ...options, callbackURL }, verify),
      )
      expect(user).toEqual({ token: 'ntn_', profile: 'none' })
    }))

  test.each<[object, ErrorCode]>([
    [{}, 'response_invalid'],
    [{ owner: null }, 'response_invalid'],
    [{ owner: { type: 'user' } }, 'response_invalid'],
    [{ owner: { type: 'user', user: { name: 'x' } } }, 'response_invalid'],
    [{ owner: { workspace: true } }, 'user_unknown'], // as it was at the beginning
  ])('a token response of nobody, %j: %s', async (raw, code) => {
    const options = { clientID: 'c', clientSecret: 'cs-notion-nobody-9b8c7d6e', callbackURL: '/cb' }
    const strategy = new NotionStrategy(options, () => {})
    const tokens = { accessToken: 'ntn_x', tokenType: 'Bearer', scope: [], raw }
    const asked = Reflect.get(strategy, 'fetchProfile').call(strategy, tokens)
    await expect(asked).rejects.toMatchObject({ code, phase: 'profile' })
  })
})

describe('Notion-Version', () => {
  test('of the app, at every call: token, refresh, API, revocation', () =>
    withEmulator('notion', {}, async (emulator) => {
      const notionVersion = '2022-06-28'
      const app = await startTokenApp({ providers: { notion: { ...emulator.options, notionVersion } } })
      try {
        const browser = await loggedIn(app, 'notion', emulator)
        emulator.expireTokens()
        expect((await ask(browser, `${app.origin}/fetch/notion?path=/v1/users/me`)).status).toBe(200)
        expect((await ask(browser, `${app.origin}/revoke/notion`)).value).toBe(true)
        const called = emulator.requests.filter(({ endpoint }) => endpoint !== 'authorize')
        expect(called.map(({ endpoint }) => endpoint)).toEqual(['token', 'profile', 'refresh', 'profile', 'revoke'])
        for (const { headers } of called) expect(headers['notion-version']).toBe(notionVersion)
      } finally {
        await app.close()
      }
    }))

  test('a call to the API may name another one', () =>
    withEmulator('notion', {}, async (emulator) => {
      let status = 0
      const app = await startTokenApp(
        { providers: { notion: { ...emulator.options } } },
        {
          routes: (routes) =>
            routes.get('/own', async (req, res) => {
              const init = { headers: { 'Notion-Version': '2025-09-03', Authorization: 'Bearer mine' } }
              status = (await req.oauth.fetch('notion', '/v1/users/me', init)).status
              res.end()
            }),
        },
      )
      try {
        const browser = await loggedIn(app, 'notion', emulator)
        await browser.get(`${app.origin}/own`)
        expect(status).toBe(200)
        expect(emulator.requests.at(-1)?.headers['notion-version']).toBe('2025-09-03')
        expect(emulator.requests.at(-1)?.headers.authorization).toMatch(/^Bearer ntn_/)
      } finally {
        await app.close()
      }
    }))

  test.each(['latest', '2026-3-11', '2026-03-11\r\nx: y', '', 20260311])(
    '%j is refused at the start',
    (notionVersion) =>
      withEmulator('notion', {}, async (emulator) => {
        expect(() => strategyAt(emulator, { notionVersion })).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('notionVersion') }),
        )
      }),
  )
})

describe('refusals', () => {
  const TOKEN: [Fault, ErrorCode][] = [
    ['http-400:invalid_grant', 'grant_rejected'],
    ['http-401:invalid_client', 'client_rejected'],
    ['http-400:invalid_json', 'provider_error'],
    ['http-400:invalid_request', 'provider_error'],
    ['http-400:missing_version', 'provider_error'],
    ['http-400:validation_error', 'provider_error'],
  ]
  describe.each(['oauth', 'api'] as const)('in the words of %s', (tokenErrors) => {
    test.each(TOKEN)('%s at the token endpoint → %s', (fault, code) =>
      withEmulator('notion', { tokenErrors }, async (emulator) => {
        emulator.failNext('token', fault)
        const { error } = await logInAt(emulator)
        expect(error).toMatchObject({ code, phase: 'token', providerCode: fault.split(':')[1] })
        expect(error).toMatchObject({
          providerMessage: expect.any(String),
          requestId: expect.stringMatching(/^[\da-f-]{36}$/),
        })
      }),
    )

    test('a wrong secret', () =>
      withEmulator('notion', { tokenErrors }, async (emulator) => {
        const { error } = await logInAt(emulator, { clientSecret: 'not the secret' })
        expect(error).toMatchObject({ code: 'client_rejected', providerCode: 'invalid_client', providerStatus: 401 })
        expect(JSON.stringify(error)).not.toContain('not the secret')
      }))

    test('a code that Notion never gave, and one that is too old', () =>
      withEmulator('notion', { tokenErrors, codeLifetime: 0 }, async (emulator) => {
        const forged = (address: string) => address.replace(/code=[^&]+/, 'code=forged')
        for (const steps of [{}, { callback: forged }]) {
          const { error } = await logInAt(emulator, {}, steps)
          expect(error).toMatchObject({ code: 'grant_rejected', providerCode: 'invalid_grant', providerStatus: 400 })
        }
      }))

    test('a dead refresh token: refresh_rejected', () =>
      withEmulator('notion', { tokenErrors }, async (emulator) => {
        const tokens = await tokensAt(emulator)
        emulator.revokeGrants()
        const refused = { code: 'refresh_rejected', phase: 'refresh', providerCode: 'invalid_grant' }
        await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject(refused)
      }))
  })

  test.each([
    ['http-429', 'rate_limited', 'rate_limited'],
    ['http-500', 'provider_unavailable', 'internal_server_error'],
    ['http-503', 'provider_unavailable', 'service_unavailable'],
    ['http-403', 'client_rejected', 'restricted_resource'],
  ] as const)('%s at the token endpoint → %s', (fault, code, providerCode) =>
    withEmulator('notion', {}, async (emulator) => {
      emulator.failNext('token', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, providerCode })
      expect('retryAfter' in (error ?? {})).toBe(fault === 'http-429')
    }),
  )

  test('the user says no', () =>
    withEmulator('notion', {}, async (emulator) => {
      const { code } = await logInAt(emulator, {}, { deny: true })
      expect(code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))
})

describe('after the login', () => {
  test('a refresh brings a new refresh token, and the old one is dead', () =>
    withEmulator('notion', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(lastOf(emulator)).toEqual({
        ...{ method: 'POST', path: '/v1/oauth/token', query: {}, version: VERSION, isClient: true },
        json: { grant_type: 'refresh_token', refresh_token: tokens.refreshToken },
      })
      expect(renewed.refreshToken).toMatch(/^nrt_/)
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test('refresh_token: null is none', () =>
    withEmulator('notion', { refreshTokens: false }, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens.raw.refresh_token).toBeNull()
      expect(tokens).not.toHaveProperty('refreshToken')
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
      expect(countOf(emulator, 'refresh')).toBe(0)
    }))

  test('revoke: Basic, JSON, the access token; the refresh token goes along', () =>
    withEmulator('notion', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      expect(lastOf(emulator)).toEqual({
        ...{ method: 'POST', path: '/v1/oauth/revoke', query: {}, version: VERSION, isClient: true },
        json: { token: tokens.accessToken },
      })
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test.each([
    ['http-401', 'client_rejected'],
    ['http-400:validation_error', 'provider_error'],
    ['http-503', 'provider_unavailable'],
  ] as const)('%s at the revocation → %s', (fault, code) =>
    withEmulator('notion', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('revoke', fault)
      await expect(strategyAt(emulator).revoke(tokens)).rejects.toMatchObject({ code, phase: 'revoke' })
    }),
  )

  test('req.oauth.profile is config_invalid, and asks nothing; fetch renews a dead token once', () =>
    withEmulator('notion', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { notion: { ...emulator.options } } })
      try {
        const browser = await loggedIn(app, 'notion', emulator)
        const { error } = await ask(browser, `${app.origin}/profile/notion`)
        expect(error).toMatchObject({ code: 'config_invalid' })
        expect(countOf(emulator, 'profile')).toBe(0)
        emulator.expireTokens()
        const fetched = await ask(browser, `${app.origin}/fetch/notion?path=/v1/users/me`)
        expect(JSON.parse(fetched.body)).toMatchObject({ type: 'bot', bot: { owner: { user: { id: ID } } } })
        expect(countOf(emulator, 'refresh')).toBe(1)
        emulator.failNext('profile', 'http-403')
        expect((await ask(browser, `${app.origin}/fetch/notion?path=/v1/users/me`)).status).toBe(403)
        expect(countOf(emulator, 'refresh')).toBe(1) // 403 is no dead token
      } finally {
        await app.close()
      }
    }))

  test('baseURL moves every address', () => {
    const options = { clientID: 'id', clientSecret: 'cs-notion-1d2e3f4a5b6c', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new NotionStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://api.notion.com/v1/oauth/authorize',
      tokenURL: 'https://api.notion.com/v1/oauth/token',
      revokeURL: 'https://api.notion.com/v1/oauth/revoke',
      userProfileURL: 'https://api.notion.com/v1/users/me',
    })
    for (const url of Object.values(endpoints({ baseURL: 'https://mirror.example/n' }))) {
      expect(url).toMatch(/^https:\/\/mirror\.example\/n\/v1\//)
    }
  })
})
