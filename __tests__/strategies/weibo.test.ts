import { type ErrorCode, WeiboStrategy } from 'passport-dialects'
import type { Emulator, EmulatorOptions, Fault } from 'passport-dialects/emulators'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf, profileOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

const ZHANG = '7000000001'
const ADA = '7000000002'
const EMAIL = '/2/account/profile/email.json'

const at = <Result>(
  knobs: EmulatorOptions<'weibo'>,
  body: (emulator: Emulator<'weibo'>) => Promise<Result>,
): Promise<Result> => withEmulator('weibo', knobs, body)

describe('a whole login', () => {
  test('under the router: a form, then the user by the uid of the token, and no Bearer', () =>
    at({}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth2/authorize')
      const { clientID: client_id, clientSecret: client_secret } = emulator.options
      expect(query).toEqual({
        response_type: 'code',
        client_id,
        redirect_uri: expect.stringMatching(/\/auth\/weibo\/callback$/),
        state: expect.any(String),
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/oauth2/access_token', query: {} })
      const grant = { grant_type: 'authorization_code', code: expect.any(String), redirect_uri: query.redirect_uri }
      expect(form('token')).toEqual({ client_id, client_secret, ...grant })
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/2/users/show.json', query: { uid: ZHANG } })
      expect(sent('profile')?.query).not.toHaveProperty('access_token')
      expect(sent('profile')?.headers.authorization).toBe(`OAuth2 ${tokens?.accessToken}`)
      expect(tokens).toMatchObject({ context: { uid: ZHANG }, raw: { remind_in: expect.any(String) } })
      expect(tokens).not.toHaveProperty('refreshToken')
      expect(profile).toMatchObject({ provider: 'weibo', id: ZHANG, displayName: '张三', _json: { idstr: ZHANG } })
      expect(profile?.photos).toEqual([{ value: 'https://tvax1.sinaimg.example/180/zhangsan.jpg' }])
      expect(profile).not.toHaveProperty('emails')
    }))

  test('under bare Passport', () =>
    at({}, async (emulator) => {
      const { user } = await bareLoginAt(emulator, {}, { user: ADA })
      expect(user).toMatchObject({ id: ADA, displayName: 'Ada Lovelace' })
    }))

  test('scopes have commas; forcelogin and language go along', () =>
    at({}, async (emulator) => {
      const scope = ['email', 'follow_app_official_microblog']
      const { code, query } = await logInAt(emulator, { scope, forcelogin: true, language: 'en' })
      expect(code).toBeUndefined()
      expect(query).toMatchObject({ scope: scope.join(','), forcelogin: 'true', language: 'en' })
    }))

  test('a Bearer header is refused: the control', () =>
    at({}, async (emulator) => {
      const { accessToken } = await tokensAt(emulator)
      const headers = { authorization: `Bearer ${accessToken}` }
      const response = await fetch(`${emulator.options.userProfileURL}?uid=${ZHANG}`, { headers })
      expect(response.status).toBe(400)
    }))
})

describe('who the user is', () => {
  test('a user who is not the token’s is response_invalid: Weibo tells anybody of anybody', () =>
    at({ shownUser: ADA }, async (emulator) => {
      const { code, user } = await logInAt(emulator)
      expect({ code, user }).toEqual({ code: 'response_invalid', user: undefined })
      expect((await logInAt(emulator, {}, { user: ADA })).code).toBeUndefined() // the control
    }))

  test.each<[object, object | undefined, string | undefined]>([
    [{ idstr: ZHANG, id: 1 }, { uid: ZHANG }, ZHANG],
    [{ id: 7_000_000_001 }, { uid: ZHANG }, ZHANG],
    [{ idstr: ZHANG }, { uid: 7_000_000_001 }, ZHANG],
    [{ idstr: ZHANG }, undefined, undefined],
    [{ name: 'x' }, undefined, undefined],
    [{ idstr: { unexpected: true } }, { uid: ZHANG }, undefined],
  ])('%j for the token of %j: %s', (user, context, id) =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator)
      const made = () => profileOf(strategy, user, context).id
      if (id === undefined) expect(made).toThrow(expect.objectContaining({ code: 'response_invalid' }))
      else expect(made()).toBe(id)
    }),
  )

  test('a token without a uid is response_invalid', () =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator)
      expect(strategy.unwrap({ access_token: '2.00x' }, 'token')).toBeUndefined()
      expect(strategy.unwrap({ access_token: '2.00x', uid: ZHANG }, 'token')).toBeDefined()
    }))
})

describe('the e-mail address', () => {
  test.each(['array', 'object'] as const)('is asked for under the scope email; it comes as an %s', (emailForm) =>
    at({ emailForm }, async (emulator) => {
      const { profile, tokens } = await logInAt(emulator, { scope: 'email' })
      expect(profile?.emails).toEqual([{ value: 'zhangsan@example.com' }])
      expect(profile?._json).not.toHaveProperty('email')
      const asked = emulator.requests.find(({ path }) => path === EMAIL)
      expect(asked).toMatchObject({ method: 'GET', query: {} })
      expect(asked?.headers.authorization).toBe(`OAuth2 ${tokens?.accessToken}`)
    }),
  )

  test('is not asked for without it', () =>
    at({}, async (emulator) => {
      await logInAt(emulator)
      expect(emulator.requests.filter(({ path }) => path === EMAIL)).toEqual([])
    }))

  test('that the app may not have fails no login', () =>
    at({ emailRight: false }, async (emulator) => {
      const { code, profile } = await logInAt(emulator, { scope: 'all' })
      expect(code).toBeUndefined()
      expect(emulator.requests.filter(({ path }) => path === EMAIL)).toHaveLength(1)
      expect(profile).toMatchObject({ id: ZHANG })
      expect(profile).not.toHaveProperty('emails')
    }))

  test('of a user who has none is none', () =>
    at({}, async (emulator) => {
      const { code, profile } = await logInAt(emulator, { scope: 'email' }, { user: ADA })
      expect(code).toBeUndefined()
      expect(profile).not.toHaveProperty('emails')
    }))
})

describe('the callback', () => {
  test('error_code 21330 beside access_denied', () =>
    at({}, async (emulator) => {
      const { code, error } = await logInAt(emulator, {}, { deny: true })
      expect(code).toBe('access_denied')
      expect(error).toMatchObject({ providerCode: 'access_denied' })
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('any other error is authorization_failed', () =>
    at({}, async (emulator) => {
      emulator.failNext('authorize', 'refused:21331')
      const { code, error } = await logInAt(emulator)
      expect(code).toBe('authorization_failed')
      expect(error).toMatchObject({ providerCode: 'temporarily_unavailable' })
    }))
})

const all = (numbers: number[], code: ErrorCode) => numbers.map((number): [number, ErrorCode] => [number, code])
const ANYWHERE = [
  ...all([21324, 21326, 21337, 21321, 10006], 'client_rejected'),
  ...all([21331, 10001, 10002, 10010], 'provider_unavailable'),
  ...all([10022, 10023, 10024], 'rate_limited'),
  ...all([21323, 21328, 21329, 29999], 'provider_error'),
]

describe('refusals, each a number', () => {
  test.each([...ANYWHERE, ...all([21322, 21325], 'grant_rejected'), ...all([21330], 'access_denied')])(
    '%d at the token is %s',
    (number, code) =>
      at({}, async (emulator) => {
        emulator.failNext('token', `http-400:${number}` as Fault)
        const { error } = await logInAt(emulator)
        expect(error).toMatchObject({ code, phase: 'token', providerCode: String(number), providerStatus: 400 })
      }),
  )

  test.each([
    ...ANYWHERE,
    ...all([21314, 21315, 21316, 21317, 21319, 21327, 21332], 'token_rejected'),
    ...all([10014], 'scope_insufficient'),
    ...all([20003], 'user_unknown'),
  ])('%d at the user is %s', (number, code) =>
    at({}, async (emulator) => {
      emulator.failNext('profile', `http-400:${number}` as Fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'profile', providerCode: String(number) })
    }),
  )

  test.each(['text', 'number'] as const)('error_code is a %s', (errorCode) =>
    at({ errorCode, testAccounts: [ADA] }, async (emulator) => {
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: '21321', providerStatus: 403 })
    }),
  )

  test('a refused code, which the description quotes, is shown nowhere', () =>
    at({}, async (emulator) => {
      const forged = (address: string) => address.replace(/code=[^&]+/, 'code=0f1e2d3c4b5a69788796a5b4')
      const { code, error } = await logInAt(emulator, {}, { callback: forged })
      expect(code).toBe('grant_rejected')
      expect(error?.providerMessage).toMatch(/^invalid authorization code/)
      expect(JSON.stringify(error)).not.toContain('0f1e2d3c')
    }))

  test('a wrong secret', () =>
    at({}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: '21324', providerStatus: 400 })
    }))

  test.each([{ forcelogin: 'yes' }, { language: '' }, { emailURL: 'somewhere' }])('%j is config_invalid', (wrong) =>
    at({}, async (emulator) => {
      const [name = ''] = Object.keys(wrong)
      expect(() => strategyAt(emulator, wrong)).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) }),
      )
    }),
  )
})

describe('after the login', () => {
  test('req.oauth: the header everywhere, the profile again, a dead token’s own response, revocation', () =>
    at({}, async (emulator) => {
      const app = await startTokenApp({ providers: { weibo: emulator.options } })
      try {
        const browser = await loggedIn(app, 'weibo', emulator)
        const resource = `${app.origin}/fetch/weibo?path=/emulator/resource`
        expect(JSON.parse((await ask(browser, resource)).body)).toMatchObject({ user: ZHANG, query: {} })
        expect((await ask(browser, `${app.origin}/profile/weibo`)).value).toMatchObject({ id: ZHANG })
        expect((await ask(browser, `${app.origin}/revoke/weibo`)).value).toBe(true)
        expect((await ask(browser, `${app.origin}/tokens/weibo`)).tokens).toBeNull()
        await loggedIn(app, 'weibo', emulator, browser)
        emulator.expireTokens()
        const dead = await ask(browser, resource) // there is nothing to renew it with
        expect(dead.status).toBe(403)
        expect(JSON.parse(dead.body)).toMatchObject({ error_code: '21327' })
      } finally {
        await app.close()
      }
    }))

  test('revoke sends the token alone, and knows a no', () =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'POST', path: '/oauth2/revokeoauth2', query: {} })
      expect(emulator.requests.at(-1)?.body).toBe(`access_token=${tokens.accessToken}`)
      await expect(strategy.profileOf(tokens)).rejects.toMatchObject({ code: 'token_rejected' })
      await expect(strategy.revoke(tokens)).rejects.toMatchObject({ code: 'token_rejected', phase: 'revoke' })
      for (const result of ['false', false, 1]) expect(strategy.unwrap({ result }, 'revoke')).toBeUndefined()
      for (const result of ['true', true]) expect(strategy.unwrap({ result }, 'revoke')).toEqual({ result })
    }))

  test('without a baseURL every endpoint is Weibo’s', () => {
    const options = { clientID: 'id', clientSecret: 'cs-hosts-7f3a9c1e5b2d', callbackURL: '/callback' }
    expect(endpointsOf(new WeiboStrategy(options, () => {}))).toEqual({
      authorizationURL: 'https://api.weibo.com/oauth2/authorize',
      tokenURL: 'https://api.weibo.com/oauth2/access_token',
      revokeURL: 'https://api.weibo.com/oauth2/revokeoauth2',
      userProfileURL: 'https://api.weibo.com/2/users/show.json',
      emailURL: 'https://api.weibo.com/2/account/profile/email.json',
    })
  })
})
