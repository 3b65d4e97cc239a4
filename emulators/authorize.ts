import { consentPage, errorPage } from './consent-page'
import { type Call, formOf, type Reply, type Route } from './server'
import type { EmulatorOptions, EmulatorUser } from './types'

/** An emulator's options with everything filled in. */
export interface Settings extends EmulatorOptions {
  users: readonly EmulatorUser[]
  clientID: string
  clientSecret: string
}

/** What an authorization request asks for, once the provider has found nothing wrong with it. */
export interface Asked {
  provider: string
  clientID: string
  scope: readonly string[]
  /** The address that the browser goes back to, with a code of `user`. */
  agree(user: EmulatorUser): string
  /** The address that the browser goes back to, with a refusal. */
  deny(): string
  /** Agree without a page, as providers do that know the user and the app. */
  silent?: boolean
}

/**
 * The routes of a consent page: GET shows it, POST presses a button on it.
 * @param check answers an {@link Asked}, or a Reply where the request is refused
 */
export function consentRoutes(path: string, settings: Settings, check: (call: Call) => Asked | Reply): Route[] {
  const show = (call: Call): Reply => {
    const asked = check(call)
    if (!('agree' in asked)) return asked
    const [first] = settings.users
    if ((settings.consent === 'auto' || asked.silent) && first) return { location: asked.agree(first) }
    return consentPage(asked, settings.users)
  }
  const press = (call: Call): Reply | undefined => {
    const form = formOf(call)
    if (!form.has('user') && !form.has('deny')) return undefined // an authorization request by POST
    const asked = check(call)
    if (!('agree' in asked)) return asked
    const user = settings.users.find(({ id }) => id === form.get('user'))
    if (form.has('deny')) return { status: 303, location: asked.deny() }
    return user
      ? { status: 303, location: asked.agree(user) }
      : errorPage(400, asked.provider, 'user', 'There is no such user here.')
  }
  return [
    { method: 'GET', path, endpoint: 'authorize', handle: show },
    { method: 'POST', path, endpoint: 'authorize', handle: press },
  ]
}

/** An address with further parameters; those that are undefined are left out. */
export function withParams(address: string, params: Record<string, string | undefined>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.append(name, value)
  return url.href
}

/** Whether a redirect address is registered; without a register any absolute http(s) address is. */
export function isRegistered(settings: Settings, redirectURI: string | null): redirectURI is string {
  if (redirectURI === null || !/^https?:\/\//.test(redirectURI) || redirectURI.includes('#')) return false
  return URL.canParse(redirectURI) && (settings.redirectURIs?.includes(redirectURI) ?? true)
}
