import { agree, type Host } from '../support/plain-provider'
import { bench, told } from './both'

const at = bench()

const stateOf = async (host: Host) => (await host.visit('/login')).location.searchParams.get('state') ?? ''
const back = (host: Host, state: string) => host.visit(`/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=${state}`)

/** Something of the app's own in the session. */
const withCart = {
  before: (req: object) => {
    const { session } = req as { session: { cart?: string } } // express-session's, with a member of the test's
    session.cart = 'tea'
  },
}

describe.each([
  ['the default store', {}],
  ['store: true', { store: true }],
])('%s', (_title, options) => {
  test('keeps the state in the session and takes it from there', async () => {
    for (const start of [at.ours, at.theirs]) {
      const host = await start(options)
      const state = await stateOf(host)
      expect(JSON.stringify(await host.session())).toContain(state)
      expect((await back(host, state)).outcome).toMatchObject({ error: null, user: expect.any(Object) })
    }
  })

  test('leaves what else is in the session', async () => {
    for (const start of [at.ours, at.theirs]) {
      const host = await start(options, agree, withCart)
      const { outcome } = await host.login()
      expect(outcome?.user).toBeTruthy()
      expect((await host.session()).cart).toBe('tea')
    }
  })

  test('hands an object that the app names as state through the session', async () => {
    const settings = { authenticate: { state: { returnTo: '/cart' } } }
    const ours = await (await at.ours(options, agree, settings)).login()
    expect(ours.outcome?.info).toEqual({ state: { returnTo: '/cart' } })
    const theirs = await (await at.theirs({ ...options, store: true }, agree, settings)).login()
    expect(theirs.outcome?.info).toEqual({ state: { returnTo: '/cart' } })
  })

  test.each([
    [true, { state: true }],
    [false, {}],
  ])('hands the state %p on as passport-oauth2 does', async (state, info) => {
    const settings = { authenticate: { state } }
    expect((await (await at.ours(options, agree, settings)).login()).outcome?.info).toEqual(info)
    expect((await (await at.theirs({ store: true }, agree, settings)).login()).outcome?.info).toEqual(info)
  })

  test('uses the session key that is asked for', async () => {
    for (const start of [at.ours, at.theirs]) {
      const host = await start({ ...options, sessionKey: 'oauth2:example' })
      const state = await stateOf(host)
      expect(JSON.stringify((await host.session())['oauth2:example'])).toContain(state)
      expect((await back(host, state)).outcome?.user).toBeTruthy()
    }
  })

  test('differs: without a session there is one error, session_missing', async () => {
    for (const path of ['/login', '/callback?code=a&state=b']) {
      const ours = await at.ours(options, agree, { withoutSession: true })
      expect(told((await ours.visit(path)).outcome?.error)).toMatchObject({ code: 'session_missing', status: 500 })
      const theirs = await at.theirs(options, agree, { withoutSession: true })
      expect(told((await theirs.visit(path)).outcome?.error)).toMatchObject({
        message: expect.stringContaining('session support'),
      })
    }
  })

  test('differs: a state of nobody is state_unknown with 400, and harms no pending login', async () => {
    const ours = await at.ours(options)
    const state = await stateOf(ours)
    expect((await back(ours, 'forged')).outcome).toMatchObject({
      user: false,
      info: { code: 'state_unknown' },
      status: 400,
    })
    expect((await back(ours, state)).outcome?.user).toBeTruthy()
    const theirs = await at.theirs(options)
    const their = await stateOf(theirs)
    expect((await back(theirs, 'forged')).outcome).toMatchObject({
      user: false,
      info: { message: 'Invalid authorization request state.' },
      status: 403,
    })
    expect((await back(theirs, their)).outcome?.user).toBe(false)
  })

  test('differs: a callback without a state is state_missing, one of no session session_missing', async () => {
    const ours = await at.ours(options)
    expect((await back(ours, 'any')).outcome).toMatchObject({ info: { code: 'session_missing' }, status: 400 })
    await ours.visit('/login')
    expect((await ours.visit('/callback?code=a')).outcome).toMatchObject({
      info: { code: 'state_missing' },
      status: 400,
    })
    const theirs = await at.theirs(options)
    const refused = { info: { message: 'Unable to verify authorization request state.' }, status: 403 }
    expect((await back(theirs, 'any')).outcome).toMatchObject(refused)
  })

  test('refuses where the session holds no state under its key', async () => {
    const spoil = (key: string) => ({
      before: (req: object) => {
        const { session } = req as { session: Record<string, unknown> } // express-session's, with a member of the test's
        session[key] = {}
      },
    })
    const ours = await at.ours(options, agree, spoil('passport-dialects'))
    const theirs = await at.theirs(options, agree, spoil('oauth2:provider.example'))
    for (const host of [ours, theirs]) {
      await host.session() // brings the cookie
      expect((await back(host, 'any')).outcome?.user).toBe(false)
    }
    expect(at.provider.tokenRequests).toEqual([])
  })

  test('differs: many logins may be pending at once', async () => {
    const ours = await at.ours(options)
    const [first, second] = [await stateOf(ours), await stateOf(ours)]
    for (const state of [first, second]) expect((await back(ours, state)).outcome?.user).toBeTruthy()
    const theirs = await at.theirs(options)
    const [lost] = [await stateOf(theirs), await stateOf(theirs)]
    expect((await back(theirs, lost)).outcome?.user).toBe(false)
  })

  test('differs: a state that was used is remembered as used', async () => {
    const ours = await at.ours(options)
    const state = await stateOf(ours)
    await back(ours, state)
    expect((await back(ours, state)).outcome).toMatchObject({ info: { code: 'state_used' }, status: 400 })
    const theirs = await at.theirs(options)
    const their = await stateOf(theirs)
    await back(theirs, their)
    expect((await theirs.session())['oauth2:provider.example']).toBeUndefined()
    expect((await back(theirs, their)).outcome?.info).toEqual({
      message: 'Unable to verify authorization request state.',
    })
  })

  test('differs: one session key serves every provider', async () => {
    const ours = await at.ours(options)
    await ours.visit('/login')
    expect(Object.keys(await ours.session())).toContain('passport-dialects')
    const theirs = await at.theirs(options)
    await theirs.visit('/login')
    expect(Object.keys(await theirs.session())).toContain('oauth2:provider.example')
  })
})

test('differs: a state is more than 250 random bits', async () => {
  const ours = await stateOf(await at.ours())
  const theirs = await stateOf(await at.theirs())
  expect([Buffer.from(ours, 'base64url').length, theirs.length]).toEqual([32, 24])
})

test('differs: what the app keeps under its own sessionKey is written over', async () => {
  const sessionKey = 'shop'
  const before = (req: object) => {
    const { session } = req as { session: { shop?: unknown } } // express-session's, with a member of the test's
    session.shop ??= { cart: 'tea' }
  }
  const kept = async (start: typeof at.ours) => {
    const host = await start({ sessionKey }, agree, { before })
    expect((await host.login()).outcome?.user).toBeTruthy()
    return JSON.stringify((await host.session()).shop)
  }
  expect(await kept(at.ours)).not.toContain('tea')
  expect(await kept(at.theirs)).toBe('{"cart":"tea"}')
})
