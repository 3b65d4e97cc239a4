import { configError } from './errors'
import type { DialectOptions, OptionReader } from './options'

/** How a provider differs, as far as it can be said in words rather than in methods. */
export interface Dialect {
  /** Absolute http(s) addresses; an option of the same name replaces one. */
  endpoints: {
    /** RFC 6749 §3.1. */
    authorizationURL: string
    /** RFC 6749 §3.2. */
    tokenURL: string
    /** Where the user is asked for. */
    userProfileURL: string
    /** Where it is not the token endpoint. */
    refreshURL?: string | undefined
    /** RFC 7009, where the provider has it. */
    revokeURL?: string | undefined
    /** Where the user can buy more of what the provider sells. */
    topupURL?: string | undefined
  }
  /** Asked for where the app names none. */
  scope: readonly string[]
  /** Default: a space (RFC 6749 §3.3). */
  scopeSeparator?: ' ' | ','
  /** The name of the client id on the wire; default `client_id`. */
  clientIDName?: string
  /** The names of the authorization request's other parameters on the wire, where not those of RFC 6749 and 7636. */
  authorizationNames?: {
    readonly response_type?: string
    readonly redirect_uri?: string
    readonly scope?: string
    readonly state?: string
    readonly code_challenge?: string
    readonly code_challenge_method?: string
  }
  /** Whether PKCE is on where the app says nothing; default off. */
  pkce?: boolean
  /** The callback parameters that carry a credential; default `code`. */
  credentials?: readonly string[]
  /** Expected RFC 9207 `iss`; compared where set. */
  issuer?: string | undefined
  /** Whether codes are taken that the provider sends unasked, at the router's entry route. */
  unsolicited?: boolean
  /** HTTP statuses that say of an API call: the access token is refused. Default 401 (RFC 6750 §3.1). */
  tokenRefused?: readonly number[]
  /** HTTP statuses that may say so: the answer's body is read, and the dialect's `refusal` tells. */
  tokenMayBeRefused?: readonly number[]
  /** The query parameter that carries the access token, where the provider knows no Bearer header. */
  tokenParameter?: string
}

/** A grant for the token endpoint, in the names of RFC 6749 §4.1.3 and §6. */
export type Grant = { grant_type: 'authorization_code' | 'refresh_token' } & Record<string, string | undefined>

/**
 * A slip in a dialect is found where its strategy is built, not by a user far into a login.
 * @throws OAuthError `config_invalid`, naming the member
 */
export function checkDialect(dialect: Dialect, provider: string): void {
  for (const [name, rule, fits] of MEMBERS) {
    const value = dialect[name]
    if (value !== undefined && !fits(value)) throw configError(provider, `\`${name}\` of the dialect must be ${rule}.`)
  }
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 599
const listOf = (fits: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(fits)

const MEMBERS: [name: keyof Dialect, rule: string, fits: (value: unknown) => boolean][] = [
  ['scope', 'a list of texts', listOf((value) => typeof value === 'string')],
  ['scopeSeparator', 'a text', isText],
  ['clientIDName', 'a text', isText],
  ['pkce', 'true or false', (value) => typeof value === 'boolean'],
  ['credentials', 'a list of names', listOf(isText)],
  ['issuer', 'a text', isText],
  ['unsolicited', 'true or false', (value) => typeof value === 'boolean'],
  ['tokenRefused', 'a list of HTTP statuses', listOf(isStatus)],
  ['tokenMayBeRefused', 'a list of HTTP statuses', listOf(isStatus)],
  ['tokenParameter', 'a text', isText],
]

/** A dialect's endpoints with what the app names in their place. @throws OAuthError `config_invalid`, naming the option */
export function readEndpoints(dialect: Dialect, options: DialectOptions, read: OptionReader): Dialect['endpoints'] {
  const endpoints = { ...dialect.endpoints }
  for (const key of ENDPOINTS) {
    if (endpoints[key] !== undefined || options[key] !== undefined) endpoints[key] = read.address(key, endpoints[key])
  }
  return endpoints
}

const ENDPOINTS = ['authorizationURL', 'tokenURL', 'userProfileURL', 'refreshURL', 'revokeURL', 'topupURL'] as const
