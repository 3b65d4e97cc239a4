import { randomBytes } from 'node:crypto'
import type { OAuthError, OAuthRouterConfig } from 'passport-dialects'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { instant, stateOf } from '../support/instant-strategy'

// A strategy's own state store, under the router: the session still says whose login it is, and where it goes.

/** States of everybody, as in a store of the app's own. */
class OwnStore {
  private readonly states = new Map<string, string | undefined>()
  failing: 'store' | 'verify' | undefined

  store(_req: object, verifier: string | undefined, _appState: unknown, _meta: object, done: Done) {
    if (this.failing === 'store') return done(new Error(`could not write ${verifier}`))
    const state = randomBytes(16).toString('hex')
    this.states.set(state, verifier)
    done(null, state)
  }

  verify(_req: object, state: string, done: Done) {
    if (this.failing === 'verify') return done(new Error(`could not read ${state}`))
    const verifier = this.states.get(state)
    done(null, this.states.delete(state) && (verifier ?? true))
  }
}
type Done = (error: Error | null, result?: unknown) => void

let app: RunningApp
let failure: OAuthError | undefined
let store: OwnStore
async function start(config: Partial<OAuthRouterConfig> = {}) {
  store = new OwnStore()
  const providers = { one: instant, two: { ...instant, store, pkce: true } }
  const onError: OAuthRouterConfig['onError'] = (error, _req, res) => {
    failure = error
    res.status(error.status).json({ code: error.code })
  }
  app = await startRouterApp({ providers: providers as OAuthRouterConfig['providers'], onError, ...config })
}
beforeEach(() => start())
afterEach(() => app.close())

async function begun(browser: Browser, name: string, query = ''): Promise<string> {
  const state = stateOf(await browser.location(`${app.origin}/auth/${name}${query}`))
  return `${app.origin}/auth/${name}/callback?code=c&state=${state}`
}
const userOf = async (browser: Browser) => (await told(browser.get(`${app.origin}/me`))).user

test('a login goes to its returnTo', async () => {
  const browser = new Browser()
  const answer = await browser.get(await begun(browser, 'two', '?returnTo=/deep'))
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/deep'])
  expect(await userOf(browser)).toMatchObject({ provider: 'two' })
})

test('a popup gets its page', async () => {
  const browser = new Browser()
  const answer = await browser.get(await begun(browser, 'two', '?popup=1'))
  expect(await answer.text()).toContain('data-ok="1"')
})

test('a login that another user began is not linked', async () => {
  const [ann, bob] = [new Browser(), new Browser()]
  for (const browser of [ann, bob]) await browser.get(await begun(browser, 'one'))
  const callback = await begun(ann, 'two')
  expect(await (await bob.get(callback)).json()).toEqual({ code: 'state_mismatch' })
  expect((await told(bob.get(`${app.origin}/auth/session`))).providers.map(({ name }) => name)).toEqual(['one'])
})

test('a link is finished by the user who began it', async () => {
  const ann = new Browser()
  await ann.get(await begun(ann, 'one'))
  expect((await ann.get(await begun(ann, 'two'))).status).toBe(303)
  expect((await told(ann.get(`${app.origin}/auth/session`))).providers.map(({ name }) => name)).toEqual(['one', 'two'])
})

test.each(['store', 'verify'] as const)(
  'its failure at `%s` is store_failed, and quotes no secret',
  async (failing) => {
    const browser = new Browser()
    const callback = await begun(browser, 'two')
    store.failing = failing
    const address = failing === 'store' ? `${app.origin}/auth/two` : callback
    expect(await (await browser.get(address)).json()).toEqual({ code: 'store_failed' })
    const state = new URL(callback).searchParams.get('state') ?? ''
    expect(`${failure?.cause} ${JSON.stringify(failure)}`).not.toContain(state)
    expect(String(failure?.cause)).toMatch(/could not (?:write|read) \[redacted\]/)
  },
)
