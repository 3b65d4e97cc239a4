import { bareAddress, printable } from '../../lib/redact'

test.each([
  ['access_token=act.abcdefgh123', 'access_token=[redacted]'],
  ['{"client_secret":"s3cr3t-s3cr3t"}', '{"client_secret":"[redacted]"}'],
  ['Bearer abcdefghijkl', 'Bearer [redacted]'],
  ['access_token_invalid', 'access_token_invalid'],
  ['The authorization code has expired', 'The authorization code has expired'],
  ['line\r\nbreak\u2028', 'line break '],
])('%j is printed as %j', (text, shown) => expect(printable(text)).toBe(shown))

test('a quoted secret of the request is cut out', () => {
  expect(printable('bad code Zxy-98 here', ['Zxy-98'])).toBe('bad code [redacted] here')
})

test('long text is cut', () => expect(printable('a'.repeat(1000))).toHaveLength(300))

test('an address is shown without its query', () => {
  expect(bareAddress('https://u:p@x.example/a?access_token=b#c')).toBe('https://x.example/a')
})
