import type { JsonObject } from '../json'

/**
 * What the engine keeps under its session key: pending and used logins, and the tokens of successful ones. All other
 * files use this type; this one has its text form, its checks and its size limit.
 */
export interface Slot {
  /** Incremented at each write, to recognise an older copy of the session. */
  version: number
  /** Logins that have begun and not finished; the oldest first. */
  pending: readonly Transaction[]
  /** Finished logins, for repeats of a callback; the oldest first. */
  used: readonly UsedTransaction[]
  /** The names of the providers that the session is logged in at; the first login first. */
  logins: readonly string[]
  /** The stored tokens of each login, by provider. */
  tokens: Readonly<Record<string, StoredTokens>>
  /** The provider that logged the user in; later ones are linked. */
  owner?: string
  /** The identity of the user whom the logins and tokens belong to. */
  user?: string
  /** A login gave the session a new id; nobody is logged in under this one any more. */
  left?: true
  /** The id that a link gave the session, for a log-out that another process is handling. */
  successor?: string
}

/** A pending login, kept in the session that began it. */
export interface Transaction {
  /** 43 random letters and digits: the only part of a transaction that leaves this server. */
  state: string
  /** The strategy's name: a login begun at one provider or instance cannot be finished at another. */
  provider: string
  /**
   * Identifies the client, because tenants may share a name and a session. While the login is pending, it is the client's
   * MAC over what was sent to the provider; after that, the client's fingerprint.
   */
  client: string
  /** Milliseconds since the epoch. */
  begunAt: number
  /** The redirect URI as it was sent: the token request must repeat it (RFC 6749 §4.1.3). */
  redirectURI: string
  /** The PKCE verifier (RFC 7636 §4.1). */
  verifier?: string
  /** The nonce (OpenID Connect Core §3.1.2.1): derived from the state with the client's key, and never stored. */
  nonce?: string
  /** What else the start named: the host, for a dialect with `host`, such as a shop. */
  about?: Readonly<Record<string, string>>
  /** Where the browser goes after the login: a path of this app. */
  returnTo?: string
  /** The login began in a popup: its callback informs the opener and closes the window. */
  popup?: true
  /** A page of another site sent the browser to the start: the login is not linked to a user who logged in meanwhile. */
  fromElsewhere?: true
  /** Who was logged in when it began. */
  begunBy?: string
  /** What the app gave as `state` to `passport.authenticate`: it comes back as `info.state`. */
  appState?: unknown
  /** The callback's other parameters that the dialect names in `callbackParameters`. Never stored. */
  callback?: Readonly<Record<string, string>>
}

/** A finished login, for the repeat of its callback. */
export interface UsedTransaction {
  state: string
  provider: string
  client: string
  ok: boolean
  /** Milliseconds since the epoch. */
  at: number
  /** A hash of the callback's credential: another credential is not a repeat. */
  credential?: string
  returnTo?: string
  popup?: true
}

/**
 * The tokens of one login as they are stored: in clear text, encrypted, or as a reference into a token store.
 * tokens/token-record.ts writes and reads them.
 */
export type StoredTokens = JsonObject & { id: string; version: number }

/** An empty slot. */
export function emptySlot(): Slot {
  return { version: 0, pending: [], used: [], logins: [], tokens: {} }
}

/**
 * The slot as one text. express-session hashes a session three times per request and calls a function for every value
 * in it; a text is one value, and is parsed only when needed.
 */
export function textOfSlot(slot: Slot): string {
  return JSON.stringify(contentOf(slot))
}

/** The slot without its empty members, to save room in a cookie; `left` first, for {@link isLeftBehind}. */
export function contentOf({ version, pending, used, logins, tokens, owner, user, left, successor }: Slot): object {
  const content: Partial<Slot> = left ? { left, version } : { version }
  if (pending.length > 0) content.pending = pending
  if (used.length > 0) content.used = used
  if (logins.length > 0) content.logins = logins
  if (Object.keys(tokens).length > 0) content.tokens = tokens
  if (owner !== undefined) content.owner = owner
  if (user !== undefined) content.user = user
  if (successor !== undefined) content.successor = successor
  return content
}

/**
 * Reads the slot from a value of a session; `undefined` if it is none. A store or cookie is untrusted: entries of
 * another shape are dropped, and flags count only if they are exactly `true`.
 */
export function readSlot(value: unknown): Slot | undefined {
  const content = typeof value === 'string' ? parsed(value) : value
  if (!isRecord(content) || typeof content.version !== 'number') return undefined
  const { version, owner, user, left, successor, tokens } = content
  const slot: Slot = {
    version,
    pending: listOf(content.pending, isTransaction),
    used: listOf(content.used, isUsed),
    logins: listOf(content.logins, isText),
    tokens: isRecord(tokens) ? Object.fromEntries(Object.entries(tokens).filter(isTokenEntry)) : {},
  }
  if (typeof owner === 'string') slot.owner = owner
  if (typeof user === 'string') slot.user = user
  if (left === true) slot.left = true
  if (typeof successor === 'string') slot.successor = successor
  return slot
}

/**
 * Whether a login left the slot in this value behind. Every page of the app asks; the text of any other slot is not
 * parsed for it.
 */
export function isLeftBehind(value: unknown): boolean {
  if (typeof value === 'string' && !value.startsWith('{"left":true')) return false
  return readSlot(value)?.left === true
}

/** Whether a value has the form of {@link StoredTokens}. */
export function isStoredTokens(value: unknown): value is StoredTokens {
  return isRecord(value) && typeof value.id === 'string' && typeof value.version === 'number'
}

/** The size of a slot in bytes of JSON. */
function sizeOf(content: unknown): number {
  return Buffer.byteLength(JSON.stringify(content))
}

/** What a new login takes, without `returnTo`. */
const PENDING_BYTES = 500

/**
 * Makes a slot fit into `room` bytes of JSON, for a session that lives in its cookie. It drops, in this order: the raw
 * token responses, the used logins, all pending ones but the newest, and its `returnTo`. A start, which any site can
 * cause, drops no tokens. Tokens are dropped only if they leave no room for a start, the largest first; such a login
 * goes on, but `req.oauth` can no longer use it.
 */
export function fitSlot(slot: Slot, room: number | undefined): void {
  if (room === undefined) return
  const isTooLarge = () => sizeOf(contentOf(slot)) > room
  for (const [provider, entry] of Object.entries(slot.tokens)) {
    if (!isTooLarge()) return
    if (entry.raw !== undefined) slot.tokens = { ...slot.tokens, [provider]: { ...entry, raw: {} } }
  }
  while (isTooLarge() && slot.used.length > 0) slot.used = slot.used.slice(1)
  while (isTooLarge() && slot.pending.length > 1) slot.pending = slot.pending.slice(1)
  if (isTooLarge()) slot.pending = slot.pending.map(({ returnTo: _dropped, ...rest }) => rest)
  const crowd = () => sizeOf(contentOf({ ...slot, pending: [] })) + PENDING_BYTES > room
  while (isTooLarge() && crowd() && Object.keys(slot.tokens).length > 0) {
    const [largest = ''] = Object.keys(slot.tokens).sort((a, b) => sizeOf(slot.tokens[b]) - sizeOf(slot.tokens[a]))
    const { [largest]: _dropped, ...rest } = slot.tokens
    slot.tokens = rest
    process.emitWarning(`The tokens of ${largest} do not fit into a session cookie. Set a \`tokenStore\`.`)
  }
  if (isTooLarge()) slot.pending = []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not ours
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf<T>(value: unknown, fits: (entry: unknown) => entry is T): T[] {
  return Array.isArray(value) ? value.filter(fits) : []
}

function hasTexts(entry: unknown, ...names: string[]): entry is Record<string, unknown> {
  return isRecord(entry) && names.every((name) => typeof entry[name] === 'string')
}

function hasOptionalTexts(entry: Record<string, unknown>, ...names: string[]): boolean {
  return names.every((name) => entry[name] === undefined || typeof entry[name] === 'string')
}

function isTransaction(entry: unknown): entry is Transaction & Record<string, unknown> {
  return (
    hasTexts(entry, 'state', 'provider', 'client', 'redirectURI') &&
    typeof entry.begunAt === 'number' &&
    hasOptionalTexts(entry, 'verifier', 'nonce', 'returnTo', 'begunBy') &&
    (entry.about === undefined || (isRecord(entry.about) && hasTexts(entry.about, ...Object.keys(entry.about))))
  )
}

function isUsed(entry: unknown): entry is UsedTransaction & Record<string, unknown> {
  return (
    hasTexts(entry, 'state', 'provider', 'client') &&
    typeof entry.at === 'number' &&
    hasOptionalTexts(entry, 'credential', 'returnTo')
  )
}

function isText(entry: unknown): entry is string {
  return typeof entry === 'string'
}

function isTokenEntry(entry: [string, unknown]): entry is [string, StoredTokens] {
  return isStoredTokens(entry[1])
}
