// Over 120 lines because a login is a person's or a shop's, each with its own tokens, profile and errors.
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
  RawResponse,
  Refusal,
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of Shopify's authorization code grant (pages below shopify.dev/docs/apps/build/authentication-authorization/access-tokens:
 * authorization-code-grant, offline-access-tokens, use-expiring-offline-access-tokens; and Shopify's own library,
 * shopify-app-js; read 2026-11-25). Every shop has its own host, and callbacks are signed.
 */
export interface ShopifyOptions extends Omit<DialectOptions, 'baseURL'> {
  /** The scopes to request: an array, or a string with commas. No scope fits every app, so there is no default. */
  scope: string | readonly string[]
  /** The only shop whose users can log in, `name.myshopify.com`. Default: the start of each login names a shop, by `?shop=`. */
  shop?: string | undefined
  /** `online` logs in a person of the shop, with a token that expires within a day. `offline` logs in the shop itself. Default `online`. */
  accessMode?: 'online' | 'offline' | undefined
  /** Whether a shop's token expires within an hour and is renewed. Shopify requires it of new apps. Default true. */
  expiring?: boolean | undefined
  /** The API version of the profile request. Default `2025-10`. */
  apiVersion?: string | undefined
  /** How many seconds the time of a signed request may differ from this server's. Default 90, as in Shopify's own library. */
  signatureTolerance?: number | undefined
}

/**
 * Stricter than Shopify's own pattern, which also accepts names of its development: this decides where the client
 * secret goes.
 */
const SHOP = /^[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com$/

/** Error codes of the token endpoint besides the standard ones. */
const CODES: Record<string, ErrorCode> = { application_cannot_be_found: 'client_rejected' }

/** Error codes of GraphQL, on HTTP 200. */
const API_CODES: Record<string, ErrorCode> = { THROTTLED: 'rate_limited', ACCESS_DENIED: 'scope_insufficient' }

/** The strategy of Shopify. The constructor throws `config_invalid`, naming the option. See {@link ShopifyOptions}. */
export class ShopifyStrategy extends DialectStrategy {
  static options = {
    shop: 'text',
    accessMode: 'text',
    expiring: 'flag',
    apiVersion: 'text',
    signatureTolerance: 'number',
    baseURL: 'none',
  } satisfies OwnOptions<ShopifyOptions>
  private readonly own: { isOnline: boolean; expiring: string | undefined }

  constructor(...withRequest: WithRequest<ShopifyOptions>)
  constructor(options: ShopifyOptions, verify: VerifyFunction)
  constructor(options: ShopifyOptions, verify: VerifyFunction) {
    const read = new OptionReader('shopify', options)
    const isOnline = read.oneOf('accessMode', ['online', 'offline'], 'online') === 'online'
    const version = read.optionalText('apiVersion') ?? '2025-10'
    if (!/^(\d{4}-(01|04|07|10)|unstable)$/.test(version)) read.fail('apiVersion', 'must be a version such as 2025-10')
    const fixed = read.optionalText('shop')
    if (fixed !== undefined && !SHOP.test(fixed)) read.fail('shop', 'must be a name.myshopify.com')
    super('shopify', options, verify, {
      endpoints: {
        authorizationURL: 'https://{shop}/admin/oauth/authorize',
        tokenURL: 'https://{shop}/admin/oauth/access_token',
        userProfileURL: `https://{shop}/admin/api/${version}/graphql.json`,
      },
      host: { parameter: 'shop', pattern: SHOP, fixed },
      signedQuery: {
        parameter: 'hmac',
        unsigned: ['signature'],
        timestamp: 'timestamp',
        tolerance: read.positive('signatureTolerance', 90, 'seconds'),
      },
      scope: [],
      scopeSeparator: ',',
      authorizationNames: { response_type: false },
      tokenHeader: { name: 'X-Shopify-Access-Token' },
      ...(isOnline && { profileFromTokens: true }),
    })
    this.own = { isOnline, expiring: read.flag('expiring', true) ? '1' : undefined }
    if (this.scope.length === 0) read.fail('scope', 'is required and must name what to ask for')
  }

  override authorizationParams(): Params {
    return { 'grant_options[]': this.own.isOnline ? 'per-user' : undefined }
  }

  /** `grant_type` is sent only with a refresh, not with a code. If a challenge was sent, a verifier is required. */
  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const { clientID: client_id, clientSecret: client_secret } = this
    const { grant_type, code, code_verifier, refresh_token } = grant
    const expiring = this.own.isOnline ? undefined : this.own.expiring
    const what = grant_type === 'refresh_token' ? { grant_type, refresh_token } : { code, code_verifier, expiring }
    return { method: 'POST', url: this.tokenEndpoint(grant), json: { client_id, client_secret, ...what } }
  }

  /** The browser could have changed the address that requests the kind of token: a token of the other kind fails the login. */
  protected override async grant(...asked: Parameters<DialectStrategy['grant']>): Promise<TokenSet> {
    const tokens = await super.grant(...asked)
    const [{ grant_type }] = asked
    if (isObject(tokens.raw.associated_user) === this.own.isOnline) return tokens
    const message = `Shopify issued the token of a ${this.own.isOnline ? 'shop' : 'person'}, which was not requested.`
    throw this.failure('response_invalid', grant_type === 'refresh_token' ? 'refresh' : 'token', message)
  }

  /** For a shop that does not exist, the response is an HTML page. */
  override readBody(response: RawResponse, phase: Phase): Json | undefined {
    const body = super.readBody(response, phase)
    return body === undefined && response.status === 404 ? { errors: 'no such shop' } : body
  }

  /** The token endpoint has `error`; the API has `errors`, a string or GraphQL's list. */
  override refusal(body: JsonObject, phase: Phase): Refusal | undefined {
    const { error, error_description, errors } = body
    const isOfCode = phase === 'token' && (error === 'invalid_request' || error === '')
    if (isOfCode) return { code: 'grant_rejected', providerCode: error, providerMessage: textOf(error_description) }
    if (!Array.isArray(errors)) {
      return textOf(errors) === undefined ? standardRefusal(body, CODES) : { providerMessage: textOf(errors) }
    }
    const [first] = errors
    const { message, extensions } = isObject(first) ? first : {}
    const providerCode = isObject(extensions) ? textOf(extensions.code) : undefined
    return {
      code: lookUp(API_CODES, providerCode ?? '') ?? 'provider_error',
      providerCode,
      providerMessage: textOf(message),
    }
  }

  /** A GraphQL query. */
  protected override profileRequest({ accessToken }: TokenSet): ProviderRequest {
    const headers = { 'X-Shopify-Access-Token': accessToken }
    const json = { query: '{ shop { id name email myshopifyDomain } }' }
    return { method: 'POST', url: this.endpoints.userProfileURL, headers, json }
  }

  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (phase !== 'profile' || !isObject(body)) return body
    if (this.own.isOnline) return body.associated_user
    return isObject(body.data) ? body.data.shop : undefined
  }

  /** Adds the shop to the user object, because a person's id does not name it. */
  protected override toProfile(user: JsonObject, raw: string, tokens: TokenSet): DialectProfile {
    return super.toProfile({ ...user, shop: tokens.context?.shop }, raw, tokens)
  }

  /** A shop's e-mail address is not a user's: anybody who may change the shop's settings can change it. */
  protected profileFields({ shop, ...user }: JsonObject): ProfileFields {
    if (!this.own.isOnline) return { id: user.myshopifyDomain === shop ? shop : undefined, displayName: user.name }
    const displayName = [user.first_name, user.last_name].filter(textOf).join(' ')
    return { id: user.id, displayName, email: user.email }
  }
}
