import type { KeyObject } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { configError } from './errors'
import { KEY_FORMS, type KeyType, readPrivateKey, readPublicKey } from './keys'
import { parseURL } from './util/parse-url'

/**
 * The options of every strategy. A missing or malformed option throws {@link OAuthError} `config_invalid`, naming the
 * option. Options that passport-oauth2 also has mean the same here.
 */
export interface DialectOptions {
  /** The id that the provider gave this app (RFC 6749 §2.2); some providers call it a key. */
  clientID: string
  /** The client secret (RFC 6749 §2.3.1). No error or log shows it. */
  clientSecret: string
  /** An absolute address, or a path of this app: then the host comes from the request (with `proxy`, from its proxy headers). */
  callbackURL: string
  /** The scopes to request: an array, or a string with spaces or commas (RFC 6749 §3.3). Default: see the provider's page. */
  scope?: string | readonly string[] | undefined
  /** The address of the provider's API, or of your own site if the provider has no global one. No query, no fragment. */
  baseURL?: string | undefined
  /** The address where users log in (RFC 6749 §3.1). Default: the provider's, under `baseURL`. */
  authorizationURL?: string | undefined
  /** The address that exchanges a code for a token (RFC 6749 §3.2). Default: the provider's, under `baseURL`. */
  tokenURL?: string | undefined
  /** The address that returns the user. Default: the provider's, under `baseURL`. */
  userProfileURL?: string | undefined
  /** The address that refreshes a token (RFC 6749 §6). Default: the provider's, else `tokenURL`. */
  refreshURL?: string | undefined
  /** The address that revokes a token (RFC 7009). Default: the provider's, if it has one. */
  revokeURL?: string | undefined
  /** PKCE (RFC 7636): `true` and `'S256'` are the same; `'plain'` is not supported. */
  pkce?: boolean | 'S256' | undefined
  /** Pass the request to `verify` as its first argument. Default false. */
  passReqToCallback?: boolean | undefined
  /** Request no profile; or a function that decides it for each login. Default false. */
  skipUserProfile?: boolean | SkipUserProfile | undefined
  /** A state store with passport-oauth2's interface, used instead of the session. */
  store?: CustomStateStore | boolean | undefined
  /** Trust `X-Forwarded-Proto` and `X-Forwarded-Host` for a relative `callbackURL`. With Express, prefer its `trust proxy`. */
  proxy?: boolean | undefined
  /** Headers for every call to the provider; they cannot replace those of the protocol. */
  customHeaders?: Record<string, string> | undefined
  /** The session key under which pending logins are kept. Default `passport-dialects`. */
  sessionKey?: string | undefined
  /** The time limit of one whole call to the provider, in milliseconds. Default 10 000. */
  timeout?: number | undefined
  /** The largest response that is read, in bytes. Default 1 MiB. */
  maxResponseBytes?: number | undefined
  /** An undici Dispatcher, for proxies and pinned TLS. */
  dispatcher?: Dispatcher | undefined
  /** Allow plain http to a host that is not loopback; default false. */
  allowInsecureHttp?: boolean | undefined
  /** The time that a login may take at the provider, in seconds. Default 600, at most a day. */
  stateLifetime?: number | undefined
}

/** {@link DialectOptions} with an optional `clientSecret`, because not every provider gives its apps one. */
export type StrategyOptions = Omit<DialectOptions, 'clientSecret'> & Partial<Pick<DialectOptions, 'clientSecret'>>

/** `skipUserProfile` as a function. As in passport-oauth2, the number of parameters selects the form. */
export type SkipUserProfile =
  | (() => boolean)
  | ((accessToken: string, done: (error: unknown, skip: boolean) => void) => void)

/** passport-oauth2's state store. As there, the number of parameters selects the form of each method. */
export interface CustomStateStore {
  /** Stores a pending login and calls back with its state. */
  // biome-ignore lint/suspicious/noExplicitAny: four signatures of passport-oauth2 share this name
  store(req: any, ...rest: any[]): void
  /** Calls back with whether a callback's state is known, then deletes it. */
  // biome-ignore lint/suspicious/noExplicitAny: two signatures of passport-oauth2 share this name
  verify(req: any, ...rest: any[]): void
}

/**
 * How an option is written in an environment variable: a `flag` as true or false, a `number` as a whole number, a `key`
 * as a private or public key in PEM or base64. The strategy itself splits a `list`.
 */
export type OptionKind = 'text' | 'list' | 'flag' | 'number' | 'pkce' | 'key'

/**
 * What a strategy's class declares in `static options`: each option that it has besides {@link DialectOptions}, and
 * `'none'` for each of {@link DialectOptions} that it lacks. The type requires every one, so that none is forgotten.
 */
export type OwnOptions<Options> = { readonly [Name in Exclude<keyof Options, keyof DialectOptions>]: OptionKind } & {
  readonly [Name in Exclude<keyof DialectOptions, keyof Options>]: 'none'
}

/** {@link OwnOptions} of any strategy. */
export type OptionTable = Readonly<Record<string, OptionKind | 'none'>>

/** How {@link DialectOptions} are written as text; `false` if an option cannot be, or if only the router sets it. */
const SHARED_OPTIONS = {
  clientID: 'text',
  clientSecret: 'text',
  callbackURL: 'text',
  scope: 'list',
  baseURL: 'text',
  authorizationURL: 'text',
  tokenURL: 'text',
  userProfileURL: 'text',
  refreshURL: 'text',
  revokeURL: 'text',
  pkce: 'pkce',
  proxy: 'flag',
  timeout: 'number',
  maxResponseBytes: 'number',
  stateLifetime: 'number',
  allowInsecureHttp: 'flag',
  passReqToCallback: false,
  skipUserProfile: false,
  store: false,
  customHeaders: false,
  sessionKey: false,
  dispatcher: false,
} as const satisfies Record<keyof DialectOptions, OptionKind | false>

/** All options of a strategy class by name; `undefined` if the class does not declare its own. */
export function optionsOf(Strategy: object): ReadonlyMap<string, OptionKind | false> | undefined {
  if (!Object.hasOwn(Strategy, 'options')) return undefined // a subclass may have more options than its parent
  const own: OptionTable = Reflect.get(Strategy, 'options')
  const all = Object.entries<OptionKind | 'none' | false>({ ...SHARED_OPTIONS, ...own })
  return new Map(all.filter((entry): entry is [string, OptionKind | false] => entry[1] !== 'none'))
}

/**
 * Warns of options that a strategy does not have, if its class declares its options: most likely a typo. They are not
 * refused, because an app may spread options of a newer version or of passport-oauth2.
 * @param alsoRead what every strategy reads, such as the names of its endpoints
 */
export function warnOfUnknownOptions(strategy: { name: string }, options: object, alsoRead: readonly string[]): void {
  const known = optionsOf(strategy.constructor)
  const isRead = (option: string) => known?.has(option) || alsoRead.includes(option)
  const unknown = known ? Object.keys(options).filter((option) => !isRead(option)) : []
  if (unknown.length === 0) return
  const listed = unknown.map((option) => `\`${option}\``).join(', ')
  process.emitWarning(`${strategy.name}: there is no option ${listed}; it is ignored.`, {
    type: 'PassportDialectsWarning',
    code: 'PASSPORT_DIALECTS_UNKNOWN_OPTION',
  })
}

/**
 * Checks one strategy's options by name; throws `config_invalid`.
 *
 * @example
 * ```ts
 * const read = new OptionReader('lantern', options)
 * const site = read.base('baseURL', 'https://lantern.example') // without a trailing slash
 * const kind = read.oneOf('kind', ['web', 'app'], 'web')
 * ```
 */
export class OptionReader {
  constructor(
    private readonly provider: string,
    private readonly options: object,
  ) {
    if (typeof options !== 'object' || options === null) throw configError(provider, 'options must be an object.')
  }

  private read(name: string): unknown {
    return Reflect.get(this.options, name)
  }

  /** Throws `config_invalid`; the message names the option and the rule that it breaks. */
  fail(name: string, rule: string): never {
    throw configError(this.provider, `option \`${name}\` ${rule}.`)
  }

  /** A required string that is not blank. */
  text(name: string): string {
    const value = this.read(name)
    if (value === undefined) this.fail(name, 'is required and must be a non-empty string')
    if (typeof value !== 'string' || value.trim() === '') this.fail(name, 'must be a non-empty string')
    return value
  }

  /** An optional string that is not blank. */
  optionalText(name: string): string | undefined {
    return this.read(name) === undefined ? undefined : this.text(name)
  }

  /** One of `values`. */
  oneOf<const T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = this.read(name)
    if (value === undefined) return fallback
    return (
      values.find((known) => known === value) ??
      this.fail(name, `must be one of ${values.map((v) => `'${v}'`).join(', ')}`)
    )
  }

  /** True or false. */
  flag(name: string, fallback = false): boolean {
    const value = this.read(name)
    if (value === undefined) return fallback
    return typeof value === 'boolean' ? value : this.fail(name, 'must be true or false')
  }

  /** A number above 0 and at most `most`; `unit` appears in the message. */
  positive(name: string, fallback: number, unit: string, most = 2 ** 31 - 1): number {
    const value = this.read(name)
    if (value === undefined) return fallback
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      this.fail(name, `must be a positive number of ${unit}`)
    }
    if (value > most) this.fail(name, `must be at most ${most} ${unit}`)
    return value
  }

  /** A list of words; a string is split at spaces and commas. */
  words(name: string): string[] | undefined {
    const value = this.read(name)
    if (value === undefined) return undefined
    const list: unknown[] = typeof value === 'string' ? value.split(/[\s,]+/) : Array.isArray(value) ? value : []
    const words = list.filter((word): word is string => typeof word === 'string')
    const wellFormed = (typeof value === 'string' || Array.isArray(value)) && words.length === list.length
    if (!wellFormed || words.some((word) => /[\s,]/.test(word))) {
      this.fail(name, 'must be a string or an array of strings without spaces')
    }
    return [...new Set(words.filter((word) => word !== ''))]
  }

  /** An optional object that has each of `methods`. */
  optionalObject(name: string, ...methods: readonly string[]): void {
    const value = this.read(name)
    if (value === undefined) return
    const isObject = typeof value === 'object' && value !== null
    const listed = methods.map((method) => `\`${method}\``).join(' and ')
    if (!isObject || methods.some((method) => typeof Reflect.get(value, method) !== 'function')) {
      this.fail(name, methods.length === 0 ? 'must be an object' : `must be an object with ${listed}`)
    }
  }

  /** An optional function. */
  optionalFunction(name: string): void {
    const value = this.read(name)
    if (value !== undefined && typeof value !== 'function') this.fail(name, 'must be a function')
  }

  /** A private key: PEM, or PKCS#8, PKCS#1 or SEC 1 in bare base64; not encrypted. */
  privateKey(name: string, type: KeyType): KeyObject {
    const key = readPrivateKey(this.text(name))
    return key?.asymmetricKeyType === type
      ? key
      : this.fail(name, `must be a private key of type ${type}, ${KEY_FORMS}`)
  }

  /** A public key: PEM, or SPKI or PKCS#1 in bare base64. */
  publicKey(name: string, type: KeyType): KeyObject {
    const key = readPublicKey(this.text(name))
    return key?.asymmetricKeyType === type ? key : this.fail(name, `must be a public key of type ${type}, ${KEY_FORMS}`)
  }

  /** An absolute http(s) URL. Plain http is allowed only to loopback, or with `allowInsecureHttp`. */
  address(name: string, fallback?: string): string {
    const value = this.read(name) ?? fallback
    const url = typeof value === 'string' ? parseURL(value) : undefined
    if (typeof value !== 'string' || !url) {
      this.fail(name, `${value === undefined ? 'is required and ' : ''}must be an absolute http(s) address`)
    }
    if (url.protocol !== 'https:' && url.protocol !== 'http:') this.fail(name, 'must be an http(s) address')
    if (url.username || url.password || value.includes('#')) this.fail(name, 'must have no user, password or fragment')
    if (url.protocol === 'http:' && !isLoopback(url.hostname) && !this.flag('allowInsecureHttp')) {
      this.fail(name, 'must be https; plain http to a host that is not loopback needs `allowInsecureHttp: true`')
    }
    return value
  }

  /** Like {@link address}, normalised (host in lower case, no default port), without a query or trailing slashes, so that a path can follow. */
  base(name: string, fallback?: string): string {
    const { origin, pathname, search } = new URL(this.address(name, fallback))
    if (search) this.fail(name, 'must have no query')
    return origin + withoutSlashes(pathname)
  }
}

/** Removes trailing slashes. A loop, because a regular expression takes quadratic time on a text full of slashes. */
export function withoutSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end--
  return text.slice(0, end)
}

/** Whether a host name can only be this machine (RFC 8252 §7.3, RFC 6761 §6.3). */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}
