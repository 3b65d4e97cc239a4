import { bareAddress, printable } from '../../lib/redact'

test.each([
  ['access_token=act.abcdefgh123', 'access_token=[redacted]'],
  ['{"client_secret":"s3cr3t-s3cr3t"}', '{"client_secret":"[redacted]"}'],
  ['Bearer abcdefghijkl', 'Bearer [redacted]'],
  ['corpsecret=abcdefghijkl&secret=abcdefghijkl', 'corpsecret=[redacted]&secret=[redacted]'],
  ['auth_code=abcdefghijkl authCode: abcdefghijkl', 'auth_code=[redacted] authCode: [redacted]'],
  [
    '{"accessToken":"abcdefghijkl","refreshToken":"abcdefgh"}',
    '{"accessToken":"[redacted]","refreshToken":"[redacted]"}',
  ],
  ['user_ticket=abcdefghijkl sign=abcdefgh/ijkl==', 'user_ticket=[redacted] sign=[redacted]'],
  ['privateKey: abcdefghijkl', 'privateKey: [redacted]'],
  ['access_token_invalid', 'access_token_invalid'],
  ['The authorization code has expired', 'The authorization code has expired'],
  [
    'app_id=2021000000000000&sign_type=RSA2&charset=utf-8-again',
    'app_id=2021000000000000&sign_type=RSA2&charset=utf-8-again',
  ],
  ['device_id=abcdefghijkl appid=wx0123456789abcdef', 'device_id=abcdefghijkl appid=wx0123456789abcdef'],
  ['line\r\nbreak\u2028', 'line break '],
])('%j is printed as %j', (text, shown) => expect(printable(text)).toBe(shown))

const SECRET = 'Zx/y 98+"ü&'
/** What is left where only the usual spellings of a secret are cut out, as a naive redaction does. */
const naively = (text: string) =>
  [SECRET, encodeURIComponent(SECRET)].reduce((out, form) => out.replaceAll(form, ''), text)

test.each([
  ['as it is', SECRET],
  ['percent-encoded', encodeURIComponent(SECRET)],
  ['percent-encoded in lower case', encodeURIComponent(SECRET).toLowerCase().replace('zx', 'Zx')],
  ['percent-encoded whole', [...Buffer.from(SECRET)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
  ['percent-encoded twice', encodeURIComponent(encodeURIComponent(SECRET))],
  ['in a form', new URLSearchParams({ s: SECRET }).toString().slice(2)],
  ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
  [
    'in JSON with every character escaped',
    [...SECRET].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  ],
  ['in JSON with its slash escaped', JSON.stringify(SECRET).slice(1, -1).replace('/', '\\/')],
  ['in a page', SECRET.replace('&', '&amp;').replace('"', '&quot;')],
  ['in a page by numbers', SECRET.replace('&', '&#38;').replace('"', '&#x22;')],
  ['in JSON out of a form', JSON.stringify(new URLSearchParams({ s: SECRET }).toString()).slice(3, -1)],
])('a secret that is quoted %s is cut out, and what stands beside it stays', (_how, quoted) => {
  expect(printable(`bad code ${quoted}; try 50% less`, [SECRET])).toBe('bad code [redacted]; try 50% less')
})

test('control: what compares two spellings alone lets others through', () => {
  const twice = encodeURIComponent(encodeURIComponent(SECRET))
  expect(naively(`bad ${encodeURIComponent(SECRET)}`)).toBe('bad ')
  expect(naively(`bad ${twice}`)).toContain(twice)
})

test('a secret that is kept in an encoded form is found as it is meant', () => {
  expect(printable('bad code a*b!c', ['a%2Ab%21c'])).toBe('bad code [redacted]')
})

test('the secret of a longer run of escapes is cut out with the run', () => {
  expect(printable('x%61%62%63%64%65%66y', ['bcde'])).toBe('x[redacted]y')
})

test('a secret at the end of what is looked at does not show its beginning', () => {
  const secret = 'canary-'.repeat(200)
  const shown = printable(secret.repeat(60), [secret])
  expect(shown).toContain('[redacted]')
  expect(shown).not.toContain('canary')
})

test('a long text takes time in proportion to its length, and a text of any length not for ever', () => {
  const started = performance.now()
  for (const text of ['%41'.repeat(400_000), '\\'.repeat(1_000_000), '&'.repeat(1_000_000), 'code '.repeat(200_000)]) {
    printable(text, ['a'.repeat(10_000), 'b%41'.repeat(2000)])
  }
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('long text is cut', () => expect(printable('a'.repeat(1000))).toHaveLength(300))

test('a URL is shown without its query', () => {
  expect(bareAddress('https://u:p@x.example/a?access_token=b#c')).toBe('https://x.example/a')
})
