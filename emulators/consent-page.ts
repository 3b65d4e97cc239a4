import { FAULTS } from './fault-names'
import { type FaultGroup, groupOf } from './faults'
import { escapeHtml, page } from './page'
import type { Reply } from './reply'
import { scanCode } from './scan-code'
import type { Texts } from './texts'
import type { EmulatorProject, EmulatorUser, FaultEndpoint, PlaceKind } from './types'

/** What the page shows of the app: its client id, the scopes, and what the user may choose. */
export interface Consent {
  provider: string
  clientID: string
  scope: readonly string[]
  /** If users may untick scopes: the scopes that are ticked at first. */
  ticked?: readonly string[]
  place?: Place
  /** The provider's colour, in six hex digits (`#0e5fd8`). It must be dark enough for white text. */
  accent?: string
  /** Whether the login is by QR code: then the page draws one, as the provider's does. */
  scan?: boolean
}

/** What a user chooses at the login, besides the scopes: a project, a company, a workspace, a shop. */
export interface Place {
  kind: PlaceKind
  options: readonly EmulatorProject[]
  /** The id that is selected at first. Without it none is selected, and the user may choose none. */
  first?: string | undefined
}

/**
 * The page on which a user agrees or refuses. Its form posts back to its own address.
 * @param view identifies one view of the page: pressing twice is answered once
 */
export function consentPage(
  consent: Consent,
  { users, steps, view }: { users: readonly EmulatorUser[]; steps: readonly FaultEndpoint[]; view: string },
): Reply {
  const content = (texts: Texts) => ({
    heading: texts.wants(consent.provider),
    body: `<p class="soft">${texts.labelled(texts.app, `<code>${escapeHtml(consent.clientID)}</code>`)}</p>
${scan(consent, texts)}<form method="post">
<input type="hidden" name="view" value="${view}">
${[scopes(consent, texts), place(consent.place, texts), failure(steps, texts)].filter(Boolean).join('\n')}
<fieldset>
<legend>${texts.chooseUser}</legend>
<div class="buttons">
${userButtons(users, texts)}
</div>
</fieldset>
<button name="deny" value="1" class="deny">${texts.deny}</button>
</form>`,
  })
  return page(consent.provider, content, { accent: consent.accent })
}

/** The code cannot be scanned: the picture shows which login it is, and the text says what to do instead. */
function scan({ scan, clientID, provider }: Consent, texts: Texts): string {
  if (!scan) return ''
  return `<div class="scan">${scanCode(clientID)}<p class="soft">${escapeHtml(texts.scan(provider))}</p></div>\n`
}

/** One button per user; pressing it agrees. */
export function userButtons(users: readonly EmulatorUser[], texts: Texts): string {
  const knowsEmail = users.some(({ email }) => email !== undefined)
  return users
    .map(({ id, name, email }) => {
      const details = knowsEmail ? [id, email ?? texts.noEmail] : [id]
      const label = `${escapeHtml(texts.continueAs(name))} <small>${details.map(escapeHtml).join(' · ')}</small>`
      const mark = `<span class="mark" aria-hidden="true">${escapeHtml([...name][0] ?? '')}</span>`
      return `<button name="user" value="${escapeHtml(id)}">${mark}<span class="who">${label}</span></button>`
    })
    .join('\n')
}

function scopes({ scope, ticked }: Consent, texts: Texts): string {
  if (scope.length === 0) return ''
  const codes = scope.map((name) => ({ name, code: `<code>${escapeHtml(name)}</code>` }))
  const list = ticked
    ? codes.map(({ name, code }) => {
        const box = `<input type="checkbox" name="scope" value="${escapeHtml(name)}"${ticked.includes(name) ? ' checked' : ''}>`
        return `<label class="check">${box} ${code}</label>`
      })
    : [`<ul>${codes.map(({ code }) => `<li>${code}</li>`).join('')}</ul>`]
  const hint = ticked ? `\n<p class="hint">${texts.untick}</p>` : ''
  return `<fieldset>\n<legend>${texts.asksFor}</legend>\n${list.join('\n')}${hint}\n</fieldset>`
}

function place(asked: Place | undefined, texts: Texts): string {
  if (!asked) return ''
  const none = asked.first === undefined ? [option('', texts.noProject, true)] : []
  const options = asked.options.map(({ id, name }) => option(id, `${name} (${id})`, id === asked.first))
  return select('project', texts.place[asked.kind], [...none, ...options], texts.placeHint[asked.kind])
}

/** Closed until it is opened: a summary needs no script. */
function failure(steps: readonly FaultEndpoint[], texts: Texts): string {
  const groups = (Object.keys(texts.groups) as FaultGroup[]).map((group) => {
    const inside = FAULTS.filter((fault) => groupOf(fault) === group)
    const options = inside.map((fault) => option(fault, texts.labelled(fault, texts.faults[fault]), false))
    return `<optgroup label="${texts.groups[group]}">${options.join('')}</optgroup>`
  })
  const step = [option('', texts.nothingFails, true), ...steps.map((name) => option(name, texts.steps[name], false))]
  return `<details>
<summary>${texts.fail}</summary>
<div class="fields">
${select('step', texts.step, step, texts.failHint)}
${select('fault', texts.how, groups)}
<div><label class="label" for="fault_code">${texts.code}</label>
<input type="text" id="fault_code" name="fault_code" autocomplete="off" spellcheck="false" aria-describedby="fault_code-hint">
<p class="hint" id="fault_code-hint">${texts.codeHint}</p></div>
</div>
</details>`
}

function select(name: string, label: string, options: readonly string[], hint?: string): string {
  const [described, text] = hint
    ? [` aria-describedby="${name}-hint"`, `\n<p class="hint" id="${name}-hint">${hint}</p>`]
    : ['', '']
  return `<div><label class="label" for="${name}">${label}</label>
<select id="${name}" name="${name}"${described}>${options.join('')}</select>${text}</div>`
}

function option(value: string, label: string, selected: boolean): string {
  return `<option value="${escapeHtml(value)}"${selected ? ' selected' : ''}>${escapeHtml(label)}</option>`
}
