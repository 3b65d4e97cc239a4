/**
 * Every failure of a login, by its stable code.
 *
 * `status` is the HTTP status that an app should respond with. `retryable` says whether the same call may succeed later
 * without any change. `message` says what happened and what to do. `passport: 'fail'` marks what the user or the browser
 * caused: it becomes Passport's `fail`, to which `failureRedirect` applies; everything else becomes its `error`. `final`
 * marks failures that repeat until somebody changes the app, the provider or the user's account.
 */
export const ERROR_CODES = {
  access_denied: {
    status: 403,
    retryable: false,
    message: 'The user refused the login at the provider.',
    passport: 'fail',
  },
  session_missing: {
    status: 400,
    retryable: false,
    message:
      'The session that began this login is missing. Mount a session middleware before the login routes, and check that its cookie comes back (SameSite=Lax, not Strict; Secure only over https; the same host).',
    passport: 'fail',
  },
  store_failed: {
    status: 503,
    retryable: true,
    message: 'A session store or token store failed; see `cause`. Nothing was half done: try again.',
  },
  state_missing: {
    status: 400,
    retryable: false,
    message: 'The callback has no state. Start the login again.',
    passport: 'fail',
  },
  state_unknown: {
    status: 400,
    retryable: false,
    message: 'The callback has a state that this session did not issue. Start the login again in this browser.',
    passport: 'fail',
  },
  state_expired: {
    status: 400,
    retryable: false,
    message: 'The login took too long. Start it again, or raise `stateLifetime`.',
    passport: 'fail',
  },
  state_used: {
    status: 400,
    retryable: false,
    message: 'This callback was already used. Start the login again.',
    passport: 'fail',
  },
  state_mismatch: {
    status: 400,
    retryable: false,
    message: 'The login was begun for another provider or by another user. Start it again.',
    passport: 'fail',
  },
  callback_invalid: {
    status: 400,
    retryable: false,
    message: 'The callback repeats a parameter, leaves one empty, or has no credential. Start the login again.',
    passport: 'fail',
  },
  issuer_mismatch: {
    status: 400,
    retryable: false,
    message: 'The callback does not come from the configured issuer. Compare `issuer` letter by letter.',
    passport: 'fail',
    final: true,
  },
  authorization_failed: {
    status: 502,
    retryable: false,
    message: 'The provider did not authorize the login. Check the scopes, and the app at the provider.',
  },
  client_rejected: {
    status: 500,
    retryable: false,
    message: 'The provider rejects the credentials of this app. Check `clientID` and `clientSecret`.',
    final: true,
  },
  grant_rejected: {
    status: 401,
    retryable: false,
    message:
      'The provider rejects the code, the token or the redirect address. A code is short-lived and works once: start the login again. If the error stays, compare `callbackURL` with the registered address.',
  },
  refresh_rejected: {
    status: 401,
    retryable: false,
    message: 'The refresh token is dead. The user must log in again.',
  },
  token_rejected: {
    status: 401,
    retryable: false,
    message: 'The provider rejects the access token. Refresh it, or let the user log in again.',
  },
  scope_insufficient: {
    status: 403,
    retryable: false,
    message: 'The access token is not allowed to do this. Request the missing scope, and let the user log in again.',
  },
  user_unknown: {
    status: 403,
    retryable: false,
    message: 'The provider has no such user, or does not admit this login. See the page of the provider.',
    final: true,
  },
  rate_limited: {
    status: 503,
    retryable: true,
    message: 'The provider received too many calls. Try again later.',
  },
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
    final: true,
  },
  response_too_large: {
    status: 502,
    retryable: false,
    message: 'The response of the provider is larger than `maxResponseBytes`.',
    final: true,
  },
  response_invalid: {
    status: 502,
    retryable: false,
    message: 'The response of the provider is not as documented. Check the endpoint address.',
    final: true,
  },
  request_invalid: {
    status: 400,
    retryable: false,
    message: 'The request that starts the login is malformed. Nothing was sent to the provider.',
    passport: 'fail',
    final: true,
  },
  signature_invalid: {
    status: 502,
    retryable: false,
    message: 'A signature of the provider does not verify. Nobody is logged in.',
    passport: 'fail',
    final: true,
  },
  provider_error: {
    status: 502,
    retryable: false,
    message: 'The provider reports a failure.',
  },
  verify_refused: {
    status: 403,
    retryable: false,
    message: '`verify` refused this user.',
    final: true,
  },
  verify_failed: {
    status: 500,
    retryable: false,
    message: '`verify` threw; see `cause`.',
  },
  internal_error: {
    status: 500,
    retryable: false,
    message: 'A strategy, a function in an option, or this package failed; see `cause`.',
  },
  config_invalid: {
    status: 500,
    retryable: false,
    message: 'An option is missing or malformed.',
    final: true,
  },
} as const satisfies Record<string, ErrorMeaning>

/** What a code of {@link ERROR_CODES} means. */
export interface ErrorMeaning {
  status: number
  retryable: boolean
  message: string
  passport?: 'fail'
  final?: true
}

/** One of the keys of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** The meaning of a code, with every member filled in. */
export function meaningOf(code: ErrorCode): ErrorMeaning {
  return ERROR_CODES[code]
}
