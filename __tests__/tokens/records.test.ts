import session from 'express-session'
import { type JsonObject, TokenKeeper, type TokenSet } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { MemoryTokenStore } from '../review/memory-store'
import type { RunningApp } from '../support/app'
import { Browser } from '../support/browser'
import { type PlainProvider, PlainStrategy, startPlainProvider, TOKEN } from '../support/plain-provider'
import { ask, countOf, startTokenApp } from '../support/token-app'

describe('what a login brought beside its tokens', () => {
  let emulator: Emulator
  beforeAll(async () => {
    emulator = await startEmulator('aihubmix')
  })
  afterAll(() => emulator.close())

  test.each([
    ['in the clear', {}],
    ['sealed', { encryptionKey: 'a key of the app, thirty-two bytes and more' }],
  ])('lives through every refresh: %s', async (_how, options) => {
    const tokenStore = new MemoryTokenStore()
    const keeper = new TokenKeeper({ providers: { aihubmix: { ...emulator.options } }, tokenStore, ...options })
    const context = { device: { id: 'the device' }, shops: ['one', 'two'] }
    const tokens = { ...(await issued()), context, expiresAt: new Date(Date.now() + 1000) } // due at once
    const before = countOf(emulator, 'refresh')
    await keeper.keep('aihubmix', 'job', tokens)
    const renewed = await keeper.tokens('aihubmix', 'job')
    expect(countOf(emulator, 'refresh')).toBe(before + 1)
    expect(renewed?.accessToken).not.toBe(tokens.accessToken)
    expect(renewed?.context).toEqual(context)
    Object.assign(renewed?.context ?? {}, { device: 'of one caller' })
    expect((await keeper.tokens('aihubmix', 'job'))?.context).toEqual(context)
    expect([...tokenStore.entries.values()].join().includes('the device')).toBe(!('encryptionKey' in options))
  })

  async function issued(): Promise<TokenSet> {
    const { clientID: client_id, clientSecret: client_secret, authorizationURL, tokenURL } = emulator.options
    const redirect_uri = 'http://localhost/callback'
    const query = new URLSearchParams({ response_type: 'code', client_id, redirect_uri, state: 's' })
    const code = new URL(await emulator.approve(`${authorizationURL}?${query}`)).searchParams.get('code') ?? ''
    const grant = { grant_type: 'authorization_code', code, redirect_uri, client_id, client_secret }
    const response = await fetch(tokenURL, { method: 'POST', body: new URLSearchParams(grant) })
    const raw = (await response.json()) as Record<string, string> // the emulator's token object
    const { access_token: accessToken = '', refresh_token: refreshToken = '' } = raw
    return { accessToken, refreshToken, tokenType: 'Bearer', scope: [], raw: {} }
  }
})

describe('a provider’s token object in the session', () => {
  let provider: PlainProvider
  let app: RunningApp
  let store: session.MemoryStore
  beforeEach(async () => {
    provider = await startPlainProvider()
    const { callbackURL: _, ...options } = provider.options
    store = new session.MemoryStore()
    app = await startTokenApp({ providers: { plain: { strategy: PlainStrategy, ...options } } }, { store })
  })
  afterEach(() => Promise.all([app.close(), provider.close()]))

  /** The token object that a login stores, and the bytes of its session. */
  async function logIn(body: JsonObject) {
    provider.answer = { status: 200, body }
    const browser = new Browser()
    const state = new URL(await browser.location(`${app.origin}/auth/plain`)).searchParams.get('state') ?? ''
    expect((await browser.get(`${app.origin}/auth/plain/callback?code=a-code&state=${state}`)).status).toBe(303)
    const { tokens } = await ask(browser, `${app.origin}/tokens/plain`)
    return { raw: tokens?.raw, bytes: JSON.stringify(Reflect.get(store, 'sessions')).length }
  }

  test('control: fifteen KiB of it are there whole', async () => {
    const body = { ...TOKEN, expires_in: 3600, one: 'x'.repeat(7500), other: 'y'.repeat(7500) }
    expect((await logIn(body)).raw).toEqual(body)
  })

  test('beyond sixteen KiB its largest members stay away, and the tokens are the same', async () => {
    const body = {
      ...TOKEN,
      expires_in: 3600,
      page: 'p'.repeat(300_000),
      list: Array(9000).fill('名'),
      short: 'x'.repeat(9000),
    }
    const { raw, bytes } = await logIn(body)
    expect(raw).toEqual({ ...TOKEN, expires_in: 3600, short: 'x'.repeat(9000) })
    expect(bytes).toBeLessThan(20 * 1024)
  })
})
