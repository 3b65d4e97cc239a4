import { PATIENCE, Stopwatch } from './stopwatch'

/** Acts as the browser in a login: keeps cookies per host, and follows no redirect by itself. */
export class Browser {
  private readonly jar = new Map<string, Map<string, string>>()

  get(url: string): Promise<Response> {
    return this.send(url, { method: 'GET' }, true)
  }

  /**
   * Posts a form.
   * @param withCookies false if the page that posts it is another site's
   * @param origin the page's origin, if it sends one
   */
  post(url: string, form: string, { withCookies = true, origin = '' } = {}): Promise<Response> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...(origin && { origin }) }
    return this.send(url, { method: 'POST', body: form, headers }, withCookies)
  }

  private async send(url: string, init: RequestInit, withCookies: boolean): Promise<Response> {
    const { host } = new URL(url)
    const cookies = this.jar.get(host) ?? new Map<string, string>()
    const cookie = withCookies ? [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') : ''
    const headers = { accept: 'application/json', ...init.headers, ...(cookie && { cookie }) }
    const watch = new Stopwatch(PATIENCE)
    const { signal } = watch
    const answer = await fetch(url, { ...init, headers, redirect: 'manual', signal }).finally(() => watch.stop())
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    this.jar.set(host, cookies)
    return answer
  }
}
