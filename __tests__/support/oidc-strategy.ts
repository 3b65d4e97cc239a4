import { type Dialect, type DialectOptions, DialectStrategy, type JsonObject, type TokenSet } from 'passport-dialects'
import type { ClientOptions } from 'passport-dialects/emulators'

/** The options from an emulator, including its key set. */
export type OidcOptions = Pick<ClientOptions, 'clientID' | 'clientSecret' | 'authorizationURL' | 'tokenURL'> &
  Partial<DialectOptions> & { jwksURL: string; issuer?: string | undefined }

function endpointsOf({ authorizationURL, tokenURL, jwksURL }: OidcOptions) {
  return { authorizationURL, tokenURL, jwksURL, userProfileURL: new URL('/nobody-asks', tokenURL).href }
}

const callbackURL = 'http://127.0.0.1/callback'

/** The smallest provider with id_tokens: the user is in the claims. */
export class OidcStrategy extends DialectStrategy {
  constructor(options: OidcOptions, verify: unknown, members: Pick<Dialect, 'idToken'> & Partial<Dialect>) {
    const endpoints = endpointsOf(options)
    const own: Dialect = { endpoints, scope: ['openid', 'profile'], profileFromTokens: true, ...members }
    super('oidc', { callbackURL, ...options }, verify as () => void, own) // the test's own
  }

  protected profileFields({ sub, name }: JsonObject) {
    return { id: sub, displayName: name }
  }
}

/** The control: it trusts whatever it can decode, as many clients do. */
export class DecodingStrategy extends DialectStrategy {
  constructor(options: OidcOptions, verify: unknown) {
    super('oidc', { callbackURL, ...options }, verify as () => void, {
      endpoints: endpointsOf(options),
      scope: ['openid', 'profile'],
    })
  }

  protected override async fetchProfile(tokens: TokenSet) {
    const [, payload = ''] = String(tokens.raw.id_token).split('.')
    const claims: JsonObject = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return this.toProfile(claims, '', tokens)
  }

  protected profileFields({ sub, name }: JsonObject) {
    return { id: sub, displayName: name }
  }
}
