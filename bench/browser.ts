import { Agent, request } from 'undici'

const agent = new Agent({ connections: 32, headersTimeout: 15_000, bodyTimeout: 15_000, keepAliveTimeout: 30_000 })

export interface Page {
  status: number
  location: string | undefined
  text: string
}

/** Closes the connections of all browsers. */
export function closeBrowsers(): Promise<void> {
  return agent.destroy()
}

/** A browser that has never been here: its cookies start empty. */
export class Browser {
  private readonly cookies = new Map<string, string>()

  constructor(readonly origin: string) {}

  get(path: string): Promise<Page> {
    return this.visit(path, { method: 'GET', headers: {} })
  }

  post(path: string, type: string, body: string): Promise<Page> {
    return this.visit(path, { method: 'POST', headers: { 'content-type': type, origin: this.origin }, body })
  }

  private async visit(
    path: string,
    options: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
  ): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = cookie === '' ? options.headers : { ...options.headers, cookie }
    const {
      statusCode,
      headers: answered,
      body,
    } = await request(`${this.origin}${path}`, {
      ...options,
      headers,
      dispatcher: agent,
    })
    this.keep(answered['set-cookie'])
    const { location } = answered
    return {
      status: statusCode,
      location: typeof location === 'string' ? location : undefined,
      text: await body.text(),
    }
  }

  private keep(header: string | string[] | undefined): void {
    for (const line of header === undefined ? [] : [header].flat()) {
      const [pair = ''] = line.split(';', 1)
      const at = pair.indexOf('=')
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
      if (value === '' || /;\s*max-age=0/i.test(line) || /;\s*expires=thu, 01 jan 1970/i.test(line))
        this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
  }
}
