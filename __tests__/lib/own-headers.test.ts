import type { DialectOptions, ProviderRequest, TokenSet } from 'passport-dialects'
import { type PlainProvider, PlainStrategy, startPlainProvider } from '../support/plain-provider'

/** A provider that takes the token in a header of its own. */
class HeaderStrategy extends PlainStrategy {
  protected override profileRequest({ accessToken }: TokenSet): ProviderRequest {
    const headers = { 'X-Provider-Token': accessToken, 'X-Not-There': undefined, 'X-App': 'of the dialect' }
    return { method: 'GET', url: this.endpoints.userProfileURL, headers }
  }

  protected override tokenRequest(): ProviderRequest {
    const headers = { Authorization: 'Own its value', 'CONTENT-TYPE': 'text/plain', 'x-provider-key': KEY }
    const basic = { user: 'id', password: 'a canary secret' }
    return { method: 'POST', url: this.endpoint('tokenURL'), form: { a: 'b' }, basic, headers }
  }
}

const KEY = 'a-key-that-no-error-quotes'
const TOKENS: TokenSet = { accessToken: 'the-token', tokenType: 'Bearer', scope: [], refreshToken: 'another', raw: {} }

let provider: PlainProvider
beforeAll(async () => {
  provider = await startPlainProvider()
})
beforeEach(() => provider.reset())
afterAll(() => provider.close())

function strategyWith(options: Partial<DialectOptions> = {}): HeaderStrategy {
  return new HeaderStrategy({ ...provider.options, ...options }, () => {})
}

test("a dialect's headers are sent, before those of the app", async () => {
  const customHeaders = { 'x-app': 'of the app', 'x-other': 'of the app' }
  await strategyWith({ customHeaders }).profileOf(TOKENS)
  const [{ headers } = { headers: {} }] = provider.profileRequests
  expect(headers).toMatchObject({
    'x-provider-token': 'the-token',
    'x-app': 'of the dialect',
    'x-other': 'of the app',
  })
  expect(headers).not.toHaveProperty('x-not-there')
  expect(headers).not.toHaveProperty('authorization')
})

test('they replace neither the type of the body nor the credentials', async () => {
  await strategyWith().refresh(TOKENS)
  expect(provider.tokenRequests[0]?.headers).toMatchObject({
    authorization: `Basic ${btoa('id:a canary secret')}`,
    'content-type': 'application/x-www-form-urlencoded',
    'x-provider-key': KEY,
  })
})

test('an error that quotes one shows nothing of it', async () => {
  const quoting = { error: 'invalid_grant', error_description: `the key ${KEY} is not known` }
  provider.answer = { status: 400, body: quoting }
  await expect(strategyWith().refresh(TOKENS)).rejects.toMatchObject({
    code: 'refresh_rejected',
    providerMessage: 'the key [redacted] is not known',
  })
})
