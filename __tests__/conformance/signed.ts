import { type DialectOptions, DialectStrategy, type JsonObject, type VerifyFunction } from 'passport-dialects'
import { type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import type { DialectKit } from 'passport-dialects/testing'
import { LINE, SLACK } from '../support/oidc-login'
import { DecodingStrategy, type OidcOptions, OidcStrategy } from '../support/oidc-strategy'
import { PostingStrategy } from '../support/posting-strategy'

/** Strategies of providers that sign id_tokens or post their callback, and those that each do one thing wrong. */

type Options = DialectOptions & { jwksURL: string }

export class Slackish extends OidcStrategy {
  constructor(options: Options, verify: VerifyFunction) {
    super(options as OidcOptions, verify, { idToken: SLACK }) // with what an emulator gives
    this.name = 'slack'
  }
}

class Lineish extends OidcStrategy {
  constructor(options: Options, verify: VerifyFunction) {
    super(options as OidcOptions, verify, { idToken: LINE })
    this.name = 'line'
  }
}

export class Posting extends PostingStrategy {
  override name = 'apple'
}

/** What the kit is told of them. */
export const SIGNED = {
  slack: {
    strategy: Slackish,
    emulator: () => startEmulator('slack', { tokenRotation: true } satisfies EmulatorOptions<'slack'>),
    endpoints: ['token'],
    idToken: {},
    refresh: true,
  },
  line: {
    strategy: Lineish,
    emulator: () => startEmulator('line'),
    endpoints: ['token'],
    idToken: { keys: false },
    refresh: true,
  },
  apple: {
    strategy: Posting,
    emulator: () => startEmulator('apple'),
    clientSecret: 'none',
    callback: 'form_post',
    endpoints: ['token'],
    idToken: {},
    refresh: true,
  },
} as const satisfies Record<string, { strategy: unknown } & Omit<DialectKit, 'strategy'>>

export class OnlyDecodes extends DecodingStrategy {
  override name = 'slack'
}

export class WithoutNonce extends OidcStrategy {
  constructor(options: Options, verify: VerifyFunction) {
    super(options as OidcOptions, verify, { idToken: { ...SLACK, nonce: false } })
    this.name = 'slack'
  }
}

export class OfAnyIssuer extends OidcStrategy {
  constructor(options: Options, verify: VerifyFunction) {
    super(options as OidcOptions, verify, {
      idToken: { ...SLACK, issuer: ['https://slack.com', 'https://slack.com.evil.example'] },
    })
    this.name = 'slack'
  }
}

export class DoesWithout extends OidcStrategy {
  constructor(options: Options, verify: VerifyFunction) {
    const { required: _needed, ...rest } = SLACK
    super(options as OidcOptions, verify, { idToken: rest, profileFromTokens: undefined as never }) // left out
    this.name = 'slack'
  }
  protected override async fetchProfile() {
    return this.toProfile({ sub: 'somebody' } satisfies JsonObject, '', {
      accessToken: '',
      tokenType: 'Bearer',
      scope: [],
      raw: {},
    })
  }
}

/** Looks at no id_token at all: whoever comes is somebody. */
export class LooksAtNone extends DialectStrategy {
  constructor(options: DialectOptions, verify: VerifyFunction) {
    const { authorizationURL = '', tokenURL = '' } = options
    const endpoints = { authorizationURL, tokenURL, userProfileURL: tokenURL }
    super('slack', options, verify, { endpoints, scope: ['openid', 'profile'], profileFromTokens: true })
  }
  override authorizationParams() {
    return { nonce: 'always the same' }
  }
  protected profileFields() {
    return { id: 'somebody' }
  }
}

/** Takes its callback by a redirect alone. */
export class TakesNoPost extends DialectStrategy {
  constructor(options: DialectOptions, verify: VerifyFunction) {
    const { authorizationURL = '', tokenURL = '' } = options
    const endpoints = { authorizationURL, tokenURL, userProfileURL: tokenURL }
    super('apple', options, verify, { endpoints, scope: ['name'], clientSecret: 'none' })
  }
  override authorizationParams() {
    return { response_mode: 'form_post' }
  }
  protected profileFields({ sub }: JsonObject) {
    return { id: sub }
  }
}
