import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { AihubmixStrategy, type OAuthError, TokenKeeper } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { MemoryTokenStore } from './memory-store'

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

test('a token store whose errors quote the command shows no token by them', async () => {
  const emulator = await startEmulator('aihubmix')
  const tokenStore = new MemoryTokenStore()
  tokenStore.set = async (key, value) => {
    throw Object.assign(new Error('READONLY'), { command: { name: 'set', args: [key, value] } })
  }
  const keeper = new TokenKeeper({ providers: { aihubmix: { ...emulator.options } }, tokenStore })
  const tokens = { accessToken: 'canary-access', tokenType: 'Bearer' as const, scope: [], raw: {} }
  const error: unknown = await keeper.keep('aihubmix', 'a-user', tokens).catch((failure: unknown) => failure)
  expect(error).toMatchObject({ code: 'session_missing', cause: { message: 'READONLY' } })
  expect(everythingOf(error)).not.toContain('canary')
  await emulator.close()
})

test('a provider that quotes the callback in its error shows neither the state nor the credential of it', async () => {
  const emulator = await startEmulator('tapd')
  let failure: OAuthError | undefined
  const app = await startRouterApp({
    providers: { tapd: { ...emulator.options } },
    onError: (error, _req, res) => {
      failure = error
      res.status(error.status).end()
    },
  })
  const browser = new Browser()
  const callback = new URL(await emulator.approve(await browser.location(`${app.origin}/auth/tapd`)))
  const { code = '', state = '' } = Object.fromEntries(callback.searchParams)
  callback.searchParams.set('error', `bad_${code}`)
  callback.searchParams.set('error_description', `${code} of ${state} is not known`)
  await browser.get(callback.href)
  await Promise.all([app.close(), emulator.close()])
  expect(failure).toMatchObject({
    code: 'authorization_failed',
    providerMessage: '[redacted] of [redacted] is not known',
  })
  for (const secret of [code, state]) expect(everythingOf(failure)).not.toContain(secret)
})
