import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorCode } from '../error-codes'
import { OAuthError, type Phase } from '../errors'
import type { RawResponse } from '../http/call'
import { isObject, type Json, type JsonObject, lookUp, textOf } from '../json'
import { printable } from '../redact'
import { decodeJson } from './read-body'

/** A refusal that a dialect has read from the provider's response. */
export interface Refusal {
  /** The error code. Leave it out if only the HTTP status decides. */
  code?: ErrorCode | undefined
  /**
   * What happened and what to do, if the code's own message would mislead: DingTalk's missing permission is not a scope,
   * and X's app without a project has the right credentials. It must not contain a secret, or text from the provider.
   */
  message?: string | undefined
  /** The provider's error code, as text. */
  providerCode?: string | undefined
  /** The provider's error message. It is made printable before it is shown. */
  providerMessage?: string | undefined
  /** The provider's id of the request. */
  requestId?: string | undefined
  /** The HTTP status that the body states, if it differs from the response's. */
  status?: number | undefined
  /**
   * When the next call is allowed, if the provider says so otherwise than by `Retry-After`: X's `x-rate-limit-reset`.
   */
  retryAfter?: Date | undefined
}

/** How a dialect wraps a response and refuses in it. */
export interface ResponseDialect {
  /** Default {@link decodeJson}. */
  readBody?(response: RawResponse, phase: Phase): Json | undefined
  refusal(body: JsonObject, phase: Phase, status: number, headers: IncomingHttpHeaders): Refusal | undefined
  unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined
}

/**
 * The payload of a provider's response. The body takes precedence over the status, because providers report failures
 * with HTTP 200 and details with 4xx.
 *
 * @param secrets what the provider may quote from the request, and errors must not show
 * @throws OAuthError the dialect's refusal; an error by the status; `response_invalid` if the shape is not as
 * documented
 */
export function readResponse(
  response: RawResponse,
  dialect: ResponseDialect,
  context: { provider: string; phase: Phase },
  secrets: () => readonly string[] = () => [],
): JsonObject {
  const { status, headers } = response
  const { phase } = context
  const body = dialect.readBody ? dialect.readBody(response, phase) : decodeJson(response.text)
  const said = isObject(body) ? dialect.refusal(body, phase, status, headers) : undefined
  const succeeded = status >= 200 && status < 300
  if (said || !succeeded) {
    const refusal = said && saysSomething(said) ? said : undefined
    const code = refusalCode(refusal, phase, refusal?.status ?? said?.status ?? status, headers)
    const retryAfter = code === 'rate_limited' ? (said?.retryAfter ?? retryAfterIn(headers)) : undefined
    throw new OAuthError(code, {
      ...context,
      ...(refusal?.message !== undefined && { message: refusal.message }),
      providerCode: said?.providerCode && printable(said.providerCode, secrets()),
      providerMessage: said?.providerMessage && printable(said.providerMessage, secrets()),
      requestId: said?.requestId && printable(said.requestId, secrets()),
      providerStatus: status,
      ...(retryAfter && { retryAfter }),
    })
  }
  const payload = isObject(body) || Array.isArray(body) ? dialect.unwrap(body, phase) : undefined
  if (!isObject(payload)) throw new OAuthError('response_invalid', { ...context, providerStatus: status })
  return payload
}

/**
 * Reads a refusal of RFC 6749 §5.2 and RFC 6750 §3.1: `error` and `error_description` at the top level. An `error` may
 * also be a number; 0 means no error.
 * @param codes the provider's own codes, besides the registered ones
 */
export function standardRefusal(
  body: JsonObject,
  codes: Readonly<Record<string, ErrorCode>> = {},
): Refusal | undefined {
  const providerCode = textOf(body.error)
  if (providerCode === undefined || body.error === 0) return undefined
  return {
    code: lookUp(codes, providerCode) ?? lookUp(REGISTERED, providerCode) ?? 'provider_error',
    providerCode,
    providerMessage: textOf(body.error_description),
  }
}

const REGISTERED: Readonly<Record<string, ErrorCode>> = {
  invalid_client: 'client_rejected',
  unauthorized_client: 'client_rejected',
  invalid_grant: 'grant_rejected',
  invalid_token: 'token_rejected',
  insufficient_scope: 'scope_insufficient',
  access_denied: 'access_denied',
  server_error: 'provider_unavailable',
  temporarily_unavailable: 'provider_unavailable',
}

/** Whether a refusal has any words of the provider: JSON without them comes from a gateway. */
function saysSomething({ code, providerCode, providerMessage }: Refusal): boolean {
  return (code ?? providerCode ?? providerMessage) !== undefined
}

function refusalCode(
  refusal: Refusal | undefined,
  phase: Phase,
  status: number,
  headers: IncomingHttpHeaders,
): ErrorCode {
  const said = refusal?.code ?? (refusal ? undefined : challengeIn(headers))
  const overloaded = status === 429 || status >= 500 // more reliable than a body, which may be a gateway's
  const byWord = said === undefined || said === 'provider_error' || overloaded ? undefined : said
  const code = byWord ?? byStatus(status, phase, refusal !== undefined)
  const deadRefresh = phase === 'refresh' && (code === 'grant_rejected' || code === 'token_rejected')
  return deadRefresh ? 'refresh_rejected' : code
}

/**
 * @param isOwn whether the provider itself answers: a 403 of a gateway, firewall or proxy says nothing about app and
 * token
 */
function byStatus(status: number, phase: Phase, isOwn: boolean): ErrorCode {
  const tokenInUse = phase === 'profile' || phase === 'request'
  if (status === 429) return 'rate_limited'
  if (status >= 500) return 'provider_unavailable'
  if (status === 401) return tokenInUse ? 'token_rejected' : 'client_rejected'
  if (status === 403 && isOwn) return tokenInUse ? 'scope_insufficient' : 'client_rejected'
  return 'provider_error'
}

/** RFC 6750 §3: a refusal may be in a header only. */
function challengeIn(headers: IncomingHttpHeaders): ErrorCode | undefined {
  const [, word = ''] = /^bearer\b[\s\S]*?\berror="?(\w+)/i.exec(headers['www-authenticate'] ?? '') ?? []
  return lookUp(REGISTERED, word)
}

/** RFC 9110 §10.2.3: seconds, or a date. Shopify writes `2.0`. */
function retryAfterIn(headers: IncomingHttpHeaders): Date | undefined {
  const value = String(headers['retry-after'] ?? '').trim()
  const at = /^\d{1,9}(\.\d{1,3})?$/.test(value)
    ? Date.now() + Number(value) * 1000
    : HTTP_DATE.test(value)
      ? Date.parse(value.endsWith('GMT') ? value : `${value} GMT`) // the form of asctime names no zone, and is UTC
      : Number.NaN
  return Number.isNaN(at) ? undefined : new Date(at)
}

const HTTP_DATE = /^[A-Z][a-z]{2,8},? [\w :-]{6,30}$/

/** The date in a header of seconds since 1970: X's `x-rate-limit-reset`. @param name in lower case */
export function epochSecondsIn(headers: IncomingHttpHeaders, name: string): Date | undefined {
  const value = String(headers[name] ?? '').trim()
  return /^\d{1,11}$/.test(value) ? new Date(Number(value) * 1000) : undefined
}
