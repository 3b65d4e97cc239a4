import type { Json, JsonObject } from '../json'
import { parseURL } from '../util/parse-url'

/** Passport's normalised profile (https://www.passportjs.org/reference/normalized-profile/). */
export interface DialectProfile {
  /** The name of the strategy, or of the instance of it, that the user came through. */
  provider: string
  /** The provider's id of the user: never empty. Unique within one provider instance. */
  id: string
  /** The name to show; empty where the provider gives none. */
  displayName: string
  /** The provider's own name for the user, where it has one beside the display name. */
  username?: string
  /** At most one; absent where the provider gives none. Whether it is verified is for the provider's page to say. */
  emails?: { value: string }[]
  /** At most one http(s) address. */
  photos?: { value: string }[]
  /** The text that the profile was read from. */
  _raw: string
  /** The provider's user object, out of its envelope, untouched. */
  _json: JsonObject
}

/** What a dialect reads out of its provider's user object; every member may be of any JSON type. */
export interface ProfileFields {
  /** A non-empty text or a safe integer; anything else is `response_invalid`. */
  id: Json | undefined
  /** Default: the username, else empty. */
  displayName?: Json | undefined
  /** Left away where it is empty or no text. */
  username?: Json | undefined
  /** Left away where it is empty or no text. */
  email?: Json | undefined
  /** Left away where it is no absolute http(s) address. */
  photo?: Json | undefined
}

/**
 * The normalised profile from a dialect's fields. Nothing is invented: what is absent, empty or not text
 * stays away. Returns `undefined` where there is no usable id (a non-empty string or a safe integer).
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
