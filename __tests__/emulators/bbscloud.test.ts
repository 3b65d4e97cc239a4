import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { ask, bearer, brought, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('bbscloud', { redirectURIs: ['127.0.0.1:9', 'https://app.example.com/other'] })
})
afterAll(() => emulator.close())

function client(of = emulator) {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret, response_type: 'code' }
}

async function firstCode(of = emulator): Promise<string> {
  return String(members(await postJson(of.options.codeURL ?? '', client(of))).data)
}

function loginAuth(code: string, over: Params = {}, of = emulator): string {
  const usual = { client_id: of.options.clientID, response_type: 'code', code, redirect_uri: `${CALLBACK}?s=our+state` }
  return `${of.options.authorizationURL}?${encoded({ ...usual, state: 'their state', ...over })}`
}

test('a whole conversation', async () => {
  const { codeURL = '', userProfileURL } = emulator.options
  const step1 = await postJson(codeURL, client(), { 'content-type': 'application/json; charset=utf-8' })
  expect(step1.json).toEqual({ type: 1, data: expect.stringMatching(/^[0-9a-f]{32}$/), description: '' })
  const { token, ...rest } = brought(await emulator.approve(loginAuth(String(members(step1).data))))
  expect(rest).toEqual({ s: 'our state' })
  const info = await ask(`${userProfileURL}?access_token=${token}`)
  expect(info.json).toEqual({
    error: 0,
    id: 'c306ffce817b495684db86b0993462cd',
    userName: '张三',
    accountEmail: 'aaa@zzz.com',
    accountMobile: '18888888888',
    avatar: '377609792979603456.png',
  })
  const other = brought(await emulator.approve(loginAuth(await firstCode()), { user: emulator.users[1]?.id ?? '' }))
  expect((await ask(`${userProfileURL}?access_token=${other.token}`)).json).toMatchObject({ accountEmail: '' })
})

test.each<[string, object]>([
  ['a wrong secret', { client_secret: 'x' }],
  ['an unknown client', { client_id: 'x' }],
  ['no secret', { client_secret: undefined }],
  ['no response_type', { response_type: undefined }],
  ['app_id for client_id', { client_id: undefined, app_id: 'x' }],
])('no code for %s', async (_title, over) => {
  const refusal = await postJson(emulator.options.codeURL ?? '', { ...client(), ...over })
  expect(refusal).toMatchObject({ status: 200, json: { type: 0, data: null } })
  expect(members(refusal).description).toMatch(/不正确/)
})

test('no code for a form, a broken body, or a GET', async () => {
  const { codeURL = '' } = emulator.options
  expect(await post(codeURL, client())).toMatchObject({ json: { type: 0 } })
  const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[' }
  expect(await ask(codeURL, broken)).toMatchObject({ json: { type: 0 } })
  expect((await ask(codeURL)).status).toBe(404)
})

test.each<[string, Params]>([
  ['a forged code', { code: 'x' }],
  ['no code', { code: undefined }],
  ['an unknown client', { client_id: 'x' }],
  ['no response_type', { response_type: undefined }],
  ['another domain', { redirect_uri: 'https://evil.example/callback' }],
  ['another port', { redirect_uri: 'http://127.0.0.1:10/callback' }],
  ['no redirect address', { redirect_uri: undefined }],
  ['a repeated redirect address', { redirect_uri: [CALLBACK, CALLBACK] }],
])('loginAuth stays on a page: %s', async (_title, over) => {
  const address = loginAuth(await firstCode(), over)
  await expect(emulator.approve(address)).rejects.toThrow(/400/)
})

test('any path of a registered domain will do; a code is for one login; an old one is not taken', async () => {
  const address = loginAuth(await firstCode(), { redirect_uri: 'https://app.example.com/any/path?a=b' })
  expect(await emulator.approve(address)).toMatch(/^https:\/\/app\.example\.com\/any\/path\?a=b&token=[0-9A-F]{48}$/)
  await expect(emulator.approve(address)).rejects.toThrow('code 无效')
  await withKnobs({ codeLifetime: 0 }, async (of) => {
    await expect(of.approve(loginAuth(await firstCode(of), {}, of))).rejects.toThrow('code 无效')
  })
})

test('userInfo takes a live token in the query, nothing else', async () => {
  const { userProfileURL } = emulator.options
  const { token } = brought(await emulator.approve(loginAuth(await firstCode())))
  const invalid = { status: 200, json: { error: -2, error_description: expect.any(String) } }
  expect(await ask(userProfileURL)).toMatchObject(invalid)
  expect(await ask(`${userProfileURL}?access_token=x`)).toMatchObject(invalid)
  expect(await ask(`${userProfileURL}?token=${token}`)).toMatchObject(invalid)
  expect(await ask(`${userProfileURL}?access_token=${token}&access_token=${token}`)).toMatchObject(invalid)
  expect(await ask(userProfileURL, { headers: bearer(token) })).toMatchObject(invalid)
  await withKnobs({ accessTokenLifetime: 0, errorType: 'string' }, async (of) => {
    const dead = brought(await of.approve(loginAuth(await firstCode(of), {}, of)))
    expect((await ask(`${of.options.userProfileURL}?access_token=${dead.token}`)).json).toMatchObject({ error: '-2' })
  })
})

test.each<[NonNullable<EmulatorOptions['callbackStyle']>, RegExp]>([
  ['merge', /\/callback\?s=our\+state&token=[0-9A-F]+$/],
  ['echo', /\/callback\?s=our\+state&token=[0-9A-F]+&state=their\+state$/],
  ['append', /\/callback\?s=our\+state\?token=[0-9A-F]+$/],
  ['append-echo', /\/callback\?s=our\+state\?token=[0-9A-F]+&state=their%20state$/],
  ['drop', /\/callback\?token=[0-9A-F]+$/],
  ['drop-echo', /\/callback\?token=[0-9A-F]+&state=their\+state$/],
])('the callback style %s', async (callbackStyle, looks) => {
  await withKnobs({ callbackStyle }, async (of) => {
    expect(await of.approve(loginAuth(await firstCode(of), {}, of))).toMatch(looks)
  })
})

test('the provider codes -1, -2, -3', async () => {
  for (const code of [-1, -2, -3]) {
    emulator.failNext('profile', `refused:${code}`)
    expect((await ask(emulator.options.userProfileURL)).json).toMatchObject({ error: code })
  }
})

async function withKnobs(knobs: EmulatorOptions, run: (of: Emulator) => Promise<void>): Promise<void> {
  const other = await startEmulator('bbscloud', knobs)
  try {
    await run(other)
  } finally {
    await other.close()
  }
}
