import type {
  DialectOptions,
  DialectProfile,
  ExpectedClaims,
  JsonObject,
  OwnOptions,
  Params,
  Phase,
  ProfileFields,
  ProviderRequest,
  RawResponse,
  Refusal,
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of LINE Login v2.1 (developers.line.biz/en: reference/line-login, docs/line-login/integrate-line-login; read
 * 2026-11-25). It is OpenID Connect. The channel secret signs id_tokens, and only they have the e-mail address.
 */
export interface LineOptions extends DialectOptions {
  /** Asks the user to add the linked official account as a friend: on the consent page, or on a separate page. Default neither. */
  botPrompt?: 'normal' | 'aggressive' | undefined
  /** The languages of LINE's pages: tags of RFC 5646 separated by spaces, the preferred one first. Default: the browser's. */
  uiLocales?: string | undefined
  /** The address of the public keys for ES256 id_tokens. Default: LINE's, under `baseURL`. */
  jwksURL?: string | undefined
  /** The `iss` that an id_token must have. Default `https://access.line.me`, even with a `baseURL`. */
  issuer?: string | undefined
}

/** The strategy of LINE. The constructor throws `config_invalid`, naming the option. See {@link LineOptions}. */
export class LineStrategy extends DialectStrategy {
  static options = {
    botPrompt: 'text',
    uiLocales: 'text',
    jwksURL: 'text',
    issuer: 'text',
  } satisfies OwnOptions<LineOptions>
  private readonly shown: Params

  constructor(...withRequest: WithRequest<LineOptions>)
  constructor(options: LineOptions, verify: VerifyFunction)
  constructor(options: LineOptions, verify: VerifyFunction) {
    const read = new OptionReader('line', options)
    const pages = read.base('baseURL', 'https://access.line.me')
    const api = read.base('baseURL', 'https://api.line.me')
    super('line', options, verify, {
      endpoints: {
        authorizationURL: `${pages}/oauth2/v2.1/authorize`,
        tokenURL: `${api}/oauth2/v2.1/token`,
        revokeURL: `${api}/oauth2/v2.1/revoke`,
        userProfileURL: `${api}/v2/profile`,
        jwksURL: `${api}/oauth2/v2.1/certs`,
      },
      scope: ['profile', 'openid', 'email'],
      pkce: true,
      tokenMayBeRefused: [400],
      // HS256 for web channels; ES256 for native apps, which may log in the same user.
      idToken: {
        issuer: 'https://access.line.me',
        algorithms: ['HS256', 'ES256'],
        nonce: true,
        required: 'openid',
        subject: 'id',
      },
    })
    const { botPrompt } = options
    const uiLocales = read.optionalText('uiLocales')
    if (uiLocales !== undefined && !/^[a-z\d]+(?:[- ][a-z\d]+)*$/i.test(uiLocales)) {
      read.fail('uiLocales', 'must be language tags with spaces between them, such as `ja en`')
    }
    this.shown = {
      bot_prompt: botPrompt === undefined ? undefined : read.oneOf('botPrompt', ['normal', 'aggressive'], botPrompt),
      ui_locales: uiLocales,
    }
  }

  override authorizationParams(): Params {
    return this.shown
  }

  /** LINE's `scope` never has `email`. At a login, an address in the id_token shows that it was granted. A refresh keeps the earlier answer. */
  protected override async grant(
    grant: TokenGrant,
    requestedScope: readonly string[],
    context: JsonObject = {},
    expected: ExpectedClaims = {},
  ): Promise<TokenSet> {
    const tokens = await super.grant(grant, requestedScope, context, expected)
    const before = grant.grant_type === 'refresh_token' && requestedScope.includes('email')
    const isGranted = before || textOf(tokens.claims?.email) !== undefined
    return isGranted ? { ...tokens, scope: [...new Set([...tokens.scope, 'email'])] } : tokens
  }

  /** LINE calls the parameter `access_token`. */
  protected override revokeRequest({ accessToken: access_token }: TokenSet): ProviderRequest {
    const { clientID: client_id, clientSecret: client_secret } = this
    return { method: 'POST', url: this.endpoint('revokeURL'), form: { access_token, client_id, client_secret } }
  }

  /** The OAuth endpoints have OAuth's error codes. The API has only `message`, so the HTTP status decides. */
  override refusal(
    body: JsonObject,
    phase: Phase,
    status: number,
    headers: RawResponse['headers'],
  ): Refusal | undefined {
    const said = standardRefusal(body) ?? (status >= 400 ? { providerMessage: textOf(body.message) } : undefined)
    if (!said) return undefined
    const refusal = { ...said, requestId: textOf(headers['x-line-request-id']) }
    const isAPI = phase === 'profile' || phase === 'request'
    return isAPI && status === 400 && isOfDeadToken(said.providerMessage ?? '')
      ? { ...refusal, code: 'token_rejected' }
      : refusal
  }

  /** At the login, the claims have everything, including the e-mail address. Later, or without `openid`, a request is made. */
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    return tokens.claims ? this.profileFromTokens(tokens) : super.fetchProfile(tokens)
  }

  /** `id` is the same for all channels of one provider in LINE's console. It is unknown whether the address is verified. */
  protected profileFields(user: JsonObject, { claims }: TokenSet): ProfileFields {
    if (claims) return { id: user.sub, displayName: user.name, email: user.email, photo: user.picture }
    return { id: user.userId, displayName: user.displayName, photo: user.pictureUrl }
  }
}

/** The API may report this with HTTP 400. */
function isOfDeadToken(message: string): boolean {
  return /access token/i.test(message) && /expired|invalid/i.test(message)
}
