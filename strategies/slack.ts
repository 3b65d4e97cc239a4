// Over 120 lines because of two flows and Slack's table of errors.
import type {
  DialectOptions,
  DialectProfile,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Params,
  Phase,
  ProfileFields,
  ProviderRequest,
  Refusal,
  TokenGrant,
  TokenSet,
  Transaction,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of Sign in with Slack (OpenID Connect) and of app installation ("OAuth v2") (docs.slack.dev/reference/methods:
 * openid.connect.token, openid.connect.userInfo, oauth.v2.access; authentication/using-token-rotation; read 2026-11-25).
 * Refusals have HTTP 200.
 */
export interface SlackOptions extends DialectOptions {
  /** `signin` only identifies the user. `install` also installs the app, which gets a bot token, a user token or both. Default `signin`. */
  flow?: 'signin' | 'install' | undefined
  /** Admits only members of the workspace with this id; Slack offers it first. Default any. */
  team?: string | undefined
  /** The user scopes of an installation; `scope` has the bot's. Default none. */
  userScope?: string | readonly string[] | undefined
  /** Which token of an installation `req.oauth` uses; `tokens.raw` has the other. Default the bot's, or the user's if there is no bot token. */
  token?: 'bot' | 'user' | undefined
  /** The address of the public keys for id_tokens. Default: Slack's, under `baseURL`. */
  jwksURL?: string | undefined
  /** The `iss` that an id_token must have. Default `https://slack.com`, even with a `baseURL`. */
  issuer?: string | undefined
}

const PATHS = {
  signin: {
    ask: '/openid/connect/authorize',
    token: '/api/openid.connect.token',
    user: '/api/openid.connect.userInfo',
  },
  install: { ask: '/oauth/v2/authorize', token: '/api/oauth.v2.access', user: '/api/users.info' },
} as const

/** Claims, and members of `openid.connect.userInfo`. */
const TEAM = 'https://slack.com/team_id'
const USER = 'https://slack.com/user_id'

/** `error`, from the methods' pages. All others are mistakes of the app. */
const CODES: Record<string, ErrorCode> = {
  bad_client_secret: 'client_rejected',
  invalid_client_id: 'client_rejected',
  oauth_authorization_url_mismatch: 'client_rejected', // begun in one flow, ended in the other
  cannot_install_an_org_installed_app: 'client_rejected',
  preview_feature_not_available: 'client_rejected',
  invalid_code: 'grant_rejected',
  code_already_used: 'grant_rejected',
  bad_redirect_uri: 'grant_rejected',
  invalid_refresh_token: 'grant_rejected',
  invalid_auth: 'token_rejected',
  not_authed: 'token_rejected',
  token_expired: 'token_rejected',
  token_revoked: 'token_rejected',
  account_inactive: 'user_unknown',
  user_email_unverified: 'user_unknown',
  user_not_found: 'user_unknown',
  missing_scope: 'scope_insufficient',
  no_scopes: 'scope_insufficient',
  no_permission: 'scope_insufficient',
  not_allowed_token_type: 'scope_insufficient',
  access_denied: 'scope_insufficient',
  ratelimited: 'rate_limited',
  rate_limited: 'rate_limited',
  internal_error: 'provider_unavailable',
  fatal_error: 'provider_unavailable',
  service_unavailable: 'provider_unavailable',
  request_timeout: 'provider_unavailable',
  team_added_to_org: 'provider_unavailable', // temporary: the team is being moved
  org_login_required: 'provider_unavailable',
}

/** The strategy of Slack. The constructor throws `config_invalid`, naming the option. See {@link SlackOptions}. */
export class SlackStrategy extends DialectStrategy {
  static options = {
    flow: 'text',
    team: 'text',
    userScope: 'list',
    token: 'text',
    jwksURL: 'text',
    issuer: 'text',
  } satisfies OwnOptions<SlackOptions>
  private readonly flow: 'signin' | 'install'
  private readonly team: string | undefined
  private readonly userScope: readonly string[]
  private readonly token: 'bot' | 'user' | undefined

  constructor(...withRequest: WithRequest<SlackOptions>)
  constructor(options: SlackOptions, verify: VerifyFunction)
  constructor(options: SlackOptions, verify: VerifyFunction) {
    const read = new OptionReader('slack', options)
    const flow = read.oneOf('flow', ['signin', 'install'], 'signin')
    const userScope = read.words('userScope') ?? []
    const isSignin = flow === 'signin'
    const site = read.base('baseURL', 'https://slack.com')
    super('slack', options, verify, {
      endpoints: {
        authorizationURL: site + PATHS[flow].ask,
        tokenURL: site + PATHS[flow].token,
        revokeURL: `${site}/api/auth.revoke`,
        userProfileURL: site + PATHS[flow].user,
        jwksURL: `${site}/openid/connect/keys`,
      },
      // An app that requests user scopes may do without a bot.
      scope: isSignin ? ['openid', 'profile', 'email'] : userScope.length > 0 ? [] : ['users:read'],
      scopeSeparator: isSignin ? ' ' : ',',
      tokenTypes: ['bot', 'user'],
      tokenMayBeRefused: [200],
      ...(isSignin && {
        idToken: { issuer: 'https://slack.com', algorithms: ['RS256'], nonce: true, required: 'openid' },
      }),
    })
    const { token } = options
    this.flow = flow
    this.team = read.optionalText('team')
    this.userScope = userScope
    this.token = token === undefined ? undefined : read.oneOf('token', ['bot', 'user'], token)
    if (isSignin && userScope.length > 0) read.fail('userScope', "needs `flow: 'install'`")
    if (isSignin && token !== undefined) read.fail('token', "needs `flow: 'install'`")
    if (token === 'user' && userScope.length === 0) read.fail('token', "must not be 'user' without `userScope`")
  }

  override authorizationParams(): Params {
    const { team, userScope } = this
    return { team, user_scope: userScope.length > 0 ? userScope.join(',') : undefined }
  }

  /** Each of the two methods takes the client's credentials in its own way. */
  protected override tokenRequest(grant: TokenGrant, context: JsonObject): ProviderRequest | Promise<ProviderRequest> {
    if (this.flow === 'signin') return super.tokenRequest(grant, context)
    const basic = { user: this.clientID, password: this.clientSecret }
    return { method: 'POST', url: this.tokenEndpoint(grant), form: grant, basic }
  }

  /** An installation returns the bot's tokens at the top level and the user's in `authed_user`. A refresh returns its tokens at the top level. */
  protected override toTokenSet(raw: JsonObject, requestedScope: readonly string[], phase: Phase): TokenSet {
    const whose = this.token ?? (raw.access_token === undefined ? 'user' : 'bot')
    if (this.flow === 'signin' || phase === 'refresh' || whose === 'bot') {
      return super.toTokenSet(raw, requestedScope, phase)
    }
    const own = isObject(raw.authed_user) ? raw.authed_user : {}
    return { ...super.toTokenSet(own, this.userScope, phase), raw }
  }

  /** A refresh returns one of an installation's two token sets (inferred); the other one stays in `raw` as it came. */
  override async refresh(
    tokens: Pick<TokenSet, 'refreshToken' | 'scope' | 'context' | 'subject'> & { raw?: JsonObject },
  ): Promise<TokenSet> {
    const renewed = await super.refresh(tokens)
    if (this.flow === 'signin' || tokens.raw === undefined) return renewed
    return { ...renewed, raw: withRenewed(tokens.raw, tokens.refreshToken, renewed.raw) }
  }

  /** The workspace and the user of an installation: a later profile request needs them. */
  protected override tokenContext({ team, enterprise, authed_user }: JsonObject): JsonObject | undefined {
    const ids = Object.entries({ team, enterprise, user: authed_user }).flatMap(([name, value]) => {
      const id = isObject(value) ? textOf(value.id) : undefined
      return id === undefined ? [] : [[name, id] as const]
    })
    return ids.length > 0 ? Object.fromEntries(ids) : undefined
  }

  /** The parameter `team` only preselects: the user can choose another workspace. */
  protected override async exchange(code: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const tokens = await super.exchange(code, transaction, options)
    const claimed = textOf(tokens.claims?.[TEAM])
    const context = claimed === undefined ? tokens.context : { ...tokens.context, team: claimed }
    if (this.team !== undefined && this.team !== (context?.team ?? context?.enterprise)) {
      throw this.failure('user_unknown', 'token', 'The user did not log in to the workspace of option `team`.')
    }
    return context ? { ...tokens, context } : tokens
  }

  protected override revokeRequest({ accessToken: bearer }: TokenSet): ProviderRequest {
    return { method: 'POST', url: this.endpoint('revokeURL'), bearer }
  }

  protected override profileRequest({ accessToken: bearer, context }: TokenSet): ProviderRequest {
    const query = this.flow === 'install' ? { user: textOf(context?.user) } : undefined
    return { method: 'GET', url: this.endpoints.userProfileURL, query, bearer }
  }

  /** An installation without `users:read` has only the user's id. */
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const { context: { team, user } = {}, subject, scope } = tokens
    if (this.flow === 'install' && (user === undefined || !scope.includes('users:read'))) {
      const nobodyElse = user === undefined ? {} : { id: user }
      return this.toProfile(nobodyElse, JSON.stringify(nobodyElse), tokens)
    }
    const profile = await super.fetchProfile(tokens)
    const { id, sub, [TEAM]: place } = profile._json
    if (this.flow === 'install') {
      if (id === user) return profile
      throw this.failure('response_invalid', 'profile', 'Slack returned a user other than the requested one.')
    }
    // OpenID Connect Core 1.0 §5.3.2; and a user id belongs to one workspace.
    if ((subject === undefined || sub === subject) && (team === undefined || place === team)) return profile
    throw this.failure(
      'signature_invalid',
      'profile',
      'The id_token belongs to a user other than the one that Slack returned.',
    )
  }

  /** `ok` decides, with any HTTP status. Without `ok`, an `error` is OAuth's. */
  override refusal(body: JsonObject): Refusal | undefined {
    if (body.ok === true) return undefined
    if (body.ok !== false) return standardRefusal(body)
    const providerCode = textOf(body.error)
    const needed = textOf(body.needed)
    return {
      code: lookUp(CODES, providerCode ?? '') ?? 'provider_error',
      providerCode,
      providerMessage: needed === undefined ? undefined : `needed: ${needed}`,
    }
  }

  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    return this.flow === 'install' && phase === 'profile' && isObject(body) ? body.user : body
  }

  /** User ids are unique only in one workspace; or in one organisation, if the app is installed in all of it. */
  protected profileFields(user: JsonObject, { context }: TokenSet): ProfileFields {
    if (this.flow === 'signin') {
      const { name, email, picture } = user
      return { id: joined(user[TEAM], user[USER]), displayName: name, email, photo: picture }
    }
    const { id, name, real_name, profile } = user
    const { email, image_512 } = isObject(profile) ? profile : {}
    const where = context?.team ?? context?.enterprise
    return { id: joined(where, id), displayName: real_name, username: name, email, photo: image_512 }
  }
}

/** An installation's response, with renewed tokens in the place of those whose refresh token was used. */
function withRenewed(raw: JsonObject, used: string | undefined, renewed: JsonObject): JsonObject {
  const { authed_user: user } = raw
  if (!isObject(user)) return { ...raw, ...renewed }
  if (user.refresh_token !== used) return { ...raw, ...renewed, authed_user: user }
  const own = Object.entries(renewed).filter(([name]) => OF_TOKENS.has(name))
  return { ...raw, authed_user: { ...user, ...Object.fromEntries(own) } }
}

const OF_TOKENS: ReadonlySet<string> = new Set(['access_token', 'token_type', 'scope', 'expires_in', 'refresh_token'])

function joined(place: Json | undefined, user: Json | undefined): string | undefined {
  const isWhole = typeof place === 'string' && place !== '' && typeof user === 'string' && user !== ''
  return isWhole ? `${place}:${user}` : undefined
}
