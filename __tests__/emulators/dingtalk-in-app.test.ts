import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, CALLBACK, encoded, members, postJson } from './conversation'

let emulator: Emulator<'dingtalk'>
beforeAll(async () => {
  emulator = await startEmulator('dingtalk', { appTokenLimit: 1000 })
})
afterAll(() => emulator.close())

const CORP = 'ding0a1b2c3d4e5f6a7b8c9d'

async function appToken(of = emulator): Promise<string> {
  const { clientID: appKey, clientSecret: appSecret, appTokenURL } = of.options
  return String(members(await postJson(appTokenURL, { appKey, appSecret })).accessToken)
}

function asApp(path: string, token: string, body: object, of = emulator) {
  return postJson(`${of.origin}${path}?access_token=${token}`, body)
}

const whoIs = (token: string, code: string | undefined, of = emulator) =>
  asApp('/topapi/v2/user/getuserinfo', token, { code }, of)

const inWords = (code: string) => ({ code, message: expect.any(String), requestid: expect.any(String) })

test('a whole conversation', async () => {
  const of = await startEmulator('dingtalk', { kind: 'in-app' })
  const { appTokenURL, userProfileURL, clientID: appKey, clientSecret: appSecret, kind, corpId } = of.options
  expect({ kind, corpId }).toEqual({ kind: 'in-app', corpId: CORP })
  const app = members(await postJson(appTokenURL, { appKey, appSecret }))
  expect(app).toEqual({ accessToken: expect.any(String), expireIn: 7200 })
  expect(of.requests.at(-1)?.endpoint).toBe('appToken')
  const user = await postJson(`${userProfileURL}?access_token=${app.accessToken}`, { code: of.entryCode() })
  expect(user.json).toEqual({
    errcode: 0,
    errmsg: 'ok',
    result: {
      userid: 'staff0007',
      name: '张三',
      unionid: 'zX9mKq1LpT7vRn3WbYc2sQiEiE',
      device_id: expect.any(String),
      sys: false,
      sys_level: 0,
    },
    request_id: expect.any(String),
  })
  await of.close()
})

test('a script gets such a code by its organisation’s id', async () => {
  const script = await ask(`${emulator.origin}/emulator/request-auth-code?corpId=${CORP}&user=${emulator.users[1]?.id}`)
  expect(script.headers.get('access-control-allow-origin')).toBe('*')
  const user = await whoIs(await appToken(), String(members(script).code))
  expect(members(user, 'result')).toMatchObject({ name: 'Ada Lovelace', userid: 'ada' })
  expect((await ask(`${emulator.origin}/emulator/request-auth-code?corpId=dingx`)).status).toBe(400)
  expect((await ask(`${emulator.origin}/emulator/request-auth-code?corpId=${CORP}&user=x`)).status).toBe(400)
  expect(() => emulator.entryCode({ user: 'nobody' })).toThrow('no user nobody')
})

test('the two kinds of code are not interchangeable', async () => {
  const { clientID: clientId, clientSecret } = emulator.options
  const asked = { client_id: clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid', state: 's' }
  const { code } = await agreed(emulator, asked)
  expect(await whoIs(await appToken(), code)).toMatchObject({ status: 200, json: { errcode: 40078 } })
  const exchange = { clientId, clientSecret, code: emulator.entryCode(), grantType: 'authorization_code' }
  const other = await postJson(emulator.options.tokenURL, exchange)
  expect(other.json).toEqual(inWords('invalidParameter.authCode.notFound'))
})

test('a code is good once; a dead application token spends none', async () => {
  const code = emulator.entryCode()
  const first = await appToken()
  emulator.expireAppTokens()
  expect((await whoIs(first, code)).json).toMatchObject({ errcode: 42001, errmsg: 'access_token已过期' })
  expect((await whoIs('x', code)).json).toMatchObject({ errcode: 40014, errmsg: '不合法的access_token' })
  const token = await appToken()
  expect(token).not.toBe(first)
  expect((await whoIs(token, undefined)).json).toMatchObject({ errcode: 41026 })
  expect((await whoIs(token, code)).json).toMatchObject({ errcode: 0 })
  expect((await whoIs(token, code)).json).toMatchObject({ errcode: 40078 })
  const short = await startEmulator('dingtalk', { codeLifetime: 0 })
  expect((await whoIs(await appToken(short), short.entryCode(), short)).json).toMatchObject({ errcode: 40078 })
  await short.close()
})

test.each([
  ['42001', { errcode: 42001 }],
  ['88', { errcode: 88, sub_code: '40014', errmsg: expect.stringContaining('subcode=40014') }],
] as const)('a dead application token is refused with %s', async (deadAppToken, refusal) => {
  const of = await startEmulator('dingtalk', { deadAppToken })
  expect((await whoIs('x', of.entryCode(), of)).json).toMatchObject(refusal)
  await of.close()
})

test('the application’s token is the same while it lives, at each of its addresses', async () => {
  const { clientID, clientSecret } = emulator.options
  const token = await appToken()
  const old = await ask(`${emulator.origin}/gettoken?${encoded({ appkey: clientID, appsecret: clientSecret })}`)
  expect(old.json).toMatchObject({ errcode: 0, access_token: token, expires_in: expect.any(Number) })
  const credentials = { client_id: clientID, client_secret: clientSecret, grant_type: 'client_credentials' }
  const newest = await postJson(`${emulator.origin}/v1.0/oauth2/${CORP}/token`, credentials)
  expect(newest.json).toMatchObject({ access_token: token })
  const brief = await startEmulator('dingtalk', { appTokenLifetime: 0 })
  const over = await appToken(brief)
  expect((await whoIs(over, brief.entryCode(), brief)).json).toMatchObject({ errcode: 42001 })
  expect(await appToken(brief)).not.toBe(over)
  await brief.close()
})

test('the application’s token is refused to others, and to who asks too often', async () => {
  const of = await startEmulator('dingtalk', { appTokenLimit: 2 })
  const { clientID: appKey, clientSecret: appSecret, appTokenURL } = of.options
  const wrong = { status: 400, json: inWords('invalidClientIdOrSecret') }
  expect(await postJson(appTokenURL, { appKey, appSecret: 'x' })).toMatchObject(wrong)
  const newest = `${of.origin}/v1.0/oauth2/${CORP}/token`
  const credentials = { client_id: appKey, client_secret: appSecret, grant_type: 'client_credentials' }
  expect(await postJson(newest, { ...credentials, client_secret: 'x' })).toMatchObject(wrong)
  expect((await postJson(newest, { ...credentials, grant_type: undefined })).status).toBe(400)
  const old = (appsecret: string) => ask(`${of.origin}/gettoken?${encoded({ appkey: appKey, appsecret })}`)
  expect((await old('x')).json).toMatchObject({ errcode: 40096 })
  await appToken(of)
  await appToken(of)
  const tooOften = { status: 403, json: inWords('Forbidden.AccessDenied.QpsLimitForApi') }
  expect(await postJson(appTokenURL, { appKey, appSecret })).toMatchObject(tooOften)
  expect(await postJson(newest, credentials)).toMatchObject(tooOften)
  expect((await old(appSecret)).json).toMatchObject({ errcode: 90018 })
  await of.close()
})

test('a member’s user id by the union id', async () => {
  const unionid = 'zX9mKq1LpT7vRn3WbYc2sQiEiE'
  const known = await asApp('/topapi/user/getbyunionid', await appToken(), { unionid })
  expect(known.json).toMatchObject({ errcode: 0, result: { userid: 'staff0007', contact_type: 0 } })
  const unknown = await asApp('/topapi/user/getbyunionid', await appToken(), { unionid: 'x' })
  expect(unknown.json).toMatchObject({ errcode: 60121 })
})

test('who is of no organisation here has no user id', async () => {
  const of = await startEmulator('dingtalk', { users: [{ id: 'zX9guest', name: 'Guest', external: true }] })
  const outside = await asApp('/topapi/user/getbyunionid', await appToken(of), { unionid: 'zX9guest' }, of)
  expect(outside).toMatchObject({ status: 200, json: { errcode: 60121 } })
  await of.close()
})

test('faults of the application’s token, and of its calls', async () => {
  emulator.failNext('profile', 'refused:60011')
  expect((await whoIs(await appToken(), emulator.entryCode())).json).toMatchObject({ errcode: 60011 })
  emulator.failNext('appToken', 'missing-token')
  expect(await appToken()).toBe('undefined')
  const inApp = await startEmulator('dingtalk', { kind: 'in-app' })
  inApp.failNext('profile', 'http-500')
  expect(await whoIs(await appToken(inApp), inApp.entryCode(), inApp)).toMatchObject({
    status: 500,
    json: { errcode: -1 },
  })
  await inApp.close()
})
