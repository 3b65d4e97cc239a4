export { type AihubmixOptions, AihubmixStrategy } from '../strategies/aihubmix'
export {
  type ApplicationRequest,
  type RegisteredApplication,
  registerApplication,
} from '../strategies/aihubmix-application'
export { type AlipayOptions, AlipayStrategy } from '../strategies/alipay'
export { type AppleOptions, AppleStrategy } from '../strategies/apple'
export { type BbscloudOptions, BbscloudStrategy } from '../strategies/bbscloud'
export { type DingtalkOptions, DingtalkStrategy } from '../strategies/dingtalk'
export { type DouyinOptions, DouyinStrategy } from '../strategies/douyin'
export { type FeishuOptions, FeishuStrategy } from '../strategies/feishu'
export { type GiteeOptions, GiteeStrategy } from '../strategies/gitee'
export { type HuaweiOptions, HuaweiStrategy } from '../strategies/huawei'
export { type KakaoOptions, KakaoStrategy } from '../strategies/kakao'
export { type LineOptions, LineStrategy } from '../strategies/line'
export { type LinkedinOptions, LinkedinStrategy } from '../strategies/linkedin'
export { type NaverOptions, NaverStrategy } from '../strategies/naver'
export { type NotionOptions, NotionStrategy } from '../strategies/notion'
export { type QqOptions, QqStrategy } from '../strategies/qq'
export { type ShopifyOptions, ShopifyStrategy } from '../strategies/shopify'
export { type SlackOptions, SlackStrategy } from '../strategies/slack'
export { type TailchatOptions, TailchatStrategy } from '../strategies/tailchat'
export { type TapdOptions, TapdStrategy } from '../strategies/tapd'
export { type TiktokOptions, TiktokStrategy } from '../strategies/tiktok'
export { type VkOptions, VkStrategy } from '../strategies/vk'
export { type WechatOptions, WechatStrategy } from '../strategies/wechat'
export { type WecomOptions, WecomStrategy } from '../strategies/wecom'
export { type WeiboOptions, WeiboStrategy } from '../strategies/weibo'
export { type XOptions, XStrategy } from '../strategies/x'
export { ERROR_CODES, type ErrorCode } from './error-codes'
export { type ErrorContext, OAuthError, type OAuthErrorDetails, type Phase } from './errors'
export type { RawResponse } from './http/call'
export type { Params, ProviderRequest } from './http/request'
export { isObject, type Json, type JsonObject, lookUp, textOf } from './json'
export type { KeyType } from './keys'
export type { CallbackReading } from './login/state'
export {
  type CustomStateStore,
  type DialectOptions,
  type OptionKind,
  OptionReader,
  type OptionTable,
  type OwnOptions,
  type SkipUserProfile,
  type StrategyOptions,
} from './options'
export type { ApiCallInit, ApiParameters } from './provider/api-call'
export type { Dialect, Endpoints, TokenGrant } from './provider/definition'
export type { HostRules } from './provider/host'
export type { ExpectedClaims, IdTokenRules } from './provider/id-token'
export type { DialectProfile, ProfileFields } from './provider/profile'
export { decodeForm, decodeJson, decodeJsonp } from './provider/read-body'
export { type Refusal, standardRefusal } from './provider/read-response'
export type { SignedQuery } from './provider/signed-query'
export type { TokenSet } from './provider/token-set'
export { type ProvidersFromEnvOptions, providersFromEnv } from './providers-from-env'
export {
  type BuiltInProviders,
  PROVIDER_NAMES,
  type ProviderConfig,
  type Providers,
  type StrategyClass,
  type StrategyConfig,
} from './registry'
export type { OAuthRouterConfig, VerifiedUser, VerifyLogin } from './router/config'
export type { DefaultUser } from './router/default-user'
export type { SessionLogin } from './router/log-in'
export type { AppPassport } from './router/passport-user'
export type { RequestOAuth } from './router/request-oauth'
export { oauthRouter } from './router/router'
export type { Transaction } from './session/slot'
export { type AuthenticateOptions, DialectStrategy } from './strategy'
export type { LoggedOut } from './tokens/session-tokens'
export { TokenKeeper, type TokenKeeperOptions } from './tokens/token-keeper'
export type { TokenOptions } from './tokens/token-options'
export type { TokenStore } from './tokens/token-store'
export type { VerifyCallback, VerifyFunction, VerifyFunctionWithRequest, WithRequest } from './verify'
