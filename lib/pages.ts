import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { ERROR_CODES, type OAuthError } from './errors'

/** What a failed login answers where the app gives no `failureRedirect`: a short page, or JSON for those who ask for it. */
export function sendFailure(req: Request, res: Response, error: OAuthError): void {
  res.status(error.status)
  protect(res)
  if (wantsJson(req)) {
    const { code, provider, message } = error
    res.json({ error: { code, provider, message } })
    return
  }
  // The fixed sentence only: a provider's own words are for the log, not for the page.
  const sentence = ERROR_CODES[error.code].message.replaceAll('`', '')
  sendPage(res, 'Login failed', [sentence, `Code: ${error.code}`])
}

/** The answer to a provider that is not configured. */
export function sendUnknownProvider(req: Request, res: Response): void {
  res.status(404)
  protect(res)
  const message = 'There is no such login provider here.'
  if (wantsJson(req)) res.json({ error: { code: 'not_found', message } })
  else sendPage(res, 'Not found', [message])
}

/** What the callback page of a popup tells the window that opened it. No token and no user is in it. */
export interface PopupResult {
  provider: string
  ok: boolean
  code?: string
}

/**
 * The callback page of a popup: posts its result to the opener at exactly this origin, says the same on a
 * `BroadcastChannel` for openers that Cross-Origin-Opener-Policy has cut off, and closes its window.
 */
export function sendPopupResult(res: Response, { provider, ok, code = '' }: PopupResult): void {
  protect(res)
  res.set('Content-Security-Policy', `default-src 'none'; script-src 'sha256-${POPUP_HASH}'; frame-ancestors 'none'`)
  res.type('html').send(`<!doctype html>
<html lang="en" data-provider="${escapeHtml(provider)}" data-ok="${ok ? 1 : ''}" data-code="${escapeHtml(code)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${ok ? 'Logged in' : 'Login failed'}</title>
</head>
<body>
<p>${ok ? 'You are logged in.' : 'The login failed.'} You can close this window.</p>
<script>${POPUP_SCRIPT}</script>
</body>
</html>
`)
}

/** Headers of every answer of ours: nothing is kept, framed or told to the next page (RFC 9700 §4.2.4, §4.16). */
export function protect(res: Response): void {
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Referrer-Policy', 'no-referrer')
  res.setHeader('X-Content-Type-Options', 'nosniff')
}

/** A redirect without a page of its own: what Express's writes goes to programs that follow none. */
export function sendRedirect(res: Response, status: 302 | 303, location: string): void {
  res.statusCode = status
  res.setHeader('Location', location.replace(/[^\x21-\x7e]+/g, encodeURIComponent))
  res.setHeader('Content-Length', '0')
  res.end()
}

function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json'
}

function sendPage(res: Response, title: string, lines: string[]): void {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')
  res.set('Content-Security-Policy', `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`)
  res.type('html').send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${paragraphs}
</body>
</html>
`)
}

const STYLE =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}'
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

// Constant, so that its hash is: what it says stands in attributes of the page.
const POPUP_SCRIPT = `{
const { provider, ok, code } = document.documentElement.dataset
const result = { type: 'passport-dialects', provider, ok: ok === '1', ...(code && { code }) }
try { opener?.postMessage(result, location.origin) } catch {}
try { const channel = new BroadcastChannel('passport-dialects'); channel.postMessage(result); channel.close() } catch {}
setTimeout(close, 100)
}`
const POPUP_HASH = createHash('sha256').update(POPUP_SCRIPT).digest('base64')

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
