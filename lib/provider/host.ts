import { type ErrorContext, OAuthError } from '../errors'
import type { JsonObject } from '../json'

/** Rules for a provider whose shops, sites or instances each have their own host: the start of a login names it. */
export interface HostRules {
  /**
   * The parameter of the start that names the host; the callback must name the same one. In `endpoints`, and in options
   * that replace them, this name in braces stands for the host: `https://{shop}/admin/…`.
   */
  readonly parameter: string
  /** What the whole name must match before it is used. It is then converted to lower case. */
  readonly pattern: RegExp
  /** The only host of this client, if the app sets one: then a start cannot name another. */
  readonly fixed?: string | undefined
}

/** The host of a login, under the name of its parameter: kept in the transaction, then with the tokens. */
export type HostFact = Readonly<Record<string, string>>

/**
 * Applies besides the pattern: letters, digits, dots and hyphens, which cannot end the host or begin another part of a
 * URL.
 */
const HOST = /^[a-z\d][a-z\d.-]{0,252}$/i

/** The host for a name; `undefined` if the name is not allowed. */
export function hostNamed({ pattern, fixed }: HostRules, name: unknown): string | undefined {
  if (typeof name !== 'string' || !HOST.test(name) || pattern.exec(name)?.[0] !== name) return undefined
  const host = name.toLowerCase()
  return fixed === undefined || host === fixed.toLowerCase() ? host : undefined
}

/**
 * The host that the start of a login names.
 * @throws OAuthError `request_invalid` if it is missing, repeated or not allowed
 */
export function hostAtStart(rules: HostRules, params: URLSearchParams, context: ErrorContext): HostFact {
  const { parameter, fixed } = rules
  const names = params.getAll(parameter)
  const [name = fixed] = names
  const host = names.length > 1 ? undefined : hostNamed(rules, name)
  if (host !== undefined) return { [parameter]: host }
  const message = `The login must start with a valid \`${parameter}\`, given once. Nothing was sent to the provider.`
  throw new OAuthError('request_invalid', { ...context, message })
}

/** Checks that the callback is for the host that its login began with. @throws OAuthError `state_mismatch` */
export function checkHost(
  rules: HostRules,
  params: URLSearchParams,
  about: HostFact | undefined,
  context: ErrorContext,
): void {
  const { parameter } = rules
  const host = hostNamed(rules, params.get(parameter))
  if (host !== undefined && host === about?.[parameter]) return
  const message = `The callback belongs to another \`${parameter}\` than its login. Start the login again.`
  throw new OAuthError('state_mismatch', { ...context, message })
}

/** The host in facts that may be untrusted; `undefined` if it is not known. */
export function hostFact(rules: HostRules, facts: JsonObject | HostFact): HostFact | undefined {
  const host = hostNamed(rules, facts[rules.parameter] ?? rules.fixed)
  return host === undefined ? undefined : { [rules.parameter]: host }
}

/**
 * `url` with the host filled in; the only place where a name gets into an address.
 * @returns `undefined` if the host is not known or not allowed
 */
export function atHost(rules: HostRules | undefined, url: string, facts: JsonObject | HostFact): string | undefined {
  if (!rules) return url
  const { parameter } = rules
  const placeholder = `{${parameter}}`
  if (facts[parameter] === undefined && !url.includes(placeholder)) return url
  const host = hostFact(rules, facts)?.[parameter]
  return host === undefined ? undefined : url.replaceAll(placeholder, host)
}
