import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'
import { meaningOf } from '../error-codes'
import type { OAuthError } from '../errors'
import { escapeHtml } from '../util/escape-html'
import { PAGE_TEXTS, type PageTexts } from './page-texts'
import { safeReturnTo } from './return-to'

/** The links of a failure page. */
export interface WaysOn {
  /** Starts the login again, if there is such an address. */
  again: string | undefined
  /** The app's start page: `successRedirect`, the only address that the router knows. */
  start: string
}

/** The response to a failed login without `failureRedirect`: a short page, or JSON for clients that ask for it. */
export function sendFailure(req: Request, res: Response, error: OAuthError, { again, start }: WaysOn): void {
  if (wantsJson(req)) {
    sendFailureToScript(res, error)
    return
  }
  res.status(error.status)
  protect(res)
  const texts = textsFor(req, res)
  // safeReturnTo, because a path that begins with two slashes would lead to another host.
  const retry = meaningOf(error.code).final ? undefined : safeReturnTo(again)
  // Fixed sentences only: the provider's words belong in the log.
  sendPage(
    res,
    texts,
    texts.failed,
    [texts.sentence(error), texts.code(error)],
    [...(retry === undefined ? [] : [{ href: retry, text: texts.again }]), { href: start, text: texts.start }],
  )
}

/** The same for a script, whatever it accepts: no redirect, no page. */
export function sendFailureToScript(res: Response, error: OAuthError): void {
  res.status(error.status)
  protect(res)
  // The code's own sentence: the provider's words belong in the log.
  const { code, provider } = error
  res.json({ error: { code, provider, message: isOurs(error) ? error.message : meaningOf(code).message } })
}

/** The response for a provider that is not configured. */
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

/** Errors of the set-up are worded by this package, and name only options. */
function isOurs({ code }: OAuthError): boolean {
  return code === 'config_invalid' || code === 'session_missing'
}

/** The links of the confirmation page. */
export interface Confirmation {
  provider: string
  /** The requested address: the button requests it again, from a page of this app. */
  action: string
  /** The app's start page. */
  start: string
}

/**
 * The page before a login that another site caused while somebody is logged in: without a press of the button, nothing
 * is linked (see CVE-2015-9284).
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

/** What the callback page of a popup tells its opener. It contains no token and no user. */
export interface PopupResult {
  provider: string
  ok: boolean
  code?: string
}

/**
 * The callback page of a popup. It posts its result to the opener, only at this origin; sends it on a
 * `BroadcastChannel`, for openers cut off by Cross-Origin-Opener-Policy; and closes its window.
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

/**
 * Headers of every response of the router: it is not cached or framed, and sends no referrer (RFC 9700 §4.2.4, §4.16).
 */
export function protect(res: Response): void {
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Referrer-Policy', 'no-referrer')
  res.setHeader('X-Content-Type-Options', 'nosniff')
}

/** The response to a login that an image, a script or a frame requested. */
export function sendNoNavigation(res: Response): void {
  const message = 'A login starts when the browser opens this address, not when a page loads it.'
  res.status(403).json({ error: { code: 'no_navigation', message } })
}

/** The response to a request that must come from a page of this app, and does not. */
export function sendCrossSite(res: Response, message: string): void {
  res.status(403).json({ error: { code: 'cross_site', message } })
}

/** Redirects to an already escaped address. There is no body, because nobody would see it. */
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

// Constant, so that its hash is constant: its data is in attributes of the page.
const POPUP_SCRIPT = `{
const { provider, ok, code } = document.documentElement.dataset
const result = { type: 'passport-dialects', provider, ok: ok === '1', ...(code && { code }) }
try { opener?.postMessage(result, location.origin) } catch {}
try { const channel = new BroadcastChannel('passport-dialects'); channel.postMessage(result); channel.close() } catch {}
setTimeout(close, 100)
}`
const POPUP_HASH = createHash('sha256').update(POPUP_SCRIPT).digest('base64')
