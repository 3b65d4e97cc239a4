import { aihubmix } from './aihubmix'
import { alipay } from './alipay'
import { apple } from './apple'
import { bbscloud } from './bbscloud'
import type { EmulatorKind } from './definition'
import { dingtalk } from './dingtalk'
import { douyin } from './douyin'
import { feishu } from './feishu'
import { gitee } from './gitee'
import { huawei } from './huawei'
import { kakao } from './kakao'
import { line } from './line'
import { linkedin } from './linkedin'
import { naver } from './naver'
import { notion } from './notion'
import { qq } from './qq'
import type { Settings } from './settings'
import { shopify } from './shopify'
import { slack } from './slack'
import { tailchat } from './tailchat'
import { tapd } from './tapd'
import { tiktok } from './tiktok'
import type { SharedOptions } from './types'
import { vk } from './vk'
import { wechat } from './wechat'
import { wecom } from './wecom'
import { weibo } from './weibo'
import { x } from './x'

/** Every emulated provider, by name. The order determines the ports of the command line: add at the end. */
const EMULATORS = {
  tailchat,
  tapd,
  bbscloud,
  tiktok,
  aihubmix,
  feishu,
  wecom,
  gitee,
  huawei,
  alipay,
  kakao,
  naver,
  dingtalk,
  apple,
  line,
  wechat,
  qq,
  slack,
  x,
  weibo,
  shopify,
  douyin,
  vk,
  linkedin,
  notion,
} satisfies Record<string, unknown>

/** The names of the emulated providers. */
export type EmulatorName = keyof typeof EMULATORS

/** The options of an emulator. Options of other emulators are ignored. */
export type EmulatorOptions<Name extends EmulatorName = EmulatorName> = SharedOptions & OwnOptions<Name>

/** The options for the strategy's constructor, except `callbackURL`: the client's credentials and every endpoint. */
export type ClientOptionsOf<Name extends EmulatorName> = ReturnType<(typeof EMULATORS)[Name]['options']>

// For several names, the intersection: one object may set up several emulators.
type OwnOptions<Name extends EmulatorName> = Together<
  { [Key in Name]: Omit<Parameters<(typeof EMULATORS)[Key]['provider']>[1], keyof Settings> }[Name]
>
type Together<Each> = (Each extends unknown ? (each: Each) => void : never) extends (all: infer All) => void
  ? All
  : never

/** The providers' names, in the order of the registry. */
export const EMULATOR_NAMES = Object.keys(EMULATORS) as EmulatorName[] // its keys

/** One provider of the registry; `undefined` if it does not exist. */
export function kindOf(name: string): EmulatorKind | undefined {
  // `checkOptions` has checked the settings by the emulator's own rules.
  return Object.hasOwn(EMULATORS, name) ? (EMULATORS[name as EmulatorName] as EmulatorKind) : undefined
}

/** The names of all emulators' own options. */
export const OWN_OPTIONS: ReadonlySet<string> = new Set(
  EMULATOR_NAMES.flatMap((name) => Object.keys(kindOf(name)?.own ?? {})),
)
