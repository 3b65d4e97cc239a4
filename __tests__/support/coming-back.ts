import type { FormPost } from 'passport-dialects/emulators'
import { Browser } from './browser'

/** Posts a callback as a page of the provider does: from a site whose requests have no cookie of the app. */
export function postFromElsewhere({ url, fields }: FormPost, headers: Record<string, string> = {}): Promise<Response> {
  const elsewhere = { origin: 'https://appleid.apple.com', 'sec-fetch-site': 'cross-site', ...headers }
  return new Browser().post(url, { ...fields }, elsewhere)
}

/** The form of the page that posts again, as a browser would read it. */
export function fieldsOf(html: string): Record<string, string> {
  const inputs = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  const unescaped = (text: string) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  return Object.fromEntries(inputs.map(([, name = '', value = '']) => [unescaped(name), unescaped(value)]))
}

/** The whole way back: first from the provider without a cookie, then from the app's own page with the browser's. */
export async function comeBack(
  browser: Browser,
  posted: FormPost,
  headers?: Record<string, string>,
): Promise<Response> {
  const page = await postFromElsewhere(posted)
  if (page.status !== 200) return page
  return browser.post(posted.url, fieldsOf(await page.text()), { origin: 'null', ...headers })
}
