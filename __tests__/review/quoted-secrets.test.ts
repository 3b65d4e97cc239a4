import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { AihubmixStrategy, type OAuthError } from 'passport-dialects'

/** Everything that can be read off an error. */
function everythingOf(error: unknown): string {
  return inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true })
}

/** What a refresh fails with at a provider that answers with these bytes, whatever is asked. */
async function failureOf(answer: (request: string) => string): Promise<OAuthError> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (request) => socket.end(answer(String(request))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
  const options = { clientID: 'the-client', clientSecret: 'canary/client secret+=%', baseURL, callbackURL: '/callback' }
  const strategy = new AihubmixStrategy(options, () => {})
  try {
    await strategy.refresh({ refreshToken: 'canary-refresh-token', scope: [] })
  } catch (error) {
    return error as OAuthError // the only thing that is thrown
  } finally {
    server.close()
  }
  throw new Error('the refresh succeeded')
}

const JSON_HEAD = 'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n'

test.each([
  ['without a head', '{"access_token":"canary-issued"}'],
  ['chunked in name only', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{"access_token":"canary-issued"}'],
  ['with a broken header', 'HTTP/1.1 200 OK\r\nx canary-issued\r\n\r\n{}'],
])('an answer %s is not quoted by the error or its causes', async (_how, answer) => {
  const error = await failureOf(() => answer)
  expect(['response_invalid', 'provider_unreachable']).toContain(error.code)
  expect(error.cause).toBeDefined()
  expect(everythingOf(error)).not.toContain('canary-issued')
})

test.each([
  ['error', (request: string) => ({ error: `bad ${request}` })],
  ['error_description', (request: string) => ({ error: 'invalid_grant', error_description: `bad ${request}` })],
  ['message', (request: string) => ({ success: false, message: `bad ${request}` })],
])('a provider that quotes the request in its %s shows no credential of it', async (_name, quoting) => {
  const seen = ['canary-refresh-token', 'canary/client secret+=%', encodeURIComponent('canary/client secret+=%')]
  for (const form of [...seen, new URLSearchParams({ s: seen[1] ?? '' }).toString().slice(2), 'the whole']) {
    const error = await failureOf((request) => {
      const quoted = form === 'the whole' ? (request.split('\r\n\r\n')[1] ?? '') : form
      return JSON_HEAD + JSON.stringify(quoting(quoted))
    })
    expect(everythingOf(error)).not.toMatch(/canary/)
  }
})
