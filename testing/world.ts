import type { EmulatorRequest, FormPost } from '../emulators/index'
import { OAuthError } from '../lib/index'
import { type App, bareApp, type Login, type Mount, routerApp } from './app'
import { Browser } from './browser'
import type { DialectEmulator, Outcome, Settled } from './kit'
import { credentialsOf } from './requests'
import { demand, demandNoSecret, told } from './say'
import { Stopwatch } from './stopwatch'

/** The `timeout` of a login whose time is not tested, in ms: the browser gives up hanging requests earlier. */
export const LONG = 30_000

/** The result of one request to the app. */
export interface Turn {
  status: number
  /** Absolute. */
  location: string | undefined
  login: Login | undefined
  error: unknown
  /** How long the process ran meanwhile, in milliseconds. */
  took: number
}

/** An emulator, an app with the strategy, and a browser: all that a login needs. */
export class World {
  constructor(
    readonly kit: Settled,
    readonly emulator: DialectEmulator,
    readonly app: App,
    readonly name: string,
    readonly browser = new Browser(),
    /** The credentials that callbacks and token responses have brought. */
    private readonly brought = new Set<string>(),
  ) {}

  /** The same app with another browser. */
  elsewhere(): World {
    return new World(this.kit, this.emulator, this.app, this.name, new Browser(), this.brought)
  }

  /** @param hurried use the app's short deadline, if it has one */
  get(address: string, { hurried = false } = {}): Promise<Turn> {
    return this.take(address, hurried, () => this.ask(address))
  }

  /**
   * The first request of a login. `location` is the authorization address. If a page begins the login, it is the
   * callback's, with only the state.
   */
  start(instance?: string, { hurried = false } = {}): Promise<Turn> {
    const address = this.app.beginAt(instance)
    return this.kit.inPage ? this.startInPage(instance, new URL(address).origin) : this.get(address, { hurried })
  }

  /** @param origin the page's origin */
  async startInPage(instance: string | undefined, origin: string): Promise<Turn> {
    const address = `${this.app.beginAt(instance)}/entry`
    let state: string | undefined
    const turn = await this.take(address, false, async () => {
      const answer = await this.browser.post(address, '', { origin })
      state = answer.status === 200 ? stateIn(await answer.json()) : undefined
      return answer
    })
    demand(
      turn.status !== 404 && turn.status !== 405,
      `The app gives a page no state, but ${turn.status}: say \`inPage\` in the dialect.`,
    )
    if (state === undefined) return turn
    return { ...turn, location: `${this.app.callbackAt(instance)}?${new URLSearchParams({ state })}` }
  }

  private async take(address: string, hurried: boolean, ask: () => Promise<Response>): Promise<Turn> {
    this.app.forget()
    this.app.hurry(hurried)
    let took = 0
    const watch = new Stopwatch()
    const answer = await ask()
      .catch((problem: unknown) => {
        demand(
          false,
          `The app gave no answer to ${new URL(address).pathname}: ${problem}. A method of the strategy may never settle.`,
        )
        throw problem
      })
      .finally(() => {
        took = watch.stop()
      })
    const { accessToken, refreshToken, tokens } = this.app.last.login ?? {}
    this.remember(accessToken, refreshToken, tokens?.raw.id_token)
    const location = answer.headers.get('location')
    return {
      status: answer.status,
      location: location === null ? undefined : new URL(location, address).href,
      ...this.app.last,
      took,
    }
  }

  /**
   * Requests an address by GET. A callback that the provider posts is sent from its site without a cookie, then again
   * from the app's own page.
   */
  private async ask(address: string): Promise<Response> {
    const { origin, pathname, search } = new URL(address)
    const isPosted = this.kit.callback === 'form_post' && search !== '' && this.isCallback(origin + pathname)
    if (!isPosted) return this.browser.get(address)
    const page = await this.browser.post(origin + pathname, search.slice(1), { withCookies: false })
    demand(
      page.status !== 404 && page.status !== 405,
      `The provider posts its callback, and the app answers ${page.status}: say \`callback: 'form_post'\` in the dialect.`,
    )
    return page.status === 200 ? this.browser.post(origin + pathname, fieldsIn(await page.text())) : page
  }

  private isCallback(address: string): boolean {
    return [this.app.callbackAt(), this.app.callbackAt(this.app.other)].includes(address)
  }

  /** Begins a login; resolves to the `location` of {@link start}. */
  async begin(instance?: string): Promise<URL> {
    const { status, location, error } = await this.start(instance)
    demand(location !== undefined, `The login does not begin: ${status}, ${told(error)}.`)
    return new URL(location)
  }

  /** Agrees at the provider; resolves to the callback address, with what is posted there in its query. */
  async approve(address: URL, user?: string): Promise<string> {
    const callback = await this.agree(address, user)
    this.remember(new URL(callback).searchParams.get(this.kit.credential))
    return callback
  }

  private remember(...values: unknown[]): void {
    for (const value of values) if (typeof value === 'string') this.brought.add(value)
  }

  private async agree(address: URL, user?: string): Promise<string> {
    const { emulator } = this
    const choice = user === undefined ? {} : { user }
    if (this.kit.inPage) return this.codeOfScript(address, choice)
    try {
      if (this.kit.callback === undefined) return await emulator.approve(address.href, choice)
      return asAddress(await emulator.approveForm?.(address.href, choice))
    } catch (problem) {
      const sent = [...address.searchParams].map(([name, value]) => `${name}=${value}`).join(', ')
      const words = problem instanceof Error ? problem.message : String(problem)
      demand(
        false,
        `The authorization request is not what the provider's documentation says. ${words}. Sent to ${address.origin}${address.pathname}: ${sent}. Look at \`authorizationParams()\`, \`clientIDName\`, \`authorizationNames\`, \`scopeSeparator\`, \`scope\`, \`pkce\` and \`endpoints.authorizationURL\`; where the provider posts its callback, tell the kit \`callback: 'form_post'\`.`,
      )
      throw problem
    }
  }

  /** The code that the provider's script gives to a page, for the callback. */
  private codeOfScript(callback: URL, choice: { user?: string }): string {
    demand(this.emulator.entryCode, 'The emulator has no `entryCode()`: start it by `createEmulator()`.')
    const withCode = new URL(callback)
    withCode.searchParams.set(this.kit.credential, this.emulator.entryCode(choice))
    return withCode.href
  }

  /** Refuses at the provider; resolves as {@link approve}. */
  async deny(address: URL): Promise<string> {
    const { emulator } = this
    if (this.kit.callback === undefined) return emulator.deny(address.href)
    return asAddress(await emulator.denyForm?.(address.href))
  }

  /** One whole login that must succeed. */
  async login(user?: string): Promise<{ request: URL; callback: string; login: Login }> {
    const request = await this.begin()
    return { request, ...(await this.follow(request, user)) }
  }

  /** The rest of a login that must succeed, after its authorization request. */
  async follow(request: URL, user?: string): Promise<{ callback: string; login: Login }> {
    const callback = await this.approve(request, user)
    const { login, error, status } = await this.get(callback)
    demand(login && status < 400, `A login that must succeed fails with ${told(error)}.`)
    return { callback, login }
  }

  /** The server-to-server requests of the app to the provider. */
  backChannel(): EmulatorRequest[] {
    return this.emulator.requests.filter(({ endpoint }) => endpoint !== 'authorize')
  }

  /** Checks that a request failed with one of `expected`, without showing a credential. */
  demandFailure(turn: Turn, expected: readonly Outcome[], when: string): OAuthError {
    const { login, error } = turn
    demand(!login, `${when}, somebody is logged in all the same. It must come to ${expected.join(' or ')}.`)
    demand(OAuthError.is(error), `${when}, the login fails with ${told(error)}. It must be an OAuthError.`)
    demand(
      expected.includes(error.code),
      `${when}, it must come to ${expected.join(' or ')}, but comes to ${told(error)}.`,
    )
    demandNoSecret(error, credentialsOf(this.emulator.options, this.backChannel(), this.brought))
    return error
  }
}

function stateIn(body: unknown): string {
  const state: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'state') : undefined
  demand(typeof state === 'string', 'The answer to a page that begins a login has no `state`.')
  return state
}

function asAddress(posted: FormPost | undefined): string {
  demand(posted, 'The emulator has neither `approveForm()` nor `denyForm()`: start it by `createEmulator()`.')
  return `${posted.url}?${new URLSearchParams(posted.fields)}`
}

/** The hidden fields of a page, as its form posts them. */
function fieldsIn(html: string): string {
  const inputs = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  const unescaped = (text = '') => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  const fields = [...inputs].map(([, name, value]): [string, string] => [unescaped(name), unescaped(value)])
  return new URLSearchParams(fields).toString()
}

/**
 * Runs `body` in its own world.
 * @param hastyTimeout milliseconds, for `world.app.hurry`
 */
export async function inWorld(
  kit: Settled,
  mount: Mount,
  body: (world: World) => Promise<void>,
  options: Record<string, unknown> = {},
  hastyTimeout?: number,
): Promise<void> {
  const { emulator, release } = await startEmulatorOf(kit)
  try {
    const name = kit.name ?? emulator.name
    const own = { ...emulator.options, timeout: LONG, ...kit.options, ...options }
    const app = await (mount === 'oauthRouter' ? routerApp : bareApp)(kit.strategy, name, own, hastyTimeout)
    try {
      await body(new World(kit, emulator, app, name))
    } finally {
      await app.close()
    }
  } finally {
    await release()
  }
}

export async function startEmulatorOf({
  emulator,
}: Settled): Promise<{ emulator: DialectEmulator; release(): Promise<void> }> {
  if (typeof emulator !== 'function') return { emulator, release: async () => {} }
  const started = await emulator()
  return { emulator: started, release: () => started.close() }
}

/** The kit's own outcomes, or else those of any other dialect. */
export function outcomes(own: Outcome | readonly Outcome[] | undefined, usual: readonly Outcome[]): readonly Outcome[] {
  if (own === undefined) return usual
  return typeof own === 'string' ? [own] : own
}
