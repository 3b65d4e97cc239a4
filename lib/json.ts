/** Any JSON value (RFC 8259). */
export type Json = null | boolean | number | string | Json[] | JsonObject
/** A JSON object: a provider's answer, or a part of it. */
export type JsonObject = { [key: string]: Json | undefined }

/** The value of a table at a key from outside, never of the table's prototype. */
export function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** Text where the provider sent text or a number. */
export function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whether a JSON value is an object, and no array and not `null`. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
