import { type AihubmixOptions, AihubmixStrategy } from '../strategies/aihubmix'
import { type BbscloudOptions, BbscloudStrategy } from '../strategies/bbscloud'
import { type FeishuOptions, FeishuStrategy } from '../strategies/feishu'
import { type TailchatOptions, TailchatStrategy } from '../strategies/tailchat'
import { type TapdOptions, TapdStrategy } from '../strategies/tapd'
import { type TiktokOptions, TiktokStrategy } from '../strategies/tiktok'
import { declareOptions } from './known-options'
import type { DialectOptions } from './options'
import type { DialectStrategy } from './strategy'

/**
 * A strategy class, built-in or one's own: `new (options, verify)`.
 * Each checks its own options and throws `config_invalid`, naming the option.
 */
// biome-ignore lint/suspicious/noExplicitAny: classes of different options and forms share this type; a class's parameters are contravariant
export type StrategyClass = new (options: any, verify: any) => DialectStrategy

const CLASSES = {
  tailchat: TailchatStrategy,
  tapd: TapdStrategy,
  bbscloud: BbscloudStrategy,
  tiktok: TiktokStrategy,
  aihubmix: AihubmixStrategy,
  feishu: FeishuStrategy,
} satisfies Record<keyof BuiltInProviders, StrategyClass>

/** The strategies that come with the package, by the name that selects them in `providers`. */
export const BUILT_IN: Readonly<Record<string, StrategyClass>> = CLASSES

/**
 * The built-in providers with the options of their strategies; an option that does not exist is a compile error.
 * A `strategy` of one's own with options of its own goes under another name, or is written down before it is put here:
 * TypeScript can't tell it from a slip where it stands.
 */
export interface BuiltInProviders {
  tailchat?: RouterOptions<TailchatOptions> | undefined
  tapd?: RouterOptions<TapdOptions> | undefined
  bbscloud?: RouterOptions<BbscloudOptions> | undefined
  tiktok?: RouterOptions<TiktokOptions> | undefined
  aihubmix?: RouterOptions<AihubmixOptions> | undefined
  feishu?: RouterOptions<FeishuOptions> | undefined
}

/** A strategy's options as the router takes them. */
export type RouterOptions<Options> = Omit<Options, 'callbackURL'> & {
  /** The strategy class; default the built-in one of that name. */
  strategy?: StrategyClass | undefined
  /** Absolute, or a path of this app. Default: the router's own route for this name. */
  callbackURL?: string | undefined
}

/** How an option is written as text: `flag` is true or false, `number` a whole number, `list` is left to the strategy. */
export type OptionKind = 'text' | 'list' | 'flag' | 'number' | 'pkce'

/**
 * The options that a built-in strategy has beside {@link DialectOptions}.
 * The type asks for every one of them, so that none is forgotten when a strategy gets another.
 */
export const OWN_OPTIONS: Readonly<Record<string, Readonly<Record<string, OptionKind>>>> = {
  tailchat: { issuer: 'text' },
  tapd: { site: 'text', profileSource: 'text', silentLogin: 'flag' },
  bbscloud: { codeURL: 'text' },
  tiktok: { apiVersion: 'text', fields: 'list', disableAutoAuth: 'flag' },
  aihubmix: { autoAuthorize: 'flag' },
  feishu: { edition: 'text' },
} satisfies { [Name in keyof typeof CLASSES]: OwnOptions<ConstructorParameters<(typeof CLASSES)[Name]>[0]> }

type OwnOptions<Options> = Record<Exclude<keyof Options, keyof DialectOptions>, OptionKind>

/** What text can say of {@link DialectOptions}; `false` where it can't, or where the router alone decides. */
export const SHARED_OPTIONS = {
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
  topupURL: 'text',
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

for (const [name, Strategy] of Object.entries(BUILT_IN)) {
  declareOptions(Strategy, Object.keys({ ...SHARED_OPTIONS, ...OWN_OPTIONS[name] }))
}
