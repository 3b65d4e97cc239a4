import type { JWTVerifyGetKey } from 'jose' with { 'resolution-mode': 'import' }
import { type ErrorContext, OAuthError } from '../errors'
import type { Json, JsonObject } from '../json'
import { loadJose } from '../util/jose'
import type { KeySet } from './key-set'

/** The rules that a dialect sets for id_tokens (OpenID Connect Core 1.0 §2, §3.1.3.7). */
export interface IdTokenRules {
  /** The values that `iss` may have. The option `issuer` replaces them. */
  readonly issuer: string | readonly string[]
  /**
   * The algorithms that may sign it, each only with its own key: `RS256`, `PS256` (HUAWEI) and `ES256` with the keys of
   * `endpoints.jwksURL`, `HS256` with the client secret (LINE).
   */
  readonly algorithms: readonly ('RS256' | 'PS256' | 'ES256' | 'HS256')[]
  /** More client ids that it may be issued for: Apple's native apps. */
  readonly audience?: readonly string[]
  /** Whether the authorization request sends a nonce, which the id_token must repeat. Apple, Slack, LINE, Kakao. */
  readonly nonce?: boolean
  /** Whether a login without an id_token is refused: always (Apple), or if the scope `openid` is granted (LINE, Slack, Kakao). */
  readonly required?: true | 'openid'
  /**
   * `id`: its `sub` is the user's id, so a profile of anybody else is refused (§5.3.2). At LINE, Kakao and LinkedIn,
   * both have the id.
   */
  readonly subject?: 'id'
}

/** The claims that one particular id_token must have. */
export interface ExpectedClaims {
  /** The nonce of the authorization request. */
  nonce?: string | undefined
  /** The `sub` of the login: a refresh must return the same one (§12.2). */
  subject?: string | undefined
}

/** The client that an id_token is issued for, and the keys that may sign it. */
interface IdTokenClient {
  clientID: string
  clientSecret: string
  /** The option `issuer`. */
  issuer: string | undefined
  keys: KeySet
}

/** How far the provider's clock may differ from ours, in seconds. */
const LEEWAY = 60

/** Verifies a provider's id_tokens before anything in them is used. */
export class IdTokenVerifier {
  readonly #rules: IdTokenRules
  readonly #client: IdTokenClient
  readonly #issuers: readonly string[]
  readonly #audience: readonly string[]

  constructor(rules: IdTokenRules, client: IdTokenClient) {
    this.#rules = rules
    this.#client = client
    const { issuer, audience = [] } = rules
    this.#issuers = client.issuer === undefined ? [issuer].flat() : [client.issuer]
    this.#audience = [client.clientID, ...audience]
  }

  /** Whether tokens with this scope must include an id_token. */
  isRequiredWith(scope: readonly string[]): boolean {
    const { required } = this.#rules
    return required === true || (required === 'openid' && scope.includes('openid'))
  }

  /**
   * The claims of an id_token.
   * @throws OAuthError `signature_invalid`, whose message says which check failed; the code of the call for the keys,
   * if it fails
   */
  async verify(token: Json, expected: ExpectedClaims, context: ErrorContext): Promise<JsonObject> {
    const { jwtVerify } = await loadJose()
    const problem = (what: string) => {
      const message = `The id_token of the provider does not verify: ${what}. Nobody is logged in.`
      return new OAuthError('signature_invalid', { ...context, message })
    }
    if (typeof token !== 'string') throw problem('it is no signed JWT')
    let claims: JsonObject
    try {
      const checks = {
        algorithms: [...this.#rules.algorithms],
        issuer: [...this.#issuers],
        audience: [...this.#audience],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: LEEWAY,
      }
      const { payload } = await jwtVerify(token, this.keyFor(context), checks)
      claims = payload as JsonObject // parsed from JSON
    } catch (error) {
      // jose's own error contains the claims, so it does not become the `cause`.
      throw OAuthError.is(error) ? error : problem(await problemIn(error))
    }
    const wrong = this.wrongIn(claims, expected)
    if (wrong !== undefined) throw problem(wrong)
    return claims
  }

  /**
   * Each algorithm has its own key, so a public key is never used as a secret. jose has already checked that the
   * algorithm is allowed.
   */
  private keyFor(context: ErrorContext): JWTVerifyGetKey {
    const { keys, clientSecret } = this.#client
    return (header) => (header.alg === 'HS256' ? Buffer.from(clientSecret) : keys.keyFor(header, context))
  }

  private wrongIn({ aud, azp, iat, sub, nonce }: JsonObject, expected: ExpectedClaims): string | undefined {
    const others = [aud, azp ?? []].flat().filter((name) => !this.#audience.some((known) => known === name))
    if (others.length > 0) return 'its `aud` or `azp` names another client too'
    if (typeof iat === 'number' && iat > Date.now() / 1000 + LEEWAY) return 'its `iat` lies in the future'
    if (typeof sub !== 'string' || sub === '') return 'its `sub` is no text, or empty'
    if (expected.nonce !== undefined && nonce !== expected.nonce) return 'its `nonce` is not that of this login'
    if (expected.subject !== undefined && sub !== expected.subject) return 'its `sub` is not the user who logged in'
    return undefined
  }
}

/** Which of jose's checks failed, in our own words. */
async function problemIn(error: unknown): Promise<string> {
  const { errors } = await loadJose()
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm `alg` is none that this provider signs with'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong'
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'the key that signed it, its `kid`, is not in the key set'
  }
  if (error instanceof errors.JWTExpired) return 'its `exp` is past'
  if (error instanceof errors.JWTClaimValidationFailed) return `its \`${error.claim}\` is missing or wrong`
  if (error instanceof errors.JOSENotSupported) return 'it has an extension `crit` that nobody here knows'
  return 'it is no signed JWT, or its key is of no use'
}
