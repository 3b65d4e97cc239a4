// Over 120 lines because X has two formats of refusals, and in one of them a dead code looks like a missing parameter.
import type {
  DialectOptions,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Phase,
  ProfileFields,
  ProviderRequest,
  RawResponse,
  Refusal,
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import {
  DialectStrategy,
  epochSecondsIn,
  isObject,
  lookUp,
  OptionReader,
  standardRefusal,
  textOf,
} from '../lib/dialect'

/**
 * The options of X, formerly Twitter, with OAuth 2.0 (docs.x.com, fundamentals/authentication/oauth-2-0/authorization-code
 * and user-access-token, read 2026-11-25). PKCE is required, credentials go only by Basic, codes live 30 seconds, and errors
 * of the API are RFC 7807 problems.
 */
export interface XOptions extends DialectOptions {
  /**
   * More `user.fields` for the profile; `id`, `name` and `username` always come. Default `profile_image_url`.
   * `confirmed_email` is ignored here: it is requested if, and only if, the scope `users.email` was granted.
   */
  fields?: readonly string[] | undefined
}

const EMAIL = 'confirmed_email'

/** By a problem's `reason`, or the end of its `type`. The HTTP status decides the others. */
const PROBLEMS: Record<string, ErrorCode> = {
  'client-not-enrolled': 'client_rejected', // the app belongs to no project
  'client-forbidden': 'client_rejected',
  'resource-not-found': 'user_unknown',
}

/** Messages for cases where the credentials are right and the app's set-up is not. */
const ADVICE: Record<string, string> = {
  'client-not-enrolled':
    'The app does not belong to a project with access to this API: add it to one in the developer console of X.',
}

/** The strategy of X. The constructor throws `config_invalid`, naming the option. See {@link XOptions}. */
export class XStrategy extends DialectStrategy {
  static options = { fields: 'list' } satisfies OwnOptions<XOptions>
  private readonly fields: readonly string[]

  constructor(...withRequest: WithRequest<XOptions>)
  constructor(options: XOptions, verify: VerifyFunction)
  constructor(options: XOptions, verify: VerifyFunction) {
    const read = new OptionReader('x', options)
    const api = read.base('baseURL', 'https://api.x.com')
    super('x', options, verify, {
      endpoints: {
        authorizationURL: `${read.base('baseURL', 'https://x.com')}/i/oauth2/authorize`,
        tokenURL: `${api}/2/oauth2/token`,
        revokeURL: `${api}/2/oauth2/revoke`,
        userProfileURL: `${api}/2/users/me`,
      },
      scope: ['users.read', 'tweet.read'], // `users/me` requires both
      pkce: 'required',
    })
    this.fields = (read.words('fields') ?? ['profile_image_url']).filter((field) => field !== EMAIL)
  }

  /** A secret in the form is refused. */
  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    return { method: 'POST', url: this.tokenEndpoint(grant), form: grant, basic: this.credentials() }
  }

  /** RFC 7009 §2.1: revoking a refresh token also ends its access tokens. */
  protected override revokeRequest({ accessToken, refreshToken }: TokenSet): ProviderRequest {
    const form = { token: refreshToken ?? accessToken }
    return { method: 'POST', url: this.endpoint('revokeURL'), form, basic: this.credentials() }
  }

  private credentials() {
    return { user: this.clientID, password: this.clientSecret }
  }

  /** One call for everything, because each call counts against the user's limit. */
  protected override profileRequest({ accessToken: bearer, scope }: TokenSet): ProviderRequest {
    const fields = scope.includes('users.email') ? [...this.fields, EMAIL] : this.fields
    const query = { 'user.fields': fields.join(',') || undefined }
    return { method: 'GET', url: this.endpoints.userProfileURL, query, bearer }
  }

  override refusal(
    body: JsonObject,
    phase: Phase,
    status: number,
    headers: RawResponse['headers'],
  ): Refusal | undefined {
    const said = grantRefusal(body, phase) ?? problemIn(body, status)
    return status === 429 ? { ...said, retryAfter: epochSecondsIn(headers, 'x-rate-limit-reset') } : said
  }

  override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
    return phase === 'profile' ? isObject(body) && body.data : body
  }

  /** `id` is a 64-bit number, as text. */
  protected profileFields({ id, name, username, profile_image_url, confirmed_email }: JsonObject): ProfileFields {
    return { id, displayName: name, username, email: confirmed_email, photo: profile_image_url }
  }
}

/** A wrong, used or expired code or refresh token is `invalid_request`, like a missing parameter. */
function grantRefusal(body: JsonObject, phase: Phase): Refusal | undefined {
  const said = standardRefusal(body)
  const inExchange = phase === 'token' || phase === 'refresh'
  const ofGrant = said?.providerCode === 'invalid_request' && REFUSED_VALUE.test(said.providerMessage ?? '')
  return inExchange && ofGrant ? { ...said, code: 'grant_rejected' } : said
}

const REFUSED_VALUE = /\b(?:authorization code|token)\b|^Value passed for the code verifier\b/i

/** A problem of RFC 7807. With HTTP 200 it is in a list, and counts only if there is no user beside it. */
function problemIn(body: JsonObject, status: number): Refusal | undefined {
  const problem = Array.isArray(body.errors) && body.title === undefined ? body.errors[0] : body
  if (body.data !== undefined || !isObject(problem)) return undefined
  const reason = textOf(problem.reason)
  const [, type] = /\/([\w-]+)$/.exec(textOf(problem.type) ?? '') ?? []
  const providerCode = reason ?? type ?? textOf(problem.title)
  const providerMessage = wordsOf(problem, body)
  if (providerCode === undefined && providerMessage === undefined) return undefined
  const code = lookUp(PROBLEMS, reason ?? '') ?? lookUp(PROBLEMS, type ?? '')
  return {
    code: code ?? (status < 300 ? 'response_invalid' : undefined),
    message: lookUp(ADVICE, reason ?? ''),
    providerCode,
    providerMessage,
  }
}

/** `detail` says what kind of problem it is, and `message` in `errors` which parameter. */
function wordsOf(problem: JsonObject, { errors }: JsonObject): string | undefined {
  const first = Array.isArray(errors) ? errors[0] : undefined
  const words = [textOf(problem.detail), isObject(first) ? textOf(first.message) : undefined]
  return words.filter((said) => said !== undefined).join(' ') || undefined
}
