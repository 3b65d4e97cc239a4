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
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, OptionReader, textOf } from '../lib/dialect'

/** The options of TAPD, user authorization (https://open.tapd.cn/document/api-doc/API文档/授权凭证/用户态.html). */
export interface TapdOptions extends DialectOptions {
  /** `internal`: tapd.woa.com, the hosts of TAPD's documentation. `cloud`: www.tapd.cn. Default `internal`. */
  site?: 'internal' | 'cloud' | undefined
  /**
   * `users/info` requests the user. `resource` takes the `resource` of type `user` from the token response, without a
   * request. Their ids differ, so one never replaces the other. Default `users/info`.
   */
  profileSource?: 'users/info' | 'resource' | undefined
  /** Accept TAPD's unsolicited codes at the router's entry route. Default false. */
  silentLogin?: boolean | undefined
}

const SITES = {
  internal: { pages: 'https://tapd.woa.com', api: 'https://apiv2.tapd.tencent.com' },
  cloud: { pages: 'https://www.tapd.cn', api: 'https://api.tapd.cn' },
}

/** TAPD's token endpoint describes the error only in words. */
const REFUSED_GRANT = /authorization[ _]code|redirect[ _]ur[il]|refresh[ _]token|invalid_grant/i
const REFUSED_CLIENT = /invalid_client|basic auth|client/i

/** The strategy of TAPD. The constructor throws `config_invalid`, naming the option. See {@link TapdOptions}. */
export class TapdStrategy extends DialectStrategy {
  static options = { site: 'text', profileSource: 'text', silentLogin: 'flag' } satisfies OwnOptions<TapdOptions>
  private readonly profileSource: 'users/info' | 'resource'

  constructor(...withRequest: WithRequest<TapdOptions>)
  constructor(options: TapdOptions, verify: VerifyFunction)
  constructor(options: TapdOptions, verify: VerifyFunction) {
    const read = new OptionReader('tapd', options)
    const site = SITES[read.oneOf('site', ['internal', 'cloud'], 'internal')]
    const pages = read.base('baseURL', site.pages)
    const api = read.base('baseURL', site.api)
    super('tapd', options, verify, {
      endpoints: {
        authorizationURL: `${pages}/oauth/`,
        tokenURL: `${api}/tokens/request_token`,
        refreshURL: `${api}/tokens/refresh_token`,
        userProfileURL: `${api}/users/info`,
      },
      scope: ['user'],
      tokenRefused: [401, 422],
      unsolicited: read.flag('silentLogin'),
    })
    this.profileSource = read.oneOf('profileSource', ['users/info', 'resource'], 'users/info')
  }

  override authorizationParams(): Params {
    return { auth_by: 'user' }
  }

  /** Basic with the unencoded id and secret (the documentation's `open sesame` has a space). The body has neither. */
  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const basic = { user: this.clientID, password: this.clientSecret }
    return { method: 'POST', url: this.tokenEndpoint(grant), form: grant, basic }
  }

  /** `status: 1` is the only success. */
  override refusal(body: JsonObject, phase: Phase, status: number): Refusal | undefined {
    const said = textOf(body.status)
    if (said === '1') return undefined
    const info = textOf(body.info) ?? ''
    const meta = isObject(body.meta) ? body.meta : {}
    const meant = status === 200 ? Number(said) : status
    return {
      code: refusalCode(phase, meant, info),
      status: meant,
      providerCode: said,
      providerMessage: info || undefined,
      requestId: textOf(meta.request_id),
    }
  }

  /** A mistyped path answers `status: 1` with a greeting instead of an object: then there is no payload. */
  override unwrap(body: JsonObject, phase: Phase): Json | undefined {
    if (phase !== 'profile') return body.data
    const data = Array.isArray(body.data) && body.data.length === 1 ? body.data[0] : body.data
    return isObject(data) && isObject(data.User) ? data.User : data
  }

  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    if (this.profileSource === 'users/info') return super.fetchProfile(tokens)
    const { resource } = tokens.raw
    if (isObject(resource) && resource.type === 'user')
      return this.toProfile(resource, JSON.stringify(resource), tokens)
    throw this.failure('response_invalid', 'profile', "The token's `resource` is not of type `user`: it names nobody.")
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const id = this.profileSource === 'resource' ? user.user_id : user.id
    return { id, displayName: user.name, username: user.nick, photo: user.avatar }
  }
}

function refusalCode(phase: Phase, status: number, info: string): ErrorCode | undefined {
  if (phase === 'profile' || phase === 'request') return status === 422 ? 'token_rejected' : undefined
  if (REFUSED_GRANT.test(info)) return 'grant_rejected'
  return REFUSED_CLIENT.test(info) || status === 422 ? 'client_rejected' : undefined
}
