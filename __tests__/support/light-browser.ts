import { Agent } from 'undici'

/** Kept-alive connections for many logins; `close` it. */
export function connections(perOrigin: number): Agent {
  return new Agent({ connections: perOrigin, pipelining: 1, keepAliveTimeout: 30_000 })
}

export interface LightAnswer {
  status: number
  location: string | undefined
  text: string
}

/** The cheapest possible browser for one app: one cookie jar, no redirects followed, no `fetch`. */
export class LightBrowser {
  private readonly cookies = new Map<string, string>()

  constructor(
    private readonly app: string,
    private readonly agent: Agent,
  ) {}

  async get(address: string): Promise<LightAnswer> {
    const { origin, pathname, search } = new URL(address, this.app)
    const own = origin === this.app
    const cookie = own ? [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') : ''
    const answer = await this.agent.request({
      origin,
      path: pathname + search,
      method: 'GET',
      headers: { accept: 'application/json', ...(cookie && { cookie }) },
    })
    const text = await answer.body.text()
    if (own) this.keep(answer.headers['set-cookie'])
    const { location } = answer.headers
    return { status: answer.statusCode, location: location === undefined ? undefined : String(location), text }
  }

  /** The address of a redirect. @throws Error with the response if there is none */
  async follow(address: string): Promise<string> {
    const { status, location, text } = await this.get(address)
    if (location === undefined) throw new Error(`${address.split('?')[0]} answered ${status}: ${text.slice(0, 300)}`)
    return new URL(location, new URL(address, this.app)).href
  }

  private keep(lines: string | string[] | undefined): void {
    for (const line of [lines ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.cookies.set(name, value)
    }
  }
}
