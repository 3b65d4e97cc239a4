import { isLoopback } from './options'
import type { SessionRequest } from './session'
import { type SessionSetup, sessionSetup } from './session-setup'

/** A mistake in how the app is set up, that a login would fail of or be less safe for. */
export interface SetupWarning {
  /** Stable: `node --disable-warning=CODE` silences it. */
  code: SetupWarningCode
  message: string
}

type SetupWarningCode = `PASSPORT_DIALECTS_${
  | 'SECURE_COOKIE'
  | 'SAMESITE_STRICT'
  | 'TRUST_PROXY'
  | 'MEMORY_STORE'
  | 'UNSEALED_TOKENS'
  | 'RELATIVE_CALLBACK'}`

/** A request as Express hands it on. */
interface SetupRequest extends SessionRequest {
  /** Whether it came over https, as Express sees it through `trust proxy`. */
  secure?: boolean
  /** Without the port, also through `trust proxy`. */
  hostname?: string
}

/** What {@link checkSetup} looks at. */
export interface SeenSetup {
  req: SetupRequest
  /** The router's public origin. */
  baseURL?: string | undefined
  /** The provider's own callback address, where its config names one. */
  callbackURL?: string | undefined
  /** Where the router keeps tokens outside of the session, and under which seal. */
  tokens?: { store: unknown; sealer: unknown } | undefined
  env: Readonly<Record<string, string | undefined>>
}

/** The classic mistakes that one request shows. Looks only, changes nothing. */
export function checkSetup({ req, baseURL, callbackURL, tokens, env }: SeenSetup): SetupWarning[] {
  const setup = sessionSetup(req)
  const behindTLS = /^\s*https\b/i.test(String(req.headers['x-forwarded-proto'] ?? '')) && req.secure !== true
  const relative = baseURL === undefined && !URL.canParse(callbackURL ?? '')
  const found: (SetupWarning | false)[] = [
    setup !== undefined && secureCookieOverHttp(setup, req, behindTLS),
    setup?.strict === true && {
      code: 'PASSPORT_DIALECTS_SAMESITE_STRICT',
      message:
        'The session cookie is SameSite=Strict, so it stays away when a provider on another site sends the browser back, and the login ends in session_missing or state_unknown. Set sameSite to lax.',
    },
    behindTLS &&
      relative && {
        code: 'PASSPORT_DIALECTS_TRUST_PROXY',
        message:
          "A proxy says X-Forwarded-Proto: https, but Express does not trust it, so the callback address begins with http:// and the provider will refuse it. Set app.set('trust proxy', …) to your proxy, or give oauthRouter a baseURL.",
      },
    setup?.memoryStore === true &&
      env.NODE_ENV === 'production' && {
        code: 'PASSPORT_DIALECTS_MEMORY_STORE',
        message:
          'Sessions are in MemoryStore in production: they grow without end, are lost at a restart, and a second process does not know them. Give express-session a store.',
      },
    tokens?.store !== undefined &&
      tokens.sealer === undefined &&
      env.NODE_ENV === 'production' && {
        code: 'PASSPORT_DIALECTS_UNSEALED_TOKENS',
        message:
          'Tokens are in the tokenStore in the clear, in production: whoever can read it, or a copy of it, can act as your users. Give oauthRouter an encryptionKey.',
      },
    relative &&
      !isLoopback(hostOf(req)) && {
        code: 'PASSPORT_DIALECTS_RELATIVE_CALLBACK',
        message:
          'The callback address is made from the Host header, which whoever sends the request chooses. Give oauthRouter a baseURL, or the provider an absolute callbackURL.',
      },
  ]
  return found.filter((warning) => warning !== false)
}

/** Looks at the first login request of a router, and prints what it finds once in the process. */
export function setupCheck({
  baseURL,
  tokens,
}: Pick<SeenSetup, 'baseURL' | 'tokens'>): (req: object, callbackURL: string | undefined) => void {
  let done = false
  return (req, callbackURL) => {
    if (done) return
    done = true
    // express-session and cookie-session type `req.session` each in their own way; session.ts asks for what it needs.
    const warnings = checkSetup({ req: req as SetupRequest, baseURL, callbackURL, tokens, env: process.env })
    for (const { code, message } of warnings) {
      if (printed.has(code)) continue
      printed.add(code)
      process.emitWarning(message, { type: 'PassportDialectsWarning', code })
    }
  }
}

const printed = new Set<SetupWarningCode>()

function secureCookieOverHttp(setup: SessionSetup, req: SetupRequest, behindTLS: boolean): SetupWarning | false {
  // A cookie that came back can be set, whatever this looks like: express-session may have its own `proxy: true`.
  if (!setup.secure || setup.cameBack || req.secure === true) return false
  const why = behindTLS
    ? "The session cookie is Secure and a proxy says https, but Express does not trust it (unless express-session has its own proxy: true). Set app.set('trust proxy', …) to your proxy."
    : "The session cookie is Secure, but this request came over http. Use https, or set cookie.secure to 'auto' (express-session)."
  const effect = 'Without that no cookie is set, and every login ends in session_missing or state_unknown.'
  return { code: 'PASSPORT_DIALECTS_SECURE_COOKIE', message: `${why} ${effect}` }
}

function hostOf(req: SetupRequest): string {
  const host = req.hostname ?? req.headers.host ?? 'localhost'
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host
}
