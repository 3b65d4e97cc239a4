// Over 120 lines because Apple needs a signed secret, and posts a name beside the code that must not be trusted.
import type {
  DialectOptions,
  DialectProfile,
  Json,
  JsonObject,
  OwnOptions,
  Params,
  Phase,
  ProfileFields,
  ProviderRequest,
  TokenGrant,
  TokenSet,
  Transaction,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, decodeJson, isObject, OptionReader, SignedSecret } from '../lib/dialect'

/**
 * The options of Sign in with Apple on the web (developer.apple.com/documentation/signinwithapplerestapi:
 * request-an-authorization-to-the-sign-in-with-apple-server, generate-and-validate-tokens, revoke-tokens; read 2026-11-25).
 * The callback is a POST, the app signs its client secret itself, only the id_token has the user, and the name comes only
 * once, unsigned, beside the code.
 */
export interface AppleOptions extends Omit<DialectOptions, 'clientSecret'> {
  /** The id of the developer team, ten characters. */
  teamID: string
  /** The id of {@link privateKey}, ten characters. */
  keyID: string
  /** The P-256 key of the `.p8` file: its PEM, or the base64 in it. No error or log shows it. */
  privateKey: string
  /** More client ids that an id_token may be issued for: the team's native apps. */
  audience?: string | readonly string[] | undefined
  /** The address of the public keys for id_tokens. Default: Apple's, under `baseURL`. */
  jwksURL?: string | undefined
  /** The `iss` of an id_token and the `aud` of the client secret. Default `https://appleid.apple.com`, even with a `baseURL`. */
  issuer?: string | undefined
}

const APPLE = 'https://appleid.apple.com'

/** The strategy of Apple. The constructor throws `config_invalid`, naming the option. See {@link AppleOptions}. */
export class AppleStrategy extends DialectStrategy {
  static options = {
    teamID: 'text',
    keyID: 'text',
    privateKey: 'key',
    audience: 'list',
    jwksURL: 'text',
    issuer: 'text',
    clientSecret: 'none',
  } satisfies OwnOptions<AppleOptions>
  private readonly secret: SignedSecret
  /** The posted `user` of each login, by its claims: it is not kept any longer than those. */
  private readonly posted = new WeakMap<JsonObject, JsonObject>()

  constructor(...withRequest: WithRequest<AppleOptions>)
  constructor(options: AppleOptions, verify: VerifyFunction)
  constructor(options: AppleOptions, verify: VerifyFunction) {
    const read = new OptionReader('apple', options)
    const site = read.base('baseURL', APPLE)
    const [issuer, keyID] = [read.text('teamID'), read.text('keyID')]
    const key = read.privateKey('privateKey', 'ec')
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') read.fail('privateKey', 'must be a key of P-256')
    const { privateKey: _, ...known } = options
    const isPosted = read.words('scope')?.length !== 0
    super('apple', known, verify, {
      endpoints: {
        authorizationURL: `${site}/auth/authorize`,
        tokenURL: `${site}/auth/token`,
        revokeURL: `${site}/auth/revoke`,
        jwksURL: `${site}/auth/keys`,
        userProfileURL: `${site}/`, // there is none: only the origin is used
      },
      scope: ['name', 'email'],
      clientSecret: 'none',
      privateKey: key,
      ...(isPosted && { callback: 'form_post' }),
      callbackParameters: ['user'],
      denial: { errors: ['user_cancelled_authorize'] },
      idToken: {
        issuer: APPLE,
        algorithms: ['RS256'],
        audience: read.words('audience') ?? [],
        nonce: true,
        required: true,
      },
      profileFromTokens: true,
    })
    const audience = read.optionalText('issuer') ?? APPLE
    this.secret = new SignedSecret({ key, keyID, issuer, subject: this.clientID, audience })
  }

  /** Apple posts the callback if a scope is requested, and redirects only if none is. */
  override authorizationParams(): Params {
    return this.takesPost ? {} : { response_mode: 'query' }
  }

  protected override async exchange(code: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const tokens = await super.exchange(code, transaction, options)
    const user = decodeJson(transaction.callback?.user ?? '')
    if (tokens.claims && isObject(user)) this.posted.set(tokens.claims, user)
    return tokens
  }

  protected override async tokenRequest(grant: TokenGrant): Promise<ProviderRequest> {
    return { method: 'POST', url: this.tokenEndpoint(grant), form: { ...grant, ...(await this.credentials()) } }
  }

  /** Revokes the refresh token, which lives longer; the access token has no other use. */
  protected override async revokeRequest({ accessToken, refreshToken }: TokenSet): Promise<ProviderRequest> {
    const token_type_hint = refreshToken === undefined ? 'access_token' : 'refresh_token'
    const form = { ...(await this.credentials()), token: refreshToken ?? accessToken, token_type_hint }
    return { method: 'POST', url: this.endpoint('revokeURL'), form }
  }

  private async credentials() {
    return { client_id: this.clientID, client_secret: await this.secret.get() }
  }

  /** Apple allows one use of a refresh token a day. Without `expiresAt`, nothing is refreshed in advance. */
  protected override toTokenSet(raw: JsonObject, requestedScope: readonly string[], phase: Phase): TokenSet {
    const { expiresAt: _, ...tokens } = super.toTokenSet(raw, requestedScope, phase)
    return tokens
  }

  /** The claims, together with the posted `user`. */
  protected override profileFromTokens(tokens: TokenSet): DialectProfile {
    const { claims } = tokens
    const user = claims && this.posted.get(claims)
    return super.profileFromTokens(user ? { ...tokens, claims: { ...claims, user } } : tokens)
  }

  /** The posted name is only displayed; the e-mail address is the signed one. */
  protected profileFields({ sub, email, user }: JsonObject): ProfileFields {
    return { id: sub, displayName: nameIn(user), email }
  }
}

const LONGEST_NAME = 200

/** The name of a posted `user`, in one line of limited length, without characters that change the text direction. */
function nameIn(user: Json | undefined): string {
  const { name } = isObject(user) ? user : {}
  const { firstName, lastName } = isObject(name) ? name : {}
  const given = [firstName, lastName].filter((part) => typeof part === 'string').join(' ')
  const line = given.replace(/[\p{Cc}\p{Cs}\p{Zs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
  return [...line].slice(0, LONGEST_NAME).join('').trim()
}
