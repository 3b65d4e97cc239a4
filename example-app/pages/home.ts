import type { RequestHandler } from 'express'
import { ONE_CLICK } from '../emulated'
import type { AppOptions } from '../options'
import type { User } from '../users'
import { account } from './account'
import { failure } from './failure'
import { layout } from './layout'
import { escapeHtml, searchWords } from './marks'
import { loginLink, popupChoice, type View, viewOf } from './view'

/** The app's only page: the logins if the user is signed out, the account if signed in. */
export function home(options: AppOptions): RequestHandler {
  return async (req, res) => {
    const view = viewOf(req, options)
    const user = req.user as User | undefined // from `verify`
    const body = user ? await account(view, user) : signIn(view)
    res
      .type('html')
      .send(layout(view, user?.displayName || view.texts.title, failure(view) + body, pageKind(view, user)))
  }
}

function pageKind({ providers }: View, user: User | undefined): string {
  if (user) return 'account'
  return providers.length > MANY ? 'wide' : ''
}

/** From this number on, logins are in columns and can be searched. */
const MANY = 8

function signIn(view: View): string {
  const { texts, providers, title, emulated } = view
  const isMany = providers.length > MANY
  const labels = (name: string) => (name === ONE_CLICK ? title(name) : texts.signInWith(title(name)))
  const link = (name: string) => {
    const kind = name === ONE_CLICK && !isMany ? ' class="aside"' : '' // beside the one before it
    const words = escapeHtml(searchWords(name).join(' '))
    return `<li${kind} data-words="${words}">${loginLink(view, name, labels(name), isMany ? title(name) : undefined)}</li>`
  }
  const inside = emulated.tapd ? `<p class="more"><a href="/inside-tapd">${texts.insideTapd}</a></p>` : ''
  return `<h1>${texts.title}</h1>
<p class="soft">${texts.lead}</p>
${isMany ? search(view) : ''}<ul class="logins${isMany ? ' many' : ''}">${providers.map(link).join('\n')}</ul>
${popupChoice(view)}${inside}`
}

/** Shown only with scripts, which search. */
function search({ texts }: View): string {
  return `<div class="search" hidden><input type="search" id="search" autocomplete="off" spellcheck="false" placeholder="${escapeHtml(texts.search)}" aria-label="${escapeHtml(texts.search)}">
<p class="soft" role="status" id="found" data-none="${escapeHtml(texts.nothingFound)}"></p></div>`
}
