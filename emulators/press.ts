import type { Choice } from './types'

/** Plays the browser on the consent page: asks for it and presses a button. Resolves to where it then leads. */
export async function press(address: string, form: URLSearchParams): Promise<string> {
  const shown = await fetch(address, { redirect: 'manual' })
  if (shown.status === 200 && !(await shown.text()).includes('name="deny"')) {
    throw new Error('The provider shows no consent page: a fault struck it, or this is no address of one.')
  }
  const answer = shown.status === 200 ? await fetch(address, { method: 'POST', body: form, redirect: 'manual' }) : shown
  const location = answer.headers.get('location')
  if (location !== null) return new URL(location, address).href
  const text = (await answer.text())
    .replace(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  throw new Error(`The provider refuses this authorization request (${answer.status}): ${text}`)
}

/** The form of a consent page as a browser sends it. */
export function formOfChoice({ user = '', scopes, project }: Choice): URLSearchParams {
  const form = new URLSearchParams({ user })
  if (project !== undefined) form.set('project', project)
  // As the page does: `step` is there even when no box is ticked.
  if (scopes) form.set('step', '')
  for (const scope of scopes ?? []) form.append('scope', scope)
  return form
}
