import type { CustomStateStore } from 'passport-dialects'
import { agree } from '../support/plain-provider'
import { bench, told } from './both'

const at = bench()

/** What a store was called with, the request left out. */
let calls: { call: string; args: unknown[] }[] = []
beforeEach(() => {
  calls = []
})
const note = (call: string, ...args: unknown[]) => void calls.push({ call, args })

type Stored = (error: unknown, state?: string) => void
type Loaded = (error: unknown, ok?: unknown, state?: unknown) => void

/** A store in each form that passport-oauth2 tells apart by the number of parameters. */
const FORMS: Record<string, CustomStateStore> = {
  'store(req, done), verify(req, state, done)': {
    store: (_req: object, done: Stored) => {
      note('store')
      done(null, 'foos7473')
    },
    verify: (_req: object, state: string, done: Loaded) => {
      note('verify', state)
      done(null, state === 'foos7473')
    },
  },
  'store(req, meta, done), verify(req, state, meta, done)': {
    store: (_req: object, meta: object, done: Stored) => {
      note('store', meta)
      done(null, 'foos7473')
    },
    verify: (_req: object, state: string, meta: object, done: Loaded) => {
      note('verify', state, meta)
      done(null, state === 'foos7473')
    },
  },
  'store(req, state, meta, done)': {
    store: (_req: object, appState: unknown, meta: object, done: Stored) => {
      note('store', appState, meta)
      done(null, 'foos7473')
    },
    verify: (_req: object, state: string, meta: object, done: Loaded) => {
      note('verify', state, meta)
      done(null, state === 'foos7473', { returnTo: '/cart' })
    },
  },
  'store(req, verifier, state, meta, done)': {
    store: (_req: object, verifier: unknown, appState: unknown, meta: object, done: Stored) => {
      note('store', verifier, appState, meta)
      done(null, 'foos7473')
    },
    verify: (_req: object, state: string, meta: object, done: Loaded) => {
      note('verify', state, meta)
      done(null, state === 'foos7473' && 'the-verifier-of-the-store', { returnTo: '/cart' })
    },
  },
}

describe.each(Object.entries(FORMS))('a store of the form %s', (form, store) => {
  test('is called as passport-oauth2 calls it, and a login comes through it', async () => {
    const settings = { authenticate: { state: { returnTo: '/cart' } }, withoutSession: true }
    const logs: unknown[] = []
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      calls = []
      const { begun, outcome } = await (await start({ store }, agree, settings)).login()
      expect(begun.location.searchParams.get('state')).toBe('foos7473')
      const state = form.includes('state, meta, done)') && !form.startsWith('store(req, meta')
      expect(outcome).toMatchObject({ error: null, user: expect.any(Object) })
      expect(outcome?.info).toEqual(state ? { state: { returnTo: '/cart' } } : {})
      const verifier = at.provider.tokenRequests[0]?.form.code_verifier
      expect(verifier).toBe(form.includes('verifier') ? 'the-verifier-of-the-store' : undefined)
      logs.push(calls)
    }
    expect(logs[0]).toEqual(logs[1])
    expect(logs[0]).toHaveLength(2)
  })
})

test('a store under PKCE keeps the verifier that the challenge was made of', async () => {
  for (const start of [at.ours, at.theirs]) {
    at.provider.reset()
    let kept = ''
    const store: CustomStateStore = {
      store: (_req: object, verifier: string, _state: unknown, _meta: object, done: Stored) => {
        kept = verifier
        done(null, 'foos7473')
      },
      verify: (_req: object, _state: string, _meta: object, done: Loaded) => done(null, kept),
    }
    const { begun } = await (await start({ store, pkce: true }, agree, { withoutSession: true })).login()
    expect(begun.location.searchParams.get('code_challenge_method')).toBe('S256')
    expect(at.provider.tokenRequests[0]?.form.code_verifier).toBe(kept)
  }
})

test('the meta of a store tells the endpoints, the client and the redirect address', async () => {
  const { 'store(req, meta, done), verify(req, state, meta, done)': store } = FORMS
  await (await at.ours({ store }, agree, { withoutSession: true })).login()
  const { authorizationURL, tokenURL, clientID, callbackURL } = at.provider.options
  for (const { args } of calls) expect(args.at(-1)).toEqual({ authorizationURL, tokenURL, clientID, callbackURL })
})

/** A store that fails in one call, by giving an error or by throwing it. */
function failing(call: 'store' | 'verify', how: 'gives' | 'throws'): CustomStateStore {
  const fail = (done: (error: unknown) => void) => {
    const error = new Error('the store is down')
    if (how === 'throws') throw error
    done(error)
  }
  return {
    store: (_req: object, _meta: object, done: Stored) => (call === 'store' ? fail(done) : done(null, 'foos7473')),
    verify: (_req: object, _state: string, _meta: object, done: Loaded) =>
      call === 'verify' ? fail(done) : done(null, true),
  }
}

test.each([
  ['store', 'gives'],
  ['store', 'throws'],
  ['verify', 'gives'],
  ['verify', 'throws'],
] as const)('a store whose %s %s an error is that error', async (call, how) => {
  for (const start of [at.ours, at.theirs]) {
    const host = await start({ store: failing(call, how) }, agree, { withoutSession: true })
    const path = call === 'store' ? '/login' : '/callback?code=a&state=foos7473'
    expect((await host.visit(path)).outcome?.error).toMatchObject({ message: 'the store is down' })
  }
})

const REFUSING: CustomStateStore = {
  store: (_req: object, done: Stored) => done(null),
  verify: (_req: object, state: string, done: Loaded) => {
    note('verify', state)
    done(null, false, { message: 'not mine' })
  },
}

test('differs: a state that a store refuses is state_unknown with 400', async () => {
  const ours = await at.ours({ store: REFUSING }, agree, { withoutSession: true })
  expect((await ours.visit('/callback?code=a&state=b')).outcome).toMatchObject({
    user: false,
    info: { code: 'state_unknown' },
    status: 400,
  })
  const theirs = await at.theirs({ store: REFUSING }, agree, { withoutSession: true })
  expect((await theirs.visit('/callback?code=a&state=b')).outcome).toMatchObject({
    info: { message: 'not mine' },
    status: 403,
  })
})

test('differs: a callback without a state does not reach the store', async () => {
  const ours = await at.ours({ store: REFUSING }, agree, { withoutSession: true })
  expect((await ours.visit('/callback?code=a')).outcome?.info).toMatchObject({ code: 'state_missing' })
  expect(calls).toEqual([])
  const theirs = await at.theirs({ store: REFUSING }, agree, { withoutSession: true })
  await theirs.visit('/callback?code=a')
  expect(calls).toHaveLength(1)
})

test('differs: a store that gives no state is config_invalid', async () => {
  const ours = await at.ours({ store: REFUSING }, agree, { withoutSession: true })
  expect(told((await ours.visit('/login')).outcome?.error)).toMatchObject({ code: 'config_invalid' })
  const theirs = await at.theirs({ store: REFUSING }, agree, { withoutSession: true })
  expect((await theirs.visit('/login')).location.searchParams.has('state')).toBe(false)
})

test('differs: a text that the app names as state goes to the store', async () => {
  const { 'store(req, state, meta, done)': store } = FORMS
  const settings = { authenticate: { state: 'foobar' }, withoutSession: true }
  const ours = await (await at.ours({ store }, agree, settings)).visit('/login')
  expect(ours.location.searchParams.get('state')).toBe('foos7473')
  expect(calls[0]?.args[0]).toBe('foobar')
  const theirs = await (await at.theirs({ store }, agree, settings)).visit('/login')
  expect(theirs.location.searchParams.get('state')).toBe('foobar')
  expect(calls).toHaveLength(1)
})
