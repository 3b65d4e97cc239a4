import type {
  DialectOptions,
  JsonObject,
  OwnOptions,
  Params,
  ProfileFields,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, OptionReader } from '../lib/dialect'

/**
 * The options of Tailchat's open platform (https://tailchat.msgbyte.com/docs/advanced-usage/openapp/oauth), which runs
 * oidc-provider 7 below `<site>/open`. Bodies are forms only, and S256 is supported. The user comes only from `/open/me`,
 * because the id_token is signed with a key from a public package.
 */
export interface TailchatOptions extends DialectOptions {
  /** The site's backend, with or without a trailing slash: `https://chat.example.com`. */
  baseURL: string
  /** The site's `API_URL`, exactly as it is there. If given, the callback's `iss` must be equal to it (RFC 9207). */
  issuer?: string | undefined
}

/** The strategy of Tailchat. The constructor throws `config_invalid`, naming the option. See {@link TailchatOptions}. */
export class TailchatStrategy extends DialectStrategy {
  static options = { issuer: 'text' } satisfies OwnOptions<TailchatOptions>
  private readonly site: string

  constructor(...withRequest: WithRequest<TailchatOptions>)
  constructor(options: TailchatOptions, verify: VerifyFunction)
  constructor(options: TailchatOptions, verify: VerifyFunction) {
    const read = new OptionReader('tailchat', options)
    const site = read.base('baseURL')
    super('tailchat', options, verify, {
      endpoints: {
        authorizationURL: `${site}/open/auth`,
        tokenURL: `${site}/open/token`,
        userProfileURL: `${site}/open/me`,
      },
      // `openid` is required for /open/me; `profile` brings nickname and avatar.
      scope: ['openid', 'profile'],
      pkce: true,
      issuer: read.optionalText('issuer'),
    })
    this.site = site
  }

  /** Without `prompt=consent`, the scope `offline_access` is silently dropped, and with it the refresh token. */
  override authorizationParams(): Params {
    return { prompt: this.scope.includes('offline_access') ? 'consent' : undefined }
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const { sub, nickname, avatar } = user
    // Without STATIC_HOST, a site leaves its web client's placeholder in the address.
    const photo = typeof avatar === 'string' ? avatar.replace(/^\{BACKEND\}/, this.site) : undefined
    return { id: sub, displayName: nickname, photo }
  }
}
