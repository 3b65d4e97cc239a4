import {
  type DialectOptions,
  type DialectProfile,
  DialectStrategy,
  type TokenSet,
  type VerifyFunction,
} from 'passport-dialects'

const SITE = 'https://provider.example'

/** A provider that answers every code at once, without a network: the user is always the same. */
export class InstantStrategy extends DialectStrategy {
  /** What happens while a code is exchanged. */
  static whileExchanging: (code: string) => unknown = () => {}

  constructor(options: DialectOptions, verify: VerifyFunction) {
    super('instant', options, verify, {
      endpoints: { authorizationURL: `${SITE}/a`, tokenURL: `${SITE}/t`, userProfileURL: `${SITE}/u` },
      scope: [],
    })
  }

  protected override async exchange(code: string): Promise<TokenSet> {
    await InstantStrategy.whileExchanging(code)
    return { accessToken: 'instant-token-1', tokenType: 'Bearer', scope: [], raw: {} }
  }

  protected override async fetchProfile(): Promise<DialectProfile> {
    return { provider: this.name, id: 'u1', displayName: 'Ada', _raw: '{}', _json: {} }
  }

  protected profileFields() {
    return { id: 'u1' }
  }
}

/** What the router's `providers` has of it. */
export const instant = { strategy: InstantStrategy, clientID: 'an id', clientSecret: 'a canary client secret' }

export function stateOf(location: string): string {
  return new URL(location).searchParams.get('state') ?? ''
}
