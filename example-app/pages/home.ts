import type { RequestHandler } from 'express'
import type { AppOptions } from '../app'
import { ONE_CLICK } from '../emulated'
import type { User } from '../users'
import { account } from './account'
import { failure } from './failure'
import { layout } from './layout'
import { loginLink, popupChoice, type View, viewOf } from './view'

/** The one address of the app: the logins for those who are signed out, the account for those who are in. */
export function home(options: AppOptions): RequestHandler {
  return async (req, res) => {
    const view = viewOf(req, options)
    const user = req.user as User | undefined // what `verify` made of the profile
    const body = user ? await account(view, user) : signIn(view)
    res
      .type('html')
      .send(layout(view, user?.displayName || view.texts.title, failure(view) + body, user ? 'account' : ''))
  }
}

function signIn(view: View): string {
  const { texts, providers, title, emulated } = view
  const labels = (name: string) => (name === ONE_CLICK ? title(name) : texts.signInWith(title(name)))
  const link = (name: string) => {
    const kind = name === ONE_CLICK ? ' class="aside"' : ''
    return `<li${kind}>${loginLink(view, name, labels(name))}</li>`
  }
  const inside = emulated.tapd ? `<p class="more"><a href="/inside-tapd">${texts.insideTapd}</a></p>` : ''
  return `<h1>${texts.title}</h1>
<p class="soft">${texts.lead}</p>
<ul class="logins">${providers.map(link).join('\n')}</ul>
${popupChoice(view)}${inside}`
}
