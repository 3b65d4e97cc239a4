import type { IncomingHttpHeaders } from 'node:http'

/** One who can log in at an emulator. What a provider has no place for is left out of its answers. */
export interface EmulatorUser {
  id: string
  name: string
  username?: string
  email?: string
  avatar?: string
  /** Tailchat: four digits as text. Default `0042`. */
  discriminator?: string
  /** BBScloud: default `18888888888`. Elsewhere default none. */
  mobile?: string
  /** DingTalk: nobody of the organisation. WeCom: nobody of the corp. An id `wm…` is an `external_userid`, any other an `openid`. */
  external?: boolean
  /** WeChat: sees a snapshot of the page, so that another virtual user logs in each time. Official accounts alone. */
  snapshot?: boolean
}

/** The turn of a conversation at which a request arrived, and at which a fault can be set. */
export type FaultEndpoint =
  | 'authorize'
  | 'code'
  | 'token'
  | 'profile'
  | 'refresh'
  | 'revoke'
  | 'request'
  /** Where the keys of id_tokens are. */
  | 'keys'
  /** Where an application asks for a token of its own. */
  | 'appToken'

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

/** What a consent page lets a user choose beside himself. */
export type PlaceKind = 'project' | 'company' | 'workspace' | 'shop'

/** What a user can log in for: TAPD's projects and companies, Slack's workspaces, Shopify's shops. */
export interface EmulatorProject {
  /** TAPD: digits. Slack: `T…`. Shopify: `name.myshopify.com`. */
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
   * Slack: the id of a workspace. Shopify: the name of a shop.
   */
  project?: string
}

/** How any emulator is set up; each has further options of its own. */
export interface SharedOptions {
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
  /** The registered redirect URIs; without them any is accepted at the start, and the token request must repeat it. */
  redirectURIs?: readonly string[]
  /** Told of every request once its response is sent, or once its connection is gone. It must not throw. */
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
   * Where a provider leaves it open: a refresh brings a new refresh token and kills the old one, or repeats the old one,
   * or names none and leaves the old one alive. Default `rotate`; some providers know one of the three only.
   */
  refreshStyle?: 'rotate' | 'repeat' | 'omit'
}

/** What a strategy's constructor takes, beside `callbackURL`; a provider's own options stand in it too. */
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
  jwksURL?: string
  openIDURL?: string
  appTokenURL?: string
  topupURL?: string
  issuer?: string
  site?: 'internal' | 'cloud'
  apiVersion?: 'v2' | 'v1'
  edition?: 'feishu' | 'lark'
  kind?: string
  agentId?: string
  teamID?: string
  keyID?: string
  privateKey?: string
  alipayPublicKey?: string
  idSource?: string
  flow?: 'signin' | 'install'
  shop?: string
  scope?: string
}

/** The same for a provider that lacks some of them: a secret, say. */
export type FewerClientOptions = Partial<ClientOptions> & { clientID: string }
