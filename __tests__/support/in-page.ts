import type { Emulator } from 'passport-dialects/emulators'
import { Browser, told } from './browser'

interface Asking {
  /** The provider's name in the app. */
  name: string
  browser: Browser
  /** The query of the address: `?returnTo=/x`. */
  query?: string
  /** Replace the headers of a page of this app. */
  headers?: Record<string, string>
}

/** The first request of a page's script to the app. */
export function askForState(
  app: { origin: string },
  { name, browser, query = '', headers }: Asking,
): Promise<Response> {
  return browser.post(`${app.origin}/auth/${name}/entry${query}`, {}, headers ?? { origin: app.origin })
}

/** The state that the page gets. */
export async function stateAt(app: { origin: string }, asking: Asking): Promise<string> {
  const answer = await askForState(app, asking)
  if (answer.status !== 200) throw new Error(`no state: ${answer.status} ${await answer.text()}`)
  const { state } = (await answer.json()) as { state: string } // from the router
  return state
}

/** The address to which the page goes with a code. */
export function callbackAt(app: { origin: string }, name: string, params: Record<string, string>): string {
  return `${app.origin}/auth/${name}/callback?${new URLSearchParams(params)}`
}

/** The callback of a login from a page inside DingTalk. */
export async function inAppCallback(
  app: { origin: string },
  emulator: Emulator,
  { user, ...asking }: Partial<Asking> & { browser: Browser; user?: string },
): Promise<string> {
  const name = asking.name ?? emulator.name
  const state = await stateAt(app, { ...asking, name })
  return callbackAt(app, name, { code: emulator.entryCode(user === undefined ? {} : { user }), state })
}

/** A browser that has logged in from a page inside DingTalk. */
export async function inAppLogin(
  app: { origin: string },
  emulator: Emulator,
  asking: Partial<Asking> & { user?: string } = {},
): Promise<Browser> {
  const browser = asking.browser ?? new Browser()
  const answer = await browser.get(await inAppCallback(app, emulator, { ...asking, browser }))
  if (answer.status !== 303) throw new Error(`the login ended with ${answer.status}: ${await answer.text()}`)
  return browser
}

/** The status and code of a failed login. */
export async function failureAt(browser: Browser, address: string): Promise<[status: number, code: string]> {
  const answer = await browser.get(address, { accept: 'application/json' })
  return [answer.status, (await told(answer)).error.code]
}
