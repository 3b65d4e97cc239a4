import type { Json, JsonObject } from '../json'
import { parseURL } from '../util/parse-url'

/** Passport's normalised profile (https://www.passportjs.org/reference/normalized-profile/). */
export interface DialectProfile {
  /** The name of the strategy, or of its instance, that logged the user in. */
  provider: string
  /** The user's id at the provider. Never empty, and unique within one provider instance. */
  id: string
  /** The name to display; empty if the provider gives none. */
  displayName: string
  /** The user's account name, if the provider has one besides the display name. */
  username?: string
  /** At most one address; absent if the provider gives none. The provider's page says whether it is verified. */
  emails?: { value: string }[]
  /** At most one http(s) address. */
  photos?: { value: string }[]
  /** The text from which the profile was read. */
  _raw: string
  /** The provider's user object, unchanged, without its envelope. */
  _json: JsonObject
}

/** What a dialect reads from the provider's user object. Each member may have any JSON type. */
export interface ProfileFields {
  /** A non-empty string or a safe integer; anything else is `response_invalid`. */
  id: Json | undefined
  /** Default: the username, else empty. */
  displayName?: Json | undefined
  /** Left out if it is empty or not a string. */
  username?: Json | undefined
  /** Left out if it is empty or not a string. */
  email?: Json | undefined
  /** Left out if it is not an absolute http(s) address. */
  photo?: Json | undefined
}

/**
 * Creates the normalised profile from a dialect's fields. Fields that are absent, empty or not text are left out.
 * Returns `undefined` without a usable id (a non-empty string or a safe integer).
 */
export function normaliseProfile(
  provider: string,
  fields: ProfileFields,
  json: JsonObject,
  raw: string,
): DialectProfile | undefined {
  const id = idText(fields.id)
  if (id === undefined) return undefined
  const profile: DialectProfile = {
    provider,
    id,
    displayName: text(fields.displayName) ?? text(fields.username) ?? '',
    _raw: raw,
    _json: json,
  }
  const username = text(fields.username)
  const email = text(fields.email)
  const photo = webAddress(fields.photo)
  if (username !== undefined) profile.username = username
  if (email !== undefined) profile.emails = [{ value: email }]
  if (photo !== undefined) profile.photos = [{ value: photo }]
  return profile
}

function idText(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return text(value)
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

function webAddress(value: Json | undefined): string | undefined {
  const address = text(value)
  return address !== undefined && /^https?:\/\//i.test(address) && parseURL(address) ? address : undefined
}
