import { type ErrorCode, meaningOf } from './error-codes'
import { printable } from './redact'

/** The turn of the conversation that failed. */
export type Phase = 'authorize' | 'callback' | 'code' | 'token' | 'profile' | 'refresh' | 'revoke' | 'request'

/** Where it happened: the provider, and the turn of the conversation. */
export interface ErrorContext {
  /** The provider's name. */
  provider: string
  /** The turn of the conversation. */
  phase: Phase
}

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
  /** When the provider allows the next call (RFC 9110 §10.2.3). */
  retryAfter?: Date
  /** What was caught, for the log. Not enumerable; may hold more than a user should see. */
  cause?: unknown
}

const BRAND = Symbol.for('passport-dialects.OAuthError')

/**
 * A failed turn of a login. Recognise it by `code`, or by {@link OAuthError.is}, which holds across
 * two copies of this package. Carries no secret, code, token or verifier in any property.
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
  /** When the provider allows the next call: of `rate_limited`, where the provider says so. */
  readonly retryAfter?: Date

  /** Status, message and `retryable` come from the code, unless the details say otherwise. */
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
