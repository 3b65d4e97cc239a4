import type {
  DialectOptions,
  JsonObject,
  OwnOptions,
  Params,
  ProfileFields,
  Refusal,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, isObject, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/** The options of AIHubMix (https://docs.aihubmix.com/cn/api/Auth). Access tokens live 2 hours, refresh tokens 30 days. */
export interface AihubmixOptions extends DialectOptions {
  /** One-click login: a user who is logged in at AIHubMix sees no consent page. Default false. */
  autoAuthorize?: boolean | undefined
  /** The address that returns the URL of the top-up page. Default: under `baseURL`. */
  topupURL?: string | undefined
}

/** The strategy of AIHubMix. The constructor throws `config_invalid`, naming the option. See {@link AihubmixOptions}. */
export class AihubmixStrategy extends DialectStrategy {
  /** @internal The variable of whoever registers applications. */
  static otherVariables = ['AIHUBMIX_DEVELOPER_TOKEN']
  static options = { autoAuthorize: 'flag', topupURL: 'text' } satisfies OwnOptions<AihubmixOptions>
  private readonly autoAuthorize: boolean

  constructor(...withRequest: WithRequest<AihubmixOptions>)
  constructor(options: AihubmixOptions, verify: VerifyFunction)
  constructor(options: AihubmixOptions, verify: VerifyFunction) {
    const read = new OptionReader('aihubmix', options)
    const api = read.base('baseURL', 'https://api.aihubmix.com')
    super('aihubmix', options, verify, {
      endpoints: {
        authorizationURL: `${api}/api/oauth2/authorize`,
        tokenURL: `${api}/api/oauth2/token`,
        userProfileURL: `${api}/api/oauth2/userinfo`,
        topupURL: `${api}/api/oauth2/topup`,
      },
      scope: ['profile'],
    })
    this.autoAuthorize = read.flag('autoAuthorize')
  }

  /** Sends the string `true`, only if the option is set: skipping the consent page is not a default. */
  override authorizationParams(): Params {
    return { auto_authorize: this.autoAuthorize ? 'true' : undefined }
  }

  /** `success: false` is a failure even on HTTP 200. The gateway in front of it refuses with `{ error: { message } }`. */
  override refusal(body: JsonObject): Refusal | undefined {
    if (isObject(body.error)) return { providerMessage: textOf(body.error.message) }
    return body.success === false ? { providerMessage: textOf(body.message) } : standardRefusal(body)
  }

  /** The URL is opened in a browser, so only http(s) is accepted: anything else could run code there. */
  override async topup({ accessToken: bearer }: TokenSet): Promise<string> {
    const { payload } = await this.ask({ method: 'GET', url: this.endpoint('topupURL'), bearer }, 'request')
    const url = textOf(payload.topup_url) ?? ''
    if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url
    throw this.failure('response_invalid', 'request', 'The top-up URL from AIHubMix is not an http(s) URL.')
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const { id, username, email } = user
    return { id, displayName: username, username, email }
  }
}
