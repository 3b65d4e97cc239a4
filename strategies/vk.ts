// Over 120 lines because VK ID has a device and a state in every grant, two forms of callback, and an API with a table
// of numbers.
import { randomBytes } from 'node:crypto'
import type {
  CallbackReading,
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
  TokenGrant,
  TokenSet,
  Transaction,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, decodeJson, isObject, lookUp, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of VK ID (id.vk.com/about/business/go/docs: api-integration/api-description, tokens/access-token;
 * VKCOM/vkid-web-sdk, src/auth; read 2026-11-25). PKCE replaces the secret, and every grant repeats the callback's
 * `device_id`.
 */
export interface VkOptions extends Omit<DialectOptions, 'clientSecret'> {
  /** The kind of account for the login: VK's own, Odnoklassniki's or Mail.ru's. Default: the user chooses. */
  provider?: 'vkid' | 'ok_ru' | 'mail_ru' | undefined
  /** The language of VK's pages, by VK's numbers: 0 is Russian, 3 is English. Default: the browser's. */
  lang?: number | undefined
}

/**
 * The API hosts of VK's own hosts; any other host serves both. id.vk.ru/about/faq/business/vkid/alternative_api_domain
 */
const API_HOSTS: Record<string, string> = {
  'https://id.vk.com': 'https://api.vk.com',
  'https://id.vk.ru': 'https://api.vk.ru',
}

/** Error codes besides those of RFC 6749. */
const CODES: Record<string, ErrorCode> = {
  invalid_scope: 'scope_insufficient',
  slow_down: 'rate_limited',
  too_many_requests: 'rate_limited',
}
/** dev.vk.com/ru/reference/errors, all of them on HTTP 200 */
const API_CODES: Record<string, ErrorCode> = {
  1: 'provider_unavailable',
  5: 'token_rejected',
  6: 'rate_limited',
  7: 'scope_insufficient',
  9: 'rate_limited',
  10: 'provider_unavailable',
  15: 'scope_insufficient',
  18: 'user_unknown',
  29: 'rate_limited',
}

/** The strategy of VK ID. The constructor throws `config_invalid`, naming the option. See {@link VkOptions}. */
export class VkStrategy extends DialectStrategy {
  static options = { provider: 'text', lang: 'number', clientSecret: 'none' } satisfies OwnOptions<VkOptions>
  private readonly own: { apiURL: string; provider: string | undefined; lang: string | undefined }

  constructor(...withRequest: WithRequest<VkOptions>)
  constructor(options: VkOptions, verify: VerifyFunction)
  constructor(options: VkOptions, verify: VerifyFunction) {
    const read = new OptionReader('vk', options)
    const site = read.base('baseURL', 'https://id.vk.com')
    super('vk', options, verify, {
      endpoints: {
        authorizationURL: `${site}/authorize`,
        tokenURL: `${site}/oauth2/auth`,
        revokeURL: `${site}/oauth2/revoke`,
        userProfileURL: `${site}/oauth2/user_info`,
      },
      scope: ['vkid.personal_info'],
      clientSecret: 'none',
      pkce: 'required',
      pkceMethod: 's256',
      callbackParameters: ['device_id', 'payload'],
      tokenParameter: 'access_token',
      tokenMayBeRefused: [200],
    })
    const { provider, lang } = options
    const isLanguage = lang === undefined || (Number.isSafeInteger(lang) && lang >= 0)
    if (!isLanguage) read.fail('lang', "must be VK's number of a language")
    this.own = {
      apiURL: lookUp(API_HOSTS, site) ?? site,
      provider: provider === undefined ? undefined : read.oneOf('provider', ['vkid', 'ok_ru', 'mail_ru'], provider),
      lang: textOf(lang),
    }
  }

  override authorizationParams(): Params {
    return { provider: this.own.provider, lang_id: this.own.lang }
  }

  /** Reads separate parameters, or one parameter `payload` with JSON, which counts only if there is no `code`. */
  protected override readCallback(params: URLSearchParams): CallbackReading {
    const payload = params.get('payload')
    if (payload === null || params.has('code') || params.has('error')) return super.readCallback(params)
    const { state, code: credential } = membersOf(payload)
    return { state, credential }
  }

  protected override async exchange(code: string, transaction: Transaction, options: object): Promise<TokenSet> {
    const { callback = {}, state, redirectURI: redirect_uri, verifier: code_verifier } = transaction
    const payload = membersOf(callback.payload)
    const device_id = textOf(callback.device_id) ?? (payload.code === code ? payload.device_id : undefined)
    if (device_id === undefined) {
      throw this.failure('callback_invalid', 'callback', 'VK ID sent a code without its device_id.')
    }
    const extra = this.tokenParams(options)
    const grant = { ...extra, grant_type: 'authorization_code', code, state, redirect_uri, code_verifier } as const
    return this.grant(grant, this.scope, { device_id })
  }

  /** Every grant has a state, which the response repeats. VK's SDK compares it, at a refresh too. */
  protected override async grant(
    grant: TokenGrant,
    requestedScope: readonly string[],
    context: JsonObject = {},
  ): Promise<TokenSet> {
    const { state = randomBytes(16).toString('hex') } = grant
    const tokens = await super.grant({ ...grant, state }, requestedScope, context)
    if (tokens.raw.state === state) return tokens
    const phase = grant.grant_type === 'refresh_token' ? 'refresh' : 'token'
    throw this.failure('response_invalid', phase, 'The token response of VK ID does not have the state of its request.')
  }

  protected override tokenRequest(grant: TokenGrant, context: JsonObject): ProviderRequest {
    const device_id = textOf(context.device_id) ?? grant.device_id
    if (grant.grant_type === 'refresh_token' && device_id === undefined) {
      const message = 'VK ID does not refresh without the device_id of the login. The user must log in again.'
      throw this.failure('refresh_rejected', 'refresh', message)
    }
    return this.post(this.tokenEndpoint(grant), { ...grant, device_id })
  }

  protected override revokeRequest({ accessToken: access_token, context }: TokenSet): ProviderRequest {
    return this.post(this.endpoint('revokeURL'), { access_token, device_id: textOf(context?.device_id) })
  }

  /** The token is in the form: VK ID ignores a header. */
  protected override profileRequest({ accessToken: access_token }: TokenSet): ProviderRequest {
    return this.post(this.endpoints.userProfileURL, { access_token })
  }

  private post(url: string, form: Params): ProviderRequest {
    return { method: 'POST', url, form: { ...form, client_id: this.clientID } }
  }

  /** A refresh returns no `device_id`: that of the login is kept. */
  protected override tokenContext(_raw: JsonObject, { device_id }: JsonObject): JsonObject | undefined {
    return device_id === undefined ? undefined : { device_id }
  }

  /** VK's API has its own host; a subclass may set another. */
  override apiParameters() {
    return { baseURL: this.own.apiURL }
  }

  /** `error` is a code of VK ID, with any HTTP status, or an object of the API. */
  override refusal(body: JsonObject, phase: Phase): Refusal | undefined {
    if (isObject(body.error)) {
      const providerCode = textOf(body.error.error_code)
      const code = lookUp(API_CODES, providerCode ?? '') ?? 'provider_error'
      return { code, providerCode, providerMessage: textOf(body.error.error_msg) }
    }
    const said = standardRefusal(body, CODES)
    const { providerCode, providerMessage = '' } = said ?? {}
    const inExchange = phase === 'token' || phase === 'refresh'
    if (providerCode === 'access_denied' && !inExchange) return { ...said, code: 'token_rejected' }
    const ofGrant = providerCode === 'invalid_request' && /\bcode\b|verifier/i.test(providerMessage)
    return ofGrant && phase === 'token' ? { ...said, code: 'grant_rejected' } : said
  }

  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (!isObject(body)) return undefined
    if (phase === 'revoke') return textOf(body.response) === '1' ? body : undefined
    return phase === 'profile' ? body.user : body
  }

  /** Everything except the id may be missing. It is unknown whether the address is verified. */
  protected profileFields({ user_id, first_name, last_name, avatar, email }: JsonObject): ProfileFields {
    const displayName = [first_name, last_name].filter(textOf).join(' ')
    return { id: user_id, displayName, email, photo: avatar }
  }
}

/** The members of a callback's `payload` that are text. */
function membersOf(payload: string | undefined): { code?: string; state?: string; device_id?: string } {
  const json = payload === undefined ? undefined : decodeJson(payload)
  const texts = isObject(json) ? Object.entries(json).filter(([, value]) => typeof value === 'string' && value) : []
  return Object.fromEntries(texts)
}
