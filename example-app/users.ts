import type { DialectProfile, VerifyLogin } from 'passport-dialects'

/** The user of this app: the first account, and all accounts that were connected to it. */
export interface User {
  provider: string
  id: string
  displayName: string
  email?: string | undefined
  photo?: string | undefined
  accounts: Account[]
}

export interface Account {
  provider: string
  displayName: string
  /** The remaining balance, if the provider has one. */
  balance?: string | undefined
  /** The provider issues no token for its users: WeCom. */
  tokenless?: true | undefined
}

/** The router's `verify`: the first login makes the user, a further one connects an account. */
export function verify({ provider, profile, tokens, req }: VerifyLogin): User {
  const displayName = nameOf(provider, profile)
  const tokenless: true | undefined = tokens ? undefined : true
  const account = { provider, displayName, balance: balanceOf(profile), tokenless }
  const known = req.user as User | undefined // this function made it
  const switches = known?.provider === provider && known.id !== profile.id
  if (!known || switches) return { ...personOf(provider, profile), displayName, accounts: [account] }
  return { ...known, accounts: [...known.accounts.filter((other) => other.provider !== provider), account] }
}

/** AIHubMix's balance, if the scope `balance` was granted. */
export function balanceOf({ _json }: DialectProfile): string | undefined {
  const { balance_formatted: balance } = _json as { balance_formatted?: unknown } // checked below
  return typeof balance === 'string' ? balance : undefined
}

/** An app would use a database: Apple sends a user's name only at the first login. */
const NAMES = new Map<string, string>()

function nameOf(provider: string, { id, displayName }: DialectProfile): string {
  const key = `${provider} ${id}`
  if (displayName !== '') NAMES.set(key, displayName)
  return NAMES.get(key) ?? ''
}

function personOf(provider: string, { id, emails, photos }: DialectProfile): Omit<User, 'accounts' | 'displayName'> {
  return { provider, id, email: emails?.[0]?.value, photo: photos?.[0]?.value }
}
