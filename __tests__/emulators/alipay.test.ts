import { createPrivateKey, createPublicKey, createVerify, type KeyObject, sign } from 'node:crypto'
import type { Emulator } from 'passport-dialects/emulators'
import { type Answer, agreed, ask, brought, CALLBACK, encoded, members, type Params, starterOf } from './conversation'

type Alipay = Emulator<'alipay'>

const TOKEN = 'alipay.system.oauth.token'
const USER = 'alipay.user.info.share'
const TOKEN_KEY = 'alipay_system_oauth_token_response'
const USER_KEY = 'alipay_user_info_share_response'

const started = starterOf('alipay')

function authorization({ options }: Alipay, over: Params = {}): Params {
  return { app_id: options.clientID, scope: 'auth_user', redirect_uri: CALLBACK, state: 's', ...over }
}

async function code(emulator: Alipay, over: Params = {}, user?: string): Promise<string> {
  return (await agreed(emulator, authorization(emulator, over), user)).auth_code ?? ''
}

function publicParams({ options }: Alipay, method: string): Record<string, string> {
  const params = { app_id: options.clientID, method, format: 'JSON', charset: 'utf-8', sign_type: 'RSA2' }
  return { ...params, timestamp: '2026-11-25 10:00:00', version: '1.0' }
}

function privateKeyOf({ options }: Alipay): KeyObject {
  return createPrivateKey({ key: Buffer.from(options.privateKey, 'base64'), format: 'der', type: 'pkcs8' })
}

function alipayKeyOf({ options }: Alipay): KeyObject {
  return createPublicKey({ key: Buffer.from(options.alipayPublicKey, 'base64'), format: 'der', type: 'spki' })
}

function signatureOf(emulator: Alipay, params: Record<string, string>, hash = 'sha256'): string {
  const text = Object.keys(params)
    .filter((name) => params[name] !== '')
    .sort()
    .map((name) => `${name}=${params[name]}`)
    .join('&')
  return sign(hash, Buffer.from(text), privateKeyOf(emulator)).toString('base64')
}

/** Public parameters in the query, the method's own in the form, as the vendor's program sends them. */
function gateway(emulator: Alipay, inQuery: Params, inForm: Params = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' }
  return ask(`${emulator.options.tokenURL}?${encoded(inQuery)}`, { method: 'POST', headers, body: encoded(inForm) })
}

/** A call that is signed as it should be. */
function call(emulator: Alipay, method: string, own: Record<string, string>, over: Record<string, string> = {}) {
  const { auth_token, ...form } = own
  const query = { ...publicParams(emulator, method), ...(auth_token !== undefined && { auth_token }), ...over }
  return gateway(emulator, { ...query, sign: signatureOf(emulator, { ...query, ...form }) }, form)
}

function exchange(emulator: Alipay, code: string): Promise<Answer> {
  return call(emulator, TOKEN, { grant_type: 'authorization_code', code })
}

async function login(emulator: Alipay, over: Params = {}): Promise<Record<string, unknown>> {
  return members(await exchange(emulator, await code(emulator, over)), TOKEN_KEY)
}

/** The text from the first brace after the key to the last one before the last `sign`, and whether it verifies. */
function isVerified(emulator: Alipay, { text, json }: Answer, key: string): boolean {
  const { sign } = json as { sign: string } // a signed answer's
  const raw = text.slice(text.indexOf(':', text.indexOf(key)) + 1, text.lastIndexOf(',"sign":'))
  return createVerify('SHA256').update(raw).verify(alipayKeyOf(emulator), sign, 'base64')
}

function failure(sub_code: string): object {
  return expect.objectContaining({ sub_code, msg: expect.any(String), sub_msg: expect.stringContaining('traceId=') })
}

test('a whole conversation', async () => {
  const emulator = await started()
  const callback = await agreed(emulator, authorization(emulator))
  const app_id = emulator.options.clientID
  const back = { app_id, source: 'alipay_wallet', scope: 'auth_user', auth_code: expect.any(String), state: 's' }
  expect(callback).toEqual(back)
  const token = await exchange(emulator, callback.auth_code ?? '')
  expect(token.headers.get('content-type')).toBe('text/html;charset=utf-8')
  expect(members(token, TOKEN_KEY)).toEqual({
    access_token: expect.stringMatching(/^composeB/),
    alipay_user_id: expect.stringMatching(/^2021\d{28}$/),
    auth_start: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    expires_in: 1_296_000,
    open_id: emulator.users[0]?.id,
    re_expires_in: 2_592_000,
    refresh_token: expect.stringMatching(/^composeB/),
  })
  expect(isVerified(emulator, token, TOKEN_KEY)).toBe(true)
  const user = await call(emulator, USER, { auth_token: String(members(token, TOKEN_KEY).access_token) })
  expect(members(user, USER_KEY)).toMatchObject({ code: '10000', open_id: emulator.users[0]?.id, nick_name: '张三' })
  expect(isVerified(emulator, user, USER_KEY)).toBe(true)
  expect(emulator.requests.map(({ endpoint }) => endpoint).slice(-2)).toEqual(['token', 'profile'])
})

test('what is signed is the text as it stands, not the JSON written again', async () => {
  const emulator = await started()
  const { access_token } = await login(emulator)
  const { json, text } = await call(emulator, USER, { auth_token: String(access_token) })
  const { [USER_KEY]: told, sign } = json as Record<string, string> // an object and a text
  const again = createVerify('SHA256')
    .update(JSON.stringify(told))
    .verify(alipayKeyOf(emulator), sign ?? '', 'base64')
  expect(again).toBe(false)
  expect(text).toContain('https:\\/\\/tfs')
})

test('an app that knows people by user_id; lifetimes as text', async () => {
  const emulator = await started({ idSource: 'user_id', lifetimesAsText: true })
  const token = await login(emulator)
  expect(token).toMatchObject({ user_id: expect.stringMatching(/^2088\d{12}$/), expires_in: '1296000' })
  expect(token).not.toHaveProperty('open_id')
  const numbered = await started({ idSource: 'user_id', users: [{ id: '2088000000000001', name: '小林' }] })
  expect(await login(numbered)).toHaveProperty('user_id', '2088000000000001')
})

test('auth_base brings an id and no user; silently where asked for', async () => {
  const emulator = await started({ silent: true })
  const address = `${emulator.options.authorizationURL}?${encoded(authorization(emulator, { scope: 'auth_base' }))}`
  expect((await ask(address)).status).toBe(302)
  const { access_token, open_id } = await login(emulator, { scope: 'auth_base' })
  expect(open_id).toBe(emulator.users[0]?.id)
  const user = await call(emulator, USER, { auth_token: String(access_token) })
  expect(members(user)[USER_KEY]).toEqual(failure('isv.insufficient-user-permissions'))
})

test('mistakes of the app stay on the page; whoever says no comes back without a code', async () => {
  const emulator = await started({ redirectURIs: [CALLBACK] })
  const { authorizationURL, clientID } = emulator.options
  for (const wrong of [
    { app_id: '2021000000000000' },
    { redirect_uri: `${CALLBACK}/other` },
    { scope: undefined },
    { scope: 'auth_user auth_base' },
    { state: '状态' },
    { state: ['a', 'b'] },
    { response_type: 'token' },
  ]) {
    const { status } = await ask(`${authorizationURL}?${encoded(authorization(emulator, wrong))}`)
    expect({ wrong, status }).toEqual({ wrong, status: 400 })
  }
  const denied = await emulator.deny(`${authorizationURL}?${encoded(authorization(emulator))}`)
  expect(brought(denied)).toEqual({ app_id: clientID, source: 'alipay_wallet', state: 's' })
  const strict = await started({ refuseLoopback: true })
  const at = `${strict.options.authorizationURL}?${encoded(authorization(strict))}`
  expect((await ask(at)).status).toBe(400)
})

test.each<[string, Record<string, string>, string]>([
  ['another app', { app_id: '1' }, 'isv.invalid-app-id'],
  ['no app', { app_id: '' }, 'isv.missing-app-id'],
  ['sign_type RSA', { sign_type: 'RSA' }, 'isv.invalid-signature-type'],
  ['no sign_type', { sign_type: '' }, 'isv.missing-signature-type'],
  ['no timestamp', { timestamp: '' }, 'isv.missing-timestamp'],
  ['a timestamp of another form', { timestamp: '2026-11-25T10:00:00Z' }, 'isv.invalid-timestamp'],
  ['a day that there is not', { timestamp: '2026-02-30 10:00:00' }, 'isv.invalid-timestamp'],
  ['no version', { version: '' }, 'isv.missing-version'],
  ['another version', { version: '3.0' }, 'isv.invalid-parameter'],
  ['another charset', { charset: 'GBK' }, 'isv.invalid-charset'],
  ['another format', { format: 'XML' }, 'isv.invalid-format'],
  ['no method', { method: '' }, 'isv.missing-method'],
  ['another method', { method: 'alipay.trade.pay' }, 'isv.invalid-method'],
])('the gateway refuses %s, unsigned', async (_what, over, sub_code) => {
  const emulator = await started()
  const granted = await code(emulator)
  const answer = await call(emulator, TOKEN, { grant_type: 'authorization_code', code: granted }, over)
  expect(answer).toMatchObject({ status: 200, json: { error_response: failure(sub_code) } })
  expect(Object.keys(members(answer))).toEqual(['error_response'])
  expect(members(await exchange(emulator, granted))).toHaveProperty(TOKEN_KEY) // the code is not used up
})

describe('the signature of a request', () => {
  test('is of every parameter, raw, and in the standard Base64 alone', async () => {
    const emulator = await started()
    const query = publicParams(emulator, TOKEN)
    const form = { grant_type: 'authorization_code', code: await code(emulator) }
    const right = signatureOf(emulator, { ...query, ...form })
    const outcome = async (sign: string | undefined, inQuery: Params = query, inForm: Params = form) =>
      members(await gateway(emulator, { ...inQuery, sign }, inForm), 'error_response').sub_code
    expect(await outcome(undefined)).toBe('isv.missing-signature')
    for (const wrong of [
      'x',
      signatureOf(emulator, query),
      right.replaceAll('=', ''),
      signatureOf(emulator, { ...query, ...form }, 'sha1'),
    ]) {
      expect(await outcome(wrong)).toBe('isv.invalid-signature')
    }
    expect(await outcome(right, { ...query, extra: '1' })).toBe('isv.invalid-signature')
    expect(await outcome(right, query, { ...form, code: 'another' })).toBe('isv.invalid-signature')
    expect(await outcome(right, { ...query, code: form.code })).toBe('isv.invalid-parameter')
    expect(await outcome(right)).toBeUndefined()
  })

  test('leaves out what is empty; all may stand in the query of a GET', async () => {
    const emulator = await started()
    const all = {
      ...publicParams(emulator, TOKEN),
      grant_type: 'authorization_code',
      code: await code(emulator),
      note: '',
    }
    const address = `${emulator.options.tokenURL}?${encoded({ ...all, sign: signatureOf(emulator, all) })}`
    expect(members(await ask(address))).toHaveProperty(TOKEN_KEY)
  })

  test('that is wrong is told all that was verified, the code included', async () => {
    const emulator = await started()
    const answer = await gateway(emulator, { ...publicParams(emulator, TOKEN), sign: 'AAAA' }, { code: 'told' })
    expect(members(answer, 'error_response').sub_msg).toContain('charset=utf-8&code=told&format=JSON')
  })
})

test('failures of a method are signed: the token’s under error_response, the user’s under its own key', async () => {
  const emulator = await started({ accessTokenLifetime: 0, refreshTokenLifetime: 0 })
  const granted = await code(emulator)
  const { access_token, refresh_token } = members(await exchange(emulator, granted), TOKEN_KEY)
  const used = await exchange(emulator, granted)
  expect(members(used)).toMatchObject({ error_response: failure('isv.code-invalid') })
  expect(isVerified(emulator, used, 'error_response')).toBe(true)
  const outcome = async (own: Record<string, string>) =>
    members(await call(emulator, TOKEN, own), 'error_response').sub_code
  expect(await outcome({ grant_type: 'password' })).toBe('isv.grant-type-invalid')
  expect(await outcome({ grant_type: 'refresh_token', refresh_token: 'x' })).toBe('isv.refresh-token-invalid')
  const late = { grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  expect(await outcome(late)).toBe('isv.refresh-token-time-out')
  const user = await call(emulator, USER, { auth_token: String(access_token) })
  expect(members(user)).toMatchObject({ [USER_KEY]: failure('aop.auth-token-time-out') })
  expect(isVerified(emulator, user, USER_KEY)).toBe(true)
  const nobody = await call(emulator, USER, { auth_token: 'x' })
  expect(members(nobody)).toMatchObject({ [USER_KEY]: failure('aop.invalid-auth-token') })
})

test('a refresh token is good for one use, a code for its time', async () => {
  const emulator = await started()
  const { refresh_token } = await login(emulator)
  const renewal = () => call(emulator, TOKEN, { grant_type: 'refresh_token', refresh_token: String(refresh_token) })
  const renewed = members(await renewal(), TOKEN_KEY)
  expect(renewed.refresh_token).not.toBe(refresh_token)
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
  expect(members(await renewal())).toMatchObject({ error_response: failure('isv.refreshed-token-invalid') })
  const slow = await started({ codeLifetime: 0 })
  expect(members(await exchange(slow, await code(slow)))).toMatchObject({ error_response: failure('isv.code-invalid') })
})

test('the keys are told in four forms', async () => {
  for (const keyForm of ['pkcs1', 'pkcs8-pem', 'pkcs1-pem'] as const) {
    const { privateKey, alipayPublicKey } = (await started({ keyForm })).options
    if (keyForm === 'pkcs1') {
      createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs1' })
      createPublicKey({ key: Buffer.from(alipayPublicKey, 'base64'), format: 'der', type: 'pkcs1' })
      continue
    }
    expect(privateKey.startsWith(`-----BEGIN ${keyForm === 'pkcs1-pem' ? 'RSA ' : ''}PRIVATE KEY-----\n`)).toBe(true)
    expect(createPublicKey(alipayPublicKey).equals(createPublicKey(privateKey))).toBe(false)
  }
})

test('the API that every emulator has takes auth_token, and refuses a wrong signature', async () => {
  const emulator = await started()
  const { access_token } = await login(emulator)
  const at = (params: Params) => ask(`${emulator.origin}/emulator/resource?${encoded(params)}`)
  expect(members(await at({ auth_token: String(access_token) })).user).toBe(emulator.users[0]?.id)
  const wrong = { ...publicParams(emulator, 'x'), auth_token: String(access_token), sign: 'AAAA' }
  expect(members(await at(wrong))).toMatchObject({ [USER_KEY]: failure('isv.invalid-signature') })
})

test('a token that is expired is told from an unknown one', async () => {
  const emulator = await started()
  const { access_token } = await login(emulator)
  emulator.expireTokens()
  const [expired, unknown] = [failure('aop.auth-token-time-out'), failure('aop.invalid-auth-token')]
  const user = async (auth_token: string) => members(await call(emulator, USER, { auth_token }))
  expect(await user(String(access_token))).toMatchObject({ [USER_KEY]: expired })
  expect(await user('x')).toMatchObject({ [USER_KEY]: unknown })
  const resource = await ask(`${emulator.origin}/emulator/resource?auth_token=${access_token}`)
  expect(members(resource)).toMatchObject({ [USER_KEY]: expired })
})
