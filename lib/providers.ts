import { AihubmixStrategy } from '../strategies/aihubmix'
import { BbscloudStrategy } from '../strategies/bbscloud'
import { FeishuStrategy } from '../strategies/feishu'
import { TailchatStrategy } from '../strategies/tailchat'
import { TapdStrategy } from '../strategies/tapd'
import { TiktokStrategy } from '../strategies/tiktok'
import type { DialectOptions } from './options'
import type { DialectStrategy } from './strategy'
import type { VerifyFunction } from './verify'

/**
 * A strategy class, built-in or one's own: `new (options, verify)`.
 * Each checks its own options and throws `config_invalid`, naming the option.
 */
// biome-ignore lint/suspicious/noExplicitAny: classes of different options share this type; a class's parameters are contravariant
export type StrategyClass = new (options: any, verify: VerifyFunction) => DialectStrategy

const CLASSES = {
  tailchat: TailchatStrategy,
  tapd: TapdStrategy,
  bbscloud: BbscloudStrategy,
  tiktok: TiktokStrategy,
  aihubmix: AihubmixStrategy,
  feishu: FeishuStrategy,
}

/** The strategies that come with the package, by the name that selects them in `providers`. */
export const BUILT_IN: Readonly<Record<string, StrategyClass>> = CLASSES

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
