import { OAuthError, type TokenSet } from 'passport-dialects'
import { keyOf, secondsLeft } from '../actions'
import { ONE_CLICK } from '../emulated'
import type { Account, User } from '../users'
import { escapeHtml, markOf } from './marks'
import { loginLink, popupChoice, type View } from './view'

/** The user who is signed in, the accounts, and what can be done with them. */
export async function account(view: View, user: User): Promise<string> {
  const { texts, providers, req, title } = view
  const logins = await Promise.all(user.accounts.map((account) => loginOf(view, account)))
  const connected = user.accounts.filter(
    ({ provider, tokenless }) => tokenless || req.oauth.tokenKey(provider) !== undefined,
  )
  const isConnected = (name: string) => connected.some(({ provider }) => provider === name)
  const others = providers.filter((name) => !isConnected(name) && !(name === ONE_CLICK && isConnected('aihubmix')))
  const links = others.map((name) => `<li>${loginLink(view, name, texts.connect(title(name)))}</li>`)
  const email = user.email ? row(texts.email, escapeHtml(user.email)) : ''
  return `<section class="person">${picture(user)}<div><p class="soft">${texts.signedInAs}</p><h1>${escapeHtml(user.displayName || user.id)}</h1></div></section>
<dl class="facts">${row(texts.id, escapeHtml(user.id))}${email}</dl>
<h2>${texts.connected}</h2>
${logins.some(Boolean) ? `<ul class="accounts">${logins.join('\n')}</ul>` : `<p class="soft">${texts.nothingConnected}</p>`}
${links.length > 0 ? `<h2>${texts.connectMore}</h2>\n<ul class="logins compact">${links.join('\n')}</ul>\n${popupChoice(view)}` : ''}
<form method="post" action="/auth/logout"><button class="button wide">${texts.signOut}</button></form>`
}

/** One connected account; empty if its login has ended. */
async function loginOf(view: View, { provider, displayName, balance, tokenless }: Account): Promise<string> {
  const { texts, req } = view
  let tokens: TokenSet | undefined
  let problem = ''
  try {
    tokens = await req.oauth.tokens(provider)
    if (!tokens && !tokenless) return ''
  } catch (error) {
    if (!OAuthError.is(error)) throw error
    problem = `<p class="problem">${escapeHtml(texts.failures[error.code])}</p>`
  }
  const name = encodeURIComponent(provider)
  const money = req.session.balances?.[keyOf(req, provider)] ?? balance
  const [place, number] = placeOf(tokens?.raw.resource, view)
  const facts = [
    tokenless && row(texts.tokenEnds, texts.noToken),
    tokens && row(texts.scopes, scopes(tokens.scope) || texts.noScopes),
    tokens && row(texts.tokenEnds, life(view, provider, tokens)),
    place && row(place, escapeHtml(number ?? '')),
    money &&
      row(
        texts.balance,
        `<output class="amount" data-balance="${escapeHtml(provider)}">${escapeHtml(money)}</output> <span class="soft" role="status"></span>`,
      ),
  ]
  const buttons = [
    money &&
      `<form method="post" action="/balance/${name}" data-refreshes="${escapeHtml(provider)}" data-fresh="${texts.balanceFresh}"><button class="button">${texts.refreshBalance}</button></form>
<a class="button" href="/top-up/${name}" target="_blank" rel="noopener">${texts.topUp}</a>`,
    !tokenless &&
      `<form method="post" action="/disconnect/${name}"><button class="button">${texts.disconnect}</button></form>`,
  ]
  return `<li><div class="whose">${markOf(provider, view.title(provider))}<div><h3>${escapeHtml(view.title(provider))}</h3><p class="soft">${escapeHtml(displayName)}</p></div></div>
${problem}<dl class="facts">${facts.filter(Boolean).join('')}</dl>
<div class="row">${buttons.filter(Boolean).join('\n')}</div></li>`
}

/** A countdown; without scripts, the time that was left when the page was made. */
function life({ texts }: View, provider: string, { expiresAt, refreshToken }: TokenSet): string {
  const left = secondsLeft(expiresAt)
  if (left === undefined) return texts.tokenForever
  const renews = refreshToken !== undefined
  const words = `data-renewed="${texts.tokenRenewed}" data-ended="${texts.tokenEnded}"`
  return `<span class="life" data-life="${escapeHtml(provider)}" data-left="${left}"${renews ? ' data-renews' : ''} ${words}><span><time>${clock(left)}</time> ${texts.tokenLeft}${renews ? ` · <span role="status">${texts.tokenRenews}</span>` : ''}</span><progress max="${left}" value="${left}" aria-hidden="true"></progress></span>`
}

/** The same format as in page.mjs. */
function clock(seconds: number): string {
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0')
  const hours = seconds >= 3600 ? `${Math.floor(seconds / 3600)}:` : ''
  return `${hours}${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
}

/** What TAPD's token names besides the user: a project or a company. */
function placeOf(resource: unknown, { texts }: View): [name: string, number: string] | [] {
  const { workspace_id, company_id } = (resource ?? {}) as Record<string, unknown> // any JSON
  if (workspace_id !== undefined) return [texts.project, String(workspace_id)]
  return company_id === undefined ? [] : [texts.company, String(company_id)]
}

function picture({ photo, displayName, id }: User): string {
  const initial = escapeHtml([...(displayName || id)][0] ?? '')
  const shown = photo && isReachable(photo)
  const image = shown
    ? `<img src="${escapeHtml(photo)}" alt="" width="72" height="72" referrerpolicy="no-referrer">`
    : ''
  return `<span class="avatar" aria-hidden="true">${initial}${image}</span>`
}

/** The emulators' pictures are at `.example`, which does not exist; the content security policy allows only https. */
function isReachable(photo: string): boolean {
  if (!URL.canParse(photo)) return false
  const { protocol, hostname } = new URL(photo)
  return protocol === 'https:' && !hostname.endsWith('.example')
}

function scopes(scope: readonly string[]): string {
  return scope.map((name) => `<code>${escapeHtml(name)}</code>`).join(' ')
}

function row(name: string, value: string): string {
  return `<dt>${name}</dt><dd>${value}</dd>`
}
