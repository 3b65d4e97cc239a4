import type { IncomingHttpHeaders } from 'node:http'

/** The providers that there is an emulator of. */
export type EmulatorName = 'tailchat' | 'tapd' | 'bbscloud' | 'tiktok' | 'aihubmix' | 'feishu'

/** One who can log in at an emulator. What a provider has no place for is left out of its answers. */
export interface EmulatorUser {
  id: string
  name: string
  username?: string
  email?: string
  avatar?: string
  /** Tailchat: four digits as text. Default `0042`. */
  discriminator?: string
  /** BBScloud. Default `18888888888`. */
  mobile?: string
}

/** The turn of a conversation at which a request arrived, and at which a fault can be set. */
export type FaultEndpoint = 'authorize' | 'code' | 'token' | 'profile' | 'refresh' | 'revoke' | 'request'

/** A request as it arrived. */
export interface EmulatorRequest {
  endpoint: FaultEndpoint
  method: string
  path: string
  /** The last value of each name. */
  query: Record<string, string>
  headers: IncomingHttpHeaders
  body: string
  /** Milliseconds since the epoch. */
  at: number
  /** The fault that struck it. */
  fault?: string
  /** What was answered, once it was; absent where the connection went before a status did. */
  status?: number
}

/** What TAPD lets a user log in for. */
export interface EmulatorProject {
  /** Digits. */
  id: string
  name: string
}

/** What a person does on the consent page, beside agreeing. */
export interface Choice {
  /** The id of a user. Default the first. */
  user?: string
  /** TikTok: what stays ticked of the scopes that were asked for; none where empty. Default `grantedScopes`, else all. */
  scopes?: readonly string[]
  /**
   * TAPD: the id of a project; the callback and the token then speak of it, as a `resource` of type `workspace`.
   * Without it they speak of the user. At the site `cloud`: the id of a company, beside the user's.
   */
  project?: string
}

/** How an emulator is set up; what a provider does not have is ignored. */
export interface EmulatorOptions {
  /** Default 0: any free port. */
  port?: number
  /** Default `127.0.0.1`. */
  host?: string
  /**
   * Default four: one with a Chinese name, and an e-mail address where the provider has one; one without e-mail; one
   * whose name has an apostrophe and a `<script>`; one with another Chinese name.
   */
  users?: readonly EmulatorUser[]
  clientID?: string
  clientSecret?: string
  /** The registered redirect addresses; without them any is accepted at the start, and the token request must repeat it. */
  redirectURIs?: readonly string[]
  /** Told of every request once it is answered, or once its connection is gone. It must not throw. */
  onRequest?(request: EmulatorRequest): void
  /** `auto` agrees as the first user without a page. Default `page`. */
  consent?: 'page' | 'auto'
  /** Seconds. */
  codeLifetime?: number
  /** Seconds. */
  accessTokenLifetime?: number
  /** Seconds. */
  refreshTokenLifetime?: number
  /**
   * TAPD, AIHubMix: a refresh brings a new refresh token and kills the old one, or repeats the old one, or names none
   * and leaves the old one alive. Default `rotate`; Tailchat always repeats, TikTok always rotates.
   */
  refreshStyle?: 'rotate' | 'repeat' | 'omit'
  /** Tailchat: the `iss` of its callbacks; default the emulator's origin. */
  issuer?: string
  /** TAPD: handed on to the strategy; `cloud` has no refresh path. Default `internal`. */
  site?: 'internal' | 'cloud'
  /** TAPD: issue refresh tokens, as apps do that have them switched on. */
  refresh?: boolean
  /** TAPD: what the token and the callback speak of. Default `user`. */
  resource?: 'user' | 'workspace'
  /** TAPD: what can be chosen on the consent page; at the site `cloud` these are companies. */
  projects?: readonly EmulatorProject[]
  /** TAPD: the stray quote that its document shows after the callback's `resource`. */
  strayQuote?: boolean
  /** TAPD: how `users/info` wraps the user. Default `object`. */
  userInfoShape?: 'object' | 'wrapped' | 'array'
  /** BBScloud: how the site puts `token` into the redirect address. Default `merge`. */
  callbackStyle?: 'merge' | 'append' | 'echo' | 'append-echo' | 'drop' | 'drop-echo'
  /** BBScloud: `error` and `type` as number or as text. Default `number`. */
  errorType?: 'number' | 'string'
  /** TikTok: which generation `options` point to; both are served. Default `v2`. */
  apiVersion?: 'v2' | 'v1'
  /** TikTok: what the user leaves ticked. Default all that was asked for. */
  grantedScopes?: readonly string[]
  /** TikTok: refuse an authorization request without a challenge, as for desktop apps. */
  requirePkce?: boolean
  /** TikTok: OAuth errors on HTTP 200, as has been seen. */
  errorsWith200?: boolean
  /** Feishu: which edition `options` point to; the token addresses of both are served. Default `feishu`. */
  edition?: 'feishu' | 'lark'
  /** AIHubMix: the bearer token of `POST /api/oauth_apps`. Default `developer-token`. */
  developerToken?: string
  /** AIHubMix: the address that `topup` answers, to see what a client makes of it. */
  topupURL?: string
}

/** What a strategy's constructor takes, beside `callbackURL`. */
export interface ClientOptions {
  clientID: string
  clientSecret: string
  baseURL: string
  authorizationURL: string
  tokenURL: string
  userProfileURL: string
  refreshURL?: string
  revokeURL?: string
  codeURL?: string
  topupURL?: string
  issuer?: string
  apiVersion?: 'v2' | 'v1'
  site?: 'internal' | 'cloud'
  edition?: 'feishu' | 'lark'
}
