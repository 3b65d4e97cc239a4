import { createHash } from 'node:crypto'
import { type Session, type SessionRequest, type StoredSession, sessionUserOf, userIn } from './request'

/** Who is logged in, as a text that stays the same from request to request; `undefined` for nobody. */
export function whoIs(req: SessionRequest): string | undefined {
  const user = sessionUserOf(req) ?? req.user ?? undefined
  return user === undefined ? undefined : identityOf(user)
}

/** Who is logged in in a session; `undefined` for nobody. */
export function identityIn(session: StoredSession | Session | null | undefined): string | undefined {
  const user = userIn(session)
  return user === undefined ? undefined : identityOf(user)
}

/**
 * A user's identity, from what the app's own `serializeUser` makes of him. A text or a number is that. An object is known
 * by its id, its provider, and whatever tells two kinds of users apart; its other members may change. Without an id it is
 * known by all that is in it. docs/sessions.md has the rule for app authors.
 */
export function identityOf(serialised: unknown): string {
  const [id, kinds] = tellingParts(serialised)
  return `${shortHash(id)}.${shortHash(kinds)}`
}

/** Whether two identities have one id, though the app may have written another word for the kind of user meanwhile. */
export function isSameID(a: string | undefined, b: string | undefined): boolean {
  return a?.split('.', 1)[0] === b?.split('.', 1)[0]
}

/** Whether two serialised users, as JSON, have one id; `undefined` is nobody. */
export function isSameUser(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && isSameID(identityOf(JSON.parse(a)), identityOf(JSON.parse(b)))
}

function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22)
}

/** A value as a session's store holds it; what JSON has no word for (a BigInt) is a text, and a circle is nothing. */
function storable(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_name, inner) => (typeof inner === 'bigint' ? String(inner) : inner))
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a user is known by: the id, and what tells him from another one who has the same. */
function tellingParts(serialised: unknown): Parts {
  if (typeof serialised === 'string') return [['string', serialised], null]
  const parts = partsByID(tellingMembers(serialised))
  if (parts) return parts
  // An id of a class of its own becomes a text in the store, and is one here before it has been there.
  const user = storable(serialised)
  if (typeof user !== 'object' || user === null || Array.isArray(user)) return [[typeof user, user], null]
  return partsByID({ ...user }) ?? [sorted(user), null]
}

type Parts = [id: unknown, kinds: unknown]

function partsByID(members: Readonly<Record<string, unknown>>): Parts | undefined {
  const id = IDS.find((name) => isTelling(members[name]))
  if (id === undefined) return undefined
  const kinds = KINDS.filter((name) => isTelling(members[name])).map((name) => [name, sorted(members[name])])
  return [[id, sorted(members[id]), members.provider ?? null], kinds]
}

/**
 * Of a plain object the members that tell, as a store holds them; of anything else none. A user may be large, and this is
 * asked several times a login.
 */
function tellingMembers(serialised: unknown): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  if (typeof serialised !== 'object' || serialised === null || 'toJSON' in serialised) return members
  const prototype: unknown = Object.getPrototypeOf(serialised)
  if (prototype !== Object.prototype && prototype !== null) return members
  for (const [name, value] of Object.entries(serialised)) {
    if (TELLING.has(name)) members[name] = typeof value === 'string' ? value : storable(value)
  }
  return members
}

function isTelling(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** What apps call an id, the first that is there. */
const IDS = ['id', '_id', 'uuid', 'uid', 'userId', 'user_id', 'sub', 'username', 'email']

/** What tells apart two users of one number: where they come from, and of which kind they are. */
const KINDS = [
  ...['kind', 'type', 'userType', 'user_type', 'accountType', 'role', 'model', 'table', 'collection'],
  ...['tenant', 'tenantId', 'tenant_id', 'org', 'orgId', 'org_id', 'organization', 'organizationId', 'realm', 'domain'],
  ...['workspace', 'workspaceId', 'team', 'teamId', 'company', 'companyId', 'shop', 'site', 'account', 'accountId'],
  '__typename',
]

const TELLING = new Set([...IDS, 'provider', ...KINDS])

/** The same value with its members in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return members.map(([name, inner]) => [name, sorted(inner)])
}
