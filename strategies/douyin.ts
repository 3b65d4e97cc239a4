// Over 120 lines because Douyin has three series of numbers.
import type {
  DialectOptions,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Phase,
  ProfileFields,
  ProviderRequest,
  Refusal,
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of Douyin (抖音), website applications (pages below developer.open-douyin.com/docs/resource/zh-CN/dop/develop:
 * sdk/web-app/web/permission, openapi/account-permission/get-access-token, …/refresh-access-token,
 * …/get-account-open-info, status-code; read 2026-11-25). Requests are forms, responses have an envelope, and every refusal has HTTP 200.
 */
export interface DouyinOptions extends DialectOptions {
  /** `union_id` is the same in all applications of one developer; `open_id` belongs to this application. Default `open_id`. */
  idSource?: 'open_id' | 'union_id' | undefined
}

/** status-code, and numbers copied from it by other clients. */
const CODES: Record<string, ErrorCode> = {
  10001: 'provider_unavailable',
  2100004: 'provider_unavailable',
  28001005: 'provider_unavailable',
  28001006: 'provider_unavailable',
  10002: 'provider_error', // parameters
  10005: 'provider_error',
  2100005: 'provider_error',
  28001007: 'provider_error',
  10003: 'client_rejected', // key unknown; key or secret wrong
  10013: 'client_rejected',
  28001016: 'client_rejected', // banned, closed, a test that is over
  28001019: 'client_rejected',
  28001021: 'client_rejected',
  10004: 'scope_insufficient',
  2100007: 'scope_insufficient',
  28001012: 'scope_insufficient',
  28001014: 'scope_insufficient',
  28001018: 'scope_insufficient',
  28004020: 'scope_insufficient',
  10007: 'grant_rejected', // code: too old, used; of another key
  10014: 'grant_rejected',
  10010: 'grant_rejected', // refresh token: too old; renewed too often
  10020: 'grant_rejected',
  10008: 'token_rejected',
  28001003: 'token_rejected',
  28001008: 'token_rejected',
  28001015: 'token_rejected', // belongs to another open id
  2100009: 'user_unknown', // gone, banned, private
  28001020: 'user_unknown',
  28001045: 'user_unknown',
  28001046: 'user_unknown',
  28001047: 'user_unknown',
  2190001: 'rate_limited',
  28003017: 'rate_limited',
  28003018: 'rate_limited',
}

/** The strategy of Douyin. The constructor throws `config_invalid`, naming the option. See {@link DouyinOptions}. */
export class DouyinStrategy extends DialectStrategy {
  static options = { idSource: 'text' } satisfies OwnOptions<DouyinOptions>
  private readonly idSource: 'open_id' | 'union_id'

  constructor(...withRequest: WithRequest<DouyinOptions>)
  constructor(options: DouyinOptions, verify: VerifyFunction)
  constructor(options: DouyinOptions, verify: VerifyFunction) {
    const read = new OptionReader('douyin', options)
    const site = read.base('baseURL', 'https://open.douyin.com')
    super('douyin', options, verify, {
      // The trailing slashes are required.
      endpoints: {
        authorizationURL: `${site}/platform/oauth/connect`,
        tokenURL: `${site}/oauth/access_token/`,
        refreshURL: `${site}/oauth/refresh_token/`,
        userProfileURL: `${site}/oauth/userinfo/`,
      },
      scope: ['user_info'],
      scopeSeparator: ',',
      clientIDName: 'client_key',
      tokenHeader: { name: 'access-token' },
      tokenMayBeRefused: [200],
    })
    this.idSource = read.oneOf('idSource', ['open_id', 'union_id'], 'open_id')
  }

  /** A form, not JSON, without the redirect URI. A refresh has no secret. */
  protected override tokenRequest({ grant_type, code, refresh_token }: TokenGrant): ProviderRequest {
    const { clientID: client_key, clientSecret: client_secret } = this
    const url = this.tokenEndpoint({ grant_type })
    if (grant_type === 'refresh_token') return { method: 'POST', url, form: { client_key, grant_type, refresh_token } }
    return { method: 'POST', url, form: { client_key, client_secret, code, grant_type } }
  }

  /** A response has two shapes: the new one at the top level, the old one in `data`. It is a success only if neither has an error. */
  override refusal(body: JsonObject): Refusal | undefined {
    const data = isObject(body.data) ? body.data : {}
    const providerCode = [body.err_no, data.error_code].map(textOf).find((number = '0') => number !== '0')
    if (providerCode === undefined && body.message !== 'error') return undefined
    return {
      code: lookUp(CODES, providerCode ?? '') ?? 'provider_error',
      providerCode,
      providerMessage: textOf(body.err_msg) ?? textOf(data.description),
      requestId: textOf(body.log_id) ?? textOf(data.log_id),
    }
  }

  /** A token is useless without the `open_id` beside it. */
  override unwrap({ data }: JsonObject, phase: Phase): Json | undefined {
    const isComplete = phase !== 'token' || (isObject(data) && textOf(data.open_id) !== undefined)
    return isComplete ? data : undefined
  }

  protected override tokenContext({ open_id }: JsonObject): JsonObject | undefined {
    return open_id === undefined ? undefined : { open_id }
  }

  override apiParameters({ context }: TokenSet) {
    return { query: { open_id: textOf(context?.open_id) } }
  }

  protected override profileRequest({ accessToken: access_token, context }: TokenSet): ProviderRequest {
    const form = { access_token, open_id: textOf(context?.open_id) }
    return { method: 'POST', url: this.endpoints.userProfileURL, form }
  }

  protected profileFields(user: JsonObject): ProfileFields {
    return { id: user[this.idSource], displayName: user.nickname, photo: user.avatar }
  }
}
