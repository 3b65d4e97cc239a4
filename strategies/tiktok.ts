// Over 120 lines because it speaks two versions of the API.
import { createHash } from 'node:crypto'
import type {
  DialectOptions,
  JsonObject,
  OwnOptions,
  Phase,
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/** The options of TikTok's Login Kit for Web (https://developers.tiktok.com/doc/login-kit-web). */
export interface TiktokOptions extends DialectOptions {
  /** `v1` stopped answering web apps on 2024-02-29; it is kept as documented. Default `v2`. */
  apiVersion?: 'v2' | 'v1' | undefined
  /** The user fields to request. Default: all that the granted scopes allow. Fields that were not granted are left out. */
  fields?: readonly string[] | undefined
  /** Show the consent page even to users who agreed before. Default false. */
  disableAutoAuth?: boolean | undefined
}

/** The trailing slashes are required. */
const V1 = { authorize: '/platform/oauth/connect/', token: '/oauth/access_token/', user: '/user/info/' }
const V2 = { authorize: '/v2/auth/authorize/', token: '/v2/oauth/token/', user: '/v2/user/info/' }

/** https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info */
const FIELDS = {
  'user.info.basic': 'open_id union_id avatar_url avatar_url_100 avatar_large_url display_name'.split(' '),
  'user.info.profile': 'bio_description profile_deep_link profile_web_link is_verified username'.split(' '),
  'user.info.stats': 'follower_count following_count likes_count video_count'.split(' '),
}
const V1_FIELDS = [...FIELDS['user.info.basic'], 'avatar_url_200']
const API_CODES = {
  access_token_invalid: 'token_rejected',
  scope_not_authorized: 'scope_insufficient',
  scope_permission_missed: 'scope_insufficient',
  rate_limit_exceeded: 'rate_limited',
  internal_error: 'provider_unavailable',
} as const
/** The documented words of another redirect address; those of a verifier were observed. */
const REFUSED_VALUE = /redirect_uri is not|code (?:verifier|challenge)/i

/** The strategy of TikTok. The constructor throws `config_invalid`, naming the option. See {@link TiktokOptions}. */
export class TiktokStrategy extends DialectStrategy {
  static options = { apiVersion: 'text', fields: 'list', disableAutoAuth: 'flag' } satisfies OwnOptions<TiktokOptions>
  private readonly own: { v1: boolean; fields: string[] | undefined; disableAutoAuth: boolean }

  constructor(...withRequest: WithRequest<TiktokOptions>)
  constructor(options: TiktokOptions, verify: VerifyFunction)
  constructor(options: TiktokOptions, verify: VerifyFunction) {
    const read = new OptionReader('tiktok', options)
    const v1 = read.oneOf('apiVersion', ['v2', 'v1'], 'v2') === 'v1'
    const paths = v1 ? V1 : V2
    const api = read.base('baseURL', v1 ? 'https://open-api.tiktok.com' : 'https://open.tiktokapis.com')
    super('tiktok', options, verify, {
      endpoints: {
        authorizationURL: read.base('baseURL', v1 ? api : 'https://www.tiktok.com') + paths.authorize,
        tokenURL: api + paths.token,
        refreshURL: v1 ? `${api}/oauth/refresh_token/` : undefined,
        revokeURL: v1 ? `${api}/oauth/revoke/` : `${api}/v2/oauth/revoke/`,
        userProfileURL: api + paths.user,
      },
      scope: ['user.info.basic'],
      scopeSeparator: ',',
      clientIDName: 'client_key',
      tokenMayBeRefused: [401], // also means a missing scope
    })
    this.own = { v1, fields: read.words('fields'), disableAutoAuth: read.flag('disableAutoAuth') }
  }

  override authorizationParams() {
    return { disable_auto_auth: this.own.disableAutoAuth ? '1' : undefined }
  }

  /** Lower-case hex, though the method is called S256 (https://developers.tiktok.com/doc/login-kit-desktop). */
  protected override challenge(verifier: string) {
    return createHash('sha256').update(verifier).digest('hex')
  }

  /** v2: a form. v1: all parameters in the query, no redirect address, and no secret at a refresh. */
  protected override tokenRequest(grant: TokenGrant) {
    const { clientID: client_key, clientSecret: client_secret } = this
    const call = { method: 'POST' as const, url: this.tokenEndpoint(grant) }
    if (!this.own.v1) return { ...call, form: { ...grant, client_key, client_secret } }
    const secret = grant.grant_type === 'refresh_token' ? undefined : client_secret
    return { ...call, query: { ...grant, redirect_uri: undefined, client_key, client_secret: secret } }
  }

  protected override revokeRequest({ accessToken: token, raw }: TokenSet) {
    const call = { method: 'POST' as const, url: this.endpoint('revokeURL') }
    if (this.own.v1) return { ...call, query: { open_id: textOf(raw.open_id), access_token: token } }
    return { ...call, form: { client_key: this.clientID, client_secret: this.clientSecret, token } }
  }

  protected override profileRequest({ accessToken: access_token, raw: { open_id }, scope }: TokenSet) {
    const [url, fields] = [this.endpoints.userProfileURL, this.fieldsOf(scope)]
    if (fields.length === 0) throw this.failure('scope_insufficient', 'profile')
    if (this.own.v1) return { method: 'POST' as const, url, json: { access_token, open_id, fields } }
    return { method: 'GET' as const, url, query: { fields: fields.join(',') }, bearer: access_token }
  }

  private fieldsOf(scope: string[]) {
    const allowed = this.own.v1 ? V1_FIELDS : scope.flatMap((name) => lookUp<string[]>(FIELDS, name) ?? [])
    return this.own.fields?.filter((field) => allowed.includes(field)) ?? allowed
  }

  /** Three shapes: nested `error` (API), flat (OAuth endpoints, also on HTTP 200), `data.error_code` (v1). */
  override refusal(body: JsonObject, phase: Phase) {
    if (isObject(body.error)) {
      const { code, message, log_id } = body.error
      if (code === 'ok' || textOf(code) === '0') return undefined
      return { ...standardRefusal({ error: code, error_description: message }, API_CODES), requestId: textOf(log_id) }
    }
    const { error_code: error, description: error_description, log_id } = isObject(body.data) ? body.data : body
    const failed = Number(textOf(error)) || body.message === 'error'
    const v1 = failed ? { ...standardRefusal({ error, error_description }) } : undefined
    const refusal = standardRefusal(body) ?? v1
    if (!refusal) return undefined
    // Another redirect address or verifier is `invalid_request`, like a missing parameter.
    const { providerCode, providerMessage = '' } = refusal
    const ofGrant = phase === 'token' && providerCode === 'invalid_request' && REFUSED_VALUE.test(providerMessage)
    return { ...refusal, ...(ofGrant && { code: 'grant_rejected' as const }), requestId: textOf(log_id) }
  }

  override unwrap(body: JsonObject, phase: Phase) {
    const { data, error } = body
    if (phase !== 'profile') return this.own.v1 ? data : body
    return isObject(data) && (this.own.v1 || isObject(error)) ? data.user : undefined
  }

  /** `open_id` is the user's id within one app. If the profile lacks it, the token response has it. */
  protected profileFields({ open_id, display_name, username, avatar_url }: JsonObject, { scope, raw }: TokenSet) {
    const id = this.fieldsOf(scope).includes('open_id') ? open_id : raw.open_id
    return { id, displayName: display_name, username, photo: avatar_url }
  }
}
