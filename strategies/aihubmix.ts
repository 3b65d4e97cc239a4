import type {
  DialectOptions,
  JsonObject,
  Params,
  ProfileFields,
  Refusal,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/** AIHubMix (https://docs.aihubmix.com/cn/api/Auth). Credentials in the body; flat answers; access 2 h, refresh 30 d. */
export interface AihubmixOptions extends DialectOptions {
  /** One-click login: a user who is logged in at AIHubMix sees no consent page. Default false. */
  autoAuthorize?: boolean | undefined
}

/** The strategy of AIHubMix; its constructor throws `config_invalid`, naming the option. See {@link AihubmixOptions}. */
export class AihubmixStrategy extends DialectStrategy {
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

  /** The text `true`, and only when asked for: consent that nobody sees is not a default. */
  override authorizationParams(): Params {
    return { auto_authorize: this.autoAuthorize ? 'true' : undefined }
  }

  /** `success: false` is a failure on HTTP 200 too. */
  override refusal(body: JsonObject): Refusal | undefined {
    const standard = standardRefusal(body)
    if (standard || body.success !== false) return standard
    return { providerMessage: textOf(body.message) }
  }

  /** The address is for a browser: anything but http(s) could run there. */
  override async topup({ accessToken: bearer }: TokenSet): Promise<string> {
    const url = this.endpoints.topupURL ?? ''
    const { payload } = await this.ask({ method: 'GET', url, bearer }, 'request')
    const address = textOf(payload.topup_url) ?? ''
    if (/^https?:\/\//i.test(address) && URL.canParse(address)) return address
    throw this.failure(
      'response_invalid',
      'request',
      'The top-up address that AIHubMix returned is no http(s) address.',
    )
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const { id, username, email } = user
    return { id, displayName: username, username, email }
  }
}
