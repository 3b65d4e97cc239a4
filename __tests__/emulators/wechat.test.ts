// Over 300 lines because one set of helpers speaks to both kinds of app, before the code and after it.
import type { Emulator, EmulatorOptions } from 'passport-dialects/emulators'
import { jump } from '../support/clock'
import {
  type Answer,
  agreed,
  ask,
  bearer,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  starterOf,
} from './conversation'
import { resourceAt } from './logins'

afterEach(() => {
  jest.restoreAllMocks()
})

const started = starterOf('wechat')

let website: Emulator<'wechat'>
let account: Emulator<'wechat'>
beforeAll(async () => {
  website = await started({ redirectURIs: [CALLBACK] })
  account = await started({ kind: 'official-account', redirectURIs: [CALLBACK] })
})

/** In the documented order. */
function authorization({ options }: Emulator<'wechat'>, over: Params = {}): Params {
  const scope = options.kind === 'website' ? 'snsapi_login' : 'snsapi_userinfo'
  return { appid: options.clientID, redirect_uri: CALLBACK, response_type: 'code', scope, state: 's1', ...over }
}

function addressOf(of: Emulator<'wechat'>, over: Params = {}): string {
  return `${of.options.authorizationURL}?${encoded(authorization(of, over))}`
}

function exchange({ options }: Emulator<'wechat'>, code: string | undefined, over: Params = {}): Params {
  const { clientID, clientSecret } = options
  return { appid: clientID, secret: clientSecret, code, grant_type: 'authorization_code', ...over }
}

function tokenFor(of: Emulator<'wechat'>, code: string | undefined, over: Params = {}): Promise<Answer> {
  return ask(`${of.options.tokenURL}?${encoded(exchange(of, code, over))}`)
}

async function login(of: Emulator<'wechat'>, over: Params = {}, user?: string): Promise<Record<string, unknown>> {
  return members(await tokenFor(of, (await agreed(of, authorization(of, over), user)).code))
}

function renewal({ options }: Emulator<'wechat'>, refresh_token: unknown, over: Params = {}): Promise<Answer> {
  const grant = { appid: options.clientID, grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  return ask(`${options.refreshURL}?${encoded({ ...grant, ...over })}`)
}

function userOf(of: Emulator<'wechat'>, { access_token, openid }: Record<string, unknown>, over: Params = {}) {
  const query = { access_token: String(access_token), openid: String(openid), ...over }
  return ask(`${of.options.userProfileURL}?${encoded(query)}`)
}

/** A refusal as WeChat sends it. */
function refusal(errcode: number): object {
  const errmsg = expect.stringMatching(/, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/)
  return { status: 200, json: { errcode, errmsg } }
}

test('a whole conversation of a website', async () => {
  const { code, ...rest } = await agreed(website, authorization(website))
  expect(rest).toEqual({ state: 's1' })
  const response = await tokenFor(website, code)
  expect(response.headers.get('content-type')).toBe('text/plain')
  const token = members(response)
  expect(token).toEqual({
    access_token: expect.stringMatching(/^61_/),
    expires_in: 7200,
    refresh_token: expect.stringMatching(/^61_/),
    openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n',
    scope: 'snsapi_login',
    unionid: 'oU1b2c3d4e5f6g7h8i9j0k1l2m3n',
  })
  const user = await userOf(website, token)
  expect(user.headers.get('content-type')).toBe('text/plain')
  expect(user.text).toContain('"headimgurl":"https:\\/\\/thirdwx.qlogo.example\\/mmopen\\/zhangsan\\/132"')
  expect(user.json).toEqual({
    openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n',
    nickname: '张三',
    sex: 0,
    language: '',
    city: '',
    province: '',
    country: '',
    headimgurl: 'https://thirdwx.qlogo.example/mmopen/zhangsan/132',
    privilege: [],
    unionid: 'oU1b2c3d4e5f6g7h8i9j0k1l2m3n',
  })
  const ada = await login(website, {}, 'oA9z8y7x6w5v4u3t2s1r0q9p8o7n')
  expect(members(await userOf(website, ada))).toMatchObject({ nickname: 'Ada Lovelace', headimgurl: '' })
})

test('a website’s page draws a code; it refuses no order of the parameters', async () => {
  expect((await ask(addressOf(website))).text).toContain('<svg aria-hidden="true"')
  const backwards = Object.fromEntries(Object.entries(authorization(website)).reverse())
  expect(await agreed(website, backwards)).toEqual({ code: expect.any(String), state: 's1' })
  const stateless = await agreed(website, authorization(website, { state: undefined, lang: 'en' }))
  expect(Object.keys(stateless)).toEqual(['code'])
  const ofScript = { response_type: undefined, login_type: 'jssdk', self_redirect: 'default' }
  expect(await agreed(website, authorization(website, ofScript))).toMatchObject({ state: 's1' })
})

test.each<[string, Params, string]>([
  ['another app', { appid: 'wx0' }, 'appid'],
  ['client_id in its place', { appid: undefined, client_id: 'wx0' }, 'appid'],
  ['another host', { redirect_uri: 'http://localhost:9/callback' }, 'redirect_uri'],
  ['a host below the registered one', { redirect_uri: 'http://a.127.0.0.1.example/' }, 'redirect_uri'],
  ['a fragment', { redirect_uri: `${CALLBACK}#a` }, 'redirect_uri'],
  ['no redirect URI', { redirect_uri: undefined }, 'redirect_uri'],
  ['another response_type', { response_type: 'token' }, 'response_type'],
  ['no response_type, and not by its script', { response_type: undefined }, 'response_type'],
  ['a scope of official accounts', { scope: 'snsapi_userinfo' }, 'scope'],
  ['two scopes', { scope: 'snsapi_login,snsapi_userinfo' }, 'scope'],
  ['an unknown language', { lang: 'zh_CN' }, 'lang'],
  ['a repeated state', { state: ['a', 'b'] }, 'state'],
])('a website’s login stays on WeChat’s page: %s', async (_what, over, code) => {
  const shown = await ask(addressOf(website, over))
  expect(shown).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${code}</code>`) })
})

test('the callback domain is a host: any path and port of it will do', async () => {
  expect((await ask(addressOf(website, { redirect_uri: 'https://127.0.0.1:10/other?a=b' }))).status).toBe(200)
})

test.each<[EmulatorOptions<'wechat'>['refusal'], Record<string, string>]>([
  [undefined, { state: 's1' }],
  ['state', { state: 's1' }],
  ['authdeny', { code: 'authdeny', state: 's1' }],
])('a person who says no comes back: refusal %s', async (how, expected) => {
  for (const kind of ['website', 'official-account'] as const) {
    const of = await started({ kind, refusal: how })
    const back = await of.deny(addressOf(of))
    expect(back.startsWith(CALLBACK)).toBe(true)
    expect(brought(back)).toEqual(expected)
  }
})

test('or nothing comes back, and the page stays', async () => {
  const of = await started({ refusal: 'stays' })
  const back = await of.deny(addressOf(of))
  expect(back).toBe(addressOf(of))
  expect((await ask(back)).text).toContain('name="deny"')
})

test('authdeny is no code', async () => {
  expect(await tokenFor(website, 'authdeny')).toMatchObject(refusal(40029))
})

test('a whole conversation inside WeChat', async () => {
  const { code, ...rest } = await agreed(account, authorization(account))
  expect(rest).toEqual({ state: 's1' })
  const token = members(await tokenFor(account, code))
  expect(token).toMatchObject({ scope: 'snsapi_userinfo', unionid: 'oU1b2c3d4e5f6g7h8i9j0k1l2m3n' })
  expect(token).not.toHaveProperty('is_snapshotuser')
  expect(members(await userOf(account, token, { lang: 'zh_CN' }))).toMatchObject({ nickname: '张三' })
  expect((await ask(addressOf(account))).text).not.toContain('<svg')
})

test('snsapi_base comes back at once, and its token tells the openid alone', async () => {
  const shown = await ask(addressOf(account, { scope: 'snsapi_base' }))
  expect(shown.status).toBe(302)
  const token = members(await tokenFor(account, brought(shown.headers.get('location') ?? '').code))
  expect(token).toMatchObject({ openid: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n', scope: 'snsapi_base' })
  expect(token).not.toHaveProperty('unionid')
  expect(await userOf(account, token)).toMatchObject(refusal(48001))
  const loud = await started({ kind: 'official-account', silent: false })
  expect(await login(loud, { scope: 'snsapi_base' }, 'oA9z8y7x6w5v4u3t2s1r0q9p8o7n')).toMatchObject({
    openid: 'oA9z8y7x6w5v4u3t2s1r0q9p8o7n',
  })
})

test.each<[string, Params, string]>([
  ['no scope', { scope: '' }, '10010'],
  ['no redirect URI', { redirect_uri: undefined }, '10011'],
  ['no app', { appid: undefined }, '10012'],
  ['no state', { state: undefined }, '10013'],
  ['another app', { appid: 'wx0' }, 'appid'],
  ['another host', { redirect_uri: 'http://localhost:9/callback' }, '10003'],
  ['a website’s scope', { scope: 'snsapi_login' }, '10005'],
])('a login inside WeChat stays on its page: %s', async (_what, over, code) => {
  const shown = await ask(addressOf(account, over))
  expect(shown).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${code}</code>`) })
})

test.each<[string, (right: Params) => Params]>([
  ['another order', (right) => Object.fromEntries(Object.entries(right).reverse())],
  ['a parameter before the others', (right) => ({ lang: 'en', ...right })],
  ['an unknown parameter behind them', (right) => ({ ...right, lang: 'en' })],
  ['a repeated one', (right) => ({ ...right, state: ['s1', 's1'] })],
  ['its own two in another order', (right) => ({ ...right, forceSnapShot: 'true', forcePopup: 'true' })],
  ['its own with another value', (right) => ({ ...right, forcePopup: '1' })],
  ['another response_type', (right) => ({ ...right, response_type: 'token' })],
  ['a state of other signs', (right) => ({ ...right, state: 'a-b' })],
  ['a state of 129 letters', (right) => ({ ...right, state: 'a'.repeat(129) })],
])('inside WeChat the page is blank: %s', async (_what, change) => {
  const shown = await ask(`${account.options.authorizationURL}?${encoded(change(authorization(account)))}`)
  expect(shown).toMatchObject({ status: 200, text: '' })
})

test('its own two parameters may follow the state, and a state may have 128 letters', async () => {
  const state = 'a'.repeat(128)
  const over = { state, forcePopup: 'true', forceSnapShot: 'false' }
  expect(await agreed(account, authorization(account, over))).toEqual({ code: expect.any(String), state })
})

test('an app of one kind is none of the other', async () => {
  const wrongPage = await ask(addressOf(website).replace('qrconnect', 'oauth2/authorize'))
  expect(wrongPage.text).toContain('<code>10016</code>')
  expect((await ask(addressOf(account).replace('oauth2/authorize', 'qrconnect'))).status).toBe(400)
})

test('another browser than WeChat’s, where only that one will do', async () => {
  const of = await started({ kind: 'official-account', insideOnly: true })
  expect((await ask(addressOf(of))).text).toContain('请在微信客户端打开链接')
  const headers = { 'user-agent': 'Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50' }
  expect((await ask(addressOf(of), { headers })).text).toContain('name="deny"')
})

test('a snapshot of the page is looked at by somebody else each time', async () => {
  const users = [{ id: 'oA1b2c3d4e5f6g7h8i9j0k1l2m3n', name: '张三', snapshot: true }]
  const of = await started({ kind: 'official-account', users })
  const [first, second] = [await login(of), await login(of)]
  for (const token of [first, second]) {
    expect(token).toMatchObject({ is_snapshotuser: 1, openid: expect.stringMatching(/^oV.{26}$/) })
    expect(members(await userOf(of, token))).toMatchObject({ openid: token.openid, nickname: '微信用户' })
  }
  expect(first.openid).not.toBe(second.openid)
  expect(await login(of, { scope: 'snsapi_base' })).not.toHaveProperty('is_snapshotuser')
  expect(await login(account, { forceSnapShot: 'true' })).toMatchObject({ is_snapshotuser: 1 })
})

test.each<[string, Params, number]>([
  ['no app', { appid: undefined }, 41002],
  ['another app', { appid: 'wx0' }, 40013],
  ['no secret', { secret: undefined }, 41004],
  ['another secret', { secret: 'x' }, 40125],
  ['another grant_type', { grant_type: 'refresh_token' }, 40002],
  ['no code', { code: undefined }, 41008],
  ['a code that was never given', { code: 'x' }, 40029],
  ['a repeated code', { code: ['x', 'y'] }, 40035],
])('the token request is refused on HTTP 200: %s', async (_what, over, errcode) => {
  const { code } = await agreed(website, authorization(website))
  const refused = await tokenFor(website, code, over)
  expect(refused).toMatchObject(refusal(errcode))
  expect(refused.headers.get('content-type')).toBe('text/plain')
  expect(members(await tokenFor(website, code))).toHaveProperty('access_token')
})

test('POST is no way to ask for anything', async () => {
  const { tokenURL, refreshURL, userProfileURL } = website.options
  const { code } = await agreed(website, authorization(website))
  expect(await post(tokenURL, exchange(website, code))).toMatchObject(refusal(43001))
  expect(await post(refreshURL, {})).toMatchObject(refusal(43001))
  expect(await post(userProfileURL, {})).toMatchObject(refusal(43001))
})

test('a code is good for one use, and for its time', async () => {
  const { code } = await agreed(website, authorization(website))
  await tokenFor(website, code)
  expect(await tokenFor(website, code)).toMatchObject(refusal(40163))
  const slow = await started({ codeLifetime: 0 })
  expect(await tokenFor(slow, (await agreed(slow, authorization(slow))).code)).toMatchObject(refusal(42003))
})

test('a refresh brings a live access token once more, and begins its life anew', async () => {
  const of = await started({ accessTokenLifetime: 1000 })
  const token = await login(of)
  let renewed = token
  for (const seconds of [700, 1400]) {
    jest.restoreAllMocks()
    jump(seconds)
    const { refresh_token } = renewed
    renewed = members(await renewal(of, refresh_token))
    expect(renewed).toEqual({ ...token, unionid: undefined, refresh_token: expect.any(String) })
    expect(renewed.refresh_token).not.toBe(refresh_token)
  }
  expect(members(await userOf(of, token))).toHaveProperty('nickname')
  expect(await renewal(of, token.refresh_token)).toMatchObject(refusal(40030))
})

test('a refresh brings a new access token in place of a dead one', async () => {
  const repeating = await started({ refreshStyle: 'repeat' })
  const token = await login(repeating)
  repeating.expireTokens()
  const renewed = members(await renewal(repeating, token.refresh_token))
  expect(renewed.access_token).not.toBe(token.access_token)
  expect(renewed.refresh_token).toBe(token.refresh_token)
  expect(members(await userOf(repeating, renewed))).toHaveProperty('nickname')
})

test.each<[string, Params, number]>([
  ['no app', { appid: undefined }, 41002],
  ['another app', { appid: 'wx0' }, 40013],
  ['another grant_type', { grant_type: undefined }, 40002],
  ['no refresh token', { refresh_token: undefined }, 41003],
  ['a refresh token that was never given', { refresh_token: 'x' }, 40030],
])('a refresh is refused: %s', async (_what, over, errcode) => {
  const { refresh_token } = await login(website)
  expect(await renewal(website, refresh_token, over)).toMatchObject(refusal(errcode))
  expect(website.requests.at(-1)?.endpoint).toBe('refresh')
})

test('tokens that have lived their time', async () => {
  const of = await started({ accessTokenLifetime: 0, refreshTokenLifetime: 0 })
  const token = await login(of)
  expect(await userOf(of, token)).toMatchObject(refusal(42001))
  expect(await renewal(of, token.refresh_token)).toMatchObject(refusal(42002))
})

test('tokens that are expired are told from unknown ones', async () => {
  const of = await started()
  const token = await login(of)
  of.expireTokens()
  of.revokeGrants()
  const query = encoded({ access_token: String(token.access_token), openid: String(token.openid) })
  for (const path of ['/sns/auth', '/emulator/resource']) {
    expect(await ask(`${of.origin}${path}?${query}`)).toMatchObject(refusal(42001))
  }
  expect(await userOf(of, token)).toMatchObject(refusal(42001))
  expect(await userOf(of, token, { access_token: 'x' })).toMatchObject(refusal(40001))
  expect(await renewal(of, token.refresh_token)).toMatchObject(refusal(42002))
  expect(await renewal(of, 'x')).toMatchObject(refusal(40030))
})

test.each<[string, Params, number]>([
  ['no token', { access_token: undefined }, 41001],
  ['a token that was never given', { access_token: 'x' }, 40001],
  ['no openid', { openid: undefined }, 41009],
  ['another user’s openid', { openid: 'oA9z8y7x6w5v4u3t2s1r0q9p8o7n' }, 40003],
  ['an unknown language', { lang: 'cn' }, 40035],
])('the user is not told: %s', async (_what, over, errcode) => {
  expect(await userOf(website, await login(website), over)).toMatchObject(refusal(errcode))
})

test('whether a token lives; no header carries one', async () => {
  const { access_token, openid } = await login(website)
  const query = encoded({ access_token: String(access_token), openid: String(openid) })
  expect((await ask(`${website.origin}/sns/auth?${query}`)).json).toEqual({ errcode: 0, errmsg: 'ok' })
  expect(await ask(`${website.origin}/sns/auth?${query}x`)).toMatchObject(refusal(40003))
  expect((await ask(`${website.origin}/emulator/resource?${query}`)).json).toMatchObject({ user: openid })
  expect(await resourceAt(website, String(access_token))).toMatchObject(refusal(41001))
  const withHeader = await ask(website.options.userProfileURL, { headers: bearer(access_token) })
  expect(withHeader).toMatchObject(refusal(41001))
})

test('an app that no open platform account has, and lifetimes as text', async () => {
  const of = await started({ unionIDs: false, expiresIn: 'text' })
  const token = await login(of)
  expect(token.expires_in).toBe('7200')
  expect(token).not.toHaveProperty('unionid')
  expect(members(await userOf(of, token))).not.toHaveProperty('unionid')
})

test('faults are worded by their call', async () => {
  const token = await login(website)
  const inTurn = [
    ['profile', 'http-403', 48001],
    ['profile', 'refused', 40001],
    ['profile', 'http-429', 45011],
    ['profile', 'http-503', -1],
    ['profile', 'refused:42007', 42007],
  ] as const
  for (const [endpoint, fault, errcode] of inTurn) {
    website.failNext(endpoint, fault)
    expect((await userOf(website, token)).json).toMatchObject({ errcode })
  }
  website.failNext('token', 'refused')
  expect(await login(website)).toMatchObject({ errcode: 40125 })
  website.failNext('refresh', 'refused')
  expect(await renewal(website, token.refresh_token)).toMatchObject(refusal(40030))
})
