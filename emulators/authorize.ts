import { randomBytes } from 'node:crypto'
import { type Consent, consentPage } from './consent-page'
import type { Fault } from './faults'
import { type FormPost, postingPage } from './form-post'
import { noSuchUser, refusalPage } from './page'
import { type Call, formOf, type Reply, type Route } from './server'
import type { Settings } from './settings'
import type { Why } from './texts'
import type { EmulatorUser } from './types'

/** A valid authorization request: what the consent page shows, and where its buttons lead. */
export interface Asked extends Consent {
  /** Returns where the browser goes with a code for `user`: an address, or a form that is posted. */
  agree(user: EmulatorUser, chosen: Chosen): string | FormPost
  /** Returns where the browser goes with a refusal; or a page, on which it stays. */
  deny(): string | FormPost | Reply
  /** Returns where the browser goes with one of the provider's errors. Default: where "Deny" leads, with that `error`. */
  refuse?(error: string): string
  /** Whether to agree without a page, as a provider does that knows the user and the app. */
  silent?: boolean
}

/** The scopes and the place that a user has chosen. */
export interface Chosen {
  scope: readonly string[]
  place?: string | undefined
}

/**
 * The routes of a consent page: GET shows it, POST presses one of its buttons.
 * @param check returns an {@link Asked}, or a Reply if the request is refused
 */
export function consentRoutes(path: string, settings: Settings, check: (call: Call) => Asked | Reply): Route[] {
  /** The answer for each view of the page: a double click agrees once, and returns one code. */
  const answers = new Map<string, Reply>()
  const show = (call: Call): Reply => {
    const asked = check(call)
    if (!('agree' in asked)) return asked
    const [first] = settings.users
    if ((settings.consent === 'auto' || asked.silent) && first) {
      const reply = leave(asked, asked.agree(first, byDefault(asked)))
      return { ...reply, headers: { ...reply.headers, [AUTOMATIC]: '1' } }
    }
    return consentPage(asked, { users: settings.users, steps: settings.steps(), view: randomBytes(8).toString('hex') })
  }
  const press = (call: Call): Reply | undefined => {
    const form = formOf(call)
    if (!form.has('user') && !form.has('deny')) return undefined // an authorization request by POST
    if (!form.has('view')) return answer(call, form)
    const pressed = `${form}`
    const reply = answers.get(pressed) ?? answer(call, form)
    answers.set(pressed, reply)
    if (answers.size > REMEMBERED) answers.delete([...answers.keys()][0] ?? '')
    return reply
  }
  const answer = (call: Call, form: URLSearchParams): Reply => {
    const asked = check(call)
    if (!('agree' in asked)) return asked
    if (form.has('deny')) return leave(asked, asked.deny(), 303)
    const wrong = (what: string, why: Why) => refusalPage(400, asked.provider, what, why)
    const user = settings.users.find(({ id }) => id === form.get('user'))
    if (!user) return noSuchUser(400, asked.provider, settings.users)
    const chosen = chosenIn(form, asked)
    if (typeof chosen === 'string') return wrong(chosen, (texts) => texts.wrong.noChoice[chosen])
    const problem = plan(form, settings)
    return problem ? wrong('fault', problem) : leave(asked, asked.agree(user, chosen), 303)
  }
  /** A refusal by the provider itself: like "Deny", with another error. */
  const sendBack = (call: Call, error: string): Reply => {
    const asked = check(call)
    if (!('agree' in asked)) return asked
    if (asked.refuse) return { location: asked.refuse(error) }
    const denied = asked.deny()
    if (typeof denied !== 'string') {
      return leave(asked, 'fields' in denied ? { ...denied, fields: { ...denied.fields, error } } : denied)
    }
    const address = new URL(denied)
    address.searchParams.set('error', error)
    if (address.searchParams.has('error_description'))
      address.searchParams.set('error_description', 'refused by the emulator')
    return { location: address.href }
  }
  return [
    { method: 'GET', path, endpoint: 'authorize', handle: show, sendBack },
    { method: 'POST', path, endpoint: 'authorize', handle: press, sendBack },
  ]
}

/** The header of an answer without a page: nobody was asked. */
export const AUTOMATIC = 'x-emulator-consent'

/** How many views are remembered. */
const REMEMBERED = 100

/** Sends the browser there. */
function leave({ provider, accent }: Asked, where: string | FormPost | Reply, status = 302): Reply {
  if (typeof where === 'string') return { status, location: where }
  return 'fields' in where ? postingPage(provider, where, accent) : where
}

/** What is granted without a page. */
function byDefault({ scope, ticked, place }: Asked): Chosen {
  return { scope: ticked ?? scope, place: place?.first }
}

/** The choices in the form, or the name of a field that our page cannot have sent. */
function chosenIn(form: URLSearchParams, asked: Asked): Chosen | 'scope' | 'project' {
  const chosen = byDefault(asked)
  // Unticked boxes send nothing; the field `step` distinguishes a page without ticked boxes from a bare POST.
  const boxes = form.has('step') || form.has('scope') ? form.getAll('scope') : undefined
  if (boxes && (asked.ticked || boxes.length > 0)) {
    if (!asked.ticked || !boxes.every((name) => asked.scope.includes(name))) return 'scope'
    chosen.scope = asked.scope.filter((name) => boxes.includes(name))
  }
  const project = form.get('project') || undefined
  if (project === undefined) return chosen
  return asked.place?.options.some(({ id }) => id === project) ? { ...chosen, place: project } : 'project'
}

/** Plans the fault in the form; returns what is wrong with it, if anything. */
function plan(form: URLSearchParams, settings: Settings): Why | undefined {
  const wanted = form.get('step')
  if (!wanted) return undefined
  const step = settings.steps().find((name) => name === wanted)
  if (!step) return ({ wrong }) => wrong.noStep(wanted)
  const fault = form.get('fault') ?? ''
  const code = form.get('fault_code')?.trim()
  try {
    settings.failNext(step, (code && /^(refused|http-\d+)$/.test(fault) ? `${fault}:${code}` : fault) as Fault) // failNext checks it
    return undefined
  } catch {
    return ({ wrong }) => wrong.noFault(fault)
  }
}

/** Adds parameters to an address; those that are `undefined` are left out. */
export function withParams(address: string, params: Record<string, string | undefined>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.append(name, value)
  return url.href
}

/** Whether an address is https, or plain http on this machine, for development. */
export function isSecure(redirectURI: string): boolean {
  const { protocol, hostname } = new URL(redirectURI)
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** Whether a redirect URI is registered. Without registered ones, any absolute http(s) address is accepted. */
export function isRegistered(settings: Settings, redirectURI: string | null): redirectURI is string {
  if (redirectURI === null || !/^https?:\/\//.test(redirectURI) || redirectURI.includes('#')) return false
  return URL.canParse(redirectURI) && (settings.redirectURIs?.includes(redirectURI) ?? true)
}
