import type {
  DialectOptions,
  DialectProfile,
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
import { DialectStrategy, isObject, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of Notion's public connections (pages below developers.notion.com: guides/get-started/authorization,
 * reference/create-a-token, refresh-a-token, revoke-a-token, versioning, status-codes; read 2026-11-30).
 * Credentials go by Basic, bodies are JSON, every call has a version header, and the token response has the user.
 */
export interface NotionOptions extends DialectOptions {
  /** The API version in the header `Notion-Version`, a date. Default `2026-03-11`, the newest when this was written. */
  notionVersion?: string | undefined
}

/** The strategy of Notion. The constructor throws `config_invalid`, naming the option. See {@link NotionOptions}. */
export class NotionStrategy extends DialectStrategy {
  static options = { notionVersion: 'text' } satisfies OwnOptions<NotionOptions>
  private readonly notionVersion: string

  constructor(...withRequest: WithRequest<NotionOptions>)
  constructor(options: NotionOptions, verify: VerifyFunction)
  constructor(options: NotionOptions, verify: VerifyFunction) {
    const read = new OptionReader('notion', options)
    const site = read.base('baseURL', 'https://api.notion.com')
    super('notion', options, verify, {
      endpoints: {
        authorizationURL: `${site}/v1/oauth/authorize`,
        tokenURL: `${site}/v1/oauth/token`,
        revokeURL: `${site}/v1/oauth/revoke`,
        userProfileURL: `${site}/v1/users/me`,
      },
      // What an app may do is set in its connection's settings.
      scope: [],
      profileFromTokens: true,
    })
    this.notionVersion = read.optionalText('notionVersion') ?? '2026-03-11'
    if (!/^\d{4}-\d\d-\d\d$/.test(this.notionVersion)) read.fail('notionVersion', 'must be a day, such as 2026-03-11')
  }

  /** `owner=user` is required: a person agrees, not a workspace. */
  override authorizationParams(): Params {
    return { owner: 'user' }
  }

  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    return this.asClient(this.tokenEndpoint(grant), grant)
  }

  protected override revokeRequest({ accessToken: token }: TokenSet): ProviderRequest {
    return this.asClient(this.endpoint('revokeURL'), { token })
  }

  /** Basic with the unencoded id and secret. */
  private asClient(url: string, json: JsonObject): ProviderRequest {
    const basic = { user: this.clientID, password: this.clientSecret }
    return { method: 'POST', url, json, basic, ...this.apiParameters() }
  }

  override apiParameters() {
    return { headers: { 'Notion-Version': this.notionVersion } }
  }

  /** Every call may have Notion's own error shape; the token endpoint may also have RFC 6749's. */
  override refusal(body: JsonObject): Refusal | undefined {
    const isOwn = body.object === 'error'
    const said = standardRefusal(isOwn ? { error: body.code, error_description: body.message } : body)
    return said && { ...said, requestId: textOf(body.request_id) }
  }

  /** Only the token response has the person: `users/me` returns the app's bot, and refuses apps that may not read users. */
  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    if (phase !== 'profile') return body
    return isObject(body) && isObject(body.owner) ? body.owner.user : undefined
  }

  /** The token of a whole workspace names no person. */
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const { owner } = tokens.raw
    if (isObject(owner) && (owner.type === 'workspace' || owner.workspace === true)) {
      const message = 'The token from Notion belongs to a workspace, not to a person: nobody can log in with it.'
      throw this.failure('user_unknown', 'profile', message)
    }
    return super.fetchProfile(tokens)
  }

  /** Name, picture and address are present if the connection may read them. */
  protected profileFields({ id, name, avatar_url, person }: JsonObject): ProfileFields {
    return { id, displayName: name, email: isObject(person) ? person.email : undefined, photo: avatar_url }
  }
}
