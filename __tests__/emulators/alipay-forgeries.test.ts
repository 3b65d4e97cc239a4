import { createPrivateKey, createPublicKey, createVerify, sign } from 'node:crypto'
import { ALIPAY_FORGERIES, type AlipayForgery, type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type Answer, agreed, ask, CALLBACK, encoded, members } from './conversation'

const TOKEN = 'alipay.system.oauth.token'
const USER = 'alipay.user.info.share'
const KEYS = { [TOKEN]: 'alipay_system_oauth_token_response', [USER]: 'alipay_user_info_share_response' }

let emulator: Emulator<'alipay'>
/** What strikes the responses of one method. */
let planned: { method: string; forgery: AlipayForgery } | undefined
const asked: { method: string; failed: boolean }[] = []

beforeAll(async () => {
  emulator = await startEmulator('alipay', {
    keyForm: 'pkcs8-pem',
    forge: (response) => {
      asked.push(response)
      return planned?.method === response.method ? planned.forgery : undefined
    },
  })
})
beforeEach(() => {
  planned = undefined
})
afterAll(() => emulator.close())

function call(method: string, own: Record<string, string>): Promise<Answer> {
  const { clientID, privateKey, tokenURL } = emulator.options
  const usual = {
    app_id: clientID,
    charset: 'utf-8',
    sign_type: 'RSA2',
    timestamp: '2026-11-25 10:00:00',
    version: '1.0',
  }
  const params: Record<string, string> = { ...usual, method, ...own }
  const text = Object.keys(params)
    .sort()
    .map((name) => `${name}=${params[name]}`)
  const signature = sign('sha256', Buffer.from(text.join('&')), createPrivateKey(privateKey)).toString('base64')
  return ask(`${tokenURL}?${encoded({ ...params, sign: signature })}`)
}

async function exchange(): Promise<Answer> {
  const request = { app_id: emulator.options.clientID, scope: 'auth_user', redirect_uri: CALLBACK, state: 's' }
  const { auth_code = '' } = await agreed(emulator, request)
  return call(TOKEN, { grant_type: 'authorization_code', code: auth_code })
}

/** One member and its signature, nothing beside them, and the signature is of that member's text. */
function isRight({ text }: Answer, key: string): boolean {
  const found = new RegExp(`^\\{"${key}":(\\{.*\\}),"sign":"([A-Za-z0-9+/]+={0,2})"\\}$`).exec(text)
  const [, signed = '', signature = ''] = found ?? []
  const platformKey = createPublicKey(emulator.options.alipayPublicKey)
  return found !== null && createVerify('SHA256').update(signed).verify(platformKey, signature, 'base64')
}

test('responses that nobody forges are right, and each is asked about', async () => {
  const token = await exchange()
  const user = await call(USER, { auth_token: String(members(token, KEYS[TOKEN]).access_token) })
  const failure = await call(TOKEN, { grant_type: 'authorization_code', code: 'x' })
  expect([isRight(token, KEYS[TOKEN]), isRight(user, KEYS[USER]), isRight(failure, 'error_response')]).toEqual([
    true,
    true,
    true,
  ])
  expect(asked).toEqual([
    { method: TOKEN, failed: false },
    { method: USER, failed: false },
    { method: TOKEN, failed: true },
  ])
})

describe.each(ALIPAY_FORGERIES)('%s', (forgery) => {
  test('a token: whoever reads the JSON alone logs in, whoever verifies does not', async () => {
    planned = { method: TOKEN, forgery }
    const answer = await exchange()
    expect(members(answer, KEYS[TOKEN]).access_token).toMatch(/^composeB/)
    expect(isRight(answer, KEYS[TOKEN])).toBe(false)
  })

  test('a user, and a failure', async () => {
    const { access_token } = members(await exchange(), KEYS[TOKEN])
    planned = { method: USER, forgery }
    const user = await call(USER, { auth_token: String(access_token) })
    expect(members(user, KEYS[USER]).code).toBe('10000')
    expect(isRight(user, KEYS[USER])).toBe(false)
    planned = { method: TOKEN, forgery }
    const failure = await call(TOKEN, { grant_type: 'authorization_code', code: 'x' })
    expect(members(failure, 'error_response').code).toBe('40002')
    expect(isRight(failure, 'error_response')).toBe(false)
  })
})

test.each<[AlipayForgery, boolean]>([
  ['changed', true],
  ['repeated-before', false],
  ['repeated-after', true],
  ['repeated-escaped', true],
  ['nested', true],
  ['another-text', false],
])('%s: JSON alone names another person, %s', async (forgery, isAnother) => {
  planned = { method: TOKEN, forgery }
  expect(members(await exchange(), KEYS[TOKEN]).open_id !== emulator.users[0]?.id).toBe(isAnother)
})

test('faults of the content are signed like everything else; a refusal that is asked for is unsigned', async () => {
  emulator.failNext('token', 'missing-token')
  const spoilt = await exchange()
  expect(members(spoilt, KEYS[TOKEN])).not.toHaveProperty('access_token')
  expect(isRight(spoilt, KEYS[TOKEN])).toBe(true)
  emulator.failNext('token', 'refused:isv.code-invalid')
  expect((await exchange()).json).toEqual({ error_response: expect.objectContaining({ sub_code: 'isv.code-invalid' }) })
  emulator.failNext('profile', 'http-503')
  expect(await call(USER, { auth_token: 'x' })).toMatchObject({
    status: 503,
    json: { [KEYS[USER]]: expect.objectContaining({ code: '20000', sub_code: 'isp.unknow-error' }) },
  })
})
