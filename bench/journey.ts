import { Browser, type Page } from './browser.js'
import type { Contestant } from './contestant.js'

/** The ways into the contestants: each resolves to the address of the provider that the browser is sent to. */
const BEGIN: Partial<Record<Contestant, (browser: Browser) => Promise<Page>>> = {
  router: (browser) => browser.get('/auth/aihubmix'),
  'router-before': (browser) => browser.get('/auth/aihubmix'),
  grant: (browser) => browser.get('/connect/provider'),
  async 'auth-express'(browser) {
    const { csrfToken } = JSON.parse((await browser.get('/auth/csrf')).text)
    const form = new URLSearchParams({ csrfToken, callbackUrl: browser.origin })
    return browser.post('/auth/signin/provider', 'application/x-www-form-urlencoded', form.toString())
  },
  async 'better-auth'(browser) {
    const body = JSON.stringify({ provider: 'provider', callbackURL: '/' })
    const page = await browser.post('/api/auth/sign-in/social', 'application/json', body)
    return { ...page, location: JSON.parse(page.text).url }
  },
}
const MOST_REDIRECTS = 4

/** The redirect leg. */
export async function begin(name: Contestant, browser: Browser): Promise<URL> {
  const page = await (BEGIN[name]?.(browser) ?? browser.get('/login'))
  if (page.location === undefined || !URL.canParse(page.location)) {
    throw new Error(`${name} answered the begin of a login with ${page.status}: ${page.text.slice(0, 300)}`)
  }
  return new URL(page.location)
}

/** The provider's answer, brought back by the browser, and the redirects inside the app up to its front page. */
export async function finish(browser: Browser, authorization: URL, user: number, state?: string): Promise<Page> {
  const { searchParams } = authorization
  const callback = new URL(searchParams.get('redirect_uri') ?? '')
  callback.searchParams.set('code', `c-${user}`)
  callback.searchParams.set('state', state ?? searchParams.get('state') ?? '')
  let page = await browser.get(callback.pathname + callback.search)
  for (let i = 0; i < MOST_REDIRECTS && page.location !== undefined; i++) {
    const next = new URL(page.location, browser.origin)
    if (next.origin !== browser.origin || next.pathname === '/') break
    page = await browser.get(next.pathname + next.search)
  }
  return page
}

/** A whole login with fresh cookies. */
export async function login(name: Contestant, origin: string, user = 12345): Promise<Browser> {
  const browser = new Browser(origin)
  const page = await finish(browser, await begin(name, browser), user)
  if (page.status !== 302 && page.status !== 303) {
    throw new Error(`A login at ${name} ended with ${page.status}: ${page.text.slice(0, 300)}`)
  }
  return browser
}

/** Who is logged in, as the front page tells it. */
export async function whoIsIn(browser: Browser): Promise<string | undefined> {
  const { status, text } = await browser.get('/')
  const user = status === 200 ? JSON.parse(text) : null
  return user === null ? undefined : /(\d{5,})/.exec(String(user.name ?? user.username))?.[1]
}

/**
 * The right user comes in, each in a browser of their own; a state that is made up, or another browser's, lets nobody in.
 * @throws Error that says which of these failed
 */
export async function checkContestant(name: Contestant, origin: string): Promise<void> {
  for (const user of [10_001, 20_002]) {
    const seen = await whoIsIn(await login(name, origin, user))
    if (seen !== String(user)) throw new Error(`${name} logged in ${seen} instead of ${user}`)
  }
  const [victim, attacker] = [new Browser(origin), new Browser(origin)]
  const authorization = await begin(name, victim)
  const foreign = (await begin(name, attacker)).searchParams.get('state') ?? ''
  for (const state of ['forged', foreign]) {
    await finish(victim, authorization, 30_003, state)
    if ((await whoIsIn(victim)) !== undefined) throw new Error(`${name} took a state that is not its own`)
  }
}
