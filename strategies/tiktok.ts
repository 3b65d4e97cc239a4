import { createHash } from 'node:crypto'
import type { DialectOptions, Grant, JsonObject, Phase, TokenSet, VerifyFunction, WithRequest } from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/** TikTok Login Kit for web (https://developers.tiktok.com/doc/login-kit-web). */
export interface TiktokOptions extends DialectOptions {
  /** `v1` stopped answering web apps on 2024-02-29; it stays as its document writes it. Default `v2`. */
  apiVersion?: 'v2' | 'v1' | undefined
  /** User fields to ask for; default all that the granted scopes allow. One field too many fails the whole call. */
  fields?: readonly string[] | undefined
  /** Show the consent page even to a user who has agreed before. */
  disableAutoAuth?: boolean | undefined
}

/** The slashes at the end are part of the addresses. */
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

/** The strategy of TikTok; its constructor throws `config_invalid`, naming the option. See {@link TiktokOptions}. */
export class TiktokStrategy extends DialectStrategy {
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

  /** v2: a form. v1: everything in the query, no redirect address, and no secret to refresh. */
  protected override tokenRequest(grant: Grant) {
    const { clientID: client_key, clientSecret: client_secret } = this
    const call = { method: 'POST' as const, url: this.tokenEndpoint(grant) }
    if (!this.own.v1) return { ...call, form: { ...grant, client_key, client_secret } }
    const secret = grant.grant_type === 'refresh_token' ? undefined : client_secret
    return { ...call, query: { ...grant, redirect_uri: undefined, client_key, client_secret: secret } }
  }

  protected override revokeRequest({ accessToken, raw }: TokenSet) {
    const { clientID: client_key, clientSecret: client_secret } = this
    const call = { method: 'POST' as const, url: this.endpoints.revokeURL ?? '' }
    if (this.own.v1) return { ...call, query: { open_id: textOf(raw.open_id), access_token: accessToken } }
    return { ...call, form: { client_key, client_secret, token: accessToken } }
  }

  protected override profileRequest({ accessToken: access_token, raw: { open_id }, scope }: TokenSet) {
    const url = this.endpoints.userProfileURL
    const { v1, fields: asked } = this.own
    if (v1) return { method: 'POST' as const, url, json: { access_token, open_id, fields: asked ?? V1_FIELDS } }
    const granted = scope.flatMap((name) => lookUp<string[]>(FIELDS, name) ?? [])
    const fields = asked?.filter((field) => granted.includes(field)) ?? granted
    return { method: 'GET' as const, url, query: { fields: fields.join(',') }, bearer: access_token }
  }

  /** Three shapes: nested `error` (API), flat (OAuth endpoints, also on HTTP 200), `data.error_code` (v1). */
  override refusal(body: JsonObject) {
    const { error, data } = body
    if (isObject(error)) {
      if (error.code === 'ok') return undefined
      const nested = standardRefusal({ error: error.code, error_description: error.message }, API_CODES)
      return { ...nested, requestId: textOf(error.log_id) }
    }
    const flat = standardRefusal(body)
    if (flat) return { ...flat, requestId: textOf(body.log_id) }
    if (!isObject(data)) return undefined
    const { error_code = 0, description, log_id } = data
    if (textOf(error_code) === '0' && body.message !== 'error') return undefined
    return { providerCode: textOf(error_code), providerMessage: textOf(description), requestId: textOf(log_id) }
  }

  override unwrap(body: JsonObject, phase: Phase) {
    const { data, error } = body
    if (phase !== 'profile') return this.own.v1 ? data : body
    return isObject(data) && (this.own.v1 || isObject(error)) ? data.user : undefined
  }

  /** `open_id` is the user's id within one app; `union_id`, within one developer, stays in `_json`. */
  protected profileFields({ open_id, display_name, username, avatar_url }: JsonObject) {
    return { id: open_id, displayName: display_name, username, photo: avatar_url }
  }
}
