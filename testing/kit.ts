import type { Emulator, EmulatorUser, FaultEndpoint } from '../emulators/index'
import type { DialectProfile, ErrorCode, StrategyClass } from '../lib/index'

/** What the kit needs of an emulator: what `startEmulator` and `createEmulator` return. */
export type DialectEmulator = Pick<
  Emulator<string>,
  'name' | 'options' | 'users' | 'requests' | 'failNext' | 'approve' | 'deny' | 'close'
>

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
  /** Options that can't be left out, beside `clientID`, `clientSecret` and `callbackURL`. */
  requiredOptions?: readonly string[]
  /** The calls that a login makes from server to server; default `token` and `profile`. */
  endpoints?: readonly FaultEndpoint[]
  /** The callback parameter that carries the credential; default `code`. */
  credential?: string
  /** The parameter of the authorization request that carries the state; default `state`. */
  state?: string
  /** The parameter of the token request that repeats the redirect address; `false` where the provider has none. Default `redirect_uri`. */
  redirectURI?: string | false
  /** What the profile of a user of the emulator must say; default its `id` alone. */
  profile?: (
    user: EmulatorUser,
  ) => Partial<Pick<DialectProfile, 'id' | 'displayName' | 'username' | 'emails' | 'photos'>>
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
  /** Whether a login brings a refresh token; default false. */
  refresh?: boolean
  /** Whether the provider says when an access token ends; default true. */
  expires?: boolean
}

/** One thing that the kit looks at. */
export interface Check {
  /** What it belongs to: `options`, `a whole login`, `state`, `refusals`, `faults`, `refresh`. */
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
