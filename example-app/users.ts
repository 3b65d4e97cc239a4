import type { DialectProfile, VerifyLogin } from 'passport-dialects'

/** Who is signed in here: the account that came first, and all that were connected to it. */
export interface User {
  provider: string
  id: string
  displayName: string
  email?: string | undefined
  photo?: string | undefined
  accounts: Account[]
}

interface Account {
  provider: string
  displayName: string
  scope: string[]
}

/** The router's `verify`: a first login makes the user, a further one connects an account to it. */
export function verify({ provider, profile, tokens, req }: VerifyLogin): User {
  const account = { provider, displayName: profile.displayName, scope: tokens.scope }
  const known = req.user as User | undefined // this function made it
  const switches = known?.provider === provider && known.id !== profile.id
  if (!known || switches) return { ...personOf(profile), accounts: [account] }
  return { ...known, accounts: [...known.accounts.filter((other) => other.provider !== provider), account] }
}

function personOf({ provider, id, displayName, emails, photos }: DialectProfile): Omit<User, 'accounts'> {
  return { provider, id, displayName, email: emails?.[0]?.value, photo: photos?.[0]?.value }
}
