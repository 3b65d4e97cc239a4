import { AihubmixStrategy, OAuthError, TapdStrategy } from 'passport-dialects'
import OAuth2Strategy from 'passport-oauth2'
import { agree, PlainStrategy } from '../support/plain-provider'

const OPTIONS = {
  clientID: 'ABC123',
  clientSecret: 'a canary secret',
  authorizationURL: 'https://provider.example/authorize',
  tokenURL: 'https://provider.example/token',
  userProfileURL: 'https://provider.example/me',
  callbackURL: 'https://app.example/callback',
}

/** What a construction throws, of both libraries; `undefined` where it works. */
function thrown(change: object, verify: unknown = agree) {
  const attempt = (Strategy: unknown) => {
    try {
      // Both are handed what their types forbid.
      ;new (Strategy as new (options: object, verify: unknown) => object)({ ...OPTIONS, ...change }, verify)
      return undefined
    } catch (error) {
      return error
    }
  }
  return { ours: attempt(PlainStrategy), theirs: attempt(OAuth2Strategy) }
}

test('a strategy has its name and is an OAuth2Strategy', () => {
  const strategy = new PlainStrategy(OPTIONS, agree)
  expect(strategy.name).toBe('plain')
  expect(strategy).toBeInstanceOf(OAuth2Strategy)
  expect(new OAuth2Strategy(OPTIONS, agree).name).toBe('oauth2')
})

test('differs: a missing option throws config_invalid and is named', () => {
  for (const [change, verify, name] of [
    [{}, null, 'verify'],
    [{ clientID: undefined }, agree, 'clientID'],
    [{ authorizationURL: '' }, agree, 'authorizationURL'],
    [{ tokenURL: '' }, agree, 'tokenURL'],
  ] as const) {
    const { ours, theirs } = thrown(change, verify)
    expect(ours).toMatchObject({ code: 'config_invalid', message: expect.stringContaining(name) })
    expect(theirs).toMatchObject({ name: 'TypeError', message: expect.stringContaining(name) })
  }
})

test('options that are only a verify function throw in both', () => {
  const attempt = (Strategy: unknown) => () => new (Strategy as new (verify: unknown) => object)(agree) // against its type
  expect(attempt(OAuth2Strategy)).toThrow(TypeError)
  expect(attempt(PlainStrategy)).toThrow()
  // The five check what they are given before they read anything of it.
  expect(() => new (TapdStrategy as unknown as new (verify: unknown) => object)(agree)).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

test('differs: a client secret is required', () => {
  const { ours, theirs } = thrown({ clientSecret: undefined })
  expect(OAuthError.is(ours) && ours.message).toContain('clientSecret')
  expect(theirs).toBeUndefined()
})

test('differs: a callback address is required', () => {
  const { ours, theirs } = thrown({ callbackURL: undefined })
  expect(OAuthError.is(ours) && ours.message).toContain('callbackURL')
  expect(theirs).toBeUndefined()
})

test('differs: a malformed address is refused at construction', () => {
  const { ours, theirs } = thrown({ tokenURL: 'http://provider.example/token' })
  expect(OAuthError.is(ours) && ours.message).toContain('tokenURL')
  expect(theirs).toBeUndefined()
})

test('differs: the addresses are the dialect’s own and may be left out', () => {
  const { clientID, clientSecret, callbackURL } = OPTIONS
  const own = { clientID, clientSecret, callbackURL }
  expect(() => new AihubmixStrategy(own, agree)).not.toThrow()
  expect(thrown({ authorizationURL: undefined, tokenURL: undefined }).theirs).toBeInstanceOf(TypeError)
})

test('differs: PKCE needs no state option', () => {
  const { ours, theirs } = thrown({ pkce: true })
  expect(ours).toBeUndefined()
  expect(theirs).toMatchObject({ name: 'TypeError', message: expect.stringContaining('state: true') })
})

test('differs: PKCE plain and unknown methods are refused at construction', () => {
  for (const pkce of ['plain', 'unknown']) {
    const { ours, theirs } = thrown({ pkce, state: true })
    expect(ours).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('pkce') })
    expect(theirs).toBeUndefined()
  }
})
