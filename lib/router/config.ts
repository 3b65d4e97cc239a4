import type { NextFunction, Request, Response } from 'express'
import { configError, OAuthError } from '../errors'
import { readSessionKey } from '../login/session-key'
import { OptionReader } from '../options'
import type { DialectProfile } from '../provider/profile'
import type { TokenSet } from '../provider/token-set'
import { checkProviders, type Providers } from '../registry'
import { TOKEN_OPTIONS, type TokenOptions } from '../tokens/token-options'
import type { AppPassport } from './passport-user'

/** What the router passes to `verify`. */
export interface VerifyLogin {
  /** The name of the provider in `providers`. */
  provider: string
  /** Who logged in. With the option `skipUserProfile` there is none: `undefined`, which the type leaves out. */
  profile: DialectProfile
  /** The tokens that the provider issued; `undefined` if it issues no user token (WeCom). */
  tokens: TokenSet | undefined
  /** If a second provider is being linked, `req.user` is the user who is already logged in. */
  req: Request
}

/** The app's own user, with the type that the app declares for `Express.User`. A falsy value refuses the login. */
export type VerifiedUser = Express.User | false | null | undefined

/** The options of {@link oauthRouter}. An unknown or malformed option throws `config_invalid`, naming it. */
export interface OAuthRouterConfig extends TokenOptions {
  /** The public origin of this app: `https://app.example.com`. Without it, the callback address follows the request and `trust proxy`. */
  baseURL?: string | undefined
  /**
   * The path of the routes. Default `/auth`. Empty or `/` is the root; there, addresses without a provider's name are
   * left to the app.
   */
  mountPath?: string | undefined
  /** The providers by name, or a function of the request, for many tenants in one process. */
  providers: Providers | ((req: Request) => Providers | Promise<Providers>)
  /**
   * Returns the user of a login; `false` or `null` refuses it. Default: {@link DefaultUser} from the profile. Required
   * if `providers` is a function, because the default users of two tenants could not be distinguished.
   */
  verify?: (login: VerifyLogin) => VerifiedUser | Promise<VerifiedUser>
  /** Where the browser goes after a login. Default `/`. */
  successRedirect?: string | undefined
  /** Where the browser goes after a failed login, with `?error=CODE&provider=NAME`. Default: a short page, or JSON. */
  failureRedirect?: string | undefined
  /** Where the browser goes after a form has logged the user out. Default `successRedirect`. */
  logoutRedirect?: string | undefined
  /** Answers every failure instead of the router; what an async one rejects with goes to `next`. */
  onError?: (error: OAuthError, req: Request, res: Response, next: NextFunction) => unknown
  /** Your own Authenticator, with its serialisers. Default: the router creates one. */
  passport?: AppPassport | undefined
  /** The session key under which logins are kept. Default `passport-dialects`. */
  sessionKey?: string | undefined
  /** The time that a login may take at the provider, in seconds. Default 600, at most a day. */
  stateLifetime?: number | undefined
  /** Whether a login at a second provider is linked to the first. With `false`, it replaces the first. Default true. */
  linking?: boolean | undefined
  /**
   * What `GET /auth/session` returns of a user. Default: `provider`, `id`, `displayName`, `username`, `email` and `photo`,
   * those that are strings or numbers.
   */
  publicUser?: ((user: Express.User) => unknown) | undefined
  /** Whether `POST /auth/logout` also revokes each login at its provider, if the provider has a revocation. Default false. */
  revokeOnLogout?: boolean | undefined
}

/**
 * Checks and reads each option, in this order. The type requires every one, so that none is forgotten. A new option
 * needs a member of the interface above, a row here, a row in docs/options.md and its Chinese twin, and code in
 * router.ts.
 */
const OPTIONS = {
  providers: (read: OptionReader, { providers }: OAuthRouterConfig) => {
    if (typeof providers !== 'function') checkProviders(providers, read)
    return providers
  },
  baseURL: (read: OptionReader, config: OAuthRouterConfig) => {
    const { baseURL } = config
    if (baseURL === undefined) return undefined
    const url = typeof baseURL === 'string' && URL.canParse(baseURL) ? new URL(baseURL) : undefined
    // Plain http is the app's own choice: its users reach it so, and no provider is called there.
    if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin
    return read.fail(
      'baseURL',
      'must be the origin of the app, such as https://app.example.com; a path goes into `mountPath`',
    )
  },
  mountPath: (read: OptionReader, config: OAuthRouterConfig) => {
    const path = (config.mountPath === '' ? '' : (read.optionalText('mountPath') ?? '/auth')).replace(/\/+$/, '')
    return /^(?:\/[\w~.-]+)*$/.test(path) ? path : read.fail('mountPath', 'must be a plain path such as /auth')
  },
  verify: (read: OptionReader, { providers, verify }: OAuthRouterConfig) => {
    read.optionalFunction('verify')
    if (verify === undefined && typeof providers === 'function') {
      read.fail('verify', 'is required where `providers` is a function: the default user of two tenants would be one')
    }
    return verify
  },
  successRedirect: (read: OptionReader) => escaped(read.optionalText('successRedirect') ?? '/'),
  failureRedirect: (read: OptionReader) => read.optionalText('failureRedirect'),
  logoutRedirect: (read: OptionReader) => read.optionalText('logoutRedirect'),
  onError: (read: OptionReader, { onError }: OAuthRouterConfig) => {
    read.optionalFunction('onError')
    return onError
  },
  passport: (read: OptionReader, { passport }: OAuthRouterConfig) => {
    read.optionalObject('passport', 'authenticate', 'serializeUser')
    return passport
  },
  sessionKey: (read: OptionReader) => readSessionKey(read),
  stateLifetime: (read: OptionReader) => read.positive('stateLifetime', 600, 'seconds', 86_400),
  linking: (read: OptionReader) => read.flag('linking', true),
  publicUser: (read: OptionReader, { publicUser }: OAuthRouterConfig) => {
    read.optionalFunction('publicUser')
    return publicUser
  },
  revokeOnLogout: (read: OptionReader) => read.flag('revokeOnLogout'),
  ...TOKEN_OPTIONS,
} satisfies Record<keyof OAuthRouterConfig, (read: OptionReader, config: OAuthRouterConfig) => unknown>

type Settings = { [Name in keyof typeof OPTIONS]: ReturnType<(typeof OPTIONS)[Name]> }

/** Checks the router's config. @throws OAuthError `config_invalid`, naming the option */
export function readConfig(config: OAuthRouterConfig) {
  if (typeof config !== 'object' || config === null) throw configError(undefined, 'oauthRouter needs a config object.')
  const read = new OptionReader('oauthRouter', config)
  const unknown = Object.keys(config).find((name) => !Object.hasOwn(OPTIONS, name))
  if (unknown !== undefined) read.fail(unknown, `does not exist; the router knows ${Object.keys(OPTIONS).join(', ')}`)
  const all = Object.entries(OPTIONS).map(([name, readOption]) => [name, readOption(read, config)])
  const settings = Object.fromEntries(all) as Settings // each read by its own row
  const { tokenStore: store, encryptionKey: sealer, refreshLeadTime: leadTime, onLoggedOut, ...rest } = settings
  return { ...rest, tokens: { store, sealer, leadTime, onLoggedOut } }
}

/** Percent-encodes what a browser would encode, such as Chinese; other characters stay (RFC 3986 §2). */
function escaped(address: string): string {
  return Buffer.from(address)
    .toString()
    .replace(/[^!#-;=?-[\]_a-z~]+/g, encodeURIComponent)
}

/** The error for a failing `providers(req)`; what it returns has been checked with an error of its own. */
export function tenantError(cause: unknown): OAuthError {
  if (OAuthError.is(cause)) return cause
  const message = 'The function in option `providers` failed; see `cause`.'
  return new OAuthError('internal_error', { phase: 'authorize', message, cause })
}
