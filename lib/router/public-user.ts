/**
 * The members of a user that `GET /auth/session` shows by default: a database row may have more than a browser should
 * see.
 */
const FIELDS = ['provider', 'id', 'displayName', 'username', 'email', 'photo'] as const

/** @param own the router's option `publicUser` */
export function publicUserOf(user: unknown, own: ((user: Express.User) => unknown) | undefined): unknown {
  if (own) return own(user as Express.User) ?? null // from the app's own `verify` or `deserializeUser`
  if (typeof user !== 'object' || user === null) return {}
  const shown: Record<string, unknown> = {}
  for (const name of FIELDS) {
    const value: unknown = Reflect.get(user, name)
    if (typeof value === 'string' || typeof value === 'number') shown[name] = value
  }
  return shown
}
