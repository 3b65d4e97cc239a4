import type {
  DialectOptions,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Params,
  Phase,
  ProfileFields,
  ProviderRequest,
  Refusal,
  TokenSet,
  Transaction,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of Naver Login, OAuth 2.0 (naver/naver-openapi-guide: ko/login/devguide, ko/login/api, ko/login/profile, read
 * 2026-11-25). The token request repeats the state; refusals have HTTP 200.
 */
export interface NaverOptions extends DialectOptions {
  /** `reprompt` asks again for what the user refused. `reauthenticate` asks for the password again. Default neither. */
  authType?: 'reprompt' | 'reauthenticate' | undefined
}

/** ko/login/profile, the API's `resultcode`. */
const CODES: Record<string, ErrorCode> = {
  '024': 'token_rejected', // dead
  '028': 'token_rejected', // no header
  403: 'scope_insufficient', // the API is not switched on for this app
  404: 'user_unknown',
  429: 'rate_limited',
  500: 'provider_unavailable',
}

/** The strategy of Naver. The constructor throws `config_invalid`, naming the option. See {@link NaverOptions}. */
export class NaverStrategy extends DialectStrategy {
  static options = { authType: 'text' } satisfies OwnOptions<NaverOptions>
  private readonly authType: string | undefined

  constructor(...withRequest: WithRequest<NaverOptions>)
  constructor(options: NaverOptions, verify: VerifyFunction)
  constructor(options: NaverOptions, verify: VerifyFunction) {
    const read = new OptionReader('naver', options)
    const pages = read.base('baseURL', 'https://nid.naver.com')
    const api = read.base('baseURL', 'https://openapi.naver.com')
    super('naver', options, verify, {
      endpoints: {
        authorizationURL: `${pages}/oauth2.0/authorize`,
        tokenURL: `${pages}/oauth2.0/token`,
        revokeURL: `${pages}/oauth2.0/revoke`,
        userProfileURL: `${api}/v1/nid/me`,
      },
      // The console sets what an app gets of a user.
      scope: [],
    })
    const { authType } = options
    this.authType =
      authType === undefined ? undefined : read.oneOf('authType', ['reprompt', 'reauthenticate'], authType)
  }

  override authorizationParams(): Params {
    return { auth_type: this.authType }
  }

  /** The token request also requires `state`. */
  protected override exchange(code: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const { state, redirectURI: redirect_uri, verifier: code_verifier } = transaction
    const extra = this.tokenParams(options)
    return this.grant(
      { ...extra, grant_type: 'authorization_code', code, state, redirect_uri, code_verifier },
      this.scope,
    )
  }

  /** Revokes the refresh token, which lives longer: revoking either token ends both, and a dead one causes no error. */
  protected override revokeRequest({ accessToken, refreshToken }: TokenSet): ProviderRequest {
    const { clientID: client_id, clientSecret: client_secret } = this
    const hint = refreshToken === undefined ? 'access_token' : 'refresh_token'
    const form = { client_id, client_secret, token: refreshToken ?? accessToken, token_type_hint: hint }
    return { method: 'POST', url: this.endpoints.revokeURL ?? '', form }
  }

  /** The OAuth endpoints have OAuth's error codes, some with another meaning; the API has `resultcode`. */
  override refusal(body: JsonObject, phase: Phase): Refusal | undefined {
    const flat = standardRefusal(body, GRANT_CODES[phase])
    if (flat) return WRONG_CLIENT.test(flat.providerMessage ?? '') ? { ...flat, code: 'client_rejected' } : flat
    const providerCode = textOf(body.resultcode)
    if (providerCode === undefined || body.resultcode === SUCCESS) return undefined
    return { code: lookUp(CODES, providerCode), providerCode, providerMessage: textOf(body.message) }
  }

  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (phase !== 'profile') return body
    return isObject(body) && body.resultcode === SUCCESS ? body.response : undefined
  }

  /** `id` belongs to this app only. Users can refuse every other item; the e-mail address is not verified. */
  protected profileFields({ id, nickname, name, email, profile_image }: JsonObject): ProfileFields {
    return { id, displayName: nickname || name, email, photo: profile_image }
  }
}

const SUCCESS = '00'
/** A wrong secret is `invalid_request` too (observed). */
const WRONG_CLIENT = /\bwrong client\b/i

/** A dead code is `invalid_request`; "an authorization code that was not authenticated" is `unauthorized_client`. */
const GRANT_CODES: Partial<Record<Phase, Record<string, ErrorCode>>> = {
  token: { invalid_request: 'grant_rejected', unauthorized_client: 'grant_rejected' },
  refresh: { invalid_request: 'grant_rejected' },
}
