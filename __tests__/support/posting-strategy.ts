import { createPrivateKey, sign } from 'node:crypto'
import {
  type DialectOptions,
  DialectStrategy,
  type JsonObject,
  type OAuthRouterConfig,
  type ProviderRequest,
  type Providers,
  type TokenGrant,
  type VerifyFunction,
} from 'passport-dialects'
import { type Emulator, type EmulatorOptions, type FormPost, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from './app'
import { type Browser, told } from './browser'

type Options = Omit<DialectOptions, 'clientSecret'> & Emulator<'apple'>['options']

const ISSUER = 'https://appleid.apple.com'

/** A provider that posts its callback: the smallest that Apple's emulator accepts. */
export class PostingStrategy extends DialectStrategy {
  private readonly signer: Pick<Options, 'teamID' | 'keyID' | 'privateKey'>

  constructor(options: Options, verify: unknown) {
    const { authorizationURL, tokenURL, jwksURL = '', teamID, keyID, privateKey } = options
    super('posting', options, verify as VerifyFunction, {
      endpoints: { authorizationURL, tokenURL, jwksURL, userProfileURL: tokenURL },
      scope: ['name', 'email'],
      clientSecret: 'none',
      callback: 'form_post',
      callbackParameters: ['user'],
      denial: { errors: ['user_cancelled_authorize'] },
      idToken: { issuer: ISSUER, algorithms: ['RS256'], nonce: true, required: true },
      profileFromTokens: true,
    })
    this.signer = { teamID, keyID, privateKey }
  }

  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const { teamID, keyID, privateKey } = this.signer
    const now = Math.floor(Date.now() / 1000)
    const parts = [
      { alg: 'ES256', kid: keyID },
      { iss: teamID, iat: now, exp: now + 300, aud: ISSUER, sub: this.clientID },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const key = { key: createPrivateKey(String(privateKey)), dsaEncoding: 'ieee-p1363' } as const
    const signature = sign('sha256', Buffer.from(parts.join('.')), key).toString('base64url')
    const client_secret = `${parts.join('.')}.${signature}`
    return {
      method: 'POST',
      url: this.tokenEndpoint(grant),
      form: { ...grant, client_id: this.clientID, client_secret },
    }
  }

  protected override tokenContext(_raw: JsonObject, { user }: JsonObject): JsonObject | undefined {
    return user === undefined ? undefined : { user }
  }

  protected profileFields({ sub, email }: JsonObject) {
    return { id: sub, displayName: '', email }
  }
}

/** Apple's emulator, and apps that use it. */
export class PostingStage {
  private apps: RunningApp[] = []

  private constructor(readonly apple: Emulator<'apple'>) {}

  static async open(options?: EmulatorOptions<'apple'>): Promise<PostingStage> {
    return new PostingStage(await startEmulator('apple', options))
  }

  close(): Promise<void> {
    return this.apple.close()
  }

  async closeApps(): Promise<void> {
    for (const app of this.apps.splice(0)) await app.close()
  }

  /** An app with the provider `posting`. */
  async start(
    config: Partial<OAuthRouterConfig> = {},
    options: Parameters<typeof startRouterApp>[1] = {},
  ): Promise<RunningApp> {
    const providers: Providers = { posting: { ...this.apple.options, strategy: PostingStrategy as never } } // as `Providers` has no name for it
    const app = await startRouterApp({ providers, ...config }, options)
    this.apps.push(app)
    return app
  }

  /** A login up to the form that the provider's page posts. */
  async posted(app: RunningApp, browser: Browser, query = '', user?: string): Promise<FormPost> {
    const address = await browser.location(`${app.origin}/auth/posting${query}`)
    return this.apple.approveForm(address, user === undefined ? {} : { user })
  }

  async me(app: RunningApp, browser: Browser) {
    return (await told(browser.get(`${app.origin}/me`))).user
  }

  tokenCalls(): number {
    return this.apple.requests.filter(({ endpoint }) => endpoint === 'token').length
  }
}
