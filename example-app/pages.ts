import type { NextFunction, Request, Response } from 'express'
import { STYLE, STYLE_HASH } from './style'
import { en as texts } from './texts'
import type { User } from './users'

/** How a provider is named and marked; the marks are letters on colours of our own, not anyone's logo. */
const LOOKS: Record<string, { title: string; mark: string }> = {
  tailchat: { title: 'Tailchat', mark: 'Tc' },
  tapd: { title: 'TAPD', mark: 'Ta' },
  bbscloud: { title: 'BBScloud', mark: 'Bb' },
  tiktok: { title: 'TikTok', mark: 'Tk' },
  aihubmix: { title: 'AIHubMix', mark: 'Ai' },
}

/** No script, nothing remote but avatars, forms to this app alone. */
export function protectPage(_req: Request, res: Response, next: NextFunction): void {
  res.set({
    'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src https: http: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
  next()
}

/** The one page: buttons for those who are signed out, the profile for those who are in. */
export function sendHome(req: Request, res: Response, providers: string[]): void {
  const user = req.user as User | undefined // what `verify` made of the profile
  res.type('html').send(page(failureOf(req, providers) + (user ? profile(user, providers) : signIn(providers))))
}

function signIn(providers: string[]): string {
  return `<h1>${texts.title}</h1>
<p class="lead">${texts.lead}</p>
<nav>${providers.map((name) => button(name, texts.signInWith)).join('\n')}</nav>`
}

function profile(user: User, providers: string[]): string {
  const others = providers.filter((name) => !user.accounts.some(({ provider }) => provider === name))
  const name = user.displayName || user.id
  const picture = user.photo
    ? `<img class="avatar" src="${escapeHtml(user.photo)}" alt="" width="72" height="72" referrerpolicy="no-referrer">`
    : `<span class="avatar" aria-hidden="true">${escapeHtml([...name][0] ?? '')}</span>`
  const email = user.email ? `<dt>${texts.email}</dt><dd>${escapeHtml(user.email)}</dd>` : ''
  const connect =
    others.length > 0
      ? `<h2>${texts.connectMore}</h2><nav>${others.map((other) => button(other, texts.connect)).join('\n')}</nav>`
      : ''
  return `<header>${picture}<div><p class="lead">${texts.signedInAs}</p><h1>${escapeHtml(name)}</h1></div></header>
<dl><dt>${texts.provider}</dt><dd>${escapeHtml(titleOf(user.provider))}</dd><dt>${texts.id}</dt><dd>${escapeHtml(user.id)}</dd>${email}</dl>
<h2>${texts.connected}</h2>
<ul class="logins">${user.accounts.map(account).join('\n')}</ul>
${connect}
<form method="post" action="/auth/logout"><button class="plain">${texts.signOut}</button></form>`
}

function account({ provider, displayName, scope }: User['accounts'][number]): string {
  const details = `${displayName} · ${scope.join(', ') || texts.noScopes}`
  return `<li>${mark(provider)}<span>${escapeHtml(titleOf(provider))}<small>${escapeHtml(details)}</small></span></li>`
}

/** The friendly sentence for `?error=CODE&provider=NAME`; nothing of the address is shown as it stands. */
function failureOf(req: Request, providers: string[]): string {
  const { error, provider } = req.query
  if (typeof error !== 'string') return ''
  const sentence = Object.entries(texts.failures).find(([code]) => code === error)?.[1] ?? texts.unknownFailure
  const known = providers.find((name) => name === provider)
  const title = texts.failed(known === undefined ? texts.someProvider : titleOf(known))
  return `<div class="failure" role="alert"><strong>${escapeHtml(title)}</strong><p>${escapeHtml(sentence)}</p><a href="/">${texts.back}</a></div>`
}

function button(name: string, label: (title: string) => string): string {
  return `<a class="button" href="/auth/${encodeURIComponent(name)}">${mark(name)}<span>${escapeHtml(label(titleOf(name)))}</span></a>`
}

function mark(name: string): string {
  const look = lookOf(name)
  return `<span class="mark ${look ? name : ''}" aria-hidden="true">${look?.mark ?? escapeHtml(name.slice(0, 2))}</span>`
}

/** A second instance, such as `tapd-cloud`, goes by the name that the app's own config gives it. */
function titleOf(name: string): string {
  return lookOf(name)?.title ?? name
}

function lookOf(name: string) {
  return Object.hasOwn(LOOKS, name) ? LOOKS[name] : undefined
}

function page(body: string): string {
  return `<!doctype html>
<html lang="${texts.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>passport-dialects example</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
