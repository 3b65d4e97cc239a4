import { DialectStrategy, type JsonObject, OptionReader } from 'passport-dialects'
import { readCallback } from '../../lib/login/callback'
import type { CallbackReading } from '../../lib/login/state'
import { standardRefusal } from '../../lib/provider/read-response'
import { printable } from '../../lib/redact'
import { inOneOfTenTries } from '../support/in-time'

// Text of a tenant or a stranger must cost time in proportion to its length. Eight times as much may take twenty times
// as long on a busy machine; where the time grows with the square it takes sixty-four times.

/** The quickest of some runs, in milliseconds. */
function quickest(work: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const started = performance.now()
    try {
      work()
    } catch {} // most of them are refused
    return performance.now() - started
  })
  return Math.min(...times)
}

const SMALL = 5000
const LARGE = 40_000
/** How many times as long the larger text takes; less than a millisecond counts as one. */
const grows = (work: (size: number) => unknown) =>
  quickest(() => work(LARGE)) /
  Math.max(
    quickest(() => work(SMALL)),
    1,
  )

const slashes = (size: number) => `https://a.example/${'/'.repeat(size)}x`
const names = (size: number) => new URLSearchParams(Array.from({ length: size }, (_, at) => `p${at}=v`).join('&'))
const context = { provider: 'p', phase: 'callback' } as const
const dialect = { endpoints: { authorizationURL: '', userProfileURL: '' }, scope: [] }
const reading: CallbackReading = { state: 's', credential: 'c' }

const WAYS: [string, (size: number) => unknown][] = [
  ['a base URL', (size) => new OptionReader('p', { baseURL: slashes(size) }).base('baseURL')],
  ['a list of words', (size) => new OptionReader('p', { scope: ' ,'.repeat(size) }).words('scope')],
  ['a key', (size) => new OptionReader('p', { key: `${'A='.repeat(size)}` }).privateKey('key', 'rsa')],
  // Nearly the same text at each place, as only somebody writes it who wants the search to take long.
  [
    'a callback that quotes its code',
    (size) => printable(`%25252541${'a'.repeat(size)}`, [`${'a'.repeat(20)}%25252541${'a'.repeat(size / 2)}`]),
  ],
  ['a refusal', (size) => standardRefusal({ error: 'x'.repeat(size), error_description: 'y '.repeat(size) })],
]

// The machine may stand still in the middle of one try.
test.each(WAYS)('%s takes time in proportion to its length', (_what, work) =>
  inOneOfTenTries(async () => expect(grows(work)).toBeLessThan(24)),
)

test('control: the expressions of before do not', async () => {
  // With the square of the length the time grows here too, from less.
  const less = (size: number) => size / 4
  await inOneOfTenTries(async () =>
    expect(grows((size) => slashes(less(size)).replace(/\/+$/, ''))).toBeGreaterThan(24),
  )
})

// To walk a query and to fill a set grow a little faster than the query, with what the processor's caches hold. So what
// reads a callback is compared with the least that it can do, over the same query.
describe('parameters of a callback', () => {
  const query = names(LARGE / 4)
  const timesTheLeast = (work: () => unknown) => quickest(work) / quickest(() => new Set(query.keys()))

  test('take a small multiple of the time that it takes to collect their names', () =>
    inOneOfTenTries(async () =>
      expect(timesTheLeast(() => readCallback(query, reading, dialect, context))).toBeLessThan(4),
    ))

  test('control: where each name is looked for among all of them they do not', () =>
    inOneOfTenTries(async () => {
      const all = [...query.keys()]
      expect(timesTheLeast(() => all.find((name, at) => all.indexOf(name) !== at))).toBeGreaterThan(4)
    }))
})

test.each([
  ['https://API.Example', 'https://api.example'],
  ['https://api.example:443/', 'https://api.example'],
  ['http://127.0.0.1:80//', 'http://127.0.0.1'],
  ['https://api.example:8443/v1///', 'https://api.example:8443/v1'],
  ['https://bücher.example/', 'https://xn--bcher-kva.example'],
  ['https://api.example/?', 'https://api.example'],
  ['  https://api.example/v1 ', 'https://api.example/v1'],
])('the base URL %j is %j, and a path can follow', (given, base) => {
  expect(new OptionReader('p', { baseURL: given }).base('baseURL')).toBe(base)
  expect(new URL(`${base}/me`).pathname).toMatch(/\/me$/)
})

test.each([
  'https://api.example/#',
  'https://api.example/?a=b',
  'https://u@api.example',
  'ftp://api.example',
  'api.example',
])('the base URL %j is refused', (given) =>
  expect(() => new OptionReader('p', { baseURL: given }).base('baseURL')).toThrow(/`baseURL`/),
)

test('a strategy takes such an origin, and so does its API', () => {
  class Own extends DialectStrategy {
    protected profileFields(user: JsonObject) {
      return { id: user.id }
    }
  }
  const client = {
    clientID: 'c',
    clientSecret: 'a canary secret',
    callbackURL: '/cb',
    baseURL: 'https://API.Example:443/v1/',
  }
  const endpoints = {
    authorizationURL: 'https://a.example/a',
    tokenURL: 'https://a.example/t',
    userProfileURL: 'https://a.example/u',
  }
  const { base } = new Own('own', client, () => {}, { endpoints, scope: [] }).openAPI('/me', {})
  const tokens = { accessToken: 't', tokenType: 'Bearer' as const, scope: [], raw: {} }
  expect(base(tokens)).toEqual({ origin: 'https://api.example', url: 'https://api.example/v1' })
})
