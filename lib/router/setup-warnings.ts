import { isLoopback } from '../options'
import type { SessionRequest } from '../session/request'
import { type SessionSetup, sessionSetup } from '../session/setup'
import { sessionManagerInFront } from './passport-user'

/** A mistake in the app's set-up that makes logins fail or less safe. */
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
  | 'RELATIVE_CALLBACK'
  | 'SECOND_PASSPORT'}`

/** A request as Express passes it on. */
interface SetupRequest extends SessionRequest {
  /** Whether it came over https, according to Express and `trust proxy`. */
  secure?: boolean
  /** Without the port; it also follows `trust proxy`. */
  hostname?: string
}

/** The input of {@link checkSetup}. */
export interface SeenSetup {
  req: SetupRequest
  /** The router's public origin. */
  baseURL?: string | undefined
  /** The provider's own callback address, if its config has one. */
  callbackURL?: string | undefined
  /** Whether the provider posts its callback, which then needs no cookie. */
  isPosted?: boolean | undefined
  /** Whether the router was given the app's Passport. */
  passport?: boolean | undefined
  /** The token store of the router, and its encryption. */
  tokens?: { store: unknown; sealer: unknown } | undefined
  env: Readonly<Record<string, string | undefined>>
}

/** Finds the usual mistakes that one request shows. It changes nothing. */
export function checkSetup({ req, baseURL, callbackURL, isPosted, passport, tokens, env }: SeenSetup): SetupWarning[] {
  const setup = sessionSetup(req)
  const behindTLS = /^\s*https\b/i.test(String(req.headers['x-forwarded-proto'] ?? '')) && req.secure !== true
  const relative = baseURL === undefined && !URL.canParse(callbackURL ?? '')
  const found: (SetupWarning | false)[] = [
    setup !== undefined && secureCookieOverHttp(setup, req, behindTLS),
    setup?.strict === true &&
      !isPosted && {
        code: 'PASSPORT_DIALECTS_SAMESITE_STRICT',
        message:
          'The session cookie is SameSite=Strict, so the browser does not send it when it comes back from a provider, and the login ends in session_missing or state_unknown. Set sameSite to lax.',
      },
    behindTLS &&
      relative && {
        code: 'PASSPORT_DIALECTS_TRUST_PROXY',
        message:
          "A proxy says X-Forwarded-Proto: https, but Express does not trust it, so the callback address begins with http:// and the provider will reject it. Set app.set('trust proxy', …) to your proxy, or give oauthRouter a baseURL.",
      },
    setup?.memoryStore === true &&
      env.NODE_ENV === 'production' && {
        code: 'PASSPORT_DIALECTS_MEMORY_STORE',
        message:
          'Sessions are in MemoryStore in production: it leaks memory, loses them at a restart, and does not share them with other processes. Give express-session another store.',
      },
    tokens?.store !== undefined &&
      tokens.sealer === undefined &&
      env.NODE_ENV === 'production' && {
        code: 'PASSPORT_DIALECTS_UNSEALED_TOKENS',
        message:
          'The tokenStore holds tokens in clear text in production: whoever can read it, or a copy of it, can act as your users. Give oauthRouter an encryptionKey.',
      },
    !passport &&
      sessionManagerInFront(req) !== undefined && {
        code: 'PASSPORT_DIALECTS_SECOND_PASSPORT',
        message:
          'A Passport of the app (its `session()` or `initialize()`) stands before oauthRouter, which has one of its own: both read one user. Unless yours keeps no users in sessions, give it to oauthRouter as `passport`.',
      },
    relative &&
      !isLoopback(hostOf(req)) && {
        code: 'PASSPORT_DIALECTS_RELATIVE_CALLBACK',
        message:
          'The callback address comes from the Host header, which the sender of a request can choose. Give oauthRouter a baseURL, or the provider an absolute callbackURL.',
      },
  ]
  return found.filter((warning) => warning !== false)
}

/** Checks the first login request of a router, and prints each warning once per process. */
export function setupCheck({
  baseURL,
  passport,
  tokens,
}: Pick<SeenSetup, 'baseURL' | 'passport' | 'tokens'>): (
  req: object,
  callbackURL: string | undefined,
  isPosted: boolean,
) => void {
  let done = false
  return (req, callbackURL, isPosted) => {
    if (done) return
    done = true
    // express-session and cookie-session each type `req.session` differently: see SessionRequest in session/request.ts.
    const seen = { req: req as SetupRequest, baseURL, callbackURL, isPosted, passport, tokens, env: process.env }
    const warnings = checkSetup(seen)
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
  const effect = 'Otherwise no cookie is set, and every login ends in session_missing or state_unknown.'
  return { code: 'PASSPORT_DIALECTS_SECURE_COOKIE', message: `${why} ${effect}` }
}

function hostOf(req: SetupRequest): string {
  const host = req.hostname ?? req.headers.host ?? 'localhost'
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host
}
