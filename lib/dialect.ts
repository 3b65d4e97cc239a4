/** What a strategy file imports: the whole vocabulary of a dialect, in one place. */

export { isObject, lookUp, type Refusal, standardRefusal, textOf } from './answers'
export { askOnce } from './ask-once'
export { type ErrorCode, OAuthError, type Phase } from './errors'
export type { CallbackReading } from './login-state'
export { type DialectOptions, OptionReader } from './options'
export type { DialectProfile, ProfileFields } from './profile'
export type { Json, JsonObject, Params, ProviderRequest } from './provider-call'
export type { Grant } from './provider-client'
export { DialectStrategy } from './strategy'
export type { TokenSet } from './tokens/token-set'
export type { VerifyFunction, WithRequest } from './verify'
