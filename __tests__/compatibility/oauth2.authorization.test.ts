import { AihubmixStrategy } from 'passport-dialects'
import { agree } from '../support/plain-provider'
import { bench } from './both'

const at = bench()

/** The authorization request of both libraries, without the random state. */
async function requests(options: object, authenticate: object = {}, change: object = {}) {
  const [ours, theirs] = await Promise.all([
    at.ours(options, agree, { authenticate }),
    at.theirs({ ...options, ...change }, agree, { authenticate }),
  ])
  const read = async (host: typeof ours) => {
    const { location, status } = await host.visit('/login')
    expect(status).toBe(302)
    const { state, ...params } = Object.fromEntries(location.searchParams)
    return { address: location.origin + location.pathname, state, params }
  }
  return { ours: await read(ours), theirs: await read(theirs) }
}

const PARAMS = { response_type: 'code', redirect_uri: 'https://app.example/callback', client_id: 'ABC123' }

describe('the authorization request is the same as passport-oauth2’s', () => {
  test.each([
    ['with a redirect address', {}, {}, PARAMS],
    ['with a scope', { scope: 'email' }, {}, { ...PARAMS, scope: 'email' }],
    ['with scopes in an array', { scope: ['email', 'profile'] }, {}, { ...PARAMS, scope: 'email profile' }],
    ['with a scope of this attempt', { scope: 'email' }, { scope: 'permission' }, { ...PARAMS, scope: 'permission' }],
    ['with scopes of this attempt', {}, { scope: ['a_1', 'a_2'] }, { ...PARAMS, scope: 'a_1 a_2' }],
    [
      'with a separator of its own',
      { scopeSeparator: ',' },
      { scope: ['a_1', 'a_2', 'a_3'] },
      { ...PARAMS, scope: 'a_1,a_2,a_3' },
    ],
    [
      'with a redirect address of this attempt',
      {},
      { callbackURL: 'https://app.example/other' },
      { ...PARAMS, redirect_uri: 'https://app.example/other' },
    ],
    [
      'with an endpoint that has a query',
      { authorizationURL: 'https://provider.example/authorize?foo=bar' },
      { scope: 'b' },
      { ...PARAMS, foo: 'bar', scope: 'b' },
    ],
    [
      'with an endpoint whose query names a scope and a state, which ours replace',
      { authorizationURL: 'https://provider.example/authorize?scope=baz&state=fixed' },
      { scope: 'b' },
      { ...PARAMS, scope: 'b' },
    ],
  ])('%s', async (_title, options, authenticate, params) => {
    const { ours, theirs } = await requests(options, authenticate)
    expect(ours.params).toEqual(params)
    expect(theirs.params).toEqual(params)
    expect([ours.address, theirs.address]).toEqual(Array(2).fill('https://provider.example/authorize'))
    for (const state of [ours.state, theirs.state]) expect([undefined, 'fixed']).not.toContain(state)
  })

  test('with a relative redirect address of this attempt', async () => {
    const authenticate = { callbackURL: '/other/callback' }
    for (const host of [await at.ours({}, agree, { authenticate }), await at.theirs({}, agree, { authenticate })]) {
      const { location } = await host.visit('/login')
      expect(location.searchParams.get('redirect_uri')).toBe(`${host.origin}/other/callback`)
    }
  })

  test('with headers of one’s own at the token endpoint', async () => {
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      await (await start({ customHeaders: { 'X-Tenant': 'seven' } })).login()
      expect(at.provider.tokenRequests[0]?.headers['x-tenant']).toBe('seven')
    }
  })
})

test('differs: a scope in one text is a list, divided at spaces and commas', async () => {
  const { ours, theirs } = await requests({ scope: 'email,profile email' })
  expect([ours.params.scope, theirs.params.scope]).toEqual(['email profile', 'email,profile email'])
})

test('differs: the scope separator is the dialect’s, not an option', async () => {
  const { clientID, clientSecret, callbackURL } = at.provider.options
  const options = { clientID, clientSecret, callbackURL, scope: ['profile', 'balance'], scopeSeparator: ',' }
  const host = await at.host(new AihubmixStrategy(options, agree))
  expect((await host.visit('/login')).location.searchParams.get('scope')).toBe('profile balance')
  const { theirs } = await requests({ scope: ['profile', 'balance'], scopeSeparator: ',' })
  expect(theirs.params.scope).toBe('profile,balance')
})

test('differs: state is on without being asked for', async () => {
  const { ours, theirs } = await requests({}, {}, { state: undefined })
  expect(ours.state).toMatch(/^[\w-]{43}$/)
  expect(theirs.state).toBeUndefined()
})

test('differs: a state that the app names never leaves the server and comes back as info.state', async () => {
  const settings = { authenticate: { state: 'foobar' } }
  const ours = await at.ours({}, agree, settings)
  const { begun, outcome } = await ours.login()
  expect(begun.location.searchParams.get('state')).not.toBe('foobar')
  expect(outcome).toMatchObject({ user: expect.any(Object), info: { state: 'foobar' } })
  const theirs = await at.theirs({}, agree, settings)
  const attempt = await theirs.login()
  expect(attempt.begun.location.searchParams.get('state')).toBe('foobar')
  expect(attempt.outcome?.user).toBe(false)
})

test('differs: a request to the callback address never starts a redirect', async () => {
  const ours = await at.ours()
  expect((await ours.visit('/callback')).outcome).toMatchObject({ info: { code: 'callback_invalid' }, status: 400 })
  const theirs = await at.theirs()
  expect((await theirs.visit('/callback')).status).toBe(302)
})
