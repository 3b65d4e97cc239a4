import { type ErrorCode, meaningOf } from './error-codes'
import { printable } from './redact'

/** The step of a login, or of a later call, that failed. */
export type Phase = 'authorize' | 'callback' | 'code' | 'token' | 'profile' | 'refresh' | 'revoke' | 'request'

/** Where a failure happened: the provider and the step. */
export interface ErrorContext {
  /** The provider's name. */
  provider: string
  /** The step. */
  phase: Phase
}

/** What the constructor of {@link OAuthError} takes besides the code. */
export interface OAuthErrorDetails {
  /** The name of the strategy, or the name that `providers` gives to an instance of it. */
  provider?: string
  /** The step that failed. */
  phase: Phase
  /** Replaces the code's own message. Must not contain a secret. */
  message?: string
  /** The HTTP status that the app should answer. Default: the code's own. */
  status?: number
  /** The provider's error code, as text. */
  providerCode?: string
  /** The provider's error message, at most 300 characters. */
  providerMessage?: string
  /** The HTTP status of the provider's answer. */
  providerStatus?: number
  /** The provider's id of the request: its support asks for it. */
  requestId?: string
  /** When the provider allows the next call (RFC 9110 §10.2.3). */
  retryAfter?: Date
  /** The error that was caught, for the log. Not enumerable; may contain more than a user should see. */
  cause?: unknown
}

const BRAND = Symbol.for('passport-dialects.OAuthError')

/**
 * Every failure of this package. Recognise it with {@link OAuthError.is}, which also works across two copies of the
 * package, and tell failures apart by `code`. No property contains a secret, code, token or verifier.
 *
 * @example
 * ```ts
 * app.get('/videos', async (req, res) => {
 *   try {
 *     res.json(await req.oauth.profile('tiktok'))
 *   } catch (error) {
 *     if (!OAuthError.is(error)) throw error
 *     res.status(error.status).send(error.code === 'refresh_rejected' ? 'Please log in again.' : error.code)
 *   }
 * })
 * ```
 */
export class OAuthError extends Error {
  /** Stable; one of `ERROR_CODES`. */
  readonly code: ErrorCode
  /** The name of the provider in `providers`, or of the strategy; `undefined` if the failure concerns no provider. */
  readonly provider: string | undefined
  /** The step that failed. */
  readonly phase: Phase
  /** The HTTP status that an app should answer: 400, 401, 403, 500, 502, 503 or 504. */
  readonly status: number
  /** Whether the same call may succeed later without any change. */
  readonly retryable: boolean
  /** The provider's error code, as text. */
  readonly providerCode?: string
  /** The provider's error message: printable, without credentials, at most 300 characters. */
  readonly providerMessage?: string
  /** The HTTP status of the provider's answer. */
  readonly providerStatus?: number
  /** The provider's id of the request: its support asks for it. */
  readonly requestId?: string
  /** When the provider allows the next call: with `rate_limited`, if the provider says so. */
  readonly retryAfter?: Date

  /** Status, message and `retryable` come from the code, unless the details replace them. */
  constructor(code: ErrorCode, details: OAuthErrorDetails) {
    const known = meaningOf(code)
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
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter
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

  /** Every property except `cause` and `stack`. */
  toJSON(): object {
    return { ...this, message: this.message }
  }

  /** Whether `error` is an OAuthError, from this copy of the package or another. */
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

/** @internal The error of other code, such as a function in an option, where it was called. */
export function unexpectedError(cause: unknown, provider: string | undefined, phase: Phase): OAuthError {
  return new OAuthError('internal_error', { ...(provider !== undefined && { provider }), phase, cause })
}
