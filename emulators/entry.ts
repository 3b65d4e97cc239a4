import { withParams } from './authorize'
import { userButtons } from './consent-page'
import { noSuchUser, page, refusalPage } from './page'
import type { Call, Reply, Route } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/**
 * `GET /entry?redirect=<the app's entry address>&user=<id>` opens the app like a provider's silent login: with a code,
 * and nothing else. Without `user`, it uses the first one; without `redirect`, a page asks for it.
 */
export function entryRoute(provider: string, settings: Settings, entryCode: (user: EmulatorUser) => string): Route {
  const handle = ({ query }: Call): Reply => {
    const redirect = query.get('redirect')
    if (redirect === null) return entryPage(provider, settings.users)
    const wanted = query.get('user')
    const user = wanted === null ? settings.users[0] : settings.users.find(({ id }) => id === wanted)
    if (!user) return noSuchUser(400, provider, settings.users)
    if (!/^https?:\/\//.test(redirect) || !URL.canParse(redirect)) {
      return refusalPage(400, provider, 'redirect', ({ wrong }) => wrong.entryAddress)
    }
    return { location: withParams(redirect, { code: entryCode(user) }) }
  }
  return { method: 'GET', path: '/entry', endpoint: 'authorize', handle }
}

function entryPage(provider: string, users: readonly EmulatorUser[]): Reply {
  return page(provider, (texts) => ({
    heading: texts.entryTitle(provider),
    body: `<p class="soft">${texts.entryHint}</p>
<form method="get">
<div><label class="label" for="redirect">${texts.entryAddress}</label>
<input type="url" id="redirect" name="redirect" required value="http://127.0.0.1:3000/auth/tapd/entry"></div>
<fieldset>
<legend>${texts.chooseUser}</legend>
<div class="buttons">
${userButtons(users, texts)}
</div>
</fieldset>
</form>`,
  }))
}
