import { hash } from 'node:crypto'
import { type Session, type SessionRequest, type StoredSession, sessionUserOf, userIn } from './request'

/** The identity of the logged-in user, the same text in every request; `undefined` for nobody. */
export function whoIs(req: SessionRequest): string | undefined {
  const user = sessionUserOf(req) ?? req.user ?? undefined
  return user === undefined ? undefined : identityOf(user)
}

/** The identity of a session's user; `undefined` for nobody. */
export function identityIn(session: StoredSession | Session | null | undefined): string | undefined {
  const user = userIn(session)
  return user === undefined ? undefined : identityOf(user)
}

/**
 * A user's identity, from the value that the app's `serializeUser` returns. A string or number is its own identity. An
 * object is identified by its id, its provider, and the members that distinguish kinds of users; its other members may
 * change. Without an id, the whole object counts. docs/sessions.md has the rule for app authors.
 */
export function identityOf(serialised: unknown): string {
  const [id, kinds] = tellingParts(serialised)
  return `${shortHash(id)}.${kinds.length === 0 ? NO_KINDS : shortHash(kinds)}`
}

/** Whether two identities have the same id, even if the app has changed the kind of the user meanwhile. */
export function isSameID(a: string | undefined, b: string | undefined): boolean {
  return a?.split('.', 1)[0] === b?.split('.', 1)[0]
}

/** Whether two serialised users, as JSON, have the same id; `undefined` is nobody. */
export function isSameUser(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && isSameID(identityOf(JSON.parse(a)), identityOf(JSON.parse(b)))
}

function shortHash(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url').slice(0, 22)
}

/** Most users have none. */
const NO_KINDS = shortHash([])

/** A value as a session store returns it. A BigInt becomes text; a circular value becomes `undefined`. */
function storable(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_name, inner) => (typeof inner === 'bigint' ? String(inner) : inner))
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The parts that identify a user: the id, and what distinguishes users with the same id. */
function tellingParts(serialised: unknown): Parts {
  if (typeof serialised === 'string') return [['string', serialised], []]
  const parts =
    isPlain(serialised) && partsByID(serialised, (value) => (typeof value === 'string' ? value : storable(value)))
  if (parts) return parts
  // An id that is an object becomes text in the store, so it is converted here too.
  const user = storable(serialised)
  if (typeof user !== 'object' || user === null || Array.isArray(user)) return [[typeof user, user], []]
  return partsByID(user, (value) => value) ?? [sorted(user), []]
}

type Parts = [id: unknown, kinds: unknown[]]

/** Reads only the members that identify a user: a user may be large, and this runs several times per login. */
function partsByID(user: object, read: (value: unknown) => unknown): Parts | undefined {
  const members = new Map<string, unknown>()
  for (const [name, value] of Object.entries(user)) {
    const telling = TELLING.has(name) ? read(value) : undefined
    if (telling !== undefined && telling !== null && telling !== '') members.set(name, telling)
  }
  const id = IDS.find((name) => members.has(name))
  if (id === undefined) return undefined
  const kinds = KINDS.filter((name) => members.has(name)).map((name) => [name, sorted(members.get(name))])
  return [[id, sorted(members.get(id)), members.get('provider') ?? null], kinds]
}

/** Whether a store returns a value's members as they are. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Names of an id in apps; the first one present counts. */
const IDS = ['id', '_id', 'uuid', 'uid', 'userId', 'user_id', 'sub', 'username', 'email']

/** Names of members that distinguish users with the same number: where they come from, and their kind. */
const KINDS = [
  ...['kind', 'type', 'userType', 'user_type', 'accountType', 'role', 'model', 'table', 'collection'],
  ...['tenant', 'tenantId', 'tenant_id', 'org', 'orgId', 'org_id', 'organization', 'organizationId', 'realm', 'domain'],
  ...['workspace', 'workspaceId', 'team', 'teamId', 'company', 'companyId', 'shop', 'site', 'account', 'accountId'],
  '__typename',
]

const TELLING = new Set([...IDS, 'provider', ...KINDS])

/** The same value with its members sorted. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return members.map(([name, inner]) => [name, sorted(inner)])
}
