// Over 120 lines because HUAWEI ID has two ways to refuse, each with a table of numbers.
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
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, decodeJson, isObject, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of HUAWEI ID (华为账号), OAuth version 3 (pages below developer.huawei.com/consumer/cn/doc:
 * HMSCore-References/server-error-codes-0000001062371380, HMS-2-References/hmssdk_jointOper_api_reference_queryUser,
 * harmonyos-references/account-api-verify-id-token; read 2026-11-25, the last one 2026-11-30). The token endpoint
 * refuses with numbers, the user endpoint with a header on HTTP 200.
 */
export interface HuaweiOptions extends DialectOptions {
  /** `unionID` is the same in all apps of one developer; `openID` belongs to this app. Ids are case-sensitive. Default `openID`. */
  idSource?: 'openID' | 'unionID' | undefined
}

/** `sub_error` of the token endpoint. */
const SUB_ERRORS: Record<string, ErrorCode> = {
  12304: 'client_rejected', // secret: wrong, missing, malformed
  20085: 'client_rejected',
  20171: 'client_rejected',
  20172: 'client_rejected',
  20002: 'client_rejected', // client id
  20003: 'client_rejected',
  20152: 'grant_rejected', // code: malformed, of another client, too old, used, withdrawn
  20154: 'grant_rejected',
  20155: 'grant_rejected',
  20156: 'grant_rejected',
  20158: 'grant_rejected',
  20022: 'grant_rejected', // redirect URI
  20023: 'grant_rejected',
  20024: 'grant_rejected',
  22023: 'grant_rejected',
  20191: 'grant_rejected', // refresh token: missing, malformed
  20192: 'grant_rejected',
  20182: 'provider_error',
  20086: 'provider_error',
}
/** `NSP_STATUS` of `rest.php`. */
const VERDICTS: Record<string, ErrorCode> = {
  6: 'token_rejected', // too old; invalid or withdrawn; ended early
  102: 'token_rejected',
  31204: 'token_rejected',
  403: 'scope_insufficient',
  503: 'rate_limited',
  1302: 'rate_limited',
  1: 'provider_unavailable',
  500: 'provider_unavailable',
  501: 'provider_unavailable',
  70001401: 'provider_unavailable',
  70001402: 'provider_unavailable',
  70020002: 'provider_unavailable',
  105: 'provider_error', // parameters
  70001201: 'provider_error',
}
/** Used if a gateway dropped the header. */
const DEAD_TOKEN = ['session timeout', 'invalid session']

/** The strategy of HUAWEI ID. The constructor throws `config_invalid`, naming the option. See {@link HuaweiOptions}. */
export class HuaweiStrategy extends DialectStrategy {
  static options = { idSource: 'text' } satisfies OwnOptions<HuaweiOptions>
  private readonly idSource: 'openID' | 'unionID'

  constructor(...withRequest: WithRequest<HuaweiOptions>)
  constructor(options: HuaweiOptions, verify: VerifyFunction)
  constructor(options: HuaweiOptions, verify: VerifyFunction) {
    const read = new OptionReader('huawei', options)
    const login = `${read.base('baseURL', 'https://oauth-login.cloud.huawei.com')}/oauth2/v3`
    super('huawei', options, verify, {
      endpoints: {
        authorizationURL: `${login}/authorize`,
        tokenURL: `${login}/token`,
        revokeURL: `${login}/revoke`,
        jwksURL: `${login}/certs`,
        userProfileURL: `${read.base('baseURL', 'https://account.cloud.huawei.com')}/rest.php?nsp_svc=GOpen.User.getInfo`,
      },
      scope: ['openid', 'profile'],
      tokenMayBeRefused: [200],
      idToken: { issuer: 'https://accounts.huawei.com', algorithms: ['RS256', 'PS256'] },
    })
    this.idSource = read.oneOf('idSource', ['openID', 'unionID'], 'openID')
  }

  /** Without `access_type=offline` there is no refresh token. */
  override authorizationParams(): Params {
    return { access_type: 'offline' }
  }

  /** Sends only the token, preferably the refresh token, which lives longer. */
  protected override revokeRequest({ accessToken, refreshToken }: TokenSet): ProviderRequest {
    return { method: 'POST', url: this.endpoint('revokeURL'), form: { token: refreshToken ?? accessToken } }
  }

  /** The error is in a header, or is HTTP 503, so the body may be empty or a page. */
  override readBody({ status, text, headers }: RawResponse): Json | undefined {
    const body = decodeJson(text)
    const saysMore = verdictIn(headers) === undefined && status !== 503
    return saysMore || isObject(body) ? body : {}
  }

  override refusal(
    body: JsonObject,
    phase: Phase,
    status: number,
    headers: RawResponse['headers'],
  ): Refusal | undefined {
    const isOAuth = phase === 'token' || phase === 'refresh' || phase === 'revoke'
    return isOAuth ? refusedGrant(body, phase, status) : refusedCall(body, headers)
  }

  /** Without `getNickName`, the name is an anonymised account. */
  protected override profileRequest({ accessToken: access_token }: TokenSet): ProviderRequest {
    return { method: 'POST', url: this.endpoints.userProfileURL, form: { access_token, getNickName: '1' } }
  }

  /** OpenID Connect Core 1.0 §5.3.2. Its `sub` is the union id. */
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const profile = await super.fetchProfile(tokens)
    const unionID = textOf(profile._json.unionID)
    if (tokens.subject === undefined || unionID === undefined || tokens.subject === unionID) return profile
    throw this.failure('signature_invalid', 'profile', 'The `sub` of the id_token is not the user of the access token.')
  }

  protected profileFields(user: JsonObject): ProfileFields {
    return { id: user[this.idSource], displayName: user.displayName, photo: user.headPictureURL }
  }
}

/** Reads a refusal with numbers instead of RFC 6749's words. There, HTTP 503 means flow control. */
function refusedGrant(body: JsonObject, phase: Phase, status: number): Refusal | undefined {
  const error = textOf(body.error) ?? '0'
  const meant = status === 503 ? 429 : undefined
  if (error === '0') return meant && { status: meant }
  const sub = textOf(body.sub_error)
  const usual = phase === 'refresh' && error === '1101' ? 'grant_rejected' : undefined
  const code = error === '1203' ? 'provider_unavailable' : (lookUp(SUB_ERRORS, sub ?? '') ?? usual)
  return { code, providerCode: sub ?? error, providerMessage: textOf(body.error_description), status: meant }
}

function refusedCall({ error }: JsonObject, headers: RawResponse['headers']): Refusal | undefined {
  const [providerCode, providerMessage] = [verdictIn(headers), textOf(error)]
  if (providerCode !== undefined) {
    return { code: lookUp(VERDICTS, providerCode) ?? 'provider_error', providerCode, providerMessage }
  }
  if (providerMessage === undefined) return undefined
  return { code: DEAD_TOKEN.includes(providerMessage) ? 'token_rejected' : undefined, providerMessage }
}

/** The error code; `undefined` for a success. */
function verdictIn(headers: RawResponse['headers']): string | undefined {
  const verdict = String(headers.nsp_status ?? '0').trim()
  return verdict === '0' || verdict === '' ? undefined : verdict
}
