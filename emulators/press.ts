import { AUTOMATIC } from './authorize'
import { type FormPost, formPostOf } from './form-post'
import type { Choice } from './types'

/** A button of the consent page. */
export interface Button {
  form: URLSearchParams
  /** Whether the test says what is chosen: then it is so where the emulator would agree by itself, too. */
  isChosen: boolean
}

export const DENY: Button = { form: new URLSearchParams({ deny: '1' }), isChosen: true }

/** Acts as the browser on the consent page: opens it and presses a button. Resolves to where that leads. */
export async function press(address: string, button: Button, registered?: readonly string[]): Promise<string> {
  const where = await pressed(address, button, registered)
  if (typeof where === 'string') return where
  throw new Error('The provider posts its callback to the app (form_post): use approveForm() or denyForm().')
}

/** The same for a provider that posts its callback. */
export async function pressForm(address: string, button: Button, registered?: readonly string[]): Promise<FormPost> {
  const where = await pressed(address, button, registered)
  if (typeof where !== 'string') return where
  throw new Error('The provider redirects with its callback (it does not post it): use approve() or deny().')
}

async function pressed(
  address: string,
  { form, isChosen }: Button,
  registered: readonly string[] | undefined,
): Promise<string | FormPost> {
  const shown = await fetch(address, { redirect: 'manual' })
  const page = shown.status === 200 ? await shown.text() : ''
  const isOverruled = isChosen && shown.headers.has(AUTOMATIC)
  const direct = isOverruled ? undefined : formPostOf(page)
  if (direct) return direct
  if (shown.status === 200 && !isOverruled && !page.includes('name="deny"')) {
    throw new Error('The provider shows no consent page: a fault struck it, or this is no address of one.')
  }
  const isPressed = shown.status === 200 || isOverruled
  const answer = isPressed ? await fetch(address, { method: 'POST', body: form, redirect: 'manual' }) : shown
  const location = answer.headers.get('location')
  if (location !== null) return new URL(location, address).href
  const html = await answer.text()
  const posted = formPostOf(html)
  if (posted) return posted
  const text = html
    .replace(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const why = otherAddress(address, registered)
  throw new Error(`The provider refuses this authorization request (${answer.status}): ${text}${why}`)
}

/** The usual reason, which a provider's page may only name briefly. */
function otherAddress(address: string, registered: readonly string[] | undefined): string {
  const sent = new URL(address).searchParams.get('redirect_uri')
  if (sent === null || !registered || registered.includes(sent)) return ''
  return ` The redirect URI sent is ${sent}; registered are: ${registered.join(', ') || 'none'}.`
}

/** The form of a consent page as a browser sends it. */
export function formOfChoice({ user = '', scopes, project }: Choice): URLSearchParams {
  const form = new URLSearchParams({ user })
  if (project !== undefined) form.set('project', project)
  // Like the page, sends `step` even if no box is ticked.
  if (scopes) form.set('step', '')
  for (const scope of scopes ?? []) form.append('scope', scope)
  return form
}
