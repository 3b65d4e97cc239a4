import type { DialectProfile } from './profile'
import type { TokenSet } from './tokens/token-set'
import type { Transaction } from './transactions'

/** A finished conversation with the provider, before `verify` has spoken. */
export interface Login {
  transaction: Transaction
  tokens: TokenSet
  profile: DialectProfile | undefined
}

/** @internal How the router runs a strategy; nothing of it comes from the browser unchecked. */
export interface Flow {
  /** `entry`: the provider began it, by a code that nobody asked for. */
  leg: 'begin' | 'callback' | 'entry'
  returnTo?: string | undefined
  popup?: boolean
  /** Takes the place of the strategy's own `verify`, and settles the transaction itself. */
  conclude?(login: Login): Promise<unknown>
}

/** What a leg came to. */
export type Outcome =
  | { kind: 'redirect'; location: string }
  | { kind: 'success'; user: unknown; info: object | undefined }
  | { kind: 'refused'; info: unknown }

/** What `passport.authenticate(name, options)` may say of one login. */
export interface AuthenticateOptions {
  /** In place of the strategy's own. */
  callbackURL?: string
  /** In place of the strategy's own. */
  scope?: string | string[]
  /** Anything of the app's: it comes back as `info.state`. */
  state?: unknown
  /** @internal */
  flow?: Flow
}
