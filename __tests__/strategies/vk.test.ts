// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { createHash, randomBytes } from 'node:crypto'
import session from 'express-session'
import { type ErrorCode, type OAuthRouterConfig, type TokenSet, VkStrategy } from 'passport-dialects'
import type { Emulator, EmulatorOptions, Fault } from 'passport-dialects/emulators'
import { RedisTokenStore } from 'passport-dialects/redis'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { describeWith, SERVICES } from '../support/services'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const ID = '700000001'
const ALL = { scope: 'vkid.personal_info email phone' }

/** The form of the last request; nothing of it may stand in the address, and no header may say who asks. */
function lastForm(emulator: Emulator): Record<string, string> {
  const { method, query, headers, body } = emulator.requests.at(-1) ?? {}
  expect({ method, query, authorization: headers?.authorization }).toEqual({ method: 'POST', query: {} })
  return Object.fromEntries(new URLSearchParams(body))
}

describe('a whole login', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('vk', {}, async (emulator) => {
      const { code, request, query, profile, tokens, form } = await logInAt(emulator, ALL)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/vk\/callback$/),
        scope: ALL.scope,
        state: expect.stringMatching(/^[A-Za-z0-9]{32,128}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 's256',
      })
      const exchanged = form('token')
      expect(exchanged).toEqual({
        grant_type: 'authorization_code',
        client_id: emulator.options.clientID,
        code: expect.stringMatching(/^vk2\.a\./),
        code_verifier: expect.stringMatching(/^[\w-]{43,128}$/),
        device_id: expect.stringMatching(/^[\w-]{86}$/),
        redirect_uri: query.redirect_uri,
        state: query.state,
      })
      const challenge = createHash('sha256').update(String(exchanged.code_verifier)).digest('base64url')
      expect(query.code_challenge).toBe(challenge)
      expect(lastForm(emulator)).toEqual({
        client_id: emulator.options.clientID,
        access_token: tokens?.accessToken,
      })
      expect(emulator.requests.at(-1)?.path).toBe('/oauth2/user_info')
      expect(profile).toMatchObject({
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: 'https://sun1.userapi.example/zhangsan.jpg' }],
        _json: { user_id: ID, phone: '79990000001', verified: false },
      })
      expect(tokens).toMatchObject({ scope: ALL.scope.split(' '), context: { device_id: exchanged.device_id } })
    }))

  test('under bare Passport', () =>
    withEmulator('vk', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三' })
    }))

  test('by default the scope that every app has: no address', () =>
    withEmulator('vk', {}, async (emulator) => {
      const { query, profile } = await logInAt(emulator)
      expect(query.scope).toBe('vkid.personal_info')
      expect(profile).not.toHaveProperty('emails')
    }))

  test('a user without address and surname', () =>
    withEmulator('vk', {}, async (emulator) => {
      const { profile } = await logInAt(emulator, ALL, { user: '700000002' })
      expect(profile).toMatchObject({ id: '700000002', displayName: 'Ada Lovelace' })
      expect(profile).not.toHaveProperty('emails')
    }))
})

describe('options', () => {
  test('there is no client secret, and none is needed', () => {
    const strategy = new VkStrategy({ clientID: '1', callbackURL: '/cb' }, () => {})
    expect(strategy.toJSON()).toEqual({ name: 'vk', clientID: '1' })
    expect(VkStrategy.options).toMatchObject({ clientSecret: 'none' })
  })

  test.each([['provider'], ['lang']])('%s is left out where the app says nothing: the control', (option) =>
    withEmulator('vk', {}, async (emulator) => {
      const { query } = await logInAt(emulator)
      expect(query).not.toHaveProperty(option === 'lang' ? 'lang_id' : option)
    }),
  )

  test.each([
    [{ provider: 'mail_ru' }, { provider: 'mail_ru' }],
    [
      { provider: 'ok_ru', lang: 0 },
      { provider: 'ok_ru', lang_id: '0' },
    ],
    [
      { provider: 'vkid', lang: 3 },
      { provider: 'vkid', lang_id: '3' },
    ],
  ])('%j', (options, asked) =>
    withEmulator('vk', {}, async (emulator) => {
      const { code, query } = await logInAt(emulator, options)
      expect(code).toBeUndefined()
      expect(query).toMatchObject(asked)
    }),
  )

  test.each([
    ['provider', 'google'],
    ['provider', ''],
    ['lang', 'ru'],
    ['lang', -1],
    ['lang', 1.5],
    ['lang', '3'],
    ['pkce', false],
  ])('%s %j is refused at the start', (option, value) =>
    withEmulator('vk', {}, async (emulator) => {
      expect(() => strategyAt(emulator, { [option]: value })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
      )
    }),
  )

  test('baseURL moves every address of VK ID', () => {
    const built = (own: object) => new VkStrategy({ clientID: '1', callbackURL: '/cb', ...own }, () => {})
    const endpoints = (own: object) => endpointsOf(built(own))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://id.vk.com/authorize',
      tokenURL: 'https://id.vk.com/oauth2/auth',
      revokeURL: 'https://id.vk.com/oauth2/revoke',
      userProfileURL: 'https://id.vk.com/oauth2/user_info',
    })
    expect(endpoints({ baseURL: 'https://id.vk.ru' })).toMatchObject({ tokenURL: 'https://id.vk.ru/oauth2/auth' })
  })

  test.each([
    [{}, 'https://api.vk.com'],
    [{ baseURL: 'https://id.vk.com/' }, 'https://api.vk.com'],
    [{ baseURL: 'https://id.vk.ru' }, 'https://api.vk.ru'],
    [{ baseURL: 'https://mirror.example/vk' }, 'https://mirror.example/vk'],
  ])('with %j the API lies at %s', (own, baseURL) => {
    expect(new VkStrategy({ clientID: '1', callbackURL: '/cb', ...own }, () => {}).apiParameters()).toEqual({ baseURL })
  })

  test('a token goes to no other host than the API, VK ID itself included', () =>
    withEmulator('vk', {}, async (emulator) => {
      const { baseURL: _, ...options } = emulator.options
      const app = await startTokenApp({ providers: { vk: options } })
      try {
        const browser = await loggedIn(app, 'vk', emulator)
        const path = encodeURIComponent(emulator.options.userProfileURL)
        const { error } = await ask(browser, `${app.origin}/fetch/vk?path=${path}`)
        expect(error).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('https://api.vk.com') })
      } finally {
        await app.close()
      }
    }))
})

describe('the callback', () => {
  const edited = (edit: (params: URLSearchParams) => void) => (address: string) => {
    const url = new URL(address)
    edit(url.searchParams)
    return url.href
  }
  const callbackWith = (edit: (params: URLSearchParams) => void, knobs: EmulatorOptions<'vk'> = {}) =>
    withEmulator('vk', knobs, async (emulator) => {
      const { code, error, form } = await logInAt(emulator, {}, { callback: edited(edit) })
      return { code, error, asked: countOf(emulator, 'token'), form: form('token') }
    })
  /** The JSON of `payload` with members of a test's own. */
  const payloadWith = (over: (members: Record<string, unknown>) => object) =>
    callbackWith((params) => params.set('payload', JSON.stringify(over(JSON.parse(params.get('payload') ?? '')))), {
      callback: 'payload',
    })

  test.each(['code', 'device_id'])('everything as JSON in one parameter: %s arrives', (name) =>
    withEmulator('vk', { callback: 'payload' }, async (emulator) => {
      let sent: Record<string, unknown> = {}
      const callback = (address: string) => {
        expect([...new URL(address).searchParams.keys()]).toEqual(['payload'])
        sent = JSON.parse(new URL(address).searchParams.get('payload') ?? '')
        return address
      }
      const { code, form, tokens } = await logInAt(emulator, {}, { callback })
      expect(code).toBeUndefined()
      expect(form('token')[name]).toBe(sent[name])
      expect(tokens?.context).toEqual({ device_id: sent.device_id })
    }),
  )

  test('a payload under bare Passport', () =>
    withEmulator('vk', { callback: 'payload' }, async (emulator) => {
      expect((await bareLoginAt(emulator)).user).toMatchObject({ id: ID })
    }))

  test('a code beside a payload: the payload does not count', async () => {
    const { code, form } = await callbackWith((params) => {
      params.set('payload', JSON.stringify({ code: 'forged', state: 'forged', device_id: 'forged' }))
    })
    expect(code).toBeUndefined()
    expect(form.device_id).toMatch(/^[\w-]{86}$/)
  })

  test('a code beside a payload that has the only device: callback_invalid', async () => {
    const refused = await callbackWith((params) => {
      params.set('payload', JSON.stringify({ code: 'another', device_id: params.get('device_id') }))
      params.delete('device_id')
    })
    expect(refused).toMatchObject({ code: 'callback_invalid', asked: 0 })
  })

  test.each<[string, (params: URLSearchParams) => void]>([
    ['no device_id', (params) => params.delete('device_id')],
    ['an empty device_id', (params) => params.set('device_id', '')],
    ['an endless device_id', (params) => params.set('device_id', 'd'.repeat(2049))],
    ['two device_ids', (params) => params.append('device_id', 'another')],
  ])('%s: callback_invalid before any call', async (_what, edit) => {
    expect(await callbackWith(edit)).toMatchObject({ code: 'callback_invalid', asked: 0 })
  })

  test.each<[string, (members: Record<string, unknown>) => object]>([
    ['no device_id', ({ device_id: _, ...rest }) => rest],
    ['a device_id that is a number', (members) => ({ ...members, device_id: 7 })],
    ['no code', ({ code: _, ...rest }) => rest],
    ['a code that is a list', (members) => ({ ...members, code: [members.code] })],
    ['an empty code', (members) => ({ ...members, code: '' })],
  ])('a payload with %s: callback_invalid before any call', async (_what, over) => {
    expect(await payloadWith(over)).toMatchObject({ code: 'callback_invalid', asked: 0 })
  })

  test.each<[string, ErrorCode, (members: Record<string, unknown>) => object]>([
    ['no state', 'state_missing', ({ state: _, ...rest }) => rest],
    ['a state that is a number', 'state_missing', (members) => ({ ...members, state: 7 })],
    ['a forged state', 'state_unknown', (members) => ({ ...members, state: 'f'.repeat(43) })],
  ])('a payload with %s: %s', async (_what, code, over) => {
    expect(await payloadWith(over)).toMatchObject({ code, asked: 0 })
  })

  test.each(['', 'null', '[]', '"text"', '{', '{"__proto__":{"code":"x","state":"y","device_id":"z"}}'])(
    'a payload that is no object of texts, %s: no login, no call',
    async (payload) => {
      const { code, asked } = await callbackWith((params) => params.set('payload', payload), { callback: 'payload' })
      expect(['callback_invalid', 'state_missing']).toContain(code)
      expect(asked).toBe(0)
    },
  )

  test.each(['plain', 'payload'] as const)('the user says no (%s)', (callback) =>
    withEmulator('vk', { callback }, async (emulator) => {
      const { code } = await logInAt(emulator, {}, { deny: true })
      expect(code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }),
  )

  test('another device than the one of the code: grant_rejected', async () => {
    const { code, error } = await callbackWith((params) => params.set('device_id', 'another'))
    expect(code).toBe('grant_rejected')
    expect(error).toMatchObject({ providerCode: 'invalid_grant', providerStatus: 200 })
  })
})

describe('the state in the token response', () => {
  test.each(['other', 'missing'] as const)('%s: response_invalid, and nobody is logged in', (echo) =>
    withEmulator('vk', { echo }, async (emulator) => {
      const { user, error } = await logInAt(emulator)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({ code: 'response_invalid', phase: 'token' })
      expect(countOf(emulator, 'profile')).toBe(0)
      expect((await bareLoginAt(emulator)).user).toBeUndefined()
    }),
  )

  test('at a refresh it is a fresh one of 32 characters, compared too', () =>
    withEmulator('vk', {}, async (emulator) => {
      const strategy = strategyAt(emulator)
      const first = await strategy.refresh(await tokensAt(emulator))
      const { state } = lastForm(emulator)
      expect(state).toMatch(/^[A-Za-z0-9]{32}$/)
      expect(first.raw.state).toBe(state)
      await strategy.refresh(first)
      expect(lastForm(emulator).state).not.toBe(state)
    }))

  test.each(['other', 'missing'] as const)('%s at a refresh: response_invalid', (echo) =>
    withEmulator('vk', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      await withEmulator('vk', { echo }, async (liar) => {
        // The login of another emulator has a refresh token there too.
        const lying = strategyAt(liar)
        const own = await loginOf(liar)
        await expect(lying.refresh(own)).rejects.toMatchObject({ code: 'response_invalid', phase: 'refresh' })
      })
      expect(await strategyAt(emulator).refresh(tokens)).toHaveProperty('accessToken') // control
    }),
  )

  /** A login by hand at an emulator whose token responses this package refuses. */
  async function loginOf(emulator: Emulator): Promise<TokenSet> {
    const { clientID: client_id, authorizationURL, tokenURL } = emulator.options
    const code_verifier = randomBytes(32).toString('base64url')
    const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
    const redirect_uri = 'http://127.0.0.1/callback'
    const state = 's'.repeat(32)
    const query = {
      client_id,
      response_type: 'code',
      redirect_uri,
      state,
      code_challenge,
      code_challenge_method: 's256',
    }
    const { searchParams } = new URL(await emulator.approve(`${authorizationURL}?${new URLSearchParams(query)}`))
    const [code = '', device_id = ''] = ['code', 'device_id'].map((name) => searchParams.get(name) ?? '')
    const grant = { grant_type: 'authorization_code', code, device_id, code_verifier, redirect_uri, client_id, state }
    const response = await fetch(tokenURL, { method: 'POST', body: new URLSearchParams(grant) })
    const raw = (await response.json()) as Record<string, string> // the emulator's token object
    const { access_token: accessToken = '', refresh_token: refreshToken = '' } = raw
    return { accessToken, refreshToken, tokenType: 'Bearer', scope: [], context: { device_id }, raw: {} }
  }
})

describe('refusals, on whatever status', () => {
  const TOKEN: [Fault, ErrorCode][] = [
    ['refused:invalid_grant', 'grant_rejected'],
    ['refused:invalid_client', 'client_rejected'],
    ['refused:unauthorized_client', 'client_rejected'],
    ['refused:invalid_request', 'provider_error'],
    ['refused:invalid_scope', 'scope_insufficient'],
    ['refused:slow_down', 'rate_limited'],
    ['refused:too_many_requests', 'rate_limited'],
    ['refused:server_error', 'provider_unavailable'],
    ['refused:temporarily_unavailable', 'provider_unavailable'],
    ['refused:something_else', 'provider_error'],
  ]
  test.each(TOKEN)('%s on HTTP 200 at the token endpoint → %s', (fault, code) =>
    withEmulator('vk', {}, async (emulator) => {
      emulator.failNext('token', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', providerStatus: 200, providerCode: fault.split(':')[1] })
    }),
  )

  const PROFILE: [Fault, ErrorCode][] = [
    ['refused:invalid_token', 'token_rejected'],
    ['refused:access_denied', 'token_rejected'],
    ['refused:invalid_client', 'client_rejected'],
    ['refused:invalid_scope', 'scope_insufficient'],
    ['refused:slow_down', 'rate_limited'],
    ['refused:server_error', 'provider_unavailable'],
  ]
  test.each(PROFILE)('%s on HTTP 200 for the user → %s', (fault, code) =>
    withEmulator('vk', {}, async (emulator) => {
      emulator.failNext('profile', fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'profile', providerStatus: 200, providerCode: fault.split(':')[1] })
    }),
  )

  test.each(['200', '4xx'] as const)('another app, a forged code, a dead code (%s)', (refusalStatus) =>
    withEmulator('vk', { refusalStatus, codeLifetime: 0 }, async (emulator) => {
      const forged = (address: string) => address.replace(/code=[^&]+/, 'code=forged')
      for (const steps of [{}, { callback: forged }]) {
        const { error } = await logInAt(emulator, {}, steps)
        expect(error).toMatchObject({ code: 'grant_rejected', providerCode: 'invalid_grant' })
        expect(error?.providerStatus).toBe(refusalStatus === '200' ? 200 : 400)
      }
    }),
  )

  test.each([
    ['code is missing', 'token', 'grant_rejected'],
    ['The Code is wrong.', 'token', 'grant_rejected'],
    ['verifier is missing or invalid', 'token', 'grant_rejected'], // VKCOM/vkid-web-sdk#34
    ['code_verifier is invalid', 'token', 'grant_rejected'],
    ['redirect_uri is missing', 'token', 'provider_error'],
    ['code is missing', 'refresh', 'provider_error'],
  ] as const)('invalid_request that says "%s" in phase %s → %s', (error_description, phase, code) => {
    const strategy = new VkStrategy({ clientID: '1', callbackURL: '/cb' }, () => {})
    expect(strategy.refusal({ error: 'invalid_request', error_description }, phase)).toMatchObject({
      code,
      providerCode: 'invalid_request',
      providerMessage: error_description,
    })
  })

  const API: [number, ErrorCode][] = [
    [1, 'provider_unavailable'],
    [5, 'token_rejected'],
    [6, 'rate_limited'],
    [7, 'scope_insufficient'],
    [9, 'rate_limited'],
    [10, 'provider_unavailable'],
    [14, 'provider_error'],
    [15, 'scope_insufficient'],
    [17, 'provider_error'],
    [18, 'user_unknown'],
    [29, 'rate_limited'],
    [100, 'provider_error'],
  ]
  test.each(API)("error_code %i of VK's API → %s", (error_code, code) => {
    const strategy = new VkStrategy({ clientID: '1', callbackURL: '/cb' }, () => {})
    const body = { error: { error_code, error_msg: 'as VK says', request_params: [] } }
    const said = { code, providerCode: String(error_code), providerMessage: 'as VK says' }
    expect(strategy.refusal(body, 'request')).toEqual(said)
    expect(strategy.refusal({ response: [{ id: 1 }] }, 'request')).toBeUndefined()
  })
})

describe('device_id lives with the tokens', () => {
  test('refresh: the device, a state, a new refresh token, no id_token', () =>
    withEmulator('vk', {}, async (emulator) => {
      const tokens = await tokensAt(emulator, ALL)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(lastForm(emulator)).toEqual({
        grant_type: 'refresh_token',
        refresh_token: tokens.refreshToken,
        client_id: emulator.options.clientID,
        device_id: tokens.context?.device_id,
        state: expect.any(String),
      })
      expect(tokens.raw).toHaveProperty('id_token')
      expect(renewed.raw).not.toHaveProperty('id_token')
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      expect(renewed.context).toEqual(tokens.context)
      const again = await strategy.refresh(renewed)
      expect(again.context).toEqual(tokens.context)
      expect(await strategy.profileOf(again)).toMatchObject({ id: ID })
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test('tokens without a device are not renewed: the user logs in again, and VK is not asked', () =>
    withEmulator('vk', {}, async (emulator) => {
      const { context: _, ...tokens } = await tokensAt(emulator)
      const refused = { code: 'refresh_rejected', phase: 'refresh', message: expect.stringContaining('device_id') }
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject(refused)
      expect(countOf(emulator, 'refresh')).toBe(0)
    }))

  test('another device: refresh_rejected', () =>
    withEmulator('vk', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const stolen = { ...tokens, context: { device_id: 'another' } }
      await expect(strategyAt(emulator).refresh(stolen)).rejects.toMatchObject({ code: 'refresh_rejected' })
    }))

  test('revoke: the token in the form, with the device; success is 1', () =>
    withEmulator('vk', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      expect(emulator.requests.at(-1)?.path).toBe('/oauth2/revoke')
      expect(lastForm(emulator)).toEqual({
        client_id: emulator.options.clientID,
        access_token: tokens.accessToken,
        device_id: tokens.context?.device_id,
      })
      await expect(strategy.profileOf(tokens)).rejects.toMatchObject({ code: 'token_rejected' })
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
      await expect(strategy.revoke(tokens)).rejects.toMatchObject({ code: 'token_rejected', phase: 'revoke' })
      for (const [response, revoked] of [
        [1, true],
        ['1', true],
        [0, false],
        [undefined, false],
      ] as const) {
        expect(strategy.unwrap({ response }, 'revoke') !== undefined).toBe(revoked)
      }
    }))

  /** A login in one app, and what is done with it in the next one, which knows nothing but what was stored. */
  async function afterRestart(emulator: Emulator, config: () => Partial<OAuthRouterConfig>): Promise<void> {
    const store = new session.MemoryStore()
    const start = () => startTokenApp({ providers: { vk: { ...emulator.options } }, ...config() }, { store })
    const before = await start()
    const old = await loggedIn(before, 'vk', emulator)
    const { form, device } = deviceOf(emulator)
    await before.close()
    const app = await start()
    try {
      const browser = old.at(before.origin, app.origin)
      emulator.expireTokens()
      const path = encodeURIComponent('/method/users.get?v=5.199')
      const fetched = await ask(browser, `${app.origin}/fetch/vk?path=${path}`)
      expect(JSON.parse(fetched.body)).toMatchObject({ response: [{ id: Number(ID) }] })
      expect(countOf(emulator, 'refresh')).toBe(1)
      expect(form('refresh').device_id).toBe(device)
      expect((await ask(browser, `${app.origin}/revoke/vk`)).value).toBe(true)
      expect(form('revoke').device_id).toBe(device)
      expect((await ask(browser, `${app.origin}/tokens/vk`)).tokens).toBeNull()
    } finally {
      await app.close()
    }
  }

  function deviceOf(emulator: Emulator) {
    const form = (endpoint: string): Record<string, string> => {
      const sent = emulator.requests.findLast((request) => request.endpoint === endpoint)
      return Object.fromEntries(new URLSearchParams(sent?.body))
    }
    const device = form('token').device_id
    expect(device).toMatch(/^[\w-]{86}$/)
    return { form, device }
  }

  test.each([
    ['in the clear', {}],
    ['sealed', { encryptionKey: 'a key of the app, thirty-two bytes and more' }],
  ])('after a restart of the app: refresh and revoke by the session, %s', (_how, config) =>
    withEmulator('vk', {}, (emulator) => afterRestart(emulator, () => config)),
  )

  describeWith('Redis', 'after a restart of the app', () => {
    test('refresh and revoke by what is in Redis', () =>
      withEmulator('vk', {}, async (emulator) => {
        const prefix = `test-${randomBytes(6).toString('hex')}:`
        const stores: RedisTokenStore[] = []
        try {
          await afterRestart(emulator, () => {
            const tokenStore = new RedisTokenStore({ url: SERVICES.Redis.url, prefix })
            stores.push(tokenStore)
            return { tokenStore }
          })
          expect(stores.length).toBe(2)
        } finally {
          await Promise.all(stores.map((store) => store.close()))
        }
      }))
  })
})

describe('req.oauth', () => {
  test('fetch: the token as a parameter, no header; a dead one on HTTP 200 is renewed once', () =>
    withEmulator('vk', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { vk: { ...emulator.options } } })
      try {
        const browser = await loggedIn(app, 'vk', emulator)
        const fetched = (path: string) => ask(browser, `${app.origin}/fetch/vk?path=${encodeURIComponent(path)}`)
        const { tokens } = await ask(browser, `${app.origin}/tokens/vk`)
        expect((await fetched('/method/users.get?v=5.199')).body).toContain(ID)
        const sent = emulator.requests.at(-1)
        expect(sent?.query).toEqual({ v: '5.199', access_token: tokens?.accessToken })
        expect(sent?.headers.authorization).toBeUndefined()

        emulator.expireTokens()
        expect((await fetched('/method/users.get?v=5.199')).body).toContain(ID)
        expect(countOf(emulator, 'refresh')).toBe(1)

        const refused = await fetched('/method/users.get') // without `v`: error 8, on HTTP 200 too
        expect(JSON.parse(refused.body)).toMatchObject({ error: { error_code: 8 } })
        expect(refused.status).toBe(200)
        expect(countOf(emulator, 'refresh')).toBe(1)

        expect((await ask(browser, `${app.origin}/profile/vk`)).value).toMatchObject({ id: ID })
      } finally {
        await app.close()
      }
    }))

  test('a dead refresh token: refresh_rejected', () =>
    withEmulator('vk', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { vk: { ...emulator.options } } })
      try {
        const browser = await loggedIn(app, 'vk', emulator)
        emulator.revokeGrants()
        emulator.expireTokens()
        const { error } = await ask(browser, `${app.origin}/fetch/vk?path=/method/users.get`)
        expect(error).toMatchObject({ code: 'refresh_rejected' })
      } finally {
        await app.close()
      }
    }))
})
