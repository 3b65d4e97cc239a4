import { isObject, type Json, type JsonObject } from '../json'
import type { TokenSet } from '../provider/token-set'
import { isStoredTokens, type StoredTokens } from '../session/slot'
import { randomText } from '../util/random'
import type { Sealer } from './sealer'

/** The tokens of one login, as kept between requests. */
export interface TokenRecord {
  /** Identifies the login for its whole life: 128 random bits, base64url. */
  id: string
  /** 1 after the login, incremented by each refresh. */
  version: number
  /** Milliseconds since the epoch. */
  issuedAt: number
  /** The fingerprint of the client that they were issued to; no other client uses them. */
  client: string
  tokens: TokenSet
}

/** The stored record of one login: in a session, or in a token store. */
export interface StoredRecord {
  /** Identifies the login within its namespace: callers with the same id share one refresh. */
  readonly id: string
  /** The scope of the ids: two stores may use the same key for two people. */
  readonly namespace: object
  /** How long to wait for another process's refresh before a refused refresh token counts as dead, in milliseconds. */
  readonly grace: number
  /** @param newest ignore every copy that this request or process may have */
  read(newest?: boolean): Promise<TokenRecord | undefined>
  /** Replaces `previous` with `next`. Resolves to what is stored then; `undefined` if the login is over. */
  replace(previous: TokenRecord, next: TokenRecord): Promise<TokenRecord | undefined>
  /** Deletes the tokens; with `previous`, only if they are still those. Resolves to whether there were any. */
  clear(previous?: TokenRecord): Promise<boolean>
  /** Keeps other processes from refreshing; resolves to a function that releases the lock. */
  lock?(patience: number): Promise<() => Promise<void>>
}

/** The record of a new login. */
export function newRecord(tokens: TokenSet, client: string): TokenRecord {
  return { id: randomText(16), version: 1, issuedAt: Date.now(), client, tokens }
}

/** The record after a refresh. */
export function renewedRecord({ id, version, client }: TokenRecord, tokens: TokenSet): TokenRecord {
  return { id, version: version + 1, issuedAt: Date.now(), client, tokens }
}

/**
 * The key of a login's record, in a token store and inside the encryption: its provider, and its id or the app's own
 * key.
 */
export function keyOf(provider: string, id: string): string {
  return `${provider}:${id}`
}

/** @param key where the record will be stored: {@link keyOf} */
export async function encodeRecord(
  record: TokenRecord,
  sealer: Sealer | undefined,
  key: string,
): Promise<StoredTokens> {
  const { id, version, issuedAt, client, tokens } = record
  const { accessToken, scope, expiresAt, refreshToken, context, subject, raw } = tokens
  const content: JsonObject = { client, issuedAt, accessToken, scope, raw: withoutExcess(withoutRepeats(raw, tokens)) }
  if (expiresAt) content.expiresAt = expiresAt.getTime()
  if (refreshToken !== undefined) content.refreshToken = refreshToken
  if (context) content.context = context
  if (subject !== undefined) content.subject = subject
  if (!sealer) return { id, version, ...content }
  // The key is encrypted too, so that somebody who can write to the store cannot swap two logins' tokens.
  return { id, version, sealed: await sealer.seal(JSON.stringify({ key, id, version, ...content })) }
}

/**
 * @param key where `stored` is: {@link keyOf}
 * @returns `undefined` if `stored` is not ours
 * @throws SealProblem if its key is missing, or it was encrypted for another login
 */
export async function decodeRecord(
  stored: unknown,
  sealer: Sealer | undefined,
  key: string,
): Promise<TokenRecord | undefined> {
  if (!isStoredTokens(stored)) return undefined
  if (typeof stored.sealed !== 'string') return parse(stored)
  if (!sealer) throw new SealProblem('they are sealed, and there is no `encryptionKey`')
  const content = await unsealed(stored, stored.sealed, sealer)
  if (content.id !== stored.id || content.key !== key) throw new SealProblem("they are another login's")
  return parse(content)
}

async function unsealed(stored: StoredTokens, sealed: string, sealer: Sealer): Promise<StoredTokens> {
  const last = opened.get(stored)
  if (last && last.sealer === sealer) return last.content
  const text = await sealer.open(sealed)
  if (text === undefined) throw new SealProblem('they were sealed with a key that is not in `encryptionKey`')
  const content: Json = JSON.parse(text)
  if (!isStoredTokens(content)) throw new SealProblem("they are another login's")
  opened.set(stored, { sealer, content })
  return content
}

/** Caches decrypted tokens, for a request that uses them many times. */
const opened = new WeakMap<StoredTokens, { sealer: Sealer; content: StoredTokens }>()

/** Why stored tokens cannot be read, worded for an error message. */
export class SealProblem extends Error {}

function parse(stored: StoredTokens): TokenRecord | undefined {
  const { id, version, issuedAt, client, accessToken, scope, expiresAt, refreshToken, context, subject, raw } = stored
  if (typeof client !== 'string') return undefined
  if (typeof accessToken !== 'string' || !isObject(raw) || !Array.isArray(scope)) return undefined
  const tokens: TokenSet = {
    accessToken,
    tokenType: 'Bearer',
    scope: scope.filter((name) => typeof name === 'string'),
    ...(typeof expiresAt === 'number' && { expiresAt: new Date(expiresAt) }),
    ...(typeof refreshToken === 'string' && { refreshToken }),
    ...(isObject(context) && { context }),
    ...(typeof subject === 'string' && { subject }),
    raw: { ...raw },
  }
  if (raw.access_token === REPEATED) tokens.raw.access_token = accessToken
  if (raw.refresh_token === REPEATED) tokens.raw.refresh_token = refreshToken
  return { id, version, issuedAt: typeof issuedAt === 'number' ? issuedAt : 0, client, tokens }
}

/**
 * Removes the two tokens from the provider's token object, so that they are stored only once: a session goes to its
 * store with every request, and a cookie has little room.
 */
function withoutRepeats(raw: JsonObject, { accessToken, refreshToken }: TokenSet): JsonObject {
  const short = { ...raw }
  if (raw.access_token === accessToken) short.access_token = REPEATED
  if (raw.refresh_token === refreshToken && refreshToken !== undefined) short.refresh_token = REPEATED
  return short
}

/** Marks a removed token; no provider sends this value, which is not a token. */
const REPEATED = true

/**
 * How many bytes of JSON a record keeps of a provider's token object: a session goes to its store with every request.
 */
const LONGEST_RAW = 16 * 1024

/** The members of a provider's token object that fit, the smallest first. */
function withoutExcess(raw: JsonObject): JsonObject {
  if (bytesOf(raw) <= LONGEST_RAW) return raw
  const members = Object.entries(raw).map(([name, value]) => ({ name, bytes: bytesOf({ [name]: value }) }))
  members.sort((a, b) => a.bytes - b.bytes)
  const fitting = new Set<string>()
  let total = 0
  for (const { name, bytes } of members) {
    total += bytes
    if (total > LONGEST_RAW) break
    fitting.add(name)
  }
  return Object.fromEntries(Object.entries(raw).filter(([name]) => fitting.has(name)))
}

function bytesOf(value: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(value))
}
