import { type ErrorContext, OAuthError } from '../errors'
import type { Dialect } from '../provider/definition'
import { printable } from '../redact'
import type { SessionRequest } from '../session/request'
import type { CallbackReading } from './state'

/** A callback as it is read before its state is checked. */
export interface Callback extends CallbackReading {
  /** Set if the provider or the user refused. */
  refusal: CallbackRefusal | undefined
  /** The dialect's `callbackParameters` that the callback has. */
  further: Readonly<Record<string, string>>
}

/** Why there is no login, in the provider's words if it sends any. */
export interface CallbackRefusal {
  code: 'access_denied' | 'authorization_failed'
  providerCode?: string
  providerMessage?: string
  /** The credential's parameter holds an error word instead of a credential. */
  byCredential?: true
}

/** The state, and the first of the dialect's credentials that is present. */
export function stateAndCredential(params: URLSearchParams, dialect: Dialect): CallbackReading {
  const found = credentialsOf(dialect).find((name) => params.has(name))
  return {
    state: params.get(dialect.authorizationNames?.state ?? 'state') ?? undefined,
    credential: found === undefined ? undefined : (params.get(found) ?? undefined),
  }
}

/**
 * Reads a callback: its credential or refusal, and the further parameters that the dialect names.
 * @param reading the strategy's reading, by default {@link stateAndCredential}
 * @throws OAuthError `callback_invalid`: a repeated or empty parameter, two different credentials, or neither
 * credential nor error
 */
export function readCallback(
  params: URLSearchParams,
  reading: CallbackReading,
  dialect: Dialect,
  context: ErrorContext,
): Callback {
  refuseMalformed(params, dialect, context)
  const refusal = refusalIn(params, reading, dialect.denial ?? {})
  if (!refusal && reading.credential === undefined) throw new OAuthError('callback_invalid', context)
  return { ...reading, refusal, further: furtherIn(params, dialect) }
}

/**
 * The error of a callback that refuses.
 * @param secrets what must be redacted if the callback quotes it: the state, the credential, the client secret
 */
export function callbackError(refusal: CallbackRefusal, context: ErrorContext, secrets: readonly string[]): OAuthError {
  const { code, providerCode, providerMessage, byCredential } = refusal
  const hidden = byCredential ? secrets.filter((secret) => secret !== providerCode) : secrets
  return new OAuthError(code, {
    ...context,
    ...(providerCode !== undefined && { providerCode: printable(providerCode, hidden) }),
    ...(providerMessage !== undefined && { providerMessage: printable(providerMessage, secrets) }),
  })
}

function refusalIn(
  params: URLSearchParams,
  { state, credential }: CallbackReading,
  { errors = [], credentials = [], bareState }: NonNullable<Dialect['denial']>,
): CallbackRefusal | undefined {
  const error = params.get('error')
  if (error !== null) {
    const word = error.toLowerCase()
    const isDenial = word === 'access_denied' || errors.some((known) => known.toLowerCase() === word)
    const providerMessage = params.get('error_description')
    return {
      code: isDenial ? 'access_denied' : 'authorization_failed',
      providerCode: error,
      ...(providerMessage && { providerMessage }),
    }
  }
  if (credential !== undefined && credentials.includes(credential)) {
    return { code: 'access_denied', providerCode: credential, byCredential: true }
  }
  const isBare = bareState === true && state !== undefined && credential === undefined
  return isBare ? { code: 'access_denied' } : undefined
}

/** The parameters that this package reads, for the page that posts a callback again. */
export function tellingParameters(params: URLSearchParams, dialect: Dialect): [name: string, value: string][] {
  const { authorizationNames, callbackParameters = [] } = dialect
  const state = authorizationNames?.state ?? 'state'
  const known = [state, 'error', 'error_description', 'iss', ...credentialsOf(dialect), ...callbackParameters]
  return [...params].filter(
    ([name, value]) => known.includes(name) && !(callbackParameters.includes(name) && value.length > MAX_FURTHER),
  )
}

/** RFC 6749 §3.1: no parameter twice. */
function refuseMalformed(params: URLSearchParams, dialect: Dialect, context: ErrorContext): void {
  const seen = new Set<string>()
  const credentials = new Set<string>()
  const telling = ['state', 'error', 'iss', ...credentialsOf(dialect)]
  for (const [name, value] of params) {
    if (seen.has(name) || (value === '' && telling.includes(name))) throw new OAuthError('callback_invalid', context)
    seen.add(name)
    if (credentialsOf(dialect).includes(name)) credentials.add(value)
  }
  if (credentials.size > 1) throw new OAuthError('callback_invalid', context)
}

/** Longer than any documented one; they may be stored with the login's tokens. */
const MAX_FURTHER = 2048

function furtherIn(params: URLSearchParams, { callbackParameters = [] }: Dialect): Record<string, string> {
  const further: Record<string, string> = {}
  for (const name of callbackParameters) {
    const value = params.get(name)
    if (value !== null && value.length <= MAX_FURTHER) further[name] = value
  }
  return further
}

function credentialsOf({ credentials = ['code'] }: Dialect): readonly string[] {
  return credentials
}

/**
 * The parameters of a callback, from the request's URL, so that the app's query parser does not matter (Express has
 * three). `req.query` is used only if there is no URL.
 */
export function callbackParams(req: SessionRequest): URLSearchParams {
  const url = req.originalUrl ?? req.url ?? ''
  const at = url.indexOf('?')
  const query = at === -1 ? '' : (url.slice(at + 1).split('#', 1)[0] ?? '')
  if (url !== '') return new URLSearchParams(query) // not `req.query`: Express 5 parses it at every access
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(typeof req.query === 'object' && req.query ? req.query : {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'string') params.append(name, item)
    }
  }
  return params
}
