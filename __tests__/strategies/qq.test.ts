import { type DialectProfile, type ErrorCode, type Providers, QqStrategy, type TokenSet } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { endpointsOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'
import { bareLogin, type LoginSteps, routerLogin } from '../support/whole-login'

const ZHANG = 'A1B2C3D4E5F60718293A4B5C6D7E8F90'
const ADA = '0F1E2D3C4B5A69788796A5B4C3D2E1F0'

let emulator: Emulator<'qq'>
afterEach(() => emulator.close())

async function start(knobs: EmulatorOptions<'qq'> = {}) {
  emulator = await startEmulator('qq', knobs)
}

/** One login under the router, the profile that `verify` saw, and what went over the wire. */
async function logIn(options: object = {}, steps: LoginSteps = {}) {
  let profile: DialectProfile | undefined
  const verify = (login: { profile: DialectProfile }) => {
    profile = login.profile
    return { id: login.profile.id }
  }
  const providers: Providers = { qq: { ...emulator.options, ...options } }
  const result = await routerLogin(emulator, { providers, verify }, 'qq', steps)
  const sent = (path: string) => emulator.requests.filter((arrived) => arrived.path === path).at(-1)
  return { ...result, profile, sent }
}

function build(options: object = {}, callbackURL = 'https://app.example.com/callback') {
  const verify = (at: string, rt: string | undefined, params: object, profile: DialectProfile, done: Done) =>
    done(null, { ...profile, at, rt, params })
  return new QqStrategy({ ...emulator.options, ...options, callbackURL }, verify)
}
type Done = (error: null, user: object) => void

test('logs in under the router; the user object has no id', async () => {
  await start()
  const { profile, code } = await logIn()
  expect(code).toBeUndefined()
  expect(profile).toMatchObject({ provider: 'qq', id: ZHANG, displayName: '张三', _json: { ret: 0, is_lost: 0 } })
  expect(profile?.photos).toEqual([{ value: 'http://thirdqq.qlogo.example/ek/zhangsan?s=100' }])
  expect(profile).not.toHaveProperty('emails')
  expect(profile?._json).not.toHaveProperty('openid')
})

test('logs in under bare Passport; where the larger picture is empty, the smaller one is there', async () => {
  await start()
  const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL), { user: ADA })
  expect(user).toMatchObject({ id: ADA, displayName: 'Ada Lovelace', params: { access_token: expect.any(String) } })
  expect(user?.photos).toEqual([{ value: 'http://thirdqq.qlogo.example/ek/default?s=40' }])
})

test('asks three times by GET, with everything in the query', async () => {
  await start()
  const { request, sent } = await logIn({ scope: ['get_user_info', 'list_album'] })
  const { clientID: client_id, clientSecret: client_secret } = emulator.options
  const { redirect_uri, state } = Object.fromEntries(request.searchParams)
  expect(request.hash).toBe('')
  expect(Object.fromEntries(request.searchParams)).toEqual({
    response_type: 'code',
    client_id,
    redirect_uri,
    scope: 'get_user_info,list_album',
    state,
  })
  const grant = { grant_type: 'authorization_code', code: expect.any(String), redirect_uri }
  expect(sent('/oauth2.0/token')).toMatchObject({ method: 'GET', body: '' })
  expect(sent('/oauth2.0/token')?.query).toEqual({ ...grant, client_id, client_secret, fmt: 'json' })
  const access_token = expect.any(String)
  expect(sent('/oauth2.0/me')?.query).toEqual({ access_token, fmt: 'json' })
  const user = { access_token, oauth_consumer_key: client_id, openid: ZHANG }
  expect(sent('/user/get_user_info')?.query).toEqual(user)
  expect(countOf(emulator, 'profile')).toBe(2)
})

describe('unionid', () => {
  test('is asked for and the id, where it is the source', async () => {
    await start()
    const { profile, sent } = await logIn({ idSource: 'unionid' })
    expect(profile?.id).toMatch(/^UID_[\dA-F]{32}$/)
    expect(sent('/oauth2.0/me')?.query.unionid).toBe('1')
    expect(sent('/user/get_user_info')?.query.openid).toBe(ZHANG)
  })

  test('that the app may not have is scope_insufficient, never an openid', async () => {
    await start({ unionIDs: false })
    const { code, user, error } = await logIn({ idSource: 'unionid' })
    expect({ code, user }).toEqual({ code: 'scope_insufficient', user: undefined })
    expect(error?.providerCode).toBe('100048')
  })
})

test('an openid for another client is response_invalid', async () => {
  await start({ openIDClient: '101999999' })
  const { code, user } = await logIn()
  expect({ code, user }).toEqual({ code: 'response_invalid', user: undefined })
  expect(countOf(emulator, 'profile')).toBe(1)
})

describe.each(['honoured', 'ignored'] as const)('where fmt=json is %s', (fmt) => {
  beforeEach(() => start({ fmt }))

  test('a token, an openid and a refresh are read', async () => {
    const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL))
    expect(user?.id).toBe(ZHANG)
    const renewed = await build().refresh({ refreshToken: String(user?.rt), scope: [], context: { openid: ZHANG } })
    expect(renewed.accessToken).not.toBe(user?.at)
    expect(renewed.context).toEqual({ openid: ZHANG })
    expect(renewed.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 59 * 24 * 3_600_000)
  })

  test('a wrong secret is its number, not a token', async () => {
    const { code, error } = await logIn({ clientSecret: 'not the secret' })
    expect(code).toBe('client_rejected')
    expect(error).toMatchObject({ providerCode: '100009', providerMessage: 'client_secret is illegal' })
  })

  test('a used code is its number', async () => {
    let code = ''
    const remember = (callback: string) => {
      code = new URL(callback).searchParams.get('code') ?? ''
      return callback
    }
    await logIn({}, { callback: remember })
    const reuse = (callback: string) => {
      const address = new URL(callback)
      address.searchParams.set('code', code)
      return address.href
    }
    const again = await logIn({}, { callback: reuse })
    expect(again).toMatchObject({ code: 'grant_rejected', error: { providerCode: '100020' } })
  })

  test('a dead token is its number, at the openid and at the API', async () => {
    const tokens: TokenSet = { accessToken: 'DEAD', tokenType: 'Bearer', scope: [], raw: {} }
    const rejected = { code: 'token_rejected', providerCode: '100013', phase: 'profile' }
    await expect(build().profileOf(tokens)).rejects.toMatchObject(rejected)
    await expect(build().profileOf({ ...tokens, context: { openid: ZHANG } })).rejects.toMatchObject(rejected)
  })
})

test.each(['text', 'number'] as const)('expires_in may be a %s', async (expiresIn) => {
  await start({ expiresIn })
  const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL))
  const { expiresAt } = await build().refresh({ refreshToken: String(user?.rt), scope: [] })
  expect(expiresAt?.getTime()).toBeGreaterThan(Date.now())
})

test('a refresh token is good once', async () => {
  await start()
  const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL))
  const refreshToken = String(user?.rt)
  const { clientID: client_id, clientSecret: client_secret } = emulator.options
  const renewed = await build().refresh({ refreshToken, scope: ['get_user_info'] })
  expect(renewed.refreshToken).not.toBe(refreshToken)
  expect(emulator.requests.at(-1)?.query).toEqual({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id,
    client_secret,
    fmt: 'json',
  })
  await expect(build().refresh({ refreshToken, scope: [] })).rejects.toMatchObject({ code: 'refresh_rejected' })
})

describe('the callback', () => {
  test('usercancel=1 is access_denied, and asks for no token', async () => {
    await start({ refusal: 'usercancel' })
    expect(await logIn({}, { deny: true })).toMatchObject({ code: 'access_denied', user: undefined })
    expect(countOf(emulator, 'token')).toBe(0)
  })

  test('a number as error is authorization_failed with that number', async () => {
    await start()
    const failed = (callback: string) => {
      const address = new URL(callback)
      address.searchParams.delete('code')
      address.searchParams.set('error', '100010')
      address.searchParams.set('error_description', 'redirect uri is illegal')
      return address.href
    }
    const { code, error } = await logIn({}, { callback: failed })
    expect(code).toBe('authorization_failed')
    expect(error).toMatchObject({ providerCode: '100010', providerMessage: 'redirect uri is illegal' })
  })
})

test('req.oauth.fetch has the app’s id and the openid beside the token, before and after a refresh', async () => {
  await start()
  const app = await startTokenApp({ providers: { qq: emulator.options } })
  try {
    const browser = await loggedIn(app, 'qq', emulator)
    const user = `${app.origin}/fetch/qq?path=/user/get_user_info`
    expect(JSON.parse((await ask(browser, user)).body)).toMatchObject({ ret: 0, nickname: '张三' })
    emulator.expireTokens()
    expect(JSON.parse((await ask(browser, user)).body)).toMatchObject({ ret: 0, nickname: '张三' })
    expect(countOf(emulator, 'refresh')).toBe(1)
    expect((await ask(browser, `${app.origin}/profile/qq`)).value).toMatchObject({ id: ZHANG, displayName: '张三' })
    expect((await ask(browser, `${app.origin}/revoke/qq`)).value).toBe(false)
  } finally {
    await app.close()
  }
})

test('every endpoint is QQ’s, and openIDURL replaces one', async () => {
  await start()
  const { clientID, clientSecret } = emulator.options
  const options = { clientID, clientSecret, callbackURL: 'https://app.example.com/callback' }
  const endpoints = (more: object) => endpointsOf(new QqStrategy({ ...options, ...more }, () => {}))
  expect(endpoints({})).toMatchObject({
    authorizationURL: 'https://graph.qq.com/oauth2.0/authorize',
    tokenURL: 'https://graph.qq.com/oauth2.0/token',
    openIDURL: 'https://graph.qq.com/oauth2.0/me',
    userProfileURL: 'https://graph.qq.com/user/get_user_info',
  })
  expect(endpoints({ openIDURL: 'https://own.example.com/me' })).toMatchObject({
    openIDURL: 'https://own.example.com/me',
  })
  expect(() => endpoints({ openIDURL: 'me' })).toThrow('openIDURL')
  expect(() => endpoints({ idSource: 'id' })).toThrow('idSource')
})

const CLIENT = [100001, 100002, 100008, 100009, 100011]
const GRANT = [100005, 100010, 100018, 100019, 100020]
const REFRESH = [100006, 100021, 100022]
const TOKEN = [100007, 100013, 100014, 100015, 100016]
const SCOPE = [100030, 100031, 100048]
const THEIRS = [100017, 100023, 100024, 100025, 100026, 100027]
const MALFORMED = [100000, 100004, 100012, 100028, 100029]
const all = (numbers: number[], code: ErrorCode) => numbers.map((number): [number, ErrorCode] => [number, code])

const AT_THE_API = [
  ...all(CLIENT, 'client_rejected'),
  ...all(TOKEN, 'token_rejected'),
  ...all(SCOPE, 'scope_insufficient'),
  ...all(THEIRS, 'provider_unavailable'),
  ...all(MALFORMED, 'provider_error'),
]

describe('refusals, each a number on HTTP 200', () => {
  beforeEach(() => start())

  test.each([
    ...all(CLIENT, 'client_rejected'),
    ...all(GRANT, 'grant_rejected'),
    ...all(THEIRS, 'provider_unavailable'),
    ...all([...MALFORMED, 100099], 'provider_error'),
  ])('%d at the token is %s', async (number, expected) => {
    emulator.failNext('token', `refused:${number}`)
    const { code, error } = await logIn()
    expect(code).toBe(expected)
    expect(error).toMatchObject({ phase: 'token', providerCode: String(number), providerStatus: 200 })
    expect(JSON.stringify(error)).not.toContain(emulator.options.clientSecret)
  })

  test.each([
    ...all(REFRESH, 'refresh_rejected'),
    ...all(CLIENT, 'client_rejected'),
    ...all(THEIRS, 'provider_unavailable'),
  ])('%d at a refresh is %s', async (number, code) => {
    emulator.failNext('refresh', `refused:${number}`)
    const refreshed = build().refresh({ refreshToken: 'R', scope: [] })
    await expect(refreshed).rejects.toMatchObject({ code, phase: 'refresh', providerCode: String(number) })
  })

  const tokens: TokenSet = { accessToken: 'A', tokenType: 'Bearer', scope: [], raw: {} }

  test.each([...AT_THE_API, ...all([100099], 'provider_error')])(
    'error %d at the openid is %s',
    async (number, code) => {
      emulator.failNext('profile', `refused:${number}`)
      await expect(build().profileOf(tokens)).rejects.toMatchObject({ code, providerCode: String(number) })
    },
  )

  test.each([...AT_THE_API, ...all([1002, -22, -23, 100099], 'token_rejected'), ...all([1003, -1], 'provider_error')])(
    'ret %d at the API is %s',
    async (number, code) => {
      emulator.failNext('profile', `refused:${number}`)
      const asked = build().profileOf({ ...tokens, context: { openid: ZHANG } })
      await expect(asked).rejects.toMatchObject({ code, phase: 'profile', providerCode: String(number) })
    },
  )
})
