// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { type ErrorCode, HuaweiStrategy, type JsonObject, OAuthError } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, type Fault, ID_TOKEN_FORGERIES } from 'passport-dialects/emulators'
import { IdTokenVerifier } from '../../lib/provider/id-token'
import { KeySet } from '../../lib/provider/key-set'
import { readResponse } from '../../lib/provider/read-response'
import { loadJose } from '../../lib/util/jose'
import { isForgeryOfEachKind } from '../support/kinds'
import { bareLoginAt, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf, profileOf } from '../support/protected'
import { rsaPair } from '../support/rsa-keys'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'
import { usually } from '../support/whole'

const ZHANG = 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0ZQ'
const OUYANG = 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0Zq'
const UNION_ID = 'MDEAMTAwMDAwMDAxQGExYjJjM2Q0ZQ'

const at = <Result>(
  knobs: EmulatorOptions<'huawei'>,
  body: (emulator: Emulator<'huawei'>) => Promise<Result>,
): Promise<Result> => withEmulator('huawei', knobs, body)

const formOf = (body: string | undefined) => Object.fromEntries(new URLSearchParams(body))

describe('a whole login', () => {
  test('under the router: access_type offline, forms, the nickname asked for, text that is JSON', () =>
    at({}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth2/v3/authorize')
      const { clientID: client_id, clientSecret: client_secret } = emulator.options
      expect(query).toEqual({
        response_type: 'code',
        client_id,
        redirect_uri: expect.stringMatching(/\/auth\/huawei\/callback$/),
        scope: 'openid profile',
        state: expect.any(String),
        access_type: 'offline',
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/oauth2/v3/token', query: {} })
      const { redirect_uri } = query
      const grant = { grant_type: 'authorization_code', code: expect.any(String), redirect_uri }
      expect(form('token')).toEqual({ client_id, client_secret, ...grant })
      const service = { nsp_svc: 'GOpen.User.getInfo' }
      expect(sent('profile')).toMatchObject({ method: 'POST', path: '/rest.php', query: service })
      expect(form('profile')).toEqual({ access_token: tokens?.accessToken, getNickName: '1' })
      expect(tokens).toMatchObject({ scope: ['openid', 'profile'], refreshToken: expect.stringMatching(/^DAFB/) })
      expect(profile).toMatchObject({
        provider: 'huawei',
        id: ZHANG,
        displayName: '张三',
        photos: [{ value: 'https://upfile.hwcloud.example/zhangsan.jpg' }],
        _json: { openID: ZHANG, unionID: UNION_ID, displayNameFlag: 0 },
      })
      expect(profile).not.toHaveProperty('emails')
    }))

  test('under bare Passport: an empty picture is none', () =>
    at({}, async (emulator) => {
      const { user } = await bareLoginAt(emulator, {}, { user: 'MDFAMTAwMDAwMDAyQGExYjJjM2Q0ZQ' })
      expect(user).toMatchObject({ id: 'MDFAMTAwMDAwMDAyQGExYjJjM2Q0ZQ', displayName: 'Ada Lovelace' })
      expect(user).not.toHaveProperty('photos')
    }))

  test('codes and tokens with /, + and = arrive unharmed', () =>
    at({}, async (emulator) => {
      let given = ''
      const look = (address: string) => {
        given = new URL(address).searchParams.get('code') ?? ''
        return address
      }
      const { form, tokens } = await logInAt(emulator, {}, { callback: look })
      for (const sign of ['/', '+', '=']) expect(given).toContain(sign)
      expect(form('token').code).toBe(given)
      expect(tokens?.accessToken).toMatch(/\+\/==$/)
      expect(form('profile').access_token).toBe(tokens?.accessToken)
    }))

  test('PKCE by S256, where the app wants it', () =>
    at({}, async (emulator) => {
      const { code, query, form } = await logInAt(emulator, { pkce: true })
      expect(code).toBeUndefined()
      expect(query.code_challenge_method).toBe('S256')
      expect(form('token').code_verifier).toMatch(/^[\w-]{43,128}$/)
    }))

  test('the user says no', () =>
    at({}, async (emulator) => {
      expect((await logInAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))
})

describe('who the user is', () => {
  test('two ids that differ in the case of one letter are two users', () =>
    at({}, async (emulator) => {
      expect((await logInAt(emulator, {}, { user: OUYANG })).profile).toMatchObject({ id: OUYANG })
      expect((await logInAt(emulator)).profile).toMatchObject({ id: ZHANG })
    }))

  test('idSource unionID', () =>
    at({}, async (emulator) => {
      expect((await logInAt(emulator, { idSource: 'unionID' })).profile?.id).toBe(UNION_ID)
    }))

  test.each([
    ['unionID', { openID: ZHANG }],
    ['unionID', { openID: ZHANG, unionID: '' }],
    ['openID', { unionID: UNION_ID }],
  ] as const)('a user without %s is response_invalid, never the other id: %j', (idSource, user) =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator, { idSource })
      expect(() => profileOf(strategy, user)).toThrow(expect.objectContaining({ code: 'response_invalid' }))
    }),
  )

  test('another idSource is config_invalid', () =>
    at({}, async (emulator) => {
      expect(() => strategyAt(emulator, { idSource: 'openid' })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('idSource') }),
      )
    }))
})

describe('the id_token', () => {
  test('is verified by HUAWEI’s keys; its sub is the union id', () =>
    at({}, async (emulator) => {
      const { tokens, sent } = await logInAt(emulator)
      expect(sent('keys')).toMatchObject({ method: 'GET', path: '/oauth2/v3/certs' })
      expect(tokens?.claims).toMatchObject({
        iss: 'https://accounts.huawei.com',
        aud: emulator.options.clientID,
        sub: UNION_ID,
        openid: ZHANG,
      })
    }))

  const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => !/no-id-token|nonce/.test(name))

  test.each(usually(FORGERIES, isForgeryOfEachKind))('%s logs nobody in', (forgery) =>
    at({}, async (emulator) => {
      emulator.forgeNext(forgery)
      const { user, error } = await logInAt(emulator)
      expect(user).toBeUndefined()
      const phase = forgery === 'other-sub' ? 'profile' : 'token'
      expect(error).toMatchObject({ code: 'signature_invalid', phase })
    }),
  )

  test('does not come without the scope openid, and nobody asks for keys', () =>
    at({}, async (emulator) => {
      const { code, tokens } = await logInAt(emulator, { scope: 'profile' })
      expect(code).toBeUndefined()
      expect(tokens).not.toHaveProperty('claims')
      expect(countOf(emulator, 'keys')).toBe(0)
    }))

  test('of a refresh is of the same user', () =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      emulator.forgeNext('other-sub')
      const refused = { code: 'signature_invalid', phase: 'refresh' }
      await expect(strategy.refresh(renewed)).rejects.toMatchObject(refused)
    }))

  test.each([
    ['PS256', undefined],
    ['RS512', 'signature_invalid'],
  ])('signed by %s: %s', async (alg, code) => {
    const { SignJWT, exportJWK } = await loadJose()
    const { publicKey, privateKey } = rsaPair('test')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg, use: 'sig' }
    const iss = 'https://accounts.huawei.com'
    const draft = new SignJWT({ sub: UNION_ID }).setProtectedHeader({ alg, kid: 'k' }).setIssuer(iss)
    const token = await draft.setAudience('id').setExpirationTime('1h').sign(privateKey)
    const options = { clientID: 'id', clientSecret: 'cs-ps256-7f3a9c1e5b2d', callbackURL: '/callback' }
    const { idToken } = Reflect.get(new HuaweiStrategy(options, () => {}), 'dialect') // protected
    const keys = new KeySet(async () => JSON.parse(JSON.stringify({ keys: [jwk] })))
    const verifier = new IdTokenVerifier(idToken, { ...options, issuer: undefined, keys })
    const verified = verifier.verify(token, {}, { provider: 'huawei', phase: 'token' })
    const outcome = await verified.then(
      ({ sub }) => sub,
      (error) => (OAuthError.is(error) ? error.code : error),
    )
    expect(outcome).toBe(code ?? UNION_ID)
  })
})

const all = (numbers: number[], code: ErrorCode) => numbers.map((number): [number, ErrorCode] => [number, code])
const CLIENT = [12304, 20085, 20171, 20172, 20002, 20003]

describe('refusals of the token endpoint: numbers', () => {
  test.each([
    ...all(CLIENT, 'client_rejected'),
    ...all([20152, 20154, 20155, 20156, 20158, 20022, 20023, 20024, 22023], 'grant_rejected'),
    ...all([20182, 20086, 29999], 'provider_error'),
  ])('1101 / %d is %s', (number, code) =>
    at({}, async (emulator) => {
      emulator.failNext('token', `http-400:${number}` as Fault)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', providerCode: String(number), providerStatus: 400 })
    }),
  )

  test.each([
    ...all([20191, 20192, 20193, 29999], 'refresh_rejected'),
    ...all(CLIENT, 'client_rejected'),
    ...all([20182, 20086], 'provider_error'),
  ])('1101 / %d at a refresh is %s', (number, code) =>
    at({}, async (emulator) => {
      emulator.failNext('refresh', `http-400:${number}` as Fault)
      const refreshed = strategyAt(emulator).refresh({ refreshToken: 'DAFBx', scope: [] })
      await expect(refreshed).rejects.toMatchObject({ code, phase: 'refresh', providerCode: String(number) })
    }),
  )

  test.each<[Fault, ErrorCode]>([
    ['http-500', 'provider_unavailable'],
    ['http-590:1203', 'provider_unavailable'],
    ['http-503', 'rate_limited'],
    ['http-503:20156', 'rate_limited'],
  ])('%s is %s', (fault, code) =>
    at({}, async (emulator) => {
      emulator.failNext('token', fault)
      expect((await logInAt(emulator)).error).toMatchObject({ code, phase: 'token' })
    }),
  )

  test.each(['', '<html>busy</html>'])('HTTP 503 with the body %j is flow control too', (text) =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator)
      const read = () =>
        readResponse({ status: 503, headers: {}, text }, strategy, { provider: 'huawei', phase: 'token' })
      expect(read).toThrow(expect.objectContaining({ code: 'rate_limited', providerStatus: 503 }))
    }),
  )

  test('1203 is theirs', () =>
    at({}, async (emulator) => {
      const refusal = strategyAt(emulator).refusal({ error: 1203 }, 'token', 400, {})
      expect(refusal).toMatchObject({ code: 'provider_unavailable', providerCode: '1203' })
    }))

  test('a wrong secret, a used code and another redirect URI', () =>
    at({}, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: '12304' })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
      const forged = (address: string) => address.replace(/code=[^&]+/, 'code=CFforged')
      expect((await logInAt(emulator, {}, { callback: forged })).error).toMatchObject({ code: 'grant_rejected' })
    }))
})

describe('refusals of rest.php: a header, on HTTP 200', () => {
  test.each([
    ...all([6, 102, 31204], 'token_rejected'),
    ...all([105, 70001201, 99999], 'provider_error'),
    ...all([403], 'scope_insufficient'),
    ...all([503, 1302], 'rate_limited'),
    ...all([1, 500, 501, 70001401, 70001402, 70020002], 'provider_unavailable'),
  ])('NSP_STATUS %d is %s', (number, code) =>
    at({}, async (emulator) => {
      emulator.failNext('profile', `refused:${number}`)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'profile', providerCode: String(number), providerStatus: 200 })
    }),
  )

  const USER = { openID: ZHANG, unionID: UNION_ID }
  test.each<[JsonObject, Record<string, string>, ErrorCode | undefined]>([
    [USER, {}, undefined],
    [USER, { nsp_status: '0' }, undefined],
    [USER, { nsp_status: '6' }, 'token_rejected'], // whatever the body says
    [{ error: 'session timeout' }, {}, 'token_rejected'],
    [{ error: 'invalid session' }, {}, 'token_rejected'],
  ])('%j under %j: %s', (body, headers, code) =>
    at({}, async (emulator) => {
      expect(strategyAt(emulator).refusal(body, 'profile', 200, headers)?.code).toBe(code)
    }),
  )

  test.each(['', 'session timeout', '[]'])('the verdict counts beside the body %j', (text) =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator)
      const body = (headers: Record<string, string>) => strategy.readBody({ status: 200, headers, text }, 'profile')
      expect(body({ nsp_status: '6' })).toEqual({})
      expect(body({ nsp_status: '0' })).not.toEqual({})
    }),
  )

  test('any other error without the header is no user', () =>
    at({}, async (emulator) => {
      const refusal = strategyAt(emulator).refusal({ error: 'something else' }, 'profile', 200, {})
      expect(refusal).toEqual({ code: undefined, providerMessage: 'something else' })
    }))
})

describe('after the login', () => {
  test('a refresh is a form, and its token opens the profile', () =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      const sent = emulator.requests.find(({ endpoint }) => endpoint === 'refresh')
      const { clientID: client_id, clientSecret: client_secret } = emulator.options
      const grant = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken }
      expect(formOf(sent?.body)).toEqual({ client_id, client_secret, ...grant })
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ZHANG })
    }))

  test('revoke sends the refresh token alone, and ends all of the login', () =>
    at({}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'POST', path: '/oauth2/v3/revoke' })
      expect(formOf(emulator.requests.at(-1)?.body)).toEqual({ token: tokens.refreshToken })
      await expect(strategy.profileOf(tokens)).rejects.toMatchObject({ code: 'token_rejected', providerCode: '102' })
      const { refreshToken: _, ...alone } = await tokensAt(emulator)
      await strategy.revoke(alone)
      expect(formOf(emulator.requests.at(-1)?.body)).toEqual({ token: alone.accessToken })
    }))

  test('req.oauth: a dead token in a header on HTTP 200 is renewed once; the profile; revocation', () =>
    at({}, async (emulator) => {
      const app = await startTokenApp({ providers: { huawei: emulator.options } })
      try {
        const browser = await loggedIn(app, 'huawei', emulator)
        const resource = `${app.origin}/fetch/huawei?path=/emulator/resource`
        expect(JSON.parse((await ask(browser, resource)).body)).toMatchObject({ user: ZHANG })
        emulator.expireTokens()
        expect(JSON.parse((await ask(browser, resource)).body)).toMatchObject({ user: ZHANG })
        expect(countOf(emulator, 'refresh')).toBe(1)
        expect((await ask(browser, `${app.origin}/profile/huawei`)).value).toMatchObject({ id: ZHANG })
        expect((await ask(browser, `${app.origin}/revoke/huawei`)).value).toBe(true)
        expect((await ask(browser, `${app.origin}/tokens/huawei`)).tokens).toBeNull()
      } finally {
        await app.close()
      }
    }))

  test('baseURL moves both hosts; without it they are HUAWEI’s', () => {
    const options = { clientID: 'id', clientSecret: 'cs-hosts-7f3a9c1e5b2d', callbackURL: '/callback' }
    const endpoints = (own: object) => endpointsOf(new HuaweiStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://oauth-login.cloud.huawei.com/oauth2/v3/authorize',
      tokenURL: 'https://oauth-login.cloud.huawei.com/oauth2/v3/token',
      revokeURL: 'https://oauth-login.cloud.huawei.com/oauth2/v3/revoke',
      jwksURL: 'https://oauth-login.cloud.huawei.com/oauth2/v3/certs',
      userProfileURL: 'https://account.cloud.huawei.com/rest.php?nsp_svc=GOpen.User.getInfo',
    })
    expect(endpoints({ baseURL: 'https://mirror.example' })).toMatchObject({
      jwksURL: 'https://mirror.example/oauth2/v3/certs',
      userProfileURL: 'https://mirror.example/rest.php?nsp_svc=GOpen.User.getInfo',
    })
  })
})
