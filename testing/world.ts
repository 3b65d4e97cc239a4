import type { EmulatorRequest } from '../emulators/index'
import { OAuthError } from '../lib/index'
import { type App, bareApp, type Login, type Mount, routerApp } from './app'
import { Browser } from './browser'
import type { DialectEmulator, Outcome, Settled } from './kit'
import { demand, demandNoSecret, told } from './say'

/** What one request to the app came to. */
export interface Turn {
  status: number
  /** Absolute. */
  location: string | undefined
  login: Login | undefined
  error: unknown
  /** Milliseconds. */
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
  ) {}

  /** The same app before another browser. */
  elsewhere(): World {
    return new World(this.kit, this.emulator, this.app, this.name)
  }

  async get(address: string): Promise<Turn> {
    this.app.forget()
    const started = performance.now()
    const answer = await this.browser.get(address).catch((problem: unknown) => {
      demand(
        false,
        `The app gave no answer to ${new URL(address).pathname}: ${problem}. A method of the strategy may never settle.`,
      )
      throw problem
    })
    const took = performance.now() - started
    const location = answer.headers.get('location')
    return {
      status: answer.status,
      location: location === null ? undefined : new URL(location, address).href,
      ...this.app.last,
      took,
    }
  }

  /** Begins a login; resolves to the authorization address. */
  async begin(instance?: string): Promise<URL> {
    const { status, location, error } = await this.get(this.app.beginAt(instance))
    demand(location !== undefined, `The login does not begin: ${status}, ${told(error)}.`)
    return new URL(location)
  }

  /** Agrees at the provider; resolves to the callback address. */
  async approve(address: URL, user?: string): Promise<string> {
    try {
      return await this.emulator.approve(address.href, user === undefined ? {} : { user })
    } catch (problem) {
      const sent = [...address.searchParams].map(([name, value]) => `${name}=${value}`).join(', ')
      const words = problem instanceof Error ? problem.message : String(problem)
      demand(
        false,
        `The authorization request is not what the provider's documentation says. ${words}. Sent to ${address.origin}${address.pathname}: ${sent}. Look at \`authorizationParams()\`, \`clientIDName\`, \`authorizationNames\`, \`scopeSeparator\`, \`scope\`, \`pkce\` and \`endpoints.authorizationURL\`.`,
      )
      throw problem
    }
  }

  /** One whole login that must succeed. */
  async login(user?: string): Promise<{ request: URL; callback: string; login: Login }> {
    const request = await this.begin()
    return { request, ...(await this.follow(request, user)) }
  }

  /** The rest of a login that must succeed, from its authorization request. */
  async follow(request: URL, user?: string): Promise<{ callback: string; login: Login }> {
    const callback = await this.approve(request, user)
    const { login, error, status } = await this.get(callback)
    demand(login && status < 400, `A login that must succeed fails with ${told(error)}.`)
    return { callback, login }
  }

  /** What the app asked the provider from server to server. */
  backChannel(): EmulatorRequest[] {
    return this.emulator.requests.filter(({ endpoint }) => endpoint !== 'authorize')
  }

  /** A turn that must have failed with one of `expected`, and must show no credential. */
  demandFailure(turn: Turn, expected: readonly Outcome[], when: string): OAuthError {
    const { login, error } = turn
    demand(!login, `${when}, somebody is logged in all the same. It must come to ${expected.join(' or ')}.`)
    demand(OAuthError.is(error), `${when}, the login fails with ${told(error)}. It must be an OAuthError.`)
    demand(
      expected.includes(error.code),
      `${when}, it must come to ${expected.join(' or ')}, but comes to ${told(error)}.`,
    )
    demandNoSecret(error, this.secrets())
    return error
  }

  /** Every credential that went over the wire in this world. */
  secrets(): string[] {
    const { clientID, clientSecret } = this.emulator.options
    const found = new Set([
      clientSecret,
      encodeURIComponent(clientSecret),
      btoa(unescape(encodeURIComponent(`${clientID}:${clientSecret}`))),
    ])
    for (const request of this.backChannel()) {
      const named = [...Object.entries(request.query), ...Object.entries(bodyOf(request))]
      for (const [name, value] of named) if (/secret|code|token|verifier/i.test(name)) found.add(value)
      found.add((request.headers.authorization ?? '').replace(/^\w+ /, ''))
    }
    return [...found].filter((secret) => secret.length >= 8)
  }
}

/** Runs `body` in a world of its own. */
export async function inWorld(
  kit: Settled,
  mount: Mount,
  body: (world: World) => Promise<void>,
  options: Record<string, unknown> = {},
): Promise<void> {
  const { emulator, release } = await startEmulatorOf(kit)
  try {
    const name = kit.name ?? emulator.name
    const own = { ...emulator.options, timeout: 4_000, ...kit.options, ...options }
    const app = await (mount === 'oauthRouter' ? routerApp : bareApp)(kit.strategy, name, own)
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

/** The members of a request's body, form or JSON, as text. */
export function bodyOf({ body, headers }: EmulatorRequest): Record<string, string> {
  if (!/json/i.test(headers['content-type'] ?? '')) return Object.fromEntries(new URLSearchParams(body))
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value !== 'object' || value === null) return {}
    return Object.fromEntries(
      Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    )
  } catch {
    return {}
  }
}

/** What the kit says something comes to, or what it comes to with any other dialect. */
export function outcomes(own: Outcome | readonly Outcome[] | undefined, usual: readonly Outcome[]): readonly Outcome[] {
  if (own === undefined) return usual
  return typeof own === 'string' ? [own] : own
}
