import { spawnSync } from 'node:child_process'
import { constants, createVerify, publicDecrypt, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AlipayStrategy, type Params } from 'passport-dialects'
import { rsaPair } from '../support/rsa-keys'
import { describeWith } from '../support/services'

afterEach(() => jest.restoreAllMocks())

const app = rsaPair('test', 0)
const platform = rsaPair('test', 1)
const privatePEM = String(app.privateKey.export({ type: 'pkcs8', format: 'pem' }))
const platformPEM = String(platform.privateKey.export({ type: 'pkcs8', format: 'pem' }))

const strategy = new AlipayStrategy(
  {
    clientID: '2021000000000001',
    callbackURL: 'https://app.example.com/callback',
    privateKey: privatePEM,
    alipayPublicKey: String(platform.publicKey.export({ type: 'spki', format: 'pem' })),
  },
  () => {},
)

/** What a signer must not trip over: each is signed as it is, and not as it is encoded. */
const PARAMETERS: [what: string, parameters: Params][] = [
  [
    'a code',
    { method: 'alipay.system.oauth.token', grant_type: 'authorization_code', code: '4b203fe6c11548bcabd8da5bb087a83b' },
  ],
  ['a user', { method: 'alipay.user.info.share', auth_token: 'composeB1a2b3c4d' }],
  ['Chinese', { method: 'alipay.trade.query', biz_content: '{"subject":"杭州市 😀","total":"88.88"}' }],
  ['what an address encodes', { method: 'm', notify_url: 'https://a.example/?a=1&b=2#c', plus: '1+1 = 2%20' }],
  ['nothing', { method: 'm', empty: '', none: undefined, sign: 'of another request' }],
  ['names out of order', { zeta: '1', method: 'm', Alpha: '2', alpha: '3', _: '4', a1: '5' }],
]

/** common/02kf5q, steps 1 to 3, word by word: what is left out, the order of ASCII, raw values. */
function textOfTheDocument(parameters: Params): string {
  const names = Object.keys(parameters).filter((name) => name !== 'sign' && (parameters[name] ?? '') !== '')
  const byASCII = names.sort((one, other) => Buffer.compare(Buffer.from(one, 'ascii'), Buffer.from(other, 'ascii')))
  let text = ''
  for (const name of byASCII) text += `${text === '' ? '' : '&'}${name}=${parameters[name]}`
  return text
}

/** A request as it is signed: the text of the document over all of it, and its signature. */
function signed(parameters: Params): { text: string; sign: string; whole: Params } {
  const whole = { ...parameters, ...strategy.signRequest(parameters) }
  return { text: textOfTheDocument(whole), sign: whole.sign ?? '', whole }
}

describe.each(PARAMETERS)('%s', (_what, parameters) => {
  test('is signed over the text of the document, as Node verifies it', () => {
    const { text, sign } = signed(parameters)
    expect(sign).toMatch(/^[A-Za-z\d+/]{342}==$/) // 256 bytes in the standard alphabet, padded
    expect(createVerify('RSA-SHA256').update(text, 'utf8').verify(app.publicKey, sign, 'base64')).toBe(true)
    // Controls: neither another text nor another key.
    expect(createVerify('RSA-SHA256').update(`${text} `, 'utf8').verify(app.publicKey, sign, 'base64')).toBe(false)
    expect(createVerify('RSA-SHA256').update(text, 'utf8').verify(platform.publicKey, sign, 'base64')).toBe(false)
  })

  test('has the padding of PKCS #1 v1.5 and a digest of SHA-256 in it (RFC 8017 §9.2)', () => {
    const key = { key: app.publicKey, padding: constants.RSA_PKCS1_PADDING }
    const digestInfo = publicDecrypt(key, Buffer.from(signed(parameters).sign, 'base64')).toString('hex')
    expect(digestInfo).toMatch(/^3031300d060960864801650304020105000420[\da-f]{64}$/)
  })
})

test('the public parameters are those of the document, and no caller can replace them', () => {
  const planted = { method: 'm', app_id: 'another', sign_type: 'RSA', charset: 'gbk', version: '9', timestamp: 'never' }
  const { whole } = signed(planted)
  expect(whole).toEqual({
    method: 'm',
    app_id: '2021000000000001',
    format: 'JSON',
    charset: 'utf-8',
    sign_type: 'RSA2',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    version: '1.0',
    sign: expect.any(String),
  })
})

test.each([
  ['2026-11-25T02:03:04.999Z', '2026-11-25 10:03:04'],
  ['2026-12-31T16:00:00.000Z', '2027-01-01 00:00:00'],
  ['2028-02-28T15:59:59.000Z', '2028-02-28 23:59:59'],
])('at %s the timestamp is %s, the time of China, wherever the app runs', (now, timestamp) => {
  jest.spyOn(Date, 'now').mockReturnValue(Date.parse(now))
  expect(strategy.signRequest({ method: 'm' }).timestamp).toBe(timestamp)
})

test('a call without a method is no call of the gateway, and is not signed', () => {
  expect(strategy.signRequest({ auth_token: 'x' })).toEqual({})
})

/** An answer's member under its name, signed or not, as it goes over the wire. */
const envelope = (raw: string, sign: string) => `{"alipay_system_oauth_token_response":${raw},"sign":"${sign}"}`
const read = (text: string) => strategy.readBody({ status: 200, headers: {}, text }, 'token')

/** JSON that nobody gets by writing down what was read. */
const AWKWARD = [
  '{"access_token":"a"}',
  '{ "access_token" : "a\\/b" , "n":1.50, "e":1E3 }',
  '{"nick":"\\"},\\"sign\\":\\"}{","sign":{"sign":"]"},"list":[{"a":"}"},"\\\\"]}',
  '{"name":"\\u5f20\\u4e09 张三 😀","access_token":"a"}',
  '{"access_token":"a",\n\t"b":[[],{}],"c":null}',
]

describeWith('OpenSSL', 'the openssl command', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'alipay-'))
    writeFileSync(join(folder, 'app.pem'), String(app.publicKey.export({ type: 'spki', format: 'pem' })))
    writeFileSync(join(folder, 'app-key.pem'), privatePEM, { mode: 0o600 })
    writeFileSync(join(folder, 'platform-key.pem'), platformPEM, { mode: 0o600 })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function openssl(...args: string[]): (input: string | Buffer) => { status: number | null; stdout: Buffer } {
    return (input) => spawnSync('openssl', args, { cwd: folder, input })
  }

  test.each(PARAMETERS)('makes the same signature of %s, and verifies ours', (_what, parameters) => {
    const { text, sign } = signed(parameters)
    expect(openssl('dgst', '-sha256', '-sign', 'app-key.pem')(text).stdout.toString('base64')).toBe(sign)
    writeFileSync(join(folder, 'signature'), Buffer.from(sign, 'base64'))
    const verifying = openssl('dgst', '-sha256', '-verify', 'app.pem', '-signature', 'signature')
    expect(verifying(text).status).toBe(0)
    expect(verifying(`${text}.`).status).toBe(1) // the control
  })

  test.each(AWKWARD)('signs %s, and that is believed; changed in one letter it is not', (raw) => {
    const sign = openssl('dgst', '-sha256', '-sign', 'platform-key.pem')(raw).stdout.toString('base64')
    const escaped = sign.replaceAll('/', '\\/')
    expect(read(envelope(raw, sign))).toEqual({ alipay_system_oauth_token_response: JSON.parse(raw) })
    expect(read(` {\n"sign" : "${escaped}" , "alipay_system_oauth_token_response" :\t${raw} }\n`)).toBeDefined()
    const changed = raw.replace(/[a-z](?=")/, 'z')
    expect(changed).not.toBe(raw)
    expect(() => read(envelope(changed, sign))).toThrow(expect.objectContaining({ code: 'signature_invalid' }))
  })

  test('signs by SHA-1, and that is never believed, whatever sign_type says', () => {
    const [raw = ''] = AWKWARD
    const bySHA1 = openssl('dgst', '-sha1', '-sign', 'platform-key.pem')(raw).stdout.toString('base64')
    const bySHA256 = openssl('dgst', '-sha256', '-sign', 'platform-key.pem')(raw).stdout.toString('base64')
    const typed = (sign: string, type: string) => envelope(raw, sign).replace(/\}$/, `,"sign_type":"${type}"}`)
    for (const text of [envelope(raw, bySHA1), typed(bySHA1, 'RSA'), typed(bySHA1, 'RSA2'), typed(bySHA256, 'RSA')]) {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'signature_invalid' }))
    }
    expect(read(typed(bySHA256, 'RSA2'))).toBeDefined() // the control
  })
})

test.each([
  ['none of base64', '!'.repeat(344)],
  ['empty', ''],
  ['too short', 'AAAA'],
  ['random', randomBytes(256).toString('base64')],
  ['longer than the key', randomBytes(512).toString('base64')],
])('a signature that is %s is signature_invalid, and no crash', (_what, sign) => {
  expect(() => read(envelope('{"access_token":"a"}', sign))).toThrow(
    expect.objectContaining({ code: 'signature_invalid', status: 502 }),
  )
})

test.each(['null', '1', '[]', '{}', 'true'])('sign %s, which is no text, is signature_invalid', (sign) => {
  const text = `{"alipay_system_oauth_token_response":{"access_token":"a"},"sign":${sign}}`
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'signature_invalid' }))
  expect(() => read(text.replace('alipay_system_oauth_token_response', 'error_response'))).toThrow()
})

test.each([
  '',
  'x',
  '[]',
  '"text"',
  '{}',
  '{"sign":"x"}',
  '{"access_token":"a"}',
  '<html>',
  `{"a_response":${'['.repeat(70)}`,
])('%s is no answer of the gateway at all', (text) => expect(read(text)).toBeUndefined())
