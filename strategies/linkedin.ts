import type {
  DialectOptions,
  JsonObject,
  OwnOptions,
  Phase,
  ProfileFields,
  Refusal,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import { DialectStrategy, OptionReader, standardRefusal, textOf } from '../lib/dialect'

/**
 * The options of "Sign In with LinkedIn using OpenID Connect" (pages below learn.microsoft.com/en-us/linkedin/, November
 * 2026). The secret is in the form, a refusal by the user has two words, and errors of the API have their own shape.
 */
export type LinkedinOptions = DialectOptions

/** The strategy of LinkedIn. The constructor throws `config_invalid`, naming the option. See {@link LinkedinOptions}. */
export class LinkedinStrategy extends DialectStrategy {
  static options = {} satisfies OwnOptions<LinkedinOptions>

  constructor(...withRequest: WithRequest<LinkedinOptions>)
  constructor(options: LinkedinOptions, verify: VerifyFunction)
  constructor(options: LinkedinOptions, verify: VerifyFunction) {
    const read = new OptionReader('linkedin', options)
    const site = read.base('baseURL', 'https://www.linkedin.com')
    const api = read.base('baseURL', 'https://api.linkedin.com')
    super('linkedin', options, verify, {
      endpoints: {
        authorizationURL: `${site}/oauth/v2/authorization`,
        tokenURL: `${site}/oauth/v2/accessToken`,
        userProfileURL: `${api}/v2/userinfo`,
        jwksURL: `${site}/oauth/openid/jwks`,
      },
      scope: ['openid', 'profile', 'email'],
      // The discovery document has one `iss`, an example on a page has the other.
      idToken: {
        issuer: ['https://www.linkedin.com/oauth', 'https://www.linkedin.com'],
        algorithms: ['RS256'],
        subject: 'id',
      },
      denial: { errors: ['user_cancelled_login', 'user_cancelled_authorize'] },
    })
  }

  /** The token endpoint follows RFC 6749. The API has `serviceErrorCode` and `message`, and its HTTP status decides. */
  override refusal(body: JsonObject, phase: Phase): Refusal | undefined {
    const said = standardRefusal(body)
    const inExchange = phase === 'token' || phase === 'refresh'
    if (said)
      return inExchange && REFUSED_CODE.test(said.providerMessage ?? '') ? { ...said, code: 'grant_rejected' } : said
    if (body.serviceErrorCode === undefined && typeof body.status !== 'number') return undefined
    const providerCode = textOf(body.serviceErrorCode) ?? textOf(body.code)
    return { providerCode, providerMessage: textOf(body.message) }
  }

  /** `sub` belongs to this app only. `email_verified` in `_json` says whether the address is verified. */
  protected profileFields({ sub, name, email, picture }: JsonObject): ProfileFields {
    return { id: sub, displayName: name, email, photo: picture }
  }
}

/** A wrong, expired or used code, or another redirect URI, is `invalid_request` or `invalid_redirect_uri`. */
const REFUSED_CODE = /authorization code/i
