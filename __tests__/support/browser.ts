/** Acts as the browser in a login: keeps cookies per host, and follows no redirect by itself. */
export class Browser {
  private readonly jar = new Map<string, Map<string, string>>()

  async get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send(url, { method: 'GET', headers })
  }

  async post(url: string, form: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.send(url, { method: 'POST', headers, body: new URLSearchParams(form) })
  }

  /** The absolute address of a redirect; throws with the response's text if there is none. */
  async location(url: string): Promise<string> {
    const answer = await this.get(url)
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
    return new URL(location, url).href
  }

  cookies(url: string): string {
    const cookies = this.jar.get(new URL(url).host) ?? new Map<string, string>()
    return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  setCookie(url: string, name: string, value: string): void {
    const { host } = new URL(url)
    const cookies = this.jar.get(host) ?? new Map<string, string>()
    this.jar.set(host, cookies.set(name, value))
  }

  /** Copies this browser's cookies from one address to another: real browsers ignore ports. */
  at(from: string, to: string): Browser {
    const moved = new Browser()
    for (const [name, value] of this.jar.get(new URL(from).host) ?? []) moved.setCookie(to, name, value)
    return moved
  }

  private async send(url: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> {
    const cookie = this.cookies(url)
    const headers = { ...init.headers, ...(cookie && { cookie }) }
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      this.setCookie(url, pair.slice(0, at), pair.slice(at + 1))
    }
    return answer
  }
}

/** What the apps of these tests return as JSON. */
export interface Told {
  user: Record<string, unknown> | null
  providers: { name: string; scope: string[]; expiresAt?: string }[]
  error: { code: string; provider: string; message: string }
  code?: string
  info?: Record<string, unknown>
  sessionID?: string
  unhandled?: string
}

export async function told(answer: Response | Promise<Response>): Promise<Told> {
  return (await (await answer).json()) as Told // these tests' own apps
}
