import { createHash } from 'node:crypto'
import { type SessionRequest, sessionUser } from './session'

/** Who is logged in, as a text that stays the same from request to request; `undefined` for nobody. */
export function whoIs(req: SessionRequest): string | undefined {
  const user = sessionUser(req) ?? req.user
  return user === undefined || user === null ? undefined : identityOf(user)
}

/** A user's identity: its provider and id where it has them, else its whole content. */
export function identityOf(user: unknown): string {
  if (typeof user !== 'object' || user === null) return String(user)
  const fields: Record<string, unknown> = { ...user }
  const id = 'id' in user ? user.id : fields._id
  const known =
    id === undefined || id === null ? JSON.stringify(user) : `${String(fields.provider ?? '')}:${String(id)}`
  return createHash('sha256').update(known).digest('base64url').slice(0, 22)
}
