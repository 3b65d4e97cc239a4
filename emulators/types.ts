import type { IncomingHttpHeaders } from 'node:http'

/** A user who can log in at an emulator. Members that a provider does not know are left out of its responses. */
export interface EmulatorUser {
  /** WeCom: a member of a linked corp has `CorpId/userid`. */
  id: string
  name: string
  username?: string
  email?: string
  avatar?: string
  /** Tailchat: four digits, as a string. Default `0042`. */
  discriminator?: string
  /** The mobile number. Default none; for BBScloud `18888888888`. */
  mobile?: string
  /** Not a member of the organisation (DingTalk) or corp (WeCom). At WeCom, an id `wm…` is an `external_userid`, any other an `openid`. */
  external?: boolean
  /** WeChat, official accounts only: sees a snapshot of the page, so that a new virtual user logs in each time. */
  snapshot?: boolean
}

/** The step at which a request arrived, and at which a fault can be set. */
export type FaultEndpoint =
  | 'authorize'
  | 'code'
  | 'token'
  | 'profile'
  | 'refresh'
  | 'revoke'
  | 'request'
  /** Returns the public keys for id_tokens. */
  | 'keys'
  /** Issues application tokens. */
  | 'appToken'

/** A request as it arrived. */
export interface EmulatorRequest {
  endpoint: FaultEndpoint
  method: string
  path: string
  /** The query; of a repeated name, the last value. */
  query: Record<string, string>
  headers: IncomingHttpHeaders
  body: string
  /** When it arrived, in milliseconds since the epoch. */
  at: number
  /** The fault that it met. */
  fault?: string
  /** The HTTP status of the response, once it is sent; absent if the connection was lost before. */
  status?: number
}

/** What a consent page lets a user choose, besides the user. */
export type PlaceKind = 'project' | 'company' | 'workspace' | 'shop'

/** A place that a user can choose at the login: TAPD's projects and companies, Slack's workspaces, Shopify's shops. */
export interface EmulatorProject {
  /** TAPD: digits. Slack: `T…`. Shopify: `name.myshopify.com`. */
  id: string
  name: string
}

/** What a person chooses on the consent page. */
export interface Choice {
  /** The id of a user. Default: the first user. */
  user?: string
  /** TikTok: which of the requested scopes stay ticked; an empty array is none. Default `grantedScopes`, else all. */
  scopes?: readonly string[]
  /**
   * TAPD: the id of a project. The callback and the token response then name it, as a `resource` of type `workspace`;
   * without it, they name the user. With the site `cloud`: the id of a company, in addition to the user's.
   * Slack: the id of a workspace. Shopify: the name of a shop.
   */
  project?: string
}

/** The options of every emulator; each emulator also has its own. */
export interface SharedOptions {
  /** The port. Default 0, which is any free port. */
  port?: number
  /** The address to listen on. Default `127.0.0.1`. */
  host?: string
  /**
   * The users who can log in. Default four: one with a Chinese name, and an e-mail address if the provider has such; one
   * without an e-mail address; one whose name has an apostrophe and a `<script>`; one with another Chinese name.
   */
  users?: readonly EmulatorUser[]
  clientID?: string
  clientSecret?: string
  /** The registered redirect URIs. Without them, the authorization request may name any, and the token request must repeat it. */
  redirectURIs?: readonly string[]
  /** Called for every request once its response is sent, or its connection lost. It must not throw. */
  onRequest?(request: EmulatorRequest): void
  /** `page` shows the consent page; `auto` agrees as the first user, without a page. Default `page`. */
  consent?: 'page' | 'auto'
  /** In seconds. Default: the provider's. */
  codeLifetime?: number
  /** In seconds. Default: the provider's. */
  accessTokenLifetime?: number
  /** In seconds. Default: the provider's. */
  refreshTokenLifetime?: number
  /**
   * What a refresh does with the refresh token. `rotate`: returns a new one and ends the old one. `repeat`: returns the old
   * one. `omit`: returns none; the old one stays valid. Default `rotate`. Some providers do only one of the three.
   */
  refreshStyle?: 'rotate' | 'repeat' | 'omit'
}

/** The options for a strategy's constructor, except `callbackURL`. They include the provider's own options. */
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

/** {@link ClientOptions} for a provider that lacks some of them, such as the secret. */
export type FewerClientOptions = Partial<ClientOptions> & { clientID: string }
