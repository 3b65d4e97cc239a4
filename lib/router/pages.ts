import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { meaningOf } from '../error-codes'
import type { OAuthError } from '../errors'
import { escapeHtml } from '../util/escape-html'
import { PAGE_TEXTS, type PageTexts } from './page-texts'
import { safeReturnTo } from './return-to'

/** Where the page of a failure leads on to. */
export interface WaysOn {
  /** Where the login begins anew, where there is such a place. */
  again: string | undefined
  /** The app's own address: `successRedirect`, the only one that the router knows. */
  start: string
}

/** What a failed login answers where the app gives no `failureRedirect`: a short page, or JSON for those who ask for it. */
export function sendFailure(req: Request, res: Response, error: OAuthError, { again, start }: WaysOn): void {
  if (wantsJson(req)) {
    sendFailureToScript(res, error)
    return
  }
  res.status(error.status)
  protect(res)
  const texts = textsFor(req, res)
  // A path that begins with two slashes would lead to another host.
  const retry = meaningOf(error.code).final ? undefined : safeReturnTo(again)
  // Fixed sentences only: a provider's own words are for the log, not for the page.
  sendPage(
    res,
    texts,
    texts.failed,
    [texts.sentence(error), texts.code(error)],
    [...(retry === undefined ? [] : [{ href: retry, text: texts.again }]), { href: start, text: texts.start }],
  )
}

/** The same to a script, whatever it accepts: no redirect, no page. */
export function sendFailureToScript(res: Response, error: OAuthError): void {
  res.status(error.status)
  protect(res)
  // The code's own sentence: the provider's words are for the log, not for whoever asks.
  const { code, provider } = error
  res.json({ error: { code, provider, message: isOurs(error) ? error.message : meaningOf(code).message } })
}

/** The answer to a provider that is not configured. */
export function sendUnknownProvider(req: Request, res: Response, start: string): void {
  res.status(404)
  protect(res)
  const message = PAGE_TEXTS.en.noProvider
  if (wantsJson(req)) {
    res.json({ error: { code: 'not_found', message } })
    return
  }
  const texts = textsFor(req, res)
  sendPage(res, texts, texts.notFound, [texts.noProvider], [{ href: start, text: texts.start }])
}

/** A failure of the set-up is worded here, and names nothing but options. */
function isOurs({ code }: OAuthError): boolean {
  return code === 'config_invalid' || code === 'session_missing'
}

/** Where the page before a link leads. */
export interface Confirmation {
  provider: string
  /** The address that was asked for: the button asks for it again, from a page of this app. */
  action: string
  /** The app's own start. */
  start: string
}

/**
 * The page before a login that another site caused while somebody is logged in: nothing is linked before the person
 * pressed the button (CVE-2015-9284 and its kind).
 */
export function sendConfirmation(req: Request, res: Response, { provider, action, start }: Confirmation): void {
  const texts = textsFor(req, res)
  const { pathname, search } = new URL(action.replace(/^\/{2,}/, '/'), 'http://localhost')
  sendPage(
    res,
    texts,
    texts.confirm(provider),
    [texts.confirmWhy(provider)],
    [
      { href: pathname + search, text: texts.confirmButton },
      { href: start, text: texts.start },
    ],
  )
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
export function sendPopupResult(req: Request, res: Response, { provider, ok, code = '' }: PopupResult): void {
  protect(res)
  const { lang, loggedIn, failed, closeWindow } = textsFor(req, res)
  const title = ok ? loggedIn : failed
  res.set('Content-Security-Policy', `default-src 'none'; script-src 'sha256-${POPUP_HASH}'; frame-ancestors 'none'`)
  res.type('html').send(`<!doctype html>
<html lang="${lang}" data-provider="${escapeHtml(provider)}" data-ok="${ok ? 1 : ''}" data-code="${escapeHtml(code)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${closeWindow}</p>
</main>
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

/** A login that an image, a script or a frame asked for. */
export function sendNoNavigation(res: Response): void {
  const message = 'A login starts when the browser opens this address, not when a page loads it.'
  res.status(403).json({ error: { code: 'no_navigation', message } })
}

/** What must come from a page of this app, and does not. */
export function sendCrossSite(res: Response, message: string): void {
  res.status(403).json({ error: { code: 'cross_site', message } })
}

/** A redirect to an address that is escaped already, without a page of its own: whoever would see it follows. */
export function sendRedirect(res: Response, status: 302 | 303, location: string): void {
  res.statusCode = status
  res.setHeader('Location', location)
  res.end()
}

function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json'
}

function textsFor(req: Request, res: Response): PageTexts {
  res.vary('Accept-Language')
  return req.acceptsLanguages(Object.keys(PAGE_TEXTS)) === 'zh' ? PAGE_TEXTS.zh : PAGE_TEXTS.en
}

interface Link {
  href: string
  text: string
}

function sendPage(res: Response, { lang }: PageTexts, title: string, lines: string[], links: Link[]): void {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')
  const anchors = links.map(({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`).join('\n')
  res.set('Content-Security-Policy', `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`)
  res.type('html').send(`<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${paragraphs}
<p>
${anchors}
</p>
</main>
</body>
</html>
`)
}

const STYLE =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}a{color:inherit;display:inline-block;padding:.5rem 0;margin-inline-end:1.5rem}'
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
