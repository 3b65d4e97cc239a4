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
 * Tailchat's open platform (https://tailchat.msgbyte.com/docs/advanced-usage/openapp/oauth), an oidc-provider 7
 * behind `<site>/open`. Form bodies only; S256 is understood; identity comes from `/open/me` alone, because the
 * id_token is signed with a key that ships in a public package.
 */
export interface TailchatOptions extends DialectOptions {
  /** The site's backend, with or without a trailing slash: `https://chat.example.com`. */
  baseURL: string
  /** The site's `API_URL`, letter by letter; where given, the callback's `iss` must be it (RFC 9207). */
  issuer?: string | undefined
}

/** The strategy of Tailchat; its constructor throws `config_invalid`, naming the option. See {@link TailchatOptions}. */
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
      // `openid` opens /open/me, `profile` brings nickname and avatar.
      scope: ['openid', 'profile'],
      pkce: true,
      issuer: read.optionalText('issuer'),
    })
    this.site = site
  }

  /** Without `prompt=consent` the scope `offline_access`, and the refresh token with it, is dropped without a word. */
  override authorizationParams(): Params {
    return { prompt: this.scope.includes('offline_access') ? 'consent' : undefined }
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const { sub, nickname, avatar } = user
    // A site without STATIC_HOST leaves the placeholder of its own web client in the address.
    const photo = typeof avatar === 'string' ? avatar.replace(/^\{BACKEND\}/, this.site) : undefined
    return { id: sub, displayName: nickname, photo }
  }
}
