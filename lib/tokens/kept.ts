import { isObject } from '../answers'
import type { Json, JsonObject } from '../provider-call'
import { randomText } from '../random'
import type { Sealer } from './sealer'
import type { TokenSet } from './token-set'

/** The tokens of one login as they are kept between requests. */
export interface Kept {
  /** Names the login, for as long as it lasts: 128 random bits, base64url. */
  id: string
  /** 1 after the login, one more after each refresh. */
  version: number
  /** Milliseconds since the epoch. */
  issuedAt: number
  tokens: TokenSet
}

/** A {@link Kept} as it is written down: in the clear, or sealed. */
export type StoredTokens = JsonObject & { id: string; version: number }

/** The tokens of a login that has just succeeded. */
export function keepNew(tokens: TokenSet): Kept {
  return { id: randomText(16), version: 1, issuedAt: Date.now(), tokens }
}

/** The tokens after a refresh. */
export function keepRenewed(previous: Kept, tokens: TokenSet): Kept {
  return { id: previous.id, version: previous.version + 1, issuedAt: Date.now(), tokens }
}

/** The name of a login's tokens, in a token store and under a seal: its provider, and its id or a key of the app's. */
export function keyOf(provider: string, id: string): string {
  return `${provider}:${id}`
}

/** @param key where the tokens will lie: {@link keyOf} */
export async function writeDown(kept: Kept, sealer: Sealer | undefined, key: string): Promise<StoredTokens> {
  const { id, version, issuedAt, tokens } = kept
  const { accessToken, scope, expiresAt, refreshToken, raw } = tokens
  const content: JsonObject = { issuedAt, accessToken, scope, raw: withoutRepeats(raw, tokens) }
  if (expiresAt) content.expiresAt = expiresAt.getTime()
  if (refreshToken !== undefined) content.refreshToken = refreshToken
  if (!sealer) return { id, version, ...content }
  // Sealed in too: whoever can write to the store can't put one login's tokens into another's place.
  return { id, version, sealed: await sealer.seal(JSON.stringify({ key, id, version, ...content })) }
}

/**
 * @param key where `stored` lies: {@link keyOf}
 * @returns `undefined` where `stored` is nothing of ours
 * @throws SealProblem where it was sealed with a key that is not at hand, or for another place
 */
export async function readBack(stored: unknown, sealer: Sealer | undefined, key: string): Promise<Kept | undefined> {
  if (!isStored(stored)) return undefined
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
  if (!isStored(content)) throw new SealProblem("they are another login's")
  opened.set(stored, { sealer, content })
  return content
}

/** A request that uses its tokens many times opens the seal once. */
const opened = new WeakMap<StoredTokens, { sealer: Sealer; content: StoredTokens }>()

/** Why kept tokens cannot be read, in words fit for an error message. */
export class SealProblem extends Error {}

export function isStored(value: unknown): value is StoredTokens {
  if (typeof value !== 'object' || value === null || !('id' in value) || !('version' in value)) return false
  return typeof value.id === 'string' && typeof value.version === 'number'
}

function parse(stored: StoredTokens): Kept | undefined {
  const { id, version, issuedAt, accessToken, scope, expiresAt, refreshToken, raw } = stored
  if (typeof accessToken !== 'string' || !isObject(raw) || !Array.isArray(scope)) return undefined
  const tokens: TokenSet = {
    accessToken,
    tokenType: 'Bearer',
    scope: scope.filter((name) => typeof name === 'string'),
    ...(typeof expiresAt === 'number' && { expiresAt: new Date(expiresAt) }),
    ...(typeof refreshToken === 'string' && { refreshToken }),
    raw: { ...raw },
  }
  if (raw.access_token === REPEATED) tokens.raw.access_token = accessToken
  if (raw.refresh_token === REPEATED) tokens.raw.refresh_token = refreshToken
  return { id, version, issuedAt: typeof issuedAt === 'number' ? issuedAt : 0, tokens }
}

/**
 * The provider's token object has both tokens again. They are kept once: a session goes to its store with every
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
