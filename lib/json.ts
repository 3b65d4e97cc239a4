/** Any JSON value (RFC 8259). */
export type Json = null | boolean | number | string | Json[] | JsonObject
/** A JSON object: a provider's response, or a part of one. */
export type JsonObject = { [key: string]: Json | undefined }

/** Looks up an untrusted key in a table, ignoring the table's prototype. */
export function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** The value as text, if the provider sent a string or a number; otherwise `undefined`. */
export function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whether a JSON value is an object, not an array and not `null`. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
