// Over 120 lines because of Kakao's two tables of errors.
import type {
  DialectOptions,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  ProfileFields,
  ProviderRequest,
  Refusal,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of Kakao Login (developers.kakao.com/docs/latest: kakaologin/rest-api, kakaologin/trouble-shooting,
 * rest-api/reference; read in part 2026-11-25). Scopes are separated by commas. Errors are `error_code` at the token
 * endpoint, and negative numbers at the API.
 */
export interface KakaoOptions extends Omit<DialectOptions, 'clientSecret'> {
  /** Required if it is switched on in Kakao's console. Default none. */
  clientSecret?: string | undefined
}

/** kakaologin/trouble-shooting, `error_code` of the token endpoint. */
const TOKEN_CODES: Record<string, ErrorCode> = {
  KOE003: 'provider_unavailable',
  KOE009: 'client_rejected', // the platform is not registered
  KOE010: 'client_rejected', // the secret is switched on, and missing or wrong
  KOE101: 'client_rejected', // not the REST API key
  KOE237: 'rate_limited',
  KOE303: 'grant_rejected', // another redirect URI
  KOE310: 'provider_error',
  KOE319: 'grant_rejected',
  KOE320: 'grant_rejected', // code: unknown, used, too old
  KOE322: 'grant_rejected', // refresh token: dead
}
/** rest-api/reference and rest-api/error-code, `code` of the API. Any other is the app's own mistake. */
const API_CODES: Record<string, ErrorCode> = {
  '-1': 'provider_unavailable',
  '-7': 'provider_unavailable',
  '-603': 'provider_unavailable',
  '-9798': 'provider_unavailable', // maintenance
  '-3': 'client_rejected', // not switched on for this app
  '-5': 'client_rejected',
  '-12': 'client_rejected', // the app or its developer is sanctioned
  '-903': 'client_rejected',
  '-4': 'user_unknown', // blocked
  '-101': 'user_unknown', // not connected to this app
  '-103': 'user_unknown', // dormant or gone
  '-406': 'user_unknown', // under 14
  '-10': 'rate_limited',
  '-11': 'rate_limited', // of what was paid for
  '-401': 'token_rejected',
  '-402': 'scope_insufficient',
}

/** The strategy of Kakao. The constructor throws `config_invalid`, naming the option. See {@link KakaoOptions}. */
export class KakaoStrategy extends DialectStrategy {
  static options = {} satisfies OwnOptions<KakaoOptions>

  constructor(...withRequest: WithRequest<KakaoOptions>)
  constructor(options: KakaoOptions, verify: VerifyFunction)
  constructor(options: KakaoOptions, verify: VerifyFunction) {
    const read = new OptionReader('kakao', options)
    const pages = read.base('baseURL', 'https://kauth.kakao.com')
    const api = read.base('baseURL', 'https://kapi.kakao.com')
    super('kakao', options, verify, {
      endpoints: {
        authorizationURL: `${pages}/oauth/authorize`,
        tokenURL: `${pages}/oauth/token`,
        revokeURL: `${api}/v1/user/logout`,
        userProfileURL: `${api}/v2/user/me`,
        jwksURL: `${pages}/.well-known/jwks.json`,
      },
      // The console sets what an app gets of a user.
      scope: [],
      scopeSeparator: ',',
      clientSecret: 'optional',
      tokenMayBeRefused: [401], // also means a user who is too young
      // The console can turn it on for every login; the scope `openid` requests it.
      idToken: {
        issuer: 'https://kauth.kakao.com',
        algorithms: ['RS256'],
        nonce: true,
        required: 'openid',
        subject: 'id',
      },
    })
  }

  /** Ends this login. (`unlink` would withdraw the user's consent.) */
  protected override revokeRequest({ accessToken: bearer }: TokenSet): ProviderRequest {
    return { method: 'POST', url: this.endpoint('revokeURL'), bearer }
  }

  /** Requests https addresses for images. */
  protected override profileRequest({ accessToken: bearer }: TokenSet): ProviderRequest {
    return { method: 'GET', url: this.endpoints.userProfileURL, query: { secure_resource: 'true' }, bearer }
  }

  override refusal(body: JsonObject, _phase: unknown, status: number): Refusal | undefined {
    const flat = standardRefusal(body)
    const koe = textOf(body.error_code)
    if (flat ?? koe) {
      const code = lookUp(TOKEN_CODES, koe ?? '') ?? flat?.code
      return { code, providerCode: koe ?? flat?.providerCode, providerMessage: textOf(body.error_description) }
    }
    const providerCode = textOf(body.code)
    if (providerCode === undefined || !/^-\d+$/.test(providerCode)) return undefined
    const code = lookUp(API_CODES, providerCode) ?? 'provider_error'
    // With HTTP 401 or 403, only the number says whether it concerns the token or its scope.
    const meant = code === 'provider_error' && (status === 401 || status === 403) ? 400 : undefined
    return { code, providerCode, providerMessage: textOf(body.msg), status: meant }
  }

  /** `id` belongs to this app only. What the user has not agreed to, or the console does not request, is missing. */
  protected profileFields({ id, kakao_account }: JsonObject): ProfileFields {
    const { profile, email, is_email_valid, is_email_verified } = objectOf(kakao_account)
    const { nickname, profile_image_url, is_default_image } = objectOf(profile)
    const isProved = is_email_valid === true && is_email_verified === true
    return {
      id,
      displayName: nickname,
      email: isProved ? email : undefined,
      photo: is_default_image === true ? undefined : profile_image_url,
    }
  }
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}
