// Over 300 lines because WeCom has two logins and three calls that name one user.
import { type ErrorCode, type OAuthRouterConfig, WecomStrategy } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { bareLoginAt, logInAt, strategyAt } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'
import { bareLogin, type LoginSteps, routerLogin } from '../support/whole-login'

const ZHANG = 'zhangsan01'
const OUTSIDE = { id: 'wmOutside1', name: '外部', external: true }

let emulator: Emulator<'wecom'>
afterEach(() => emulator.close())

async function start(knobs: EmulatorOptions<'wecom'> = {}) {
  emulator = await startEmulator('wecom', knobs)
}

const logIn = (options: object = {}, steps: LoginSteps = {}) => logInAt(emulator, options, steps)

/** The last call of a login to one path. */
function sentTo(path: string) {
  return emulator.requests.findLast((request) => request.path === path)
}

const USER = '/cgi-bin/auth/getuserinfo'
const DETAIL = '/cgi-bin/auth/getuserdetail'
const DIRECTORY = '/cgi-bin/user/get'

describe('the web login', () => {
  beforeEach(() => start())

  test('logs in under the router, without a token of the user’s', async () => {
    const { profile, tokens, code } = await logIn()
    expect(code).toBeUndefined()
    expect(profile).toMatchObject({ provider: 'wecom', id: ZHANG, displayName: '张三' })
    expect(profile?._json).toMatchObject({ errcode: 0, userid: ZHANG, department: [1] })
    expect(profile).not.toHaveProperty('emails')
    expect(tokens).toBeUndefined()
  })

  test('logs in under bare Passport: accessToken is undefined, params empty', async () => {
    type Done = (error: null, user: object) => void
    const verify = (at: unknown, rt: unknown, params: object, profile: object, done: Done) =>
      done(null, { ...profile, at: typeof at, rt: typeof rt, params })
    const { user } = await bareLogin(emulator, (callbackURL) => strategyAt(emulator, { callbackURL }, verify))
    expect(user).toMatchObject({ id: ZHANG, at: 'undefined', rt: 'undefined', params: {} })
  })

  test('the authorization request has neither response_type nor scope, and its documented order', async () => {
    const { request } = await logIn({ scope: 'snsapi_base' })
    const { clientID, agentId } = emulator.options
    expect([...request.searchParams.keys()]).toEqual(['login_type', 'appid', 'agentid', 'redirect_uri', 'state'])
    expect(Object.fromEntries(request.searchParams)).toMatchObject({
      login_type: 'CorpApp',
      appid: clientID,
      agentid: agentId,
    })
    expect(request.pathname).toBe('/wwlogin/sso/login')
    expect(request.hash).toBe('')
    expect(request.searchParams.get('state')).toMatch(/^[A-Za-z0-9]{22,128}$/)
  })

  test('the application token is asked for with corp id and secret, and the code is spent where the user is named', async () => {
    const { sent, request } = await logIn()
    const { clientID: corpid, clientSecret: corpsecret } = emulator.options
    expect(sent('appToken')).toMatchObject({ method: 'GET', path: '/cgi-bin/gettoken' })
    expect(sent('appToken')?.query).toEqual({ corpid, corpsecret })
    expect(sentTo(USER)?.query).toEqual({ access_token: expect.any(String), code: expect.any(String) })
    expect(sentTo(DIRECTORY)?.query).toEqual({ access_token: sentTo(USER)?.query.access_token, userid: ZHANG })
    expect(countOf(emulator, 'token')).toBe(0)
    expect(request.href).not.toContain(corpsecret)
  })

  test('a person’s no is a state alone: access_denied, and nothing is asked', async () => {
    expect((await logIn({}, { deny: true })).code).toBe('access_denied')
    expect((await bareLoginAt(emulator, {}, { deny: true })).code).toBe('access_denied')
    expect([countOf(emulator, 'appToken'), countOf(emulator, 'profile')]).toEqual([0, 0])
  })

  test('appid in the callback, as some versions send it, means nothing', async () => {
    await emulator.close()
    await start({ callbackAppid: true })
    expect((await logIn()).code).toBeUndefined()
  })
})

describe('inside WeCom', () => {
  beforeEach(() => start({ kind: 'in-app' }))

  test('the authorization URL has the documented order and its fragment; snsapi_base is the default', async () => {
    const { request, profile } = await logIn()
    const order = ['appid', 'redirect_uri', 'response_type', 'scope', 'state', 'agentid']
    expect([...request.searchParams.keys()]).toEqual(order)
    expect(request.searchParams.get('scope')).toBe('snsapi_base')
    expect(request.hash).toBe('#wechat_redirect')
    expect(request.pathname).toBe('/connect/oauth2/authorize')
    expect(profile).toMatchObject({ id: ZHANG, displayName: '张三' })
    expect(sentTo(DETAIL)).toBeUndefined()
  })

  test('snsapi_privateinfo: the ticket is spent at getuserdetail, and stands in nothing that verify sees', async () => {
    const { profile, code } = await logIn({ scope: 'snsapi_privateinfo' })
    expect(code).toBeUndefined()
    const { user_ticket } = JSON.parse(sentTo(DETAIL)?.body ?? '{}')
    expect(sentTo(DETAIL)).toMatchObject({ method: 'POST', query: { access_token: expect.any(String) } })
    expect(user_ticket).toEqual(expect.any(String))
    expect(profile).toMatchObject({
      id: ZHANG,
      displayName: '张三',
      emails: [{ value: 'zhangsan@example.com' }],
      photos: [{ value: 'https://wework.qpic.example/zhangsan/0' }],
    })
    expect(profile?._json).toMatchObject({ userid: ZHANG, biz_mail: 'zhangsan01@biz.example.com' })
    expect(JSON.stringify(profile)).not.toContain(user_ticket)
  })

  test('snsapi_privateinfo of a member outside the application’s range brings no ticket, and a login', async () => {
    await emulator.close()
    await start({ kind: 'in-app', visibleRange: [] })
    const { profile, code } = await logIn({ scope: 'snsapi_privateinfo' })
    expect(code).toBeUndefined()
    expect(profile).toMatchObject({ id: ZHANG, displayName: '', _json: { userid: ZHANG } })
  })
})

describe('the directory', () => {
  test.each(['60011', '48002'] as const)('that says %s fails no login: the userid is all', async (directory) => {
    await start({ directory })
    const { profile, code } = await logIn()
    expect(code).toBeUndefined()
    expect(profile).toEqual({
      provider: 'wecom',
      id: ZHANG,
      displayName: '',
      _json: { errcode: 0, errmsg: 'ok', userid: ZHANG },
      _raw: JSON.stringify({ errcode: 0, errmsg: 'ok', userid: ZHANG }),
    })
  })

  test('is not asked for a member of a linked corp', async () => {
    const id = 'ww98765/LiSi'
    await start({ users: [{ id, name: '李四' }] })
    const { profile, code } = await logIn()
    expect(code).toBeUndefined()
    expect(profile).toMatchObject({ id, displayName: '' })
    expect(emulator.requests.some(({ path }) => path.endsWith('/user/get'))).toBe(false)
  })

  test('of an older application tells private members too', async () => {
    await start({ directory: 'private' })
    expect((await logIn()).profile).toMatchObject({ emails: [{ value: 'zhangsan@example.com' }] })
  })

  test('that knows the member no more is user_unknown', async () => {
    await start()
    const relayed = await relay(DIRECTORY, { errcode: 60111, errmsg: 'userid not found' })
    expect(await relayed.code()).toBe('user_unknown')
  })

  test('that answers for another member is response_invalid', async () => {
    await start()
    const relayed = await relay(DIRECTORY, { errcode: 0, userid: 'AdaLovelace', name: 'Ada' })
    expect(await relayed.code()).toBe('response_invalid')
  })
})

/** A WeCom that answers one path with `body`, and everything else as the emulator does. */
async function relay(path: string, body: object) {
  const { createServer } = await import('node:http')
  const server = createServer(async (req, res) => {
    const { pathname, search } = new URL(req.url ?? '/', emulator.origin)
    const answer = pathname === path ? undefined : await fetch(emulator.origin + pathname + search)
    res.setHeader('content-type', 'application/json')
    res.end(answer ? await answer.text() : JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const { authorizationURL, clientID, clientSecret, agentId } = emulator.options
  const options = { authorizationURL, clientID, clientSecret, agentId, baseURL: origin }
  return {
    async code(own: object = {}) {
      const result = await routerLogin(emulator, { providers: { wecom: { ...options, ...own } } }, 'wecom')
      server.close()
      server.closeAllConnections()
      return result.code
    },
  }
}

describe('a person outside the corp', () => {
  beforeEach(() => start({ users: [OUTSIDE, { id: 'oOutside2', name: '外部', external: true }] }))

  test('is user_unknown, of phase profile, and the directory is not asked', async () => {
    const { code, error, user } = await logIn()
    expect({ code, user }).toEqual({ code: 'user_unknown', user: undefined })
    expect(error).toMatchObject({ phase: 'profile' })
    expect(error?.message).toContain('allowExternal')
    expect(sentTo(DIRECTORY)).toBeUndefined()
  })

  test('is let in by allowExternal: external_userid, else openid', async () => {
    const external = (await logIn({ allowExternal: true })).profile
    expect(external).toMatchObject({ id: OUTSIDE.id, _json: { external_userid: OUTSIDE.id } })
    expect((await logIn({ allowExternal: true }, { user: 'oOutside2' })).profile?.id).toBe('oOutside2')
  })
})

test.each([
  ['userid is empty', { userid: '', openid: 'oX' }],
  ['userid is an object', { userid: {} }],
  ['nobody is named', {}],
])('an answer in which %s is response_invalid, also with allowExternal', async (_what, members) => {
  await start()
  const relayed = await relay(USER, { errcode: 0, errmsg: 'ok', ...members })
  expect(await relayed.code({ allowExternal: true })).toBe('response_invalid')
})

describe('options', () => {
  const GIVEN = { clientID: 'ww1', clientSecret: 'a canary secret', callbackURL: 'https://app.example.com/callback' }
  const build = (options: object) => new WecomStrategy({ ...GIVEN, agentId: '1', ...options }, () => {})
  beforeEach(() => start())

  test.each([
    ['agentId', undefined],
    ['agentId', ''],
    ['kind', 'qr'],
    ['allowExternal', 'yes'],
    ['appTokenURL', 'gettoken'],
    // The code would be spent nowhere, and nobody known.
    ['skipUserProfile', true],
    ['skipUserProfile', () => true],
  ])('%s: %p is config_invalid and named', (name, value) => {
    expect(() => build({ [name]: value })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(() => build({ [name]: value })).toThrow(name)
  })

  test('without a baseURL the three origins are WeCom’s', () => {
    const [web, inApp] = (['web', 'in-app'] as const).map((kind) => endpointsOf(build({ kind })))
    expect(web).toMatchObject({
      authorizationURL: 'https://login.work.weixin.qq.com/wwlogin/sso/login',
      appTokenURL: 'https://qyapi.weixin.qq.com/cgi-bin/gettoken',
      userProfileURL: 'https://qyapi.weixin.qq.com/cgi-bin/auth/getuserinfo',
    })
    expect(inApp?.authorizationURL).toBe('https://open.weixin.qq.com/connect/oauth2/authorize')
  })
})

describe('after the login', () => {
  async function startApp(config: Partial<OAuthRouterConfig> = {}) {
    await start()
    const app = await startTokenApp({ providers: { wecom: { ...emulator.options } }, ...config })
    return { app, browser: await loggedIn(app, 'wecom', emulator) }
  }

  test('GET /auth/session lists the provider; there are no tokens, and nothing can be asked in the user’s name', async () => {
    const { app, browser } = await startApp()
    const session = await (await browser.get(`${app.origin}/auth/session`)).json()
    expect(session).toEqual({
      user: { provider: 'wecom', id: ZHANG, displayName: '张三' },
      providers: [{ name: 'wecom', scope: [] }],
    })
    expect((await ask(browser, `${app.origin}/tokens/wecom`)).tokens).toBeNull()
    for (const path of ['fetch/wecom?path=/cgi-bin/user/get', 'profile/wecom']) {
      const { error } = await ask(browser, `${app.origin}/${path}`)
      expect(error).toMatchObject({ code: 'config_invalid', phase: 'request' })
      expect(error.message).toContain('no user token')
    }
    await app.close()
  })

  test('req.oauth.revoke resolves to false, and takes the login off the list', async () => {
    const { app, browser } = await startApp()
    expect((await ask(browser, `${app.origin}/revoke/wecom`)).value).toBe(false)
    const { providers } = (await (await browser.get(`${app.origin}/auth/session`)).json()) as { providers: object[] }
    expect(providers).toEqual([])
    await app.close()
  })

  test('a login is linked to one with tokens, whose tokens stay', async () => {
    await start()
    const qq = await startEmulator('qq')
    const app = await startTokenApp({ providers: { qq: { ...qq.options }, wecom: { ...emulator.options } } })
    try {
      const browser = await loggedIn(app, 'qq', qq)
      await loggedIn(app, 'wecom', emulator, browser)
      const session = await (await browser.get(`${app.origin}/auth/session`)).json()
      expect(session).toMatchObject({ user: { provider: 'qq' }, providers: [{ name: 'qq' }, { name: 'wecom' }] })
      expect((await ask(browser, `${app.origin}/tokens/qq`)).tokens?.accessToken).toEqual(expect.any(String))
    } finally {
      await app.close()
      await qq.close()
    }
  })

  test('a strategy object alone has neither a profile to ask for nor a refresh', async () => {
    await start()
    const tokens = { accessToken: 'x', tokenType: 'Bearer' as const, scope: [], raw: {} }
    await expect(strategyAt(emulator).profileOf(tokens)).rejects.toMatchObject({ code: 'config_invalid' })
    await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
  })
})

test('a code that was refused for the sake of the application token is not spent: it is sent once more', async () => {
  await start()
  const app = await startRouterApp({ providers: { wecom: { ...emulator.options } } })
  const browser = new Browser()
  await logIn()
  const callback = await emulator.approve(await browser.location(`${app.origin}/auth/wecom`))
  emulator.expireAppTokens()
  expect((await browser.get(callback)).status).toBe(303)
  const codes = emulator.requests.filter(({ path }) => path === USER).map(({ query }) => query.code)
  expect(codes.slice(-2)).toEqual([codes.at(-1), codes.at(-1)])
  await app.close()
})

const ANYWHERE: [number, ErrorCode][] = [
  [-1, 'provider_unavailable'],
  [40001, 'client_rejected'],
  [40091, 'client_rejected'],
  [40013, 'client_rejected'],
  [41002, 'client_rejected'],
  [41004, 'client_rejected'],
  [60020, 'client_rejected'],
  [45009, 'rate_limited'],
  [45033, 'rate_limited'],
  [41001, 'provider_error'],
  [40058, 'provider_error'],
  [40035, 'provider_error'],
  [99999, 'provider_error'],
]

describe('refusals, each a number on HTTP 200', () => {
  beforeEach(() => start())

  test.each(ANYWHERE)('%d at the application token is %s', async (errcode, expected) => {
    emulator.failNext('appToken', `refused:${errcode}`)
    const { code, error } = await logIn()
    expect(code).toBe(expected)
    expect(error).toMatchObject({ phase: 'token', providerCode: String(errcode), providerStatus: 200 })
    expect(JSON.stringify(error)).not.toContain(emulator.options.clientSecret)
  })

  test.each<[number, ErrorCode]>([
    ...ANYWHERE,
    [40029, 'grant_rejected'],
    [40078, 'grant_rejected'],
    [41008, 'grant_rejected'],
    [84014, 'grant_rejected'],
    [84015, 'grant_rejected'],
    [40056, 'client_rejected'],
    [41011, 'client_rejected'],
    [50001, 'client_rejected'],
    [50003, 'client_rejected'],
    [301002, 'client_rejected'],
    [46004, 'user_unknown'],
    [60111, 'user_unknown'],
    [48002, 'scope_insufficient'],
    [60011, 'scope_insufficient'],
    [50002, 'scope_insufficient'],
    [84025, 'provider_error'],
  ])('%d where the code is spent is %s', async (errcode, expected) => {
    emulator.failNext('profile', `refused:${errcode}`)
    const { code, error } = await logIn()
    expect(code).toBe(expected)
    expect(error).toMatchObject({ phase: 'profile', providerCode: String(errcode) })
    expect(error?.requestId).toMatch(/^\d+_7_[\da-f]{32}$/)
  })

  test.each([40014, 42001])(
    '%d of a token that WeCom gives again is client_rejected, asked for twice',
    async (errcode) => {
      emulator.failNext('profile', `refused:${errcode}`)
      const { code, error } = await logIn()
      expect(code).toBe('client_rejected')
      expect(error).toMatchObject({ phase: 'profile', providerCode: String(errcode) })
      expect(countOf(emulator, 'appToken')).toBe(2)
    },
  )

  test('errcode 0 is none, as number and as text', () => {
    const strategy = strategyAt(emulator)
    expect([{ errcode: 0 }, { errcode: '0' }, {}].map((body) => strategy.refusal(body, 'profile', 200, {}))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})
