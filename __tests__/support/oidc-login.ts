import type { DialectStrategy } from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'
import { startBareApp } from './app'
import { Browser, told } from './browser'
import { type OidcOptions, OidcStrategy } from './oidc-strategy'

export const SLACK = {
  issuer: 'https://slack.com',
  algorithms: ['RS256'],
  nonce: true,
  required: 'openid',
} as const
export const LINE = { ...SLACK, issuer: 'https://access.line.me', algorithms: ['HS256', 'ES256'] } as const

/** A provider that signs, and its dialect's rules. */
export interface Signer {
  emulator: Emulator & { options: OidcOptions }
  rules: typeof SLACK | typeof LINE
}

/** A verify whose user is the profile. */
export const verify = (_at: string, _rt: string, profile: object, done: (error: null, user: object) => void) =>
  done(null, profile)

export function ours({ emulator, rules }: Signer, options: Partial<OidcOptions> = {}): OidcStrategy {
  return new OidcStrategy({ ...emulator.options, ...options }, verify, { idToken: rules })
}

/** The result of one login, under the app's own Passport. */
export async function loginWith(strategy: DialectStrategy, { emulator }: Signer) {
  const app = await startBareApp(() => strategy)
  const browser = new Browser()
  try {
    const { pathname, search } = new URL(await emulator.approve(await browser.location(`${app.origin}/login`)))
    const { user, code, info } = await told(browser.get(`${app.origin}${pathname}${search}`))
    return { id: user?.id, code, message: String(info?.message), phase: info?.phase, text: JSON.stringify(info ?? {}) }
  } finally {
    await app.close()
  }
}
