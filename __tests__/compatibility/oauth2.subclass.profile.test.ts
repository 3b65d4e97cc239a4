import OAuth2Strategy from 'passport-oauth2'
import { agree, PlainStrategy, TOKEN } from '../support/plain-provider'
import { bench } from './both'

const at = bench()

type Done = (
  error?: unknown,
  profile?: { provider: string; id: string; displayName: string; _raw: string; _json: object },
) => void

/** A way to the profile of one's own, as subclasses of passport-oauth2 have it. */
function userProfile(accessToken: string, done: Done): void {
  if (accessToken !== TOKEN.access_token) done(new Error('something went wrong loading the profile'))
  else done(null, { provider: 'own', id: '1', displayName: 'own name', _raw: '', _json: {} })
}

class Ours extends PlainStrategy {
  override userProfile(accessToken: string, done: (error?: unknown, profile?: never) => void) {
    userProfile(accessToken, done as Done) // the parameter of `done` is the engine's profile, which this is
  }
}

class Theirs extends OAuth2Strategy {
  override userProfile = userProfile
}

async function logIns(skipUserProfile?: unknown) {
  const options = { ...at.provider.options, ...(skipUserProfile !== undefined && { skipUserProfile }) }
  const ours = await at.host(new Ours(options as ConstructorParameters<typeof Ours>[0], agree)) // a form of each test
  const theirOptions = { ...options, state: true } as unknown as OAuth2Strategy.StrategyOptions // as above
  const theirs = await at.host(new Theirs(theirOptions, agree))
  return [(await ours.login()).outcome, (await theirs.login()).outcome]
}

test('a userProfile of one’s own is used', async () => {
  for (const outcome of await logIns()) {
    expect(outcome).toMatchObject({ user: { profile: { provider: 'own', id: '1' } }, info: {} })
  }
  expect(at.provider.profileRequests).toEqual([])
})

test('an error of a userProfile of one’s own is the error', async () => {
  at.provider.answer = { status: 200, body: { ...TOKEN, access_token: 'another-token' } }
  for (const outcome of await logIns()) {
    expect(outcome?.error).toMatchObject({ message: 'something went wrong loading the profile' })
  }
})

test.each<[string, unknown, boolean]>([
  ['true', true, true],
  ['false', false, false],
  ['a function that says true', () => true, true],
  ['a function that says false', () => false, false],
  [
    'a callback that says true',
    (_token: string, done: (error: unknown, skip: boolean) => void) => done(null, true),
    true,
  ],
  [
    'a callback that says false',
    (_token: string, done: (error: unknown, skip: boolean) => void) => done(null, false),
    false,
  ],
  [
    'a callback that decides by the token',
    (token: string, done: (error: unknown, skip: boolean) => void) => done(null, token === TOKEN.access_token),
    true,
  ],
])('skipUserProfile as %s', async (_title, skipUserProfile, skipped) => {
  for (const outcome of await logIns(skipUserProfile)) {
    expect(outcome).toMatchObject({ error: null, user: { accessToken: TOKEN.access_token }, info: {} })
    expect(Reflect.get(Object(outcome?.user), 'profile') === undefined).toBe(skipped)
  }
})

test('an error of skipUserProfile is the error', async () => {
  const skip = (_token: string, done: (error: unknown) => void) => done(new Error('something went wrong'))
  for (const outcome of await logIns(skip)) expect(outcome?.error).toMatchObject({ message: 'something went wrong' })
})

test('skipUserProfile asks the provider nothing', async () => {
  const host = await at.ours({ skipUserProfile: true })
  expect((await host.login()).outcome?.user).toBeTruthy()
  expect(at.provider.profileRequests).toEqual([])
  expect(at.provider.tokenRequests).toHaveLength(1)
})
