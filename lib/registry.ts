import { AihubmixStrategy } from '../strategies/aihubmix'
import { AlipayStrategy } from '../strategies/alipay'
import { AppleStrategy } from '../strategies/apple'
import { BbscloudStrategy } from '../strategies/bbscloud'
import { DingtalkStrategy } from '../strategies/dingtalk'
import { DouyinStrategy } from '../strategies/douyin'
import { FeishuStrategy } from '../strategies/feishu'
import { GiteeStrategy } from '../strategies/gitee'
import { HuaweiStrategy } from '../strategies/huawei'
import { KakaoStrategy } from '../strategies/kakao'
import { LineStrategy } from '../strategies/line'
import { LinkedinStrategy } from '../strategies/linkedin'
import { NaverStrategy } from '../strategies/naver'
import { NotionStrategy } from '../strategies/notion'
import { QqStrategy } from '../strategies/qq'
import { ShopifyStrategy } from '../strategies/shopify'
import { SlackStrategy } from '../strategies/slack'
import { TailchatStrategy } from '../strategies/tailchat'
import { TapdStrategy } from '../strategies/tapd'
import { TiktokStrategy } from '../strategies/tiktok'
import { VkStrategy } from '../strategies/vk'
import { WechatStrategy } from '../strategies/wechat'
import { WecomStrategy } from '../strategies/wecom'
import { WeiboStrategy } from '../strategies/weibo'
import { XStrategy } from '../strategies/x'
import { configError } from './errors'
import { lookUp } from './json'
import { OptionReader, type OptionTable, type StrategyOptions } from './options'
import type { AppTokenHome } from './provider/app-token'
import type { DialectStrategy } from './strategy'

// biome-ignore lint/suspicious/noExplicitAny: classes of different options and forms share this type; a class's parameters are contravariant
type StrategyConstructor = new (options: any, verify: any) => DialectStrategy

/**
 * A strategy class, built-in or your own: `new (options, verify)`.
 * Each class checks its options and throws `config_invalid`, naming the option.
 */
export type StrategyClass = StrategyConstructor & {
  /** The class's own options, if it declares them: then an unknown option causes a warning. */
  readonly options?: OptionTable
}

/**
 * The built-in strategies, by the name that selects them in `providers`. docs/adding-a-provider.md lists, at its end,
 * everything else that a new provider needs.
 */
const CLASSES = {
  tailchat: TailchatStrategy,
  tapd: TapdStrategy,
  bbscloud: BbscloudStrategy,
  tiktok: TiktokStrategy,
  aihubmix: AihubmixStrategy,
  feishu: FeishuStrategy,
  gitee: GiteeStrategy,
  naver: NaverStrategy,
  wechat: WechatStrategy,
  qq: QqStrategy,
  linkedin: LinkedinStrategy,
  notion: NotionStrategy,
  x: XStrategy,
  dingtalk: DingtalkStrategy,
  vk: VkStrategy,
  kakao: KakaoStrategy,
  weibo: WeiboStrategy,
  douyin: DouyinStrategy,
  huawei: HuaweiStrategy,
  line: LineStrategy,
  slack: SlackStrategy,
  apple: AppleStrategy,
  shopify: ShopifyStrategy,
  alipay: AlipayStrategy,
  wecom: WecomStrategy,
} satisfies Record<string, StrategyClass & { options: OptionTable }>

/** The same, for lookups by an unknown name. */
export const BUILT_IN: Readonly<Record<string, StrategyClass>> = CLASSES

/** The names of the built-in providers. Each has a strategy and an emulator. */
export const PROVIDER_NAMES: readonly (keyof typeof CLASSES)[] = Object.keys(CLASSES) as (keyof typeof CLASSES)[] // its keys

/**
 * The built-in providers with the options of their strategies. An option that does not exist is a compile error.
 * A `strategy` of your own with options of its own needs another name, or must be assigned to a variable first, because
 * TypeScript cannot distinguish its options from a mistake.
 */
export type BuiltInProviders = {
  [Name in keyof typeof CLASSES]?: StrategyConfig<ConstructorParameters<(typeof CLASSES)[Name]>[0]> | undefined
}

/** The options of a strategy, as the router takes them. */
export type StrategyConfig<Options> = Omit<Options, 'callbackURL'> & {
  /** The strategy class. Default: the built-in class with that name. */
  strategy?: StrategyClass | undefined
  /** An absolute address, or a path of this app. Default: the router's route for this name. */
  callbackURL?: string | undefined
}

/** One provider of the router: the strategy's options, and the strategy if the name is not a built-in one. */
export type ProviderConfig = StrategyConfig<StrategyOptions> & {
  /** The strategy's own options. */
  [option: string]: unknown
}

/**
 * The providers of a router by name. The name is the `:provider` of the routes and the `provider` of the profiles.
 * Under a built-in name, the options are those of the built-in strategy. Under any other name, any options are allowed
 * and `strategy` is required. TypeScript cannot check that: without it, `oauthRouter` throws `config_invalid`.
 */
export interface Providers extends BuiltInProviders {
  [name: string]: ProviderConfig | undefined
}

/** A provider as the router runs it. */
export interface Entry {
  name: string
  strategy: DialectStrategy
  /** The `callbackURL` from the config, if it has one. */
  callbackURL: string | undefined
}

/**
 * The strategies of `providers`, each under its own callback path.
 * @throws OAuthError `config_invalid`, naming the provider and the option
 */
export function buildEntries(
  providers: Providers,
  shared: {
    mountPath: string
    sessionKey: string
    stateLifetime: number
    tokens?: AppTokenHome
  },
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
    // The router calls the app's `verify` itself, but the constructor requires one.
    const instance = new Strategy(own, () => {})
    instance.name = name
    if (shared.tokens) instance.shareAppToken(shared.tokens)
    entries.set(name, { name, strategy: instance, callbackURL })
  }
  return entries
}

const RESERVED_NAMES = new Set(['session', 'logout'])

export function checkProviders(providers: unknown, read: OptionReader): void {
  if (typeof providers !== 'object' || providers === null || Array.isArray(providers)) {
    read.fail('providers', 'must be an object of providers by name, or a function that returns one')
  }
  for (const [name, options] of Object.entries(providers)) {
    if (!/^[A-Za-z0-9][\w-]{0,63}$/.test(name) || RESERVED_NAMES.has(name)) {
      read.fail('providers', 'must name each provider in letters, digits, - and _, and not session or logout')
    }
    if (options === undefined) continue // the same as a missing name
    if (typeof options !== 'object' || options === null) read.fail('providers', `must give an object for ${name}`)
  }
}
