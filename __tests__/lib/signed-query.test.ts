import crypto from 'node:crypto'
import { checkSignedQuery } from '../../lib/provider/signed-query'

const RULES = { parameter: 'hmac', unsigned: ['signature'], timestamp: 'timestamp', tolerance: 90 }
const at = { provider: 'shopify', phase: 'callback' } as const
const check = (query: string, secret: string) => checkSignedQuery(RULES, new URLSearchParams(query), secret, at)

afterEach(() => jest.restoreAllMocks())

// The first one stands in Shopify's documentation and in the tests of many a client; the other in our own notes of it.
const VECTORS = [
  [
    'hush',
    'code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&state=0.6784241404160823&timestamp=1337178173',
    '700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf',
  ],
  [
    'shpss_sheet_secret',
    'code=4f1d0c9b7a&host=Ymx1ZS1raXRlLm15c2hvcGlmeS5jb20vYWRtaW4&shop=blue-kite.myshopify.com&state=Zk3_x-9&timestamp=1764100800',
    '80bb989cdb6735f59748b73d104a091032255f88cf509c3f697a351f92711d3a',
  ],
] as const

test.each(VECTORS)('the published signature by %s', (secret, query, hmac) => {
  const signedAt = Number(new URLSearchParams(query).get('timestamp'))
  jest.spyOn(Date, 'now').mockReturnValue((signedAt + 60) * 1000)
  expect(() => check(`${query}&hmac=${hmac}`, secret)).not.toThrow()
  expect(() => check(`hmac=${hmac}&signature=x&${query}`, secret)).not.toThrow()
  expect(() => check(`${query}&hmac=${hmac}`, `${secret}x`)).toThrow(/does not verify/)
  expect(() => check(`${query.replace('code=', 'code=0')}&hmac=${hmac}`, secret)).toThrow(/does not verify/)
  expect(() => check(query, secret)).toThrow(/is not signed/)
  jest.spyOn(Date, 'now').mockReturnValue((signedAt + 91) * 1000)
  expect(() => check(`${query}&hmac=${hmac}`, secret)).toThrow(/too long ago/)
})

test('signatures are compared in constant time, wherever they begin to differ', () => {
  const [secret, query, hmac] = VECTORS[0]
  jest.spyOn(Date, 'now').mockReturnValue(1337178173_000)
  const compared = jest.spyOn(crypto, 'timingSafeEqual')
  const comparisons = (signature: string) => {
    compared.mockClear()
    expect(() => check(`${query}&hmac=${signature}`, secret)).toThrow(/does not verify/)
    for (const [expected, given] of compared.mock.calls) {
      expect([expected.byteLength, given]).toEqual([32, Buffer.from(signature, 'hex')])
    }
    return compared.mock.calls.length
  }
  const early = comparisons(`0${hmac.slice(1)}`)
  expect(early).toBeGreaterThan(0)
  expect(comparisons(`${hmac.slice(0, -1)}0`)).toBe(early)
})
