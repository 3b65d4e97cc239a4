import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import session from 'express-session'
import { AihubmixStrategy, type OAuthError, type OAuthRouterConfig, TokenKeeper } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { type PlainProvider, PlainStrategy, startPlainProvider } from '../support/plain-provider'
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

test('a session store whose errors quote the command shows no state and no verifier by them', async () => {
  const emulator = await startEmulator('tailchat')
  const written: string[] = []
  class QuotingStore extends session.MemoryStore {
    override set(id: string, data: session.SessionData, done: (error?: unknown) => void): void {
      const value = JSON.stringify(data)
      written.push(value)
      const reply = Object.assign(new Error(`OOM: SET ${id} ${value}`), { command: { name: 'SET', args: [id, value] } })
      done(Object.assign(new Error('the store failed', { cause: reply }), { args: [id, value] }))
    }
  }
  let seen: unknown
  const onError: NonNullable<OAuthRouterConfig['onError']> = (error, _req, res) => {
    seen = error
    res.status(error.status).json({ error: { code: error.code } })
  }
  const app = await startRouterApp(
    { providers: { tailchat: emulator.options }, onError },
    { store: new QuotingStore() },
  )
  const response = await new Browser().get(`${app.origin}/auth/tailchat`)
  expect([response.status, seen]).toEqual([503, expect.objectContaining({ code: 'store_failed' })])
  const secrets = [...(written[0] ?? '').matchAll(/\b[\w-]{22,}\b/g)].map(([secret]) => secret)
  expect(secrets.length).toBeGreaterThan(1) // state and verifier (control: the store's own error has them)
  expect(secrets.filter((secret) => everythingOf(seen).includes(secret))).toEqual([])
  await app.close()
  await emulator.close()
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
  expect(error).toMatchObject({ code: 'store_failed', cause: { message: 'READONLY' } })
  expect(everythingOf(error)).not.toContain('canary')
  await emulator.close()
})

describe('a token store whose errors quote what it was told, in their message, properties and own cause', () => {
  const TOKENS = /old-(access|refresh)|(access|refresh)-of-the-user/
  let provider: PlainProvider
  let tokenStore: MemoryTokenStore
  let keeper: TokenKeeper
  let quoted: string
  beforeEach(async () => {
    provider = await startPlainProvider()
    tokenStore = new MemoryTokenStore()
    keeper = new TokenKeeper({ providers: { plain: { strategy: PlainStrategy, ...provider.options } }, tokenStore })
    const tokens = { accessToken: 'old-access', refreshToken: 'old-refresh', tokenType: 'Bearer' as const, scope: [] }
    await keeper.keep('plain', 'a-user', { ...tokens, raw: {}, expiresAt: new Date(Date.now() - 1000) }) // due at once
  })
  afterEach(() => provider.close())

  function breakIt(method: 'set' | 'delete') {
    tokenStore[method] = async (...args: unknown[]) => {
      quoted = args.join(' ')
      const error = Object.assign(new Error(`ERR in EVAL ${quoted}`, { cause: new Error(quoted) }), { args })
      throw Object.assign(error, { name: 'ErrorReply', code: 'EPIPE' })
    }
  }

  async function expectSilence(call: Promise<unknown>) {
    const error: unknown = await call.catch((failure: unknown) => failure)
    expect(quoted).toMatch(TOKENS) // the control
    expect(error).toMatchObject({ code: 'store_failed', cause: { name: 'ErrorReply', code: 'EPIPE' } })
    expect(everythingOf(error)).not.toMatch(TOKENS)
  }

  test('at a refresh, whose tokens replace the old ones, and as it is tried again', async () => {
    breakIt('set')
    await expectSilence(keeper.tokens('plain', 'a-user'))
    quoted = ''
    await expectSilence(keeper.tokens('plain', 'a-user'))
    expect(provider.tokenRequests.length).toBe(1)
  })

  test('as tokens are forgotten that the provider refuses to renew', async () => {
    provider.answer = { status: 400, body: { error: 'invalid_grant' } }
    breakIt('delete')
    await expectSilence(keeper.tokens('plain', 'a-user'))
  })
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
