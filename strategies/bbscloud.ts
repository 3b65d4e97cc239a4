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
  Refusal,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, lookUp, OptionReader, textOf } from '../lib/dialect'

/**
 * The options of BBScloud (documentation of 2021-06-28). The server fetches a code before the redirect. The callback has
 * the access token itself, valid for five minutes. There is no token endpoint, no scope and no refresh.
 */
export interface BbscloudOptions extends DialectOptions {
  /** The site: `https://1000001.bbscloud.com`, its own sub-domain, or its own domain. */
  baseURL: string
  /** The address from which the server fetches the code before the redirect. Default: the site's. */
  codeURL?: string | undefined
}

/** Carries our state in the redirect address, of which BBScloud registers only the domain. */
const STATE = 'login_state'
const TOKEN_SECONDS = 300

const USER_INFO_CODES: Record<string, ErrorCode> = {
  '-2': 'token_rejected',
  '-3': 'user_unknown',
}

/** The strategy of BBScloud. The constructor throws `config_invalid`, naming the option. See {@link BbscloudOptions}. */
export class BbscloudStrategy extends DialectStrategy {
  static options = { codeURL: 'text' } satisfies OwnOptions<BbscloudOptions>

  constructor(...withRequest: WithRequest<BbscloudOptions>)
  constructor(options: BbscloudOptions, verify: VerifyFunction)
  constructor(options: BbscloudOptions, verify: VerifyFunction) {
    const read = new OptionReader('bbscloud', options)
    const site = read.base('baseURL')
    super('bbscloud', options, verify, {
      endpoints: {
        authorizationURL: `${site}/loginAuth`,
        codeURL: `${site}/api/sso/oauth_code`,
        userProfileURL: `${site}/api/sso/userInfo`,
      },
      scope: [],
      credentials: ['token'],
      authorizationNames: { scope: false },
      // Documented only as a parameter.
      tokenParameter: 'access_token',
    })
  }

  /** Step 1: fetches the code that the authorization address must contain. */
  protected override async prepare(): Promise<Params> {
    const { clientID: client_id, clientSecret: client_secret } = this
    const json = { client_id, client_secret, response_type: 'code' }
    const { payload } = await this.ask({ method: 'POST', url: this.endpoint('codeURL'), json }, 'code')
    const code = textOf(payload.data)
    if (code === undefined) throw this.failure('response_invalid', 'code', 'BBScloud returned no code.')
    return { code }
  }

  protected override redirectURI(callbackURL: string, state: string): string {
    const address = new URL(callbackURL)
    address.searchParams.set(STATE, state)
    return address.href
  }

  /** Reads a merged query, a `?token=` that was appended to our query, and a returned `state`. */
  protected override readCallback(params: URLSearchParams): CallbackReading {
    const [carried, appended] = (params.get(STATE) ?? '').split('?token=', 2)
    const state = carried || (params.get('state') ?? undefined)
    return { state, credential: params.get('token') ?? (appended || undefined) }
  }

  protected override async exchange(token: string): Promise<TokenSet> {
    return this.toTokenSet({ access_token: token, expires_in: TOKEN_SECONDS }, [], 'callback')
  }

  /** `type: 1` is the success of step 1, `error: 0` that of userInfo; both come as number or as text. */
  override refusal(body: JsonObject, phase: Phase): Refusal | undefined {
    if (phase === 'code') {
      const type = textOf(body.type)
      if (type === '1' || type === undefined) return undefined // `unwrap` refuses the latter
      return {
        code: 'client_rejected',
        providerCode: type,
        providerMessage: textOf(body.description),
      }
    }
    const error = textOf(body.error) ?? '0'
    if (error === '0') return undefined
    const code = lookUp(USER_INFO_CODES, error) ?? 'provider_error'
    return { code, providerCode: error, providerMessage: textOf(body.error_description) }
  }

  /** A response that names no result is none. */
  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (!isObject(body)) return undefined
    const isSuccess = phase === 'code' ? textOf(body.type) === '1' : textOf(body.error) === '0'
    return isSuccess || phase === 'request' ? body : undefined
  }

  /** BBScloud has no revocation. */
  protected override revokeRequest(): undefined {}

  /** `avatar` is a bare file name of an unknown host: it stays in `_json`. */
  protected profileFields(user: JsonObject): ProfileFields {
    return { id: user.id, displayName: user.userName, email: user.accountEmail, photo: user.avatar }
  }
}
