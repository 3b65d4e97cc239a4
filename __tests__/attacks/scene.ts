import { AihubmixStrategy, type OAuthRouterConfig } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { Running } from '../controls/support'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { backChannelCalls, closeAll, type Emulators, providersOf, startAll } from '../support/providers'
import { startNaive } from './naive'

/** The attacker is a user of the provider too, with an account of his own. */
export const VICTIM = '12345'
export const ATTACKER = '12346'

/** One provider in two instances (`aihubmix`, `other`) and the four others, with ours and the naive app before them. */
export interface Scene {
  emulators: Emulators
  other: Emulator
  ours: Running
  naive: Running
  /** How often the providers' servers were called by ours. */
  calls(): number
  close(): Promise<void>
}

export async function startScene(config: Partial<OAuthRouterConfig> = {}): Promise<Scene> {
  const [emulators, other] = await Promise.all([startAll(), startEmulator('aihubmix')])
  const providers = { ...providersOf(emulators), other: { ...other.options, strategy: AihubmixStrategy } }
  const [ours, naive] = await Promise.all([
    startRouterApp({ providers, ...config }),
    startNaive({
      aihubmix: emulators.aihubmix.options,
      other: other.options,
      tailchat: emulators.tailchat.options,
      bbscloud: emulators.bbscloud.options,
    }),
  ])
  return {
    emulators,
    other,
    ours,
    naive,
    calls: () => backChannelCalls(emulators) + other.requests.filter(({ endpoint }) => endpoint !== 'authorize').length,
    close: async () => {
      await Promise.all([ours.close(), naive.close(), closeAll(emulators), other.close()])
    },
  }
}

/** Begins a login and agrees to it at the provider: the callback's address, not yet followed. */
export async function consent(
  app: Running,
  browser: Browser,
  emulator: Emulator,
  { name = emulator.name as string, user = '', query = '' } = {},
): Promise<string> {
  const address = await browser.location(`${app.origin}/auth/${name}${query}`)
  return emulator.approve(address, user ? { user } : {})
}

/** Who is logged in at this browser, by the provider's id; `null` for nobody. */
export async function loggedIn(app: Running, browser: Browser): Promise<string | null> {
  const { user } = await me(app, browser)
  return user === null ? null : String(user.id ?? user.sub)
}

export async function me(app: Running, browser: Browser): Promise<Me> {
  return (await (await browser.get(`${app.origin}/me`)).json()) as Me // the apps are these tests' own
}

interface Me {
  user: Record<string, unknown> | null
  linked?: Record<string, unknown> | null
  sessionID: string
}

/** The code of the failure that a callback answers with; `undefined` where it redirects. */
export async function failure(browser: Browser, callback: string): Promise<string | undefined> {
  const answer = await browser.get(callback, { accept: 'application/json' })
  const text = await answer.text()
  if (answer.status < 400) return undefined
  return (JSON.parse(text) as { error: { code: string } }).error.code // the router's own answer
}

/** Another browser with the same cookies: what an attacker has who knows or planted a session id. */
export function cloneOf(browser: Browser, origin: string): Browser {
  const clone = new Browser()
  for (const pair of browser.cookies(origin).split('; ')) {
    const at = pair.indexOf('=')
    if (at > 0) clone.setCookie(origin, pair.slice(0, at), pair.slice(at + 1))
  }
  return clone
}
