// Over 300 lines because one set of helpers speaks to both kinds of login, and to the calls of the application.
import type { Emulator, EmulatorOptions, EmulatorUser } from 'passport-dialects/emulators'
import { eventually } from '../support/eventually'
import {
  type Answer,
  agreed,
  ask,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  postJson,
  starterOf,
} from './conversation'

const started = starterOf('wecom')

/** A login that WeCom has nothing against, of the kind that the emulator's options say. */
function authorization({ options }: Emulator<'wecom'>, over: Params = {}): Params {
  const web = { login_type: 'CorpApp', appid: options.clientID, agentid: options.agentId }
  if (options.kind === 'web') return { ...web, redirect_uri: CALLBACK, state: 's', ...over }
  const inApp = { appid: options.clientID, redirect_uri: CALLBACK, response_type: 'code', scope: 'snsapi_base' }
  return { ...inApp, state: 's', agentid: options.agentId, ...over }
}

function addressOf(emulator: Emulator<'wecom'>, over: Params = {}): string {
  return `${emulator.options.authorizationURL}?${encoded(authorization(emulator, over))}`
}

async function code(emulator: Emulator<'wecom'>, over: Params = {}, user?: string): Promise<string> {
  return (await agreed(emulator, authorization(emulator, over), user)).code ?? ''
}

function appToken({ options }: Emulator<'wecom'>, over: Params = {}): Promise<Answer> {
  const credentials = { corpid: options.clientID, corpsecret: options.clientSecret }
  return ask(`${options.appTokenURL}?${encoded({ ...credentials, ...over })}`)
}

async function live(emulator: Emulator<'wecom'>): Promise<string> {
  return String(members(await appToken(emulator)).access_token)
}

function api({ origin }: Emulator<'wecom'>, path: string, params: Params): Promise<Answer> {
  return ask(`${origin}/cgi-bin/${path}?${encoded(params)}`)
}

function user(emulator: Emulator<'wecom'>, access_token: string | undefined, code: string | undefined) {
  return api(emulator, 'auth/getuserinfo', { access_token, code })
}

function detail({ origin }: Emulator<'wecom'>, access_token: string, user_ticket: unknown): Promise<Answer> {
  return postJson(`${origin}/cgi-bin/auth/getuserdetail?${encoded({ access_token })}`, { user_ticket })
}

/** A refusal as WeCom sends it. */
function refusal(errcode: number): object {
  const errmsg = expect.stringMatching(new RegExp(`^\\D.*, hint: \\[\\d+_7_[0-9a-f]{32}\\], from ip: .*e=${errcode}$`))
  return { status: 200, json: { errcode, errmsg } }
}

test('a whole conversation of the web login', async () => {
  const emulator = await started()
  const token = members(await appToken(emulator))
  expect(token).toEqual({ errcode: 0, errmsg: 'ok', access_token: expect.any(String), expires_in: 7200 })
  const callback = await agreed(emulator, authorization(emulator))
  expect(callback).toEqual({ code: expect.any(String), state: 's' })
  const told = await user(emulator, String(token.access_token), callback.code)
  expect(told.json).toEqual({ errcode: 0, errmsg: 'ok', userid: 'zhangsan01' })
  const entry = await api(emulator, 'user/get', { access_token: String(token.access_token), userid: 'zhangsan01' })
  expect(entry.json).toMatchObject({ errcode: 0, userid: 'zhangsan01', name: '张三', department: [1], status: 1 })
  expect(Object.keys(members(entry))).not.toContain('email')
  expect(emulator.requests.map(({ endpoint }) => endpoint).filter((name) => name !== 'authorize')).toEqual([
    'appToken',
    'profile',
    'profile',
  ])
})

test('inside WeCom: snsapi_privateinfo brings a ticket, and the ticket what was ticked', async () => {
  const emulator = await started({ kind: 'in-app' })
  const token = await live(emulator)
  const scope = 'snsapi_privateinfo'
  const callback = brought(await emulator.approve(addressOf(emulator, { scope }), { scopes: ['email', 'avatar'] }))
  const told = members(await user(emulator, token, callback.code))
  expect(told).toEqual({ errcode: 0, errmsg: 'ok', userid: 'zhangsan01', user_ticket: expect.any(String) })
  expect((await detail(emulator, token, told.user_ticket)).json).toEqual({
    errcode: 0,
    errmsg: 'ok',
    userid: 'zhangsan01',
    avatar: 'https://wework.qpic.example/zhangsan/0',
    email: 'zhangsan@example.com',
  })
  const all = members(await user(emulator, token, await code(emulator, { scope })))
  expect(members(await detail(emulator, token, all.user_ticket))).toMatchObject({
    gender: '0',
    biz_mail: 'zhangsan01@biz.example.com',
  })
})

test('no ticket with snsapi_base, without agentid, outside the visible range, at the web login', async () => {
  const inApp = await started({ kind: 'in-app', visibleRange: ['AdaLovelace'] })
  const token = await live(inApp)
  const scope = 'snsapi_privateinfo'
  const ticket = async (over: Params, who: string) =>
    'user_ticket' in members(await user(inApp, token, await code(inApp, over, who)))
  expect(await ticket({}, 'AdaLovelace')).toBe(false)
  expect(await ticket({ scope, agentid: undefined }, 'AdaLovelace')).toBe(false)
  expect(await ticket({ scope }, 'zhangsan01')).toBe(false)
  expect(await ticket({ scope }, 'AdaLovelace')).toBe(true)
  const web = await started()
  expect(members(await user(web, await live(web), await code(web)))).not.toHaveProperty('user_ticket')
})

test('whoever says no comes back with the state alone', async () => {
  for (const kind of ['web', 'in-app'] as const) {
    const emulator = await started({ kind })
    expect(brought(await emulator.deny(addressOf(emulator)))).toEqual({ state: 's' })
  }
})

test.each<[string, Params, number]>([
  ['another corp', { appid: 'ww0' }, 40013],
  ['another login type', { login_type: 'ServiceApp' }, 40035],
  ['no login type', { login_type: undefined }, 40035],
  ['no agentid', { agentid: undefined }, 41011],
  ['another agentid', { agentid: '1' }, 40056],
  ['another host', { redirect_uri: 'http://evil.example/callback' }, 50001],
  ['another port', { redirect_uri: 'http://127.0.0.1:10/callback' }, 50001],
  ['a fragment', { redirect_uri: `${CALLBACK}#x` }, 50001],
  ['no redirect URI', { redirect_uri: undefined }, 50001],
  ['two states', { state: ['a', 'b'] }, 40035],
  ['another language', { lang: 'fr' }, 40035],
])('the web login refuses %s on its page', async (_what, over, errcode) => {
  const emulator = await started({ redirectURIs: [CALLBACK] })
  const answer = await ask(addressOf(emulator, over))
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${errcode}</code>`) })
  expect((await ask(addressOf(emulator, { redirect_uri: `${CALLBACK}/elsewhere` }))).status).toBe(200)
})

test.each<[string, Params, number]>([
  ['another corp', { appid: 'ww0' }, 40013],
  ['no response type', { response_type: undefined }, 40035],
  ['another scope', { scope: 'openid' }, 40035],
  ['no scope', { scope: undefined }, 40035],
  ['a state with a hyphen', { state: 'a-b' }, 84025],
  ['a state of 129 letters', { state: 'a'.repeat(129) }, 84025],
  ['another agentid', { agentid: '1' }, 40056],
])('the login inside WeCom refuses %s on its page', async (_what, over, errcode) => {
  const emulator = await started({ kind: 'in-app' })
  const answer = await ask(addressOf(emulator, over))
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(`<code>${errcode}</code>`) })
})

test('inside WeCom the order of the parameters is the documented one', async () => {
  const emulator = await started({ kind: 'in-app' })
  const right = Object.entries(authorization(emulator))
  const at = (params: [string, unknown][]) =>
    ask(`${emulator.options.authorizationURL}?${encoded(Object.fromEntries(params) as Params)}`)
  expect((await at(right)).status).toBe(200)
  expect(await at([...right].reverse())).toMatchObject({ status: 400, text: expect.stringContaining('40035') })
})

describe('the application token', () => {
  test.each<[string, Params, number]>([
    ['no corp', { corpid: undefined }, 41002],
    ['no secret', { corpsecret: undefined }, 41004],
    ['another corp', { corpid: 'ww0' }, 40013],
    ['another secret', { corpsecret: 'wrong' }, 40001],
    ['two secrets', { corpsecret: ['a', 'b'] }, 40035],
  ])('is refused to %s', async (_what, over, errcode) => {
    expect(await appToken(await started(), over)).toMatchObject(refusal(errcode))
  })

  test('is the same while it lives, and another after that', async () => {
    const emulator = await started({ accessTokenLifetime: 1, appTokenLimit: 1000 })
    const first = await live(emulator)
    await eventually(async () => expect(await live(emulator)).not.toBe(first))
    const lasting = await started()
    expect(await live(lasting)).toBe(await live(lasting))
  })

  test('is told with the seconds that it still has', async () => {
    const emulator = await started({ appTokenLimit: 1000 })
    await appToken(emulator)
    await eventually(async () => expect(members(await appToken(emulator)).expires_in).toBeLessThan(7200))
  })

  test('may be asked for ten times a minute, or as often as is said', async () => {
    const emulator = await started()
    for (let call = 0; call < 10; call++) expect(members(await appToken(emulator)).errcode).toBe(0)
    expect(await appToken(emulator)).toMatchObject(refusal(45009))
    const strict = await started({ appTokenLimit: 1 })
    expect(members(await appToken(strict)).errcode).toBe(0)
    expect(await appToken(strict)).toMatchObject(refusal(45009))
  })

  test('is looked at before the code, which stays unspent', async () => {
    const emulator = await started()
    const [token, granted] = [await live(emulator), await code(emulator)]
    expect(await user(emulator, undefined, granted)).toMatchObject(refusal(41001))
    expect(await user(emulator, 'x', granted)).toMatchObject(refusal(40014))
    emulator.expireAppTokens()
    expect(await user(emulator, token, granted)).toMatchObject(refusal(42001))
    expect(await detail(emulator, token, 'x')).toMatchObject(refusal(42001))
    const renewed = await live(emulator)
    expect(renewed).not.toBe(token)
    expect(members(await user(emulator, renewed, granted)).userid).toBe('zhangsan01')
  })

  test('that is too old is said to be so', async () => {
    const emulator = await started({ accessTokenLifetime: 0 })
    expect(await user(emulator, await live(emulator), await code(emulator))).toMatchObject(refusal(42001))
  })

  test('faults strike where it is asked for', async () => {
    const emulator = await started()
    emulator.failNext('appToken', 'refused:60020')
    expect(await appToken(emulator)).toMatchObject(refusal(60020))
    emulator.failNext('appToken', 'missing-token')
    expect(Object.keys(members(await appToken(emulator)))).toEqual(['errcode', 'errmsg', 'expires_in'])
    emulator.failNext('appToken', 'http-503')
    expect(members(await appToken(emulator)).errcode).toBe(-1)
  })
})

test('a code is good for one use, and for its time', async () => {
  const emulator = await started()
  const [token, granted] = [await live(emulator), await code(emulator)]
  expect(await user(emulator, token, undefined)).toMatchObject(refusal(41008))
  expect(await user(emulator, token, 'x')).toMatchObject(refusal(40029))
  expect(members(await user(emulator, token, granted)).errcode).toBe(0)
  expect(await user(emulator, token, granted)).toMatchObject(refusal(40029))
  const slow = await started({ codeLifetime: 0 })
  expect(await user(slow, await live(slow), await code(slow))).toMatchObject(refusal(40029))
})

test('a ticket that is none, and one that is too old', async () => {
  const emulator = await started({ kind: 'in-app', ticketLifetime: 0 })
  const token = await live(emulator)
  const told = members(await user(emulator, token, await code(emulator, { scope: 'snsapi_privateinfo' })))
  expect(await detail(emulator, token, told.user_ticket)).toMatchObject(refusal(84014))
  expect(await detail(emulator, token, 'x')).toMatchObject(refusal(84015))
  expect(await detail(emulator, token, undefined)).toMatchObject(refusal(84015))
})

test('somebody outside the corp has no userid', async () => {
  const outsiders: EmulatorUser[] = [
    { id: 'wmAbc', name: '李四', external: true },
    { id: 'oEdef', name: 'Mallory', external: true },
  ]
  const emulator = await started({ users: outsiders })
  const token = await live(emulator)
  const told = async (who: string) => members(await user(emulator, token, await code(emulator, {}, who)))
  expect(await told('wmAbc')).toEqual({ errcode: 0, errmsg: 'ok', openid: 'oEAbc', external_userid: 'wmAbc' })
  expect(await told('oEdef')).toEqual({ errcode: 0, errmsg: 'ok', openid: 'oEdef' })
  expect(await api(emulator, 'user/get', { access_token: token, userid: 'wmAbc' })).toMatchObject(refusal(60111))
})

test('a member of a linked corp has an id with the corp in it, and may be unknown to the directory', async () => {
  const users = [
    { id: 'zhangsan01', name: '张三' },
    { id: 'wwlinked/lisi', name: '李四' },
  ]
  for (const kind of ['web', 'in-app'] as const) {
    const emulator = await started({ users, kind, directory: '60111' })
    const token = await live(emulator)
    const told = members(await user(emulator, token, await code(emulator, {}, 'wwlinked/lisi')))
    expect(told).toEqual({ errcode: 0, errmsg: 'ok', userid: 'wwlinked/lisi' })
    const entry = await api(emulator, 'user/get', { access_token: token, userid: 'wwlinked/lisi' })
    expect(entry).toMatchObject(refusal(60111))
  }
  const open = await started({ users })
  const entry = await api(open, 'user/get', { access_token: await live(open), userid: 'wwlinked/lisi' })
  expect(entry.json).toMatchObject({ errcode: 0, userid: 'wwlinked/lisi', name: '李四' })
})

test('the directory tells what the corp lets it', async () => {
  const entry = async (options: EmulatorOptions<'wecom'>, userid: string | undefined = 'zhangsan01') => {
    const emulator = await started(options)
    return api(emulator, 'user/get', { access_token: await live(emulator), userid })
  }
  expect(members(await entry({ directory: 'private' })).email).toBe('zhangsan@example.com')
  expect(members(await entry({ directory: 'hidden' })).name).toBe('zhangsan01')
  expect(await entry({ directory: '60011' })).toMatchObject(refusal(60011))
  expect(await entry({ directory: '48002' })).toMatchObject(refusal(48002))
  expect(await entry({ directory: '60111' })).toMatchObject(refusal(60111))
  expect(await entry({ visibleRange: [] })).toMatchObject(refusal(60011))
  expect(await entry({}, 'nobody')).toMatchObject(refusal(60111))
  expect(await entry({}, '')).toMatchObject(refusal(40058))
})

test('an untrusted host may be found out as late as at the code', async () => {
  const emulator = await started({ redirectURIs: ['https://app.example.com/callback'], untrustedHost: 'getuserinfo' })
  expect(await user(emulator, await live(emulator), await code(emulator))).toMatchObject(refusal(50001))
})

test('switches of the login inside WeCom', async () => {
  const silent = await started({ kind: 'in-app', silent: true })
  expect(await ask(addressOf(silent))).toMatchObject({ status: 302 })
  expect((await ask(addressOf(silent, { scope: 'snsapi_privateinfo' }))).status).toBe(200)
  const inside = await started({ kind: 'in-app', insideOnly: true })
  expect((await ask(addressOf(inside))).status).toBe(400)
  const headers = { 'user-agent': 'Mozilla/5.0 wxwork/4.1.0 MicroMessenger/7.0.1' }
  expect((await ask(addressOf(inside), { headers })).status).toBe(200)
  const wordy = await started({ callbackAppid: true })
  expect(await agreed(wordy, authorization(wordy))).toHaveProperty('appid', wordy.options.clientID)
})
