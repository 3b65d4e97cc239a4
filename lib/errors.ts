import { printable } from './redact'

/**
 * Every failure of a login conversation, by its stable code.
 *
 * `status` is what an app should answer, `retryable` says whether the same call may succeed later
 * with nothing changed, `message` says what happened and what to do.
 */
export const ERROR_CODES = {
  access_denied: { status: 403, retryable: false, message: 'The user refused the login at the provider.' },
  session_missing: {
    status: 400,
    retryable: false,
    message:
      'The session that began this login is not here. Mount a session middleware before the login routes, and check that its cookie comes back (SameSite=Lax, not Strict; Secure only over https; the same host).',
  },
  state_missing: {
    status: 400,
    retryable: false,
    message: 'The callback carries no state. Start the login again.',
  },
  state_unknown: {
    status: 400,
    retryable: false,
    message: 'The callback carries a state that this session did not begin. Start the login again in this browser.',
  },
  state_expired: {
    status: 400,
    retryable: false,
    message: 'The login took too long. Start it again, or raise `stateLifetime`.',
  },
  state_used: {
    status: 400,
    retryable: false,
    message: 'This callback was already used. Start the login again.',
  },
  state_mismatch: {
    status: 400,
    retryable: false,
    message:
      'The login was begun for another provider, or by another user, than the one it came back to. Start it again.',
  },
  callback_invalid: {
    status: 400,
    retryable: false,
    message: 'The callback repeats a parameter, leaves one empty, or carries no credential. Start the login again.',
  },
  issuer_mismatch: {
    status: 400,
    retryable: false,
    message: 'The callback comes from another issuer than the one configured. Check `issuer` letter by letter.',
  },
  authorization_failed: {
    status: 502,
    retryable: false,
    message: 'The provider could not authorize the login. Check scopes and the app at the provider.',
  },
  client_rejected: {
    status: 500,
    retryable: false,
    message: 'The provider refuses the credentials of this app. Check `clientID` and `clientSecret`.',
  },
  grant_rejected: {
    status: 401,
    retryable: false,
    message:
      'The provider refuses the code, the token or the redirect address. Start the login again; if it stays, compare `callbackURL` with the address registered at the provider.',
  },
  refresh_rejected: {
    status: 401,
    retryable: false,
    message: 'The refresh token is dead. The user must log in again.',
  },
  token_rejected: {
    status: 401,
    retryable: false,
    message: 'The provider refuses the access token. Refresh it or let the user log in again.',
  },
  scope_insufficient: {
    status: 403,
    retryable: false,
    message: 'The access token may not do this. Ask for the missing scope and let the user log in again.',
  },
  user_unknown: { status: 403, retryable: false, message: 'The provider has no such user.' },
  rate_limited: { status: 503, retryable: true, message: 'The provider limits the rate. Try again later.' },
  provider_unavailable: {
    status: 503,
    retryable: true,
    message: 'The provider is not available. Try again later.',
  },
  provider_unreachable: {
    status: 502,
    retryable: true,
    message: 'The connection to the provider failed or was cut. Check the address, DNS, TLS and the `dispatcher`.',
  },
  provider_timeout: {
    status: 504,
    retryable: true,
    message: 'The provider did not answer in time. Try again, or raise `timeout` (milliseconds).',
  },
  provider_redirected: {
    status: 502,
    retryable: false,
    message: 'The provider answered a server-to-server call with a redirect. Check the endpoint address.',
  },
  response_too_large: {
    status: 502,
    retryable: false,
    message: 'The answer of the provider is larger than `maxResponseBytes`.',
  },
  response_invalid: {
    status: 502,
    retryable: false,
    message: 'The answer of the provider is not what its documentation says. Check the endpoint address.',
  },
  provider_error: {
    status: 502,
    retryable: false,
    message: 'The provider reports a failure.',
  },
  verify_refused: { status: 403, retryable: false, message: '`verify` refused this user.' },
  verify_failed: { status: 500, retryable: false, message: '`verify` threw; see `cause`.' },
  config_invalid: { status: 500, retryable: false, message: 'An option is missing or malformed.' },
} as const satisfies Record<string, { status: number; retryable: boolean; message: string }>

/** One of the keys of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** The turn of the conversation that failed. */
export type Phase = 'authorize' | 'callback' | 'code' | 'token' | 'profile' | 'refresh' | 'revoke' | 'request'

/** What an {@link OAuthError} is made of, beside its code. */
export interface OAuthErrorDetails {
  /** The name of the strategy, or the name that `providers` gives to an instance of it. */
  provider?: string
  /** The turn of the conversation that failed. */
  phase: Phase
  /** Replaces the code's own message. Must carry no secret. */
  message?: string
  /** HTTP status for the app to answer; the code's own where absent. */
  status?: number
  /** The provider's own error code, as text. */
  providerCode?: string
  /** The provider's own words, as text, at most 300 characters. */
  providerMessage?: string
  /** The HTTP status of the provider's answer. */
  providerStatus?: number
  /** The provider's own number of the request: its support asks for it. */
  requestId?: string
  /** What was caught, for the log. Not enumerable; may hold more than a user should see. */
  cause?: unknown
}

const BRAND = Symbol.for('passport-dialects.OAuthError')

/**
 * A failed turn of a login. Recognise it by `code`, or by {@link OAuthError.is}, which holds across
 * two copies of this package. Carries no secret, code, token or verifier in any property.
 */
export class OAuthError extends Error {
  /** Stable; one of {@link ERROR_CODES}. */
  readonly code: ErrorCode
  /** The name of the provider, as `providers` or the strategy has it; `undefined` for a config of none. */
  readonly provider: string | undefined
  /** The turn of the conversation that failed. */
  readonly phase: Phase
  /** What an app should answer: 400, 401, 403, 500, 502, 503 or 504. */
  readonly status: number
  /** Whether the same call may succeed later with nothing changed. */
  readonly retryable: boolean
  /** The provider's own error code, as text. */
  readonly providerCode?: string
  /** The provider's own words: printable, without credentials, at most 300 characters. */
  readonly providerMessage?: string
  /** The HTTP status of the provider's answer. */
  readonly providerStatus?: number
  /** The provider's own number of the request: its support asks for it. */
  readonly requestId?: string

  /** Status, message and `retryable` come from the code, unless the details say otherwise. */
  constructor(code: ErrorCode, details: OAuthErrorDetails) {
    const known = ERROR_CODES[code]
    const said = details.providerMessage === undefined ? undefined : printable(details.providerMessage)
    const base = details.message ?? known.message
    super(said ? `${base} The provider says: ${said}` : base)
    this.code = code
    this.provider = details.provider
    this.phase = details.phase
    this.status = details.status ?? known.status
    this.retryable = known.retryable
    if (details.providerCode !== undefined) this.providerCode = printable(details.providerCode)
    if (said !== undefined) this.providerMessage = said
    if (details.providerStatus !== undefined) this.providerStatus = details.providerStatus
    if (details.requestId !== undefined) this.requestId = printable(details.requestId)
    // Not enumerable, as Error's own `cause`: a logger that walks properties does not drag it along.
    if (details.cause !== undefined) {
      Object.defineProperty(this, 'cause', { value: details.cause, configurable: true, writable: true })
    }
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Always `OAuthError`. */
  override get name(): string {
    return 'OAuthError'
  }

  /** Every property but `cause` and `stack`. */
  toJSON(): object {
    return { ...this, message: this.message }
  }

  /** Whether `error` is an OAuthError, of this copy of the package or of another. */
  static is(error: unknown): error is OAuthError {
    return typeof error === 'object' && error !== null && BRAND in error
  }
}

/** @internal A malformed or missing option; the message names it. */
export function configError(provider: string | undefined, message: string): OAuthError {
  return new OAuthError('config_invalid', {
    provider,
    phase: 'authorize',
    message: provider ? `${provider}: ${message}` : message,
  })
}
