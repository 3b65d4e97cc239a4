import type { Emulator, EmulatorUser, FaultEndpoint, FewerClientOptions } from '../emulators/index'
import type { DialectProfile, ErrorCode, StrategyClass } from '../lib/index'
import type { Mount } from './app'

/** What the kit needs of an emulator: what `startEmulator` and `createEmulator` return. */
export type DialectEmulator = Pick<
  Emulator<string>,
  'name' | 'users' | 'requests' | 'failNext' | 'approve' | 'deny' | 'close'
> &
  // Asked for where the provider posts its callback, signs id_tokens, lets a page begin the login, has application tokens.
  Partial<Pick<Emulator<string>, 'approveForm' | 'denyForm' | 'forgeNext' | 'entryCode' | 'expireAppTokens'>> & {
    /** What the strategy's constructor takes, beside `callbackURL`. */
    readonly options: FewerClientOptions
  }

/** What something must come to: one of these codes, or `'ok'` where the login succeeds all the same. */
export type Outcome = ErrorCode | 'ok'

/** A strategy, its provider's emulator, and how this dialect differs from RFC 6749 where the kit must know it. */
export interface DialectKit {
  strategy: StrategyClass
  /** How to start the emulator: each check starts one of its own. A running emulator is taken as it is, and not closed. */
  emulator: DialectEmulator | (() => DialectEmulator | Promise<DialectEmulator>)
  /** Options of the strategy beside those of the emulator. */
  options?: Record<string, unknown>
  /** The strategy's `name`; default the emulator's. */
  name?: string
  /** Whether an app of this provider may do without a `clientSecret` (`optional`), or has none (`none`); default it must have one. */
  clientSecret?: 'optional' | 'none'
  /** Options that can't be left out, beside `clientID`, `clientSecret` and `callbackURL`. */
  requiredOptions?: readonly string[]
  /** The calls that a login makes from server to server, but for the keys of id_tokens; default `token` and `profile`. */
  endpoints?: readonly FaultEndpoint[]
  /** How the callback comes; `form_post`: by a POST from the provider's site. Default by a redirect. */
  callback?: 'form_post'
  /**
   * `only`: a page of the app begins the login, by the router's `POST …/entry`, and has the code from the provider's script:
   * from `entryCode` of its emulator. Nothing is tried under bare Passport then. Default by a redirect.
   */
  inPage?: 'only'
  /**
   * The provider signs id_tokens, by `forgeNext` of its emulator in every wrong way: each must be refused.
   * `required: false`: a login without one succeeds; `nonce: false`: the authorization request carries none;
   * `keys: false`: the client secret signs them.
   */
  idToken?: { required?: boolean; nonce?: boolean; keys?: boolean }
  /** The callback parameter that carries the credential; default `code`. */
  credential?: string
  /** The parameter of the authorization request that carries the state; default `state`. */
  state?: string
  /** The parameter of the token request that repeats the redirect address; `false` where the provider has none. Default `redirect_uri`. */
  redirectURI?: string | false
  /** What the profile of a user of the emulator must say; default its `id` alone. */
  profile?: (user: EmulatorUser) => {
    [Name in 'id' | 'displayName' | 'username' | 'emails' | 'photos']?: DialectProfile[Name] | undefined
  }
  /** What refusals come to where the provider words them so that no better code is possible; `false`: it does not refuse this. */
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
  /** What a fault comes to where it is not what it comes to with any other dialect: by `fault`, or by `fault@endpoint`. */
  faults?: Readonly<Record<string, Outcome | readonly Outcome[]>>
  /**
   * Whether a login brings a refresh token; default false. `extends`: it does, and a refresh before the access token's
   * end brings the same one, with a longer life.
   */
  refresh?: boolean | 'extends'
  /** `none`: a login brings no token of the user's. Default it does. */
  userToken?: 'none'
  /** Whether the provider says when an access token ends; default true. */
  expires?: boolean
}

/** One thing that the kit looks at. */
export interface Check {
  /** What it belongs to: `options`, `a whole login`, `state`, `refusals`, `id_token`, `application token`, `faults`, `refresh`. */
  group: string
  name: string
  /**
   * @throws AssertionError whose message names the mistake and says what to do
   * @throws NotTried where no login succeeds, and another check has said why
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

/** How its logins are mounted: what a page begins is the router's alone. */
export function mountsOf({ inPage }: DialectKit): readonly Mount[] {
  return inPage ? ['oauthRouter'] : ['oauthRouter', 'bare Passport']
}

export function settle(kit: DialectKit): Settled {
  if (typeof kit?.strategy !== 'function')
    throw new TypeError('The kit needs `strategy`: a class that extends DialectStrategy.')
  if (kit.emulator === undefined) throw new TypeError('The kit needs `emulator`: a function that starts it.')
  return {
    ...kit,
    endpoints: kit.endpoints ?? ['token', 'profile'],
    credential: kit.credential ?? 'code',
    state: kit.state ?? 'state',
    redirectURI: kit.redirectURI ?? 'redirect_uri',
    codes: kit.codes ?? {},
  }
}
