// Over 300 lines because one set of helpers logs in at both kinds of app.
import { type DialectProfile, type ErrorCode, type Providers, type TokenSet, WechatStrategy } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { endpointsOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'
import { bareLogin, type LoginSteps, routerLogin } from '../support/whole-login'

const ZHANG = 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n'
const ADA = 'oA9z8y7x6w5v4u3t2s1r0q9p8o7n'

let emulator: Emulator<'wechat'>
afterEach(() => emulator.close())

async function start(knobs: EmulatorOptions<'wechat'> = {}) {
  emulator = await startEmulator('wechat', knobs)
}

/** One login under the router, the profile that `verify` saw, and what went over the wire. */
async function logIn(options: object = {}, steps: LoginSteps = {}) {
  let profile: DialectProfile | undefined
  const verify = (login: { profile: DialectProfile }) => {
    profile = login.profile
    return { id: login.profile.id }
  }
  const providers: Providers = { wechat: { ...emulator.options, ...options } }
  const result = await routerLogin(emulator, { providers, verify }, 'wechat', steps)
  const sent = (endpoint: string) => emulator.requests.filter((arrived) => arrived.endpoint === endpoint).at(-1)
  return { ...result, profile, sent }
}

function build(options: object = {}, callbackURL = 'https://app.example.com/callback') {
  const verify = (at: string, rt: string | undefined, params: object, profile: DialectProfile, done: Done) =>
    done(null, { ...profile, at, rt, params })
  return new WechatStrategy({ ...emulator.options, ...options, callbackURL }, verify)
}
type Done = (error: null, user: object) => void

describe.each(['website', 'official-account'] as const)('%s', (kind) => {
  beforeEach(() => start({ kind }))

  test('logs in under the router', async () => {
    const { profile, code } = await logIn()
    expect(code).toBeUndefined()
    expect(profile).toMatchObject({ provider: 'wechat', id: ZHANG, displayName: '张三', _json: { sex: 0 } })
    expect(profile?.photos).toEqual([{ value: 'https://thirdwx.qlogo.example/mmopen/zhangsan/132' }])
    expect(profile).not.toHaveProperty('emails')
  })

  test('logs in under bare Passport', async () => {
    const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL), { user: ADA })
    expect(user).toMatchObject({ id: ADA, displayName: 'Ada Lovelace', params: { openid: ADA } })
    expect(user).not.toHaveProperty('photos')
  })

  test('the authorization URL has the documented order, its fragment, and a state of letters and digits', async () => {
    const { request } = await logIn()
    const names = [...request.searchParams.keys()]
    expect(names).toEqual(['appid', 'redirect_uri', 'response_type', 'scope', 'state'])
    expect(request.hash).toBe('#wechat_redirect')
    expect(request.searchParams.get('state')).toMatch(/^[A-Za-z0-9]{22,128}$/)
    expect(request.searchParams.get('scope')).toBe(kind === 'website' ? 'snsapi_login' : 'snsapi_userinfo')
    expect(request.pathname).toBe(kind === 'website' ? '/connect/qrconnect' : '/connect/oauth2/authorize')
  })

  test('asks by GET with everything in the query: no redirect URI, the openid beside the token', async () => {
    const { sent } = await logIn()
    const { clientID: appid, clientSecret: secret } = emulator.options
    const code = expect.any(String)
    expect(sent('token')).toMatchObject({ method: 'GET', path: '/sns/oauth2/access_token', body: '' })
    expect(sent('token')?.query).toEqual({ appid, secret, code, grant_type: 'authorization_code' })
    expect(sent('profile')).toMatchObject({ method: 'GET', path: '/sns/userinfo' })
    expect(sent('profile')?.query).toEqual({ access_token: expect.any(String), openid: ZHANG })
    expect(sent('profile')?.headers.authorization).toBeUndefined()
  })

  test('unionid is the id where it is asked for', async () => {
    expect((await logIn({ idSource: 'unionid' })).profile?.id).toBe('oU1b2c3d4e5f6g7h8i9j0k1l2m3n')
  })
})

test('lang: the QR code’s page knows cn and en, the user’s region three', async () => {
  await start()
  const { request, sent } = await logIn({ lang: 'zh_TW' })
  expect(request.searchParams.get('lang')).toBe('cn')
  expect(sent('profile')?.query.lang).toBe('zh_TW')
  expect((await logIn({ lang: 'en' })).request.searchParams.get('lang')).toBe('en')
})

test('lang: an official account’s page, which would stay blank, is not told', async () => {
  await start({ kind: 'official-account' })
  const { request, sent, code } = await logIn({ lang: 'en' })
  expect(code).toBeUndefined()
  expect(request.search).not.toContain('lang')
  expect(sent('profile')?.query.lang).toBe('en')
})

test.each([{ kind: 'mini-programme' }, { idSource: 'id' }, { lang: 'de' }, { allowSnapshotUser: 'yes' }])(
  '%j is config_invalid',
  async (wrong) => {
    await start()
    const [name = ''] = Object.keys(wrong)
    expect(() => build(wrong)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(() => build(wrong)).toThrow(name)
  },
)

test('without a baseURL the two origins are WeChat’s', async () => {
  await start()
  const { clientID, clientSecret } = emulator.options
  const endpoints = (['website', 'official-account'] as const).map((kind) => {
    const options = { clientID, clientSecret, callbackURL: 'https://app.example.com/callback', kind }
    return endpointsOf(new WechatStrategy(options, () => {}))
  })
  expect(endpoints).toMatchObject([
    {
      authorizationURL: 'https://open.weixin.qq.com/connect/qrconnect',
      tokenURL: 'https://api.weixin.qq.com/sns/oauth2/access_token',
      refreshURL: 'https://api.weixin.qq.com/sns/oauth2/refresh_token',
      userProfileURL: 'https://api.weixin.qq.com/sns/userinfo',
    },
    { authorizationURL: 'https://open.weixin.qq.com/connect/oauth2/authorize' },
  ])
})

describe('a person’s no', () => {
  test.each(['state', 'authdeny'] as const)(
    'in the form %s is access_denied, and asks for no token',
    async (refusal) => {
      await start({ refusal })
      const { code, user } = await logIn({}, { deny: true })
      expect({ code, user }).toEqual({ code: 'access_denied', user: undefined })
      expect(countOf(emulator, 'token')).toBe(0)
    },
  )

  test('authdeny is no code under bare Passport either', async () => {
    await start({ kind: 'official-account', refusal: 'authdeny' })
    const { code } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL), { deny: true })
    expect(code).toBe('access_denied')
    expect(countOf(emulator, 'token')).toBe(0)
  })
})

describe('unionid', () => {
  test('that is missing is response_invalid, never an openid', async () => {
    await start({ unionIDs: false })
    const { code, user, error } = await logIn({ idSource: 'unionid' })
    expect({ code, user }).toEqual({ code: 'response_invalid', user: undefined })
    expect(error?.message).toContain('unionid')
  })

  test('that nobody asked for may be missing', async () => {
    await start({ unionIDs: false })
    expect((await logIn()).profile?.id).toBe(ZHANG)
  })
})

describe('snsapi_base', () => {
  beforeEach(() => start({ kind: 'official-account' }))

  test('asks for no user: the id is all, and no token stands in the profile', async () => {
    const { profile, code } = await logIn({ scope: 'snsapi_base' })
    expect(code).toBeUndefined()
    expect(countOf(emulator, 'profile')).toBe(0)
    expect(profile).toEqual({
      provider: 'wechat',
      id: ZHANG,
      displayName: '',
      _json: { openid: ZHANG },
      _raw: JSON.stringify({ openid: ZHANG }),
    })
  })

  test('brings no unionid: response_invalid where that is the id', async () => {
    expect((await logIn({ scope: 'snsapi_base', idSource: 'unionid' })).code).toBe('response_invalid')
  })
})

describe('a snapshot user', () => {
  beforeEach(() => start({ kind: 'official-account', users: [{ id: ZHANG, name: '张三', snapshot: true }] }))

  test('is user_unknown, and nothing more is asked', async () => {
    const { code, error } = await logIn()
    expect(code).toBe('user_unknown')
    expect(error).toMatchObject({ providerCode: 'is_snapshotuser', phase: 'token' })
    expect(countOf(emulator, 'profile')).toBe(0)
  })

  test('is let in by allowSnapshotUser, as another one each time', async () => {
    const first = await logIn({ allowSnapshotUser: true })
    const second = await logIn({ allowSnapshotUser: true })
    expect(first.profile?.displayName).toBe('微信用户')
    expect(second.profile?.id).not.toBe(first.profile?.id)
  })
})

test('expires_in may be text', async () => {
  await start({ expiresIn: 'text' })
  const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL))
  const { expiresAt } = await build().refresh({ refreshToken: String(user?.rt), scope: [] })
  expect(expiresAt?.getTime()).toBeGreaterThan(Date.now() + 7_000_000)
})

describe('a refresh', () => {
  async function brought() {
    const { user } = await bareLogin(emulator, (callbackURL) => build({}, callbackURL))
    return { accessToken: String(user?.at), refreshToken: String(user?.rt) }
  }

  test('goes without the secret; the same token back is no failure, and lives on', async () => {
    await start()
    const { accessToken, refreshToken } = await brought()
    const renewed = await build().refresh({ refreshToken, scope: ['snsapi_login'], context: { openid: ZHANG } })
    expect(renewed).toMatchObject({ accessToken, scope: ['snsapi_login'], context: { openid: ZHANG } })
    expect(renewed.expiresAt?.getTime()).toBeGreaterThan(Date.now())
    expect(emulator.requests.at(-1)).toMatchObject({ endpoint: 'refresh', method: 'GET' })
    const { clientID: appid } = emulator.options
    expect(emulator.requests.at(-1)?.query).toEqual({ appid, grant_type: 'refresh_token', refresh_token: refreshToken })
  })

  test('of a dead access token brings another, and the refresh token that came', async () => {
    await start()
    const { accessToken, refreshToken } = await brought()
    emulator.expireTokens()
    const renewed = await build().refresh({ refreshToken, scope: [] })
    expect(renewed.accessToken).not.toBe(accessToken)
    expect(renewed.refreshToken).not.toBe(refreshToken)
    await expect(build().refresh({ refreshToken, scope: [] })).rejects.toMatchObject({ code: 'refresh_rejected' })
  })
})

describe('after the login', () => {
  test('req.oauth.fetch has the openid beside the token, before and after a refresh; req.oauth.profile too', async () => {
    await start()
    const app = await startTokenApp({ providers: { wechat: emulator.options } })
    try {
      const browser = await loggedIn(app, 'wechat', emulator)
      const alive = `${app.origin}/fetch/wechat?path=/sns/auth`
      expect(JSON.parse((await ask(browser, alive)).body)).toMatchObject({ errcode: 0 })
      emulator.expireTokens()
      expect(JSON.parse((await ask(browser, alive)).body)).toMatchObject({ errcode: 0 })
      expect(countOf(emulator, 'refresh')).toBe(1)
      expect((await ask(browser, `${app.origin}/profile/wechat`)).value).toMatchObject({ id: ZHANG })
      expect((await ask(browser, `${app.origin}/revoke/wechat`)).value).toBe(false)
    } finally {
      await app.close()
    }
  })
})

const BOTH: [number, ErrorCode][] = [
  [-1, 'provider_unavailable'],
  [40013, 'client_rejected'],
  [40125, 'client_rejected'],
  [45009, 'rate_limited'],
  [45011, 'rate_limited'],
  [99999, 'provider_error'],
]

describe('refusals, each a number on HTTP 200', () => {
  beforeEach(() => start())

  test.each<[number, ErrorCode]>([
    ...BOTH,
    [40001, 'client_rejected'],
    [40002, 'provider_error'],
    [40029, 'grant_rejected'],
    [40163, 'grant_rejected'],
    [41002, 'client_rejected'],
    [41004, 'client_rejected'],
    [41008, 'grant_rejected'],
    [42003, 'grant_rejected'],
  ])('%d at the token is %s', async (errcode, expected) => {
    emulator.failNext('token', `refused:${errcode}`)
    const { code, error } = await logIn()
    expect(code).toBe(expected)
    expect(error).toMatchObject({ phase: 'token', providerCode: String(errcode), providerStatus: 200 })
    expect(error?.requestId).toMatch(/^[\da-f]{8}-[\da-f]{8}-[\da-f]{8}$/)
    expect(JSON.stringify(error)).not.toContain(emulator.options.clientSecret)
  })

  test.each<[number, ErrorCode]>([
    ...BOTH,
    [40001, 'client_rejected'],
    [40002, 'provider_error'],
    [40030, 'refresh_rejected'],
    [41002, 'client_rejected'],
    [41003, 'refresh_rejected'],
    [41004, 'client_rejected'],
    [42002, 'refresh_rejected'],
    [42007, 'refresh_rejected'],
  ])('%d at a refresh is %s', async (errcode, code) => {
    emulator.failNext('refresh', `refused:${errcode}`)
    const refreshed = build().refresh({ refreshToken: '61_x', scope: [] })
    await expect(refreshed).rejects.toMatchObject({ code, phase: 'refresh', providerCode: String(errcode) })
  })

  test.each<[number, ErrorCode]>([
    ...BOTH,
    [40001, 'token_rejected'],
    [40003, 'token_rejected'],
    [40014, 'token_rejected'],
    [41001, 'token_rejected'],
    [42001, 'token_rejected'],
    [42007, 'token_rejected'],
    [48001, 'scope_insufficient'],
    [50001, 'scope_insufficient'],
  ])('%d at the user is %s', async (errcode, code) => {
    emulator.failNext('profile', `refused:${errcode}`)
    const tokens: TokenSet = { accessToken: '61_x', tokenType: 'Bearer', scope: ['snsapi_login'], raw: {} }
    const asked = build().profileOf({ ...tokens, context: { openid: ZHANG } })
    await expect(asked).rejects.toMatchObject({ code, phase: 'profile', providerCode: String(errcode) })
  })

  test.each([
    ['invalid code, rid: 6a1b2c3d-00112233-44556677', '6a1b2c3d-00112233-44556677'],
    ['invalid code, hints: [ req_id: XhbA3_0a8-1 ]', 'XhbA3_0a8-1'],
    ['invalid code', undefined],
  ])('%s has the number %s', (errmsg, requestId) => {
    expect(build().refusal({ errcode: 40029, errmsg }, 'token')).toMatchObject({ code: 'grant_rejected', requestId })
  })

  test('errcode 0 is none, as number and as text', () => {
    expect([{ errcode: 0 }, { errcode: '0' }, {}].map((body) => build().refusal(body, 'request'))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})
