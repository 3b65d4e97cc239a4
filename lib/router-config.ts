import type { NextFunction, Request, Response } from 'express'
import { lookUp } from './answers'
import { configError, OAuthError } from './errors'
import { type DialectOptions, OptionReader } from './options'
import type { DialectProfile } from './profile'
import { BUILT_IN, type BuiltInProviders, type RouterOptions } from './providers'
import type { AppPassport } from './sign-in'
import type { DialectStrategy } from './strategy'
import { readTokenOptions, type TokenOptions } from './tokens/token-options'
import type { TokenSet } from './tokens/token-set'

/** One provider of the router: its strategy's options, and the strategy where the name does not tell it. */
export type ProviderConfig = RouterOptions<DialectOptions> & {
  /** A strategy's own options. */
  [option: string]: unknown
}

/**
 * The providers of a router by name; a name is the `:provider` of its routes and the `provider` of its profiles.
 * Under a built-in name the options are those of its strategy. Under any other they are open, and `strategy` must be
 * there, which TypeScript can't ask for: without it the start fails with `config_invalid`.
 */
export interface Providers extends BuiltInProviders {
  [name: string]: ProviderConfig | undefined
}

/** What the router's `verify` is told of a login. */
export interface VerifyLogin {
  /** The name of the provider in `providers`. */
  provider: string
  /** Who logged in. */
  profile: DialectProfile
  /** What the provider issued. */
  tokens: TokenSet
  /** `req.user` is the user who is logged in already, where a second provider is being linked. */
  req: Request
}

/** The app's own user, of the type that it gives to `Express.User`; anything falsy refuses the login. */
export type VerifiedUser = Express.User | false | null | undefined

/** What {@link oauthRouter} takes. An unknown or malformed member throws `config_invalid`, naming it. */
export interface OAuthRouterConfig extends TokenOptions {
  /** The public origin of this app: `https://app.example.com`. Without it the callback address follows the request and `trust proxy`. */
  baseURL?: string | undefined
  /** Default `/auth`; empty or `/`: the root, where whatever is no provider is left to the app. */
  mountPath?: string | undefined
  /** The providers by name, or a function of the request for many tenants in one process. */
  providers: Providers | ((req: Request) => Providers | Promise<Providers>)
  /** The user of a login; `false` or `null` refuses it. Default: {@link DefaultUser} from the profile. */
  verify?: (login: VerifyLogin) => VerifiedUser | Promise<VerifiedUser>
  /** Default `/`. */
  successRedirect?: string | undefined
  /** Gets `?error=CODE&provider=NAME`. Default: a short page, or JSON. */
  failureRedirect?: string | undefined
  /** Where a form that logs out goes; default `successRedirect`. */
  logoutRedirect?: string | undefined
  /** Takes over the answer to every failure. */
  onError?: (error: OAuthError, req: Request, res: Response, next: NextFunction) => void
  /** Your own Authenticator, with its serialisers; default one of the router's own. */
  passport?: AppPassport | undefined
  /** The key of the session that logins are kept under; default `passport-dialects`. */
  sessionKey?: string | undefined
  /** Seconds that a login may take at the provider; default 600. */
  stateLifetime?: number | undefined
  /** Whether `POST /auth/logout` also revokes each login at its provider, where that can; default false. */
  revokeOnLogout?: boolean | undefined
}

/** A provider as the router runs it. */
export interface Entry {
  name: string
  strategy: DialectStrategy
  /** The provider's own `callbackURL`, where the config names one. */
  callbackURL: string | undefined
}

const SETTINGS = new Set([
  'baseURL',
  'mountPath',
  'providers',
  'verify',
  'successRedirect',
  'failureRedirect',
  'logoutRedirect',
  'onError',
  'passport',
  'sessionKey',
  'stateLifetime',
  'revokeOnLogout',
  'tokenStore',
  'encryptionKey',
  'refreshLeadTime',
  'onLoggedOut',
])

/** Checks the router's config. @throws OAuthError `config_invalid`, naming the option */
export function readConfig(config: OAuthRouterConfig) {
  if (typeof config !== 'object' || config === null) throw configError(undefined, 'oauthRouter needs a config object.')
  const read = new OptionReader('oauthRouter', config)
  const unknown = Object.keys(config).find((name) => !SETTINGS.has(name))
  if (unknown !== undefined) read.fail(unknown, `does not exist; the router knows ${[...SETTINGS].join(', ')}`)
  const baseURL = config.baseURL === undefined ? undefined : read.base('baseURL')
  if (baseURL !== undefined && new URL(baseURL).origin !== baseURL.toLowerCase()) {
    read.fail('baseURL', 'must be the origin of the app, without a path; a path goes into `mountPath`')
  }
  const mountPath = (config.mountPath === '' ? '' : (read.optionalText('mountPath') ?? '/auth')).replace(/\/+$/, '')
  if (!/^(?:\/[\w~.-]+)*$/.test(mountPath)) read.fail('mountPath', 'must be a plain path such as /auth')
  for (const name of ['verify', 'onError'] as const) {
    if (config[name] !== undefined && typeof config[name] !== 'function') read.fail(name, 'must be a function')
  }
  if (typeof config.providers !== 'function') checkProviders(config.providers, read)
  return {
    baseURL,
    mountPath,
    successRedirect: escaped(read.optionalText('successRedirect') ?? '/'),
    failureRedirect: read.optionalText('failureRedirect'),
    sessionKey: read.optionalText('sessionKey') ?? 'passport-dialects',
    stateLifetime: read.positive('stateLifetime', 600, 'seconds'),
    revokeOnLogout: read.flag('revokeOnLogout'),
    tokens: readTokenOptions(config, read),
  }
}

/** What may stand in an address as it is stays (RFC 3986 §2); the rest, Chinese for one, as a browser would send it. */
function escaped(address: string): string {
  return Buffer.from(address)
    .toString()
    .replace(/[^!#-;=?-[\]_a-z~]+/g, encodeURIComponent)
}

/**
 * The strategies of `providers`, each under its own callback path.
 * @throws OAuthError `config_invalid`, naming the provider and the option
 */
export function buildEntries(
  providers: Providers,
  shared: { mountPath: string; sessionKey: string; stateLifetime: number },
): ReadonlyMap<string, Entry> {
  checkProviders(providers, new OptionReader('oauthRouter', { providers }))
  const entries = new Map<string, Entry>()
  for (const [name, config] of Object.entries(providers)) {
    if (config === undefined) continue
    const { strategy, callbackURL, ...options } = config
    const Strategy = strategy ?? lookUp(BUILT_IN, name)
    if (typeof Strategy !== 'function') {
      const known = Object.keys(BUILT_IN).join(', ')
      throw configError(name, `is not one of ${known}: name its class in option \`strategy\`.`)
    }
    const { mountPath, sessionKey, stateLifetime } = shared
    const own = {
      stateLifetime,
      ...options,
      sessionKey,
      callbackURL: callbackURL ?? `${mountPath}/${name}/callback`,
    }
    // The router speaks to the app's `verify` itself; a strategy can't be built without one.
    const instance = new Strategy(own, () => {})
    instance.name = name
    entries.set(name, { name, strategy: instance, callbackURL })
  }
  return entries
}

const RESERVED_NAMES = new Set(['session', 'logout'])

function checkProviders(providers: unknown, read: OptionReader): void {
  if (typeof providers !== 'object' || providers === null || Array.isArray(providers)) {
    read.fail('providers', 'must be an object of providers by name, or a function that returns one')
  }
  for (const [name, options] of Object.entries(providers)) {
    if (!/^[A-Za-z0-9][\w-]{0,63}$/.test(name) || RESERVED_NAMES.has(name)) {
      read.fail('providers', 'must name each provider in letters, digits, - and _, and not session or logout')
    }
    if (options === undefined) continue // as if its name were not there
    if (typeof options !== 'object' || options === null) read.fail('providers', `must give an object for ${name}`)
  }
}

/** A failure of `providers(req)` as an error that says so. */
export function tenantError(cause: unknown): OAuthError {
  if (OAuthError.is(cause)) return cause
  const message = 'The function in option `providers` failed; see `cause`.'
  return new OAuthError('config_invalid', { phase: 'authorize', message, cause })
}
