import type { Json, JsonObject } from '../json'

/** The tokens that a provider issues at the end of a login, without an envelope. */
export interface TokenSet {
  /** The access token: visible ASCII, safe in a header. */
  accessToken: string
  /** Always `Bearer`: any type that does not mean a bearer token is refused (RFC 6749 §7.1). */
  tokenType: 'Bearer'
  /** The granted scopes; if the provider does not say, the requested ones (RFC 6749 §5.1). */
  scope: string[]
  /** When the access token expires; absent if the provider does not say. */
  expiresAt?: Date
  /** The refresh token; absent if the provider issued none. */
  refreshToken?: string
  /** Facts that are kept with the tokens through every refresh, such as VK's `device_id`, a shop or a team. */
  context?: JsonObject
  /** The verified claims of the id_token. Only at the login: `verify` and the profile get them; they are not stored. */
  claims?: JsonObject
  /** The `sub` of that id_token: an id_token of a refresh must have the same. */
  subject?: string
  /** The provider's token object, unchanged. If it exceeds 16 KiB of JSON, its largest members are dropped after the login. */
  raw: JsonObject
}

/** Why a response is not a token set, worded for an error message. */
export class TokenSetProblem extends Error {}

/**
 * Reads a token set from a provider's token object.
 *
 * Strict where a mistake would log the wrong person in or send a broken header (`access_token`, `token_type`); tolerant
 * of harmless differences (`expires_in` as a string of digits, or absent). Source: RFC 6749 §5.1.
 *
 * @param requestedScope used if the response has no `scope`
 * @param tokenTypes other values than `Bearer` that mean a bearer token
 * @throws TokenSetProblem
 */
export function readTokenSet(
  raw: JsonObject,
  requestedScope: readonly string[],
  tokenTypes: readonly string[] = [],
): TokenSet {
  const accessToken = raw.access_token
  if (typeof accessToken !== 'string' || !HEADER_SAFE.test(accessToken)) {
    throw new TokenSetProblem(`it has no usable access_token${accessToken === undefined ? insteadOf(raw) : ''}`)
  }
  if (raw.token_type !== undefined && raw.token_type !== null) {
    const type = typeof raw.token_type === 'string' ? raw.token_type.toLowerCase() : undefined
    if (type !== 'bearer' && !tokenTypes.some((known) => known.toLowerCase() === type)) {
      throw new TokenSetProblem('its token_type is not Bearer')
    }
  }
  const tokens: TokenSet = {
    accessToken,
    tokenType: 'Bearer',
    scope: readScope(raw.scope) ?? [...requestedScope],
    raw,
  }
  const seconds = readLifetime(raw.expires_in)
  if (seconds !== undefined) tokens.expiresAt = new Date(Date.now() + seconds * 1000)
  if (raw.refresh_token !== undefined && raw.refresh_token !== null && raw.refresh_token !== '') {
    if (typeof raw.refresh_token !== 'string' || !HEADER_SAFE.test(raw.refresh_token)) {
      throw new TokenSetProblem('its refresh_token is not usable')
    }
    tokens.refreshToken = raw.refresh_token
  }
  return tokens
}

/** Scopes as a list: split at spaces and commas, without empties and repeats. */
export function scopeList(scope: string | readonly string[]): string[] {
  const parts = typeof scope === 'string' ? scope.split(/[\s,]+/) : scope.flatMap((s) => s.split(/[\s,]+/))
  return [...new Set(parts.filter((part) => part !== ''))]
}

/** A copy that shares nothing with `tokens`: each caller of a refresh gets one. */
export function copyOf(tokens: TokenSet): TokenSet {
  const { scope, expiresAt, context, raw } = tokens
  const copy: TokenSet = { ...tokens, scope: [...scope], raw: copyOfJson(raw) }
  if (expiresAt) copy.expiresAt = new Date(expiresAt)
  if (context) copy.context = copyOfJson(context)
  return copy
}

function copyOfJson(json: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(json)) as JsonObject // it was JSON
}

// Visible ASCII, which is safe in a header and in a form (RFC 6750 §2.1 allows less).
const HEADER_SAFE = /^[\x21-\x7e]+$/
/** A session keeps the scopes of each login. */
const LONGEST_SCOPE = 16 * 1024
const TEN_YEARS = 10 * 365 * 24 * 3600

/**
 * The names of the members that are present, to show a forgotten envelope or renaming. Only names that cannot be
 * credentials.
 */
function insteadOf(raw: JsonObject): string {
  const names = Object.keys(raw).filter((name) => PLAIN_NAME.test(name))
  return names.length > 0 ? `, but has ${names.slice(0, 8).join(', ')}` : ''
}

const PLAIN_NAME = /^[a-z_]{1,20}$/i

function readScope(value: Json | undefined): string[] | undefined {
  const names = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : value
  if (typeof names !== 'string' && !Array.isArray(names)) return undefined
  const size = typeof names === 'string' ? names.length : names.reduce((sum, { length }) => sum + length, names.length)
  if (size > LONGEST_SCOPE) throw new TokenSetProblem('its scope has more than 16 KiB')
  return scopeList(names)
}

function readLifetime(value: Json | undefined): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const seconds = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) {
    throw new TokenSetProblem('its expires_in is not a number of seconds')
  }
  // A "permanent" token (some apps have them) or nonsense: either way there is no expiry to act on.
  return seconds > TEN_YEARS ? undefined : seconds
}
