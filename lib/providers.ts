import { AihubmixStrategy } from '../strategies/aihubmix'
import { BbscloudStrategy } from '../strategies/bbscloud'
import { FeishuStrategy } from '../strategies/feishu'
import { TailchatStrategy } from '../strategies/tailchat'
import { TapdStrategy } from '../strategies/tapd'
import { TiktokStrategy } from '../strategies/tiktok'
import type { DialectStrategy } from './strategy'
import type { VerifyFunction } from './verify'

/** A strategy class, a built-in one or one's own. Each checks its own options. */
// biome-ignore lint/suspicious/noExplicitAny: classes of different options share this type; a class's parameters are contravariant
export type StrategyClass = new (options: any, verify: VerifyFunction) => DialectStrategy

/** The strategies that come with the package, by the name that selects them in `providers`. */
export const BUILT_IN: Readonly<Record<string, StrategyClass>> = {
  tailchat: TailchatStrategy,
  tapd: TapdStrategy,
  bbscloud: BbscloudStrategy,
  tiktok: TiktokStrategy,
  aihubmix: AihubmixStrategy,
  feishu: FeishuStrategy,
}
