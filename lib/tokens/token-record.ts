import { isObject, type Json, type JsonObject } from '../json'
import type { TokenSet } from '../provider/token-set'
import { isStoredTokens, type StoredTokens } from '../session/slot'
import { randomText } from '../util/random'
import type { Sealer } from './sealer'

/** The tokens of one login as they last between requests. */
export interface TokenRecord {
  /** Names the login, for as long as it lasts: 128 random bits, base64url. */
  id: string
  /** 1 after the login, one more after each refresh. */
  version: number
  /** Milliseconds since the epoch. */
  issuedAt: number
  /** The fingerprint of the client that they were issued to: they are for no other one of its name. */
  client: string
  tokens: TokenSet
}

/** The record of one login where it is stored: in a session, or in a token store. */
export interface StoredRecord {
  /** Names the login within its namespace: callers of one id share one refresh. */
  readonly id: string
  /** What the ids belong to: two stores may use the same key for two people. */
  readonly namespace: object
  /** Milliseconds to wait for another process's refresh to show, before a refused refresh token is believed dead. */
  readonly grace: number
  /** @param newest past every copy that this request or process may hold */
  read(newest?: boolean): Promise<TokenRecord | undefined>
  /** Stores `next` in place of `previous`. Resolves to what is stored then; `undefined` where the login is over. */
  replace(previous: TokenRecord, next: TokenRecord): Promise<TokenRecord | undefined>
  /** Forgets the tokens where they are still `previous`, or whatever they are. Resolves to whether there were any. */
  clear(previous?: TokenRecord): Promise<boolean>
  /** Stops other processes from refreshing; resolves to what lets them. */
  lock?(patience: number): Promise<() => Promise<void>>
}

/** The record of a login that has just succeeded. */
export function newRecord(tokens: TokenSet, client: string): TokenRecord {
  return { id: randomText(16), version: 1, issuedAt: Date.now(), client, tokens }
}

/** The record after a refresh. */
export function renewedRecord({ id, version, client }: TokenRecord, tokens: TokenSet): TokenRecord {
  return { id, version: version + 1, issuedAt: Date.now(), client, tokens }
}

/** The name of a login's record, in a token store and under a seal: its provider, and its id or a key of the app's. */
export function keyOf(provider: string, id: string): string {
  return `${provider}:${id}`
}

/** @param key where the record will lie: {@link keyOf} */
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
  // Sealed in too: whoever can write to the store can't put one login's tokens into another's place.
  return { id, version, sealed: await sealer.seal(JSON.stringify({ key, id, version, ...content })) }
}

/**
 * @param key where `stored` lies: {@link keyOf}
 * @returns `undefined` where `stored` is nothing of ours
 * @throws SealProblem where it was sealed with a key that is not at hand, or for another login
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

/** A request that uses its tokens many times opens the seal once. */
const opened = new WeakMap<StoredTokens, { sealer: Sealer; content: StoredTokens }>()

/** Why stored tokens cannot be read, in words fit for an error message. */
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
 * The provider's token object has both tokens again. They are stored once: a session goes to its store with every
 * request, and in a cookie there is little room.
 */
function withoutRepeats(raw: JsonObject, { accessToken, refreshToken }: TokenSet): JsonObject {
  const short = { ...raw }
  if (raw.access_token === accessToken) short.access_token = REPEATED
  if (raw.refresh_token === refreshToken && refreshToken !== undefined) short.refresh_token = REPEATED
  return short
}

/** What no provider can have sent there: it would be no token. */
const REPEATED = true

/** Bytes of JSON that a record holds of a provider's token object: a session goes to its store with every request. */
const LONGEST_RAW = 16 * 1024

/** What fits of a provider's token object: whole members, the smallest first. */
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
