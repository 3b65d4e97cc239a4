import {
  type Emulator,
  type EmulatorUser,
  FAULTS,
  type FaultEndpoint,
  type FewerClientOptions,
} from '../emulators/index'
import type { DialectProfile, ErrorCode, StrategyClass } from '../lib/index'
import type { Mount } from './app'

/** What the kit needs of an emulator. `startEmulator` and `createEmulator` return it. */
export type DialectEmulator = Pick<
  Emulator<string>,
  'name' | 'users' | 'requests' | 'failNext' | 'approve' | 'deny' | 'close'
> &
  // Needed if the provider posts its callback, signs id_tokens, lets a page begin the login, or has application tokens.
  Partial<Pick<Emulator<string>, 'approveForm' | 'denyForm' | 'forgeNext' | 'entryCode' | 'expireAppTokens'>> & {
    /** The options for the strategy's constructor, except `callbackURL`. */
    readonly options: FewerClientOptions
  }

/** The expected outcome of a check: an error code, or `'ok'` if the login must succeed anyway. */
export type Outcome = ErrorCode | 'ok'

/** A strategy, its provider's emulator, and the differences from RFC 6749 that the kit must know. */
export interface DialectKit {
  strategy: StrategyClass
  /** A function that starts the emulator: each check starts its own. Or a running emulator, which is not closed. */
  emulator: DialectEmulator | (() => DialectEmulator | Promise<DialectEmulator>)
  /** More options for the strategy, besides those of the emulator. */
  options?: Record<string, unknown>
  /** The strategy's `name`. Default: the emulator's. */
  name?: string
  /** Whether a `clientSecret` is `optional`, or apps of this provider have `none`. Default: it is required. */
  clientSecret?: 'optional' | 'none'
  /** The other required options, besides `clientID`, `clientSecret` and `callbackURL`. */
  requiredOptions?: readonly string[]
  /** The calls from server to server that a login makes, except for the keys of id_tokens. Default `token` and `profile`. */
  endpoints?: readonly FaultEndpoint[]
  /** How the callback arrives. `form_post`: by a POST from the provider's site. Default: by a redirect. */
  callback?: 'form_post'
  /**
   * `only`: a page of the app begins the login with the router's `POST …/entry`, and gets the code from the provider's
   * script (here: from the emulator's `entryCode`). Then nothing is tried under bare Passport. Default: by a redirect.
   */
  inPage?: 'only'
  /**
   * For a provider that signs id_tokens: the kit forges them in every way, with the emulator's `forgeNext`, and expects each
   * to be refused. `required: false`: a login without an id_token succeeds. `nonce: false`: the authorization request has no
   * nonce. `keys: false`: the client secret signs them.
   */
  idToken?: { required?: boolean; nonce?: boolean; keys?: boolean }
  /** The callback parameter with the credential. Default `code`. */
  credential?: string
  /** The parameter of the authorization request with the state. Default `state`. */
  state?: string
  /** The parameter of the token request that repeats the redirect URI; `false` if there is none. Default `redirect_uri`. */
  redirectURI?: string | false
  /** The profile that a user of the emulator must get. Default: only the `id` is checked. */
  profile?: (user: EmulatorUser) => {
    [Name in 'id' | 'displayName' | 'username' | 'emails' | 'photos']?: DialectProfile[Name] | undefined
  }
  /** The codes of refusals for which the provider's words allow no better one. `false`: the provider does not refuse this. */
  codes?: {
    /** Default `access_denied`. */
    denied?: Outcome | readonly Outcome[] | false
    /** Default `client_rejected`. */
    wrongSecret?: Outcome | readonly Outcome[] | false
    /** Default `grant_rejected`. */
    usedCode?: Outcome | readonly Outcome[] | false
    /** Default `grant_rejected`. */
    forgedCode?: Outcome | readonly Outcome[] | false
  }
  /** The outcomes of faults that differ from those of other dialects, by `fault` or `fault@endpoint`. */
  faults?: Readonly<Record<string, Outcome | readonly Outcome[]>>
  /**
   * Whether a login issues a refresh token. Default false. `extends`: it does, and a refresh before the access token expires
   * returns the same access token with a longer lifetime.
   */
  refresh?: boolean | 'extends'
  /** `none`: the provider issues no user token. Default: it does. */
  userToken?: 'none'
  /** Whether the provider says when an access token expires. Default true. */
  expires?: boolean
}

/** One check of the kit. */
export interface Check {
  /** The group of the check: `options`, `a whole login`, `state`, `refusals`, `id_token`, `application token`, `faults`, `refresh`. */
  group: string
  name: string
  /**
   * @throws AssertionError if the check fails; the message names the mistake and says what to do
   * @throws NotTried if no login succeeds; another check has said why
   */
  run(): Promise<void>
}

/** The kit with everything filled in. */
export interface Settled extends DialectKit {
  endpoints: readonly FaultEndpoint[]
  credential: string
  state: string
  redirectURI: string | false
  codes: NonNullable<DialectKit['codes']>
}

/** How its logins are mounted: only the router has logins that a page begins. */
export function mountsOf({ inPage }: DialectKit): readonly Mount[] {
  return inPage ? ['oauthRouter'] : ['oauthRouter', 'bare Passport']
}

/** Every member of a kit; for one that has members of its own, those. */
const MEMBERS = {
  strategy: true,
  emulator: true,
  options: true,
  name: true,
  clientSecret: true,
  requiredOptions: true,
  endpoints: true,
  callback: true,
  inPage: true,
  idToken: { required: true, nonce: true, keys: true },
  credential: true,
  state: true,
  redirectURI: true,
  profile: true,
  codes: { denied: true, wrongSecret: true, usedCode: true, forgedCode: true },
  faults: true,
  refresh: true,
  userToken: true,
  expires: true,
} satisfies {
  [Name in keyof Required<DialectKit>]: Name extends 'idToken' | 'codes'
    ? Record<keyof NonNullable<DialectKit[Name]>, true>
    : true
}

/**
 * The kit with everything filled in.
 * @throws TypeError if it lacks its strategy or emulator, or has a member that nothing would look at
 */
export function settle(kit: DialectKit): Settled {
  demandKnown('The kit', kit, Object.keys(MEMBERS))
  if (typeof kit?.strategy !== 'function')
    throw new TypeError('The kit needs `strategy`: a class that extends DialectStrategy.')
  if (kit.emulator === undefined) throw new TypeError('The kit needs `emulator`: a function that starts it.')
  demandKnown("The kit's `idToken`", kit.idToken, Object.keys(MEMBERS.idToken))
  demandKnown("The kit's `codes`", kit.codes, Object.keys(MEMBERS.codes))
  const endpoints = kit.endpoints ?? (['token', 'profile'] as const)
  const struck = [...endpoints, 'keys', 'refresh'].flatMap((endpoint) => FAULTS.map((fault) => `${fault}@${endpoint}`))
  const listed = `${FAULTS.join(', ')}, and each of them at one endpoint, as in ${struck[0]}`
  demandKnown("The kit's `faults`", kit.faults, [...FAULTS, ...struck], listed)
  return {
    ...kit,
    endpoints,
    credential: kit.credential ?? 'code',
    state: kit.state ?? 'state',
    redirectURI: kit.redirectURI ?? 'redirect_uri',
    codes: kit.codes ?? {},
  }
}

/** A misspelt member would be as good as none: nothing looks at it. */
function demandKnown(
  where: string,
  given: object | undefined,
  known: readonly string[],
  listed: string = known.join(', '),
): void {
  const unknown = Object.entries(given ?? {}).find(([name, value]) => value !== undefined && !known.includes(name))
  if (unknown) throw new TypeError(`${where} has no member \`${unknown[0]}\`; there are ${listed}.`)
}
