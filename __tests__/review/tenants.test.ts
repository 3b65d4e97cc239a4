import { TokenKeeper, type TokenSet } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { ask, loggedIn, startTokenApp } from '../support/token-app'
import { MemoryTokenStore } from './memory-store'

let first: Emulator
let second: Emulator
let app: RunningApp | undefined
beforeEach(async () => {
  first = await startEmulator('aihubmix', { accessTokenLifetime: 7200 })
  second = await startEmulator('aihubmix', { accessTokenLifetime: 7200 })
})
afterEach(async () => {
  await app?.close()
  app = undefined
  await Promise.all([first.close(), second.close()])
})

test('two keepers over two stores never share a refresh, whatever keys their apps chose', async () => {
  const due = async (emulator: Emulator): Promise<TokenSet> => {
    const { clientID: client_id, clientSecret: client_secret, authorizationURL, tokenURL } = emulator.options
    const redirect_uri = 'http://localhost/callback'
    const query = new URLSearchParams({ response_type: 'code', client_id, redirect_uri, state: 's' })
    const callback = await emulator.approve(`${authorizationURL}?${query}`)
    const code = new URL(callback).searchParams.get('code') ?? ''
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri,
      client_id,
      client_secret,
    })
    const raw = (await (await fetch(tokenURL, { method: 'POST', body })).json()) as Record<string, string>
    const { access_token: accessToken = '', refresh_token: refreshToken = '' } = raw
    return {
      accessToken,
      refreshToken,
      tokenType: 'Bearer',
      scope: [],
      expiresAt: new Date(Date.now() + 1000),
      raw: {},
    }
  }
  const keepers = [first, second].map(
    (emulator) =>
      new TokenKeeper({ providers: { aihubmix: { ...emulator.options } }, tokenStore: new MemoryTokenStore() }),
  )
  await Promise.all(
    [first, second].map(async (emulator, at) => keepers[at]?.keep('aihubmix', 'user-1', await due(emulator))),
  )
  const tokens = await Promise.all(keepers.map((keeper) => keeper.tokens('aihubmix', 'user-1')))
  expect(tokens[0]?.accessToken).not.toBe(tokens[1]?.accessToken)
})

test('tokens of one tenant’s login go to no other tenant’s provider, though name and session are the same', async () => {
  const tenants = { a: { aihubmix: { ...first.options } }, b: { aihubmix: { ...second.options } } }
  app = await startTokenApp({
    verify: ({ profile }) => ({ provider: profile.provider, id: profile.id, displayName: profile.displayName }),
    providers: (req) => (req.query.tenant === 'b' ? tenants.b : tenants.a),
  })
  const browser = await loggedIn(app, 'aihubmix', first)
  const before = second.requests.length
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).not.toBeNull()
  const foreign = await ask(browser, `${app.origin}/fetch/aihubmix?path=/api/oauth2/userinfo&tenant=b`)
  expect(foreign.error?.code).toBe('token_rejected')
  expect((await ask(browser, `${app.origin}/tokens/aihubmix?tenant=b`)).tokens).toBeNull()
  expect(second.requests.length).toBe(before)
})

describe('two keepers over one token store, whose apps chose the same key', () => {
  const tokens: TokenSet = { accessToken: 'of-the-first', tokenType: 'Bearer', scope: [], raw: {} }

  /** What the second keeper makes of tokens that the first one stored. */
  async function ask(options: typeof first.options, encryptionKey?: string) {
    const tokenStore = new MemoryTokenStore()
    const keeperOf = (aihubmix: typeof first.options) =>
      new TokenKeeper({
        providers: { aihubmix: { ...aihubmix } },
        tokenStore,
        ...(encryptionKey !== undefined && { encryptionKey }),
      })
    await keeperOf({ ...first.options }).keep('aihubmix', 'user-1', { ...tokens, refreshToken: 'refresh-of-the-first' })
    const other = keeperOf(options)
    const codes = [
      other.fetch('aihubmix', 'user-1', '/api/oauth2/userinfo'),
      other.profile('aihubmix', 'user-1'),
      other.topupURL('aihubmix', 'user-1'),
    ].map((call) => call.then(String, (error) => error.code))
    const given = await other.tokens('aihubmix', 'user-1')
    const refused = await Promise.all(codes)
    const revoked = await other.revoke('aihubmix', 'user-1')
    const after = await keeperOf({ ...first.options }).tokens('aihubmix', 'user-1')
    return { given: given?.accessToken, refused, revoked, after: after?.accessToken }
  }

  const nothing = { given: undefined, refused: Array(3).fill('token_rejected'), revoked: false, after: 'of-the-first' }

  test('control: a second keeper of the same client uses them', async () => {
    expect((await ask({ ...first.options })).given).toBe('of-the-first')
  })

  test.each([
    ['in the clear', undefined],
    ['sealed with one key', 'a key of the app, thirty-two bytes and more'],
  ])('another tenant’s keeper sends them nowhere, and leaves them as they are: %s', async (_how, encryptionKey) => {
    expect(await ask({ ...second.options }, encryptionKey)).toEqual(nothing)
    expect(second.requests).toEqual([])
  })

  test('nor where the two differ by the address of their API alone', async () => {
    expect(await ask({ ...first.options, baseURL: new URL(second.options.tokenURL).origin })).toEqual(nothing)
    expect(second.requests).toEqual([])
  })
})
