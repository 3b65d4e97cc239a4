import type {
  DialectOptions,
  JsonObject,
  OwnOptions,
  ProfileFields,
  Refusal,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/** The options of Gitee (observed in four independent clients, November 2026). It follows RFC 6749; credentials are in the body. */
export type GiteeOptions = DialectOptions

/** The strategy of Gitee. The constructor throws `config_invalid`, naming the option. See {@link GiteeOptions}. */
export class GiteeStrategy extends DialectStrategy {
  static options = {} satisfies OwnOptions<GiteeOptions>

  constructor(...withRequest: WithRequest<GiteeOptions>)
  constructor(options: GiteeOptions, verify: VerifyFunction)
  constructor(options: GiteeOptions, verify: VerifyFunction) {
    const site = new OptionReader('gitee', options).base('baseURL', 'https://gitee.com')
    super('gitee', options, verify, {
      endpoints: {
        authorizationURL: `${site}/oauth/authorize`,
        tokenURL: `${site}/oauth/token`,
        userProfileURL: `${site}/api/v5/user`,
      },

      scope: ['user_info'],
    })
  }

  /** The API describes a failure in `message`, instead of returning a user. */
  override refusal(body: JsonObject): Refusal | undefined {
    const providerMessage = textOf(body.message)
    const failed = providerMessage !== undefined && body.id === undefined && body.access_token === undefined
    return standardRefusal(body) ?? (failed ? { providerMessage } : undefined)
  }

  protected profileFields({ id, name, login, email, avatar_url }: JsonObject): ProfileFields {
    return { id, displayName: name, username: login, email, photo: avatar_url }
  }
}
