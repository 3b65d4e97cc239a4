import { type ErrorCode, OAuthError, type Phase } from './errors'
import type { Json, JsonObject, ProviderAnswer } from './provider-call'
import { printable } from './redact'

/** How a provider says no, read out of its answer by a dialect. */
export interface Refusal {
  /** Left out where only the HTTP status tells. */
  code?: ErrorCode | undefined
  /** The provider's own error code, as text. */
  providerCode?: string | undefined
  /** The provider's own words; made printable before they are shown. */
  providerMessage?: string | undefined
  /** The provider's own number of the request. */
  requestId?: string | undefined
  /** The HTTP status that the provider means, where its body says another than the answer's. */
  status?: number | undefined
}

/** A dialect's way to wrap an answer and to say no in it. */
export interface AnswerDialect {
  refusal(body: JsonObject, phase: Phase, status: number): Refusal | undefined
  unwrap(body: JsonObject, phase: Phase): Json | undefined
}

/**
 * The payload of a provider's answer. The body is believed before the status, because providers report
 * failures on HTTP 200 and details on 4xx.
 *
 * @param secrets what the provider may quote from the request, and no error may show
 * @throws OAuthError the dialect's refusal; by status; `response_invalid` where the shape is not documented
 */
export function readAnswer(
  answer: ProviderAnswer,
  dialect: AnswerDialect,
  where: { provider: string; phase: Phase },
  secrets: () => readonly string[] = () => [],
): JsonObject {
  const body = parseObject(answer.text)
  const refusal = body && dialect.refusal(body, where.phase, answer.status)
  const succeeded = answer.status >= 200 && answer.status < 300
  if (refusal || !succeeded) {
    throw new OAuthError(refusalCode(refusal, where.phase, answer.status), {
      ...where,
      providerCode: refusal?.providerCode && printable(refusal.providerCode, secrets()),
      providerMessage: refusal?.providerMessage && printable(refusal.providerMessage, secrets()),
      requestId: refusal?.requestId && printable(refusal.requestId, secrets()),
      providerStatus: answer.status,
    })
  }
  const payload = body && dialect.unwrap(body, where.phase)
  if (!isObject(payload)) {
    throw new OAuthError('response_invalid', { ...where, providerStatus: answer.status })
  }
  return payload
}

/**
 * The refusal of RFC 6749 §5.2 and RFC 6750 §3.1: `error` and `error_description` at the top.
 * @param codes the provider's own codes beside the registered ones
 */
export function standardRefusal(
  body: JsonObject,
  codes: Readonly<Record<string, ErrorCode>> = {},
): Refusal | undefined {
  if (typeof body.error !== 'string' || body.error === '') return undefined
  return {
    code: lookUp(codes, body.error) ?? lookUp(REGISTERED, body.error) ?? 'provider_error',
    providerCode: body.error,
    providerMessage: textOf(body.error_description),
  }
}

/** The value of a table at a key from outside, never of the table's prototype. */
export function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** Text where the provider sent text or a number. */
export function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whether a JSON value is an object, and no array and not `null`. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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

function refusalCode(refusal: Refusal | undefined, phase: Phase, status: number): ErrorCode {
  const meant = refusal?.status ?? status
  const said = refusal?.code
  const overloaded = meant === 429 || meant >= 500 // says more than whatever a gateway put into the body
  const code = said === undefined || said === 'provider_error' || overloaded ? byStatus(meant, phase) : said
  const deadRefresh = phase === 'refresh' && (code === 'grant_rejected' || code === 'token_rejected')
  return deadRefresh ? 'refresh_rejected' : code
}

function byStatus(status: number, phase: Phase): ErrorCode {
  const tokenInUse = phase === 'profile' || phase === 'request'
  if (status === 429) return 'rate_limited'
  if (status >= 500) return 'provider_unavailable'
  if (status === 401) return tokenInUse ? 'token_rejected' : 'client_rejected'
  if (status === 403) return tokenInUse ? 'scope_insufficient' : 'client_rejected'
  return 'provider_error'
}

const MAX_DEPTH = 64

function parseObject(text: string): JsonObject | undefined {
  if (nestsTooDeep(text)) return undefined
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether JSON text nests too deep: what is stored is serialised again, and that recursion has an end. */
function nestsTooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  return false
}
