import fc from 'fast-check'
import type { VerifyLogin } from 'passport-dialects'
import { type RunningApp, startRouterApp } from '../support/app'
import type { Told } from '../support/browser'
import { connections, LightBrowser } from '../support/light-browser'
import { closeAll, type Emulators, NAMES, providersOf, startAll } from '../support/providers'
import { seedOf } from './seed'

let emulators: Emulators
let app: RunningApp
const agent = connections(16)
/** Who each state logged in, as `verify` saw it. */
const seen = new Map<string, string[]>()

export async function openTabs(): Promise<void> {
  emulators = await startAll({ consent: 'auto' })
  const verify = ({ provider, profile, req }: VerifyLogin) => {
    const state = stateOf(new URL(req.originalUrl, 'http://app'))
    seen.set(state, [...(seen.get(state) ?? []), `${provider}:${profile.id}`])
    return { provider, id: profile.id }
  }
  app = await startRouterApp({ providers: providersOf(emulators), verify })
}
export async function closeTabs(): Promise<void> {
  await agent.close()
  await app.close()
  await closeAll(emulators)
}

function stateOf({ searchParams }: URL): string {
  return searchParams.get('state') ?? searchParams.get('login_state') ?? ''
}

/** One tab's two steps, and what is known of it in between. */
class Tab {
  private callback = ''
  constructor(
    private readonly browser: LightBrowser,
    private readonly nth: number,
    private readonly name: keyof Emulators,
  ) {}

  async begin(): Promise<void> {
    const address = await this.browser.follow(`/auth/${this.name}?returnTo=/tab/${this.nth}`)
    this.callback = await this.browser.follow(address)
  }

  async finish(): Promise<void> {
    const { status, location } = await this.browser.get(this.callback)
    const told = `${status} ${location}, verified ${seen.get(stateOf(new URL(this.callback)))}`
    const wanted = `303 /tab/${this.nth}, verified ${this.name}:${emulators[this.name].users[0]?.id}`
    if (told !== wanted) expect(told).toBe(wanted) // `expect` is slow where it is called so often
  }
}

/** A tab's provider; the moments of its two steps, of which those of one number happen at once. */
const tab = fc.record({
  name: fc.constantFrom(...NAMES),
  begins: fc.nat(20),
  waits: fc.integer({ min: 1, max: 20 }),
  /** The callback comes twice: a double click, or the back button later on. */
  again: fc.option(fc.nat(10), { nil: undefined, freq: 4 }),
})

/**
 * Tabs over all providers, in any order: each lands where it was begun, as who it was begun. To be run once, within a
 * test file.
 */
export async function interleave(runs: number): Promise<void> {
  const seed = seedOf('tabs')
  const interleaving = async (tabs: (typeof tab extends fc.Arbitrary<infer T> ? T : never)[]) => {
    seen.clear()
    const browser = new LightBrowser(app.origin, agent)
    await browser.follow('/auth/tapd') // a browser has its session's cookie from a first answer
    const moments: (() => Promise<void>)[][] = []
    const at = (moment: number, step: () => Promise<void>) => {
      moments[moment] = [...(moments[moment] ?? []), step]
    }
    // Logins begin at the same moment as others begin or finish; two that finish at one moment both land, but end in
    // two sessions, of which the browser keeps one (__tests__/lib/tabs.test.ts has those).
    const finishing = new Set<number>()
    const free = (from: number) => {
      let moment = from
      while (finishing.has(moment)) moment++
      finishing.add(moment)
      return moment
    }
    tabs.forEach(({ name, begins, waits, again }, nth) => {
      const mine = new Tab(browser, nth, name)
      at(begins, () => mine.begin())
      const moment = free(begins + waits)
      at(moment, () => mine.finish())
      if (again !== undefined) at(again === 0 ? moment : free(moment + again), () => mine.finish())
    })
    for (const steps of moments) await Promise.all((steps ?? []).map((step) => step()))
    const known: Told = JSON.parse((await browser.get('/auth/session')).text)
    const { user, providers } = known
    expect(user).not.toBeNull()
    expect(providers.map(({ name }) => name).sort()).toEqual([...new Set(tabs.map(({ name }) => name))].sort())
  }
  await fc.assert(fc.asyncProperty(fc.array(tab, { minLength: 1, maxLength: 12 }), interleaving), {
    seed,
    numRuns: runs,
  })
}
