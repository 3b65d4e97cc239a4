import type { Dispatcher } from 'undici'
import type { ErrorCode } from '../error-codes'
import { type ErrorContext, OAuthError } from '../errors'
import { foreignError } from '../foreign-error'
import type { DialectOptions, OptionReader } from '../options'
import { bareAddress } from '../redact'

/** The part of a dispatcher that a call needs. */
export type Transport = Pick<Dispatcher, 'dispatch'>

/** The limits of a call, and how it is sent. */
export interface CallLimits {
  /** Milliseconds for the whole call: DNS, connect, TLS, headers and body. */
  timeout: number
  /** Bytes of body, on the wire and after decompression. */
  maxResponseBytes: number
  dispatcher?: Transport | undefined
  /** Names in lower case. */
  customHeaders?: Record<string, string> | undefined
}

/** Reads the options that apply to every call. @throws OAuthError `config_invalid`, naming the option */
export function readLimits(
  { dispatcher, customHeaders }: Pick<DialectOptions, 'dispatcher' | 'customHeaders'>,
  read: OptionReader,
): CallLimits {
  read.optionalObject('dispatcher', 'dispatch')
  read.optionalObject('customHeaders')
  return {
    timeout: read.positive('timeout', 10_000, 'milliseconds'),
    maxResponseBytes: read.positive('maxResponseBytes', 1024 * 1024, 'bytes'),
    dispatcher,
    customHeaders: customHeaders && checkedHeaders(customHeaders, read),
  }
}

/** RFC 9110 §5.6.2 and §5.5: a header's name is a token; its value has no control character except a tab. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\w]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers for message framing and the host; only the call itself sets them. */
const RESERVED = new Set(
  'connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(' '),
)

function checkedHeaders(headers: Record<string, unknown>, read: OptionReader): Record<string, string> {
  const checked: Record<string, string> = {}
  if (Array.isArray(headers)) read.fail('customHeaders', 'must be an object of names and values')
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    const shown = JSON.stringify(given)
    if (!HEADER_NAME.test(name)) read.fail('customHeaders', `has ${shown}, which is no name of a header`)
    if (RESERVED.has(name)) read.fail('customHeaders', `has ${shown}, which belongs to the connection and can't be set`)
    if (Object.hasOwn(checked, name)) read.fail('customHeaders', `has ${shown} twice, in upper and lower case`)
    if (typeof value !== 'string' || !HEADER_VALUE.test(value)) {
      read.fail('customHeaders', `must have a text without line breaks as the value of ${shown}`)
    }
    checked[name] = value
  }
  return checked
}

/** The limits of one call, and the errors for exceeding them. */
export class CallBounds {
  readonly timeout: number

  /** @param passes304 whether the app may have sent a conditional request (RFC 9110 §13) */
  constructor(
    private readonly url: string,
    private readonly limits: CallLimits,
    private readonly where: ErrorContext,
    private readonly passes304 = false,
  ) {
    this.timeout = limits.timeout
  }

  /** The error of a call that takes too long; dispatch.ts has its timer. */
  deadline(): OAuthError {
    const message = `No complete response from ${bareAddress(this.url)} within ${this.timeout} ms. Try again, or raise \`timeout\`.`
    return this.failure('provider_timeout', undefined, message)
  }

  /** Refuses a response by its status. */
  refuseHead(status: number): OAuthError | undefined {
    if (status >= 300 && status < 400 && !(status === 304 && this.passes304)) {
      return this.refusal('provider_redirected', status)
    }
    return status > 599 ? this.refusal('response_invalid', status) : undefined // RFC 9110 §15: no such class
  }

  /** Refuses a body by the number of bytes received or announced. */
  refuseSize(size: number, status: number): OAuthError | undefined {
    return size > this.limits.maxResponseBytes ? this.refusal('response_too_large', status) : undefined
  }

  endless(): OAuthError {
    return this.failure('response_invalid', undefined, 'The provider keeps sending interim responses (1xx).')
  }

  /** Turns an error of the connection or the decoding into one that names the URL and says what to do. */
  failureOf(error: unknown): OAuthError {
    return OAuthError.is(error) ? error : this.failure(codeOf(error), foreignError(error))
  }

  private failure(code: ErrorCode, cause: unknown, message = this.explain(code)): OAuthError {
    return new OAuthError(code, { ...this.where, ...(message !== undefined && { message }), cause })
  }

  private refusal(code: ErrorCode, providerStatus: number): OAuthError {
    return new OAuthError(code, { ...this.where, providerStatus })
  }

  private explain(code: ErrorCode): string | undefined {
    const url = bareAddress(this.url)
    if (code === 'provider_timeout') return `There was no connection to ${url} in time. Check DNS and the network.`
    if (code === 'provider_unreachable') {
      return `The connection to ${url} failed or was cut. Check the URL, DNS, TLS and the \`dispatcher\`.`
    }
    if (code === 'internal_error')
      return `The request to ${url} was not sent: HTTP does not allow it as it is. See \`cause\`.`
    return undefined
  }
}

/** A request that was never sent, because a header, the method or the path has a character that HTTP does not allow. */
const UNSENDABLE = /^(UND_ERR_INVALID_ARG|ERR_INVALID_CHAR|ERR_INVALID_HTTP_TOKEN|ERR_UNESCAPED_CHARACTERS)$/

function codeOf(error: unknown): ErrorCode {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW')
    return 'response_too_large'
  if (/^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/.test(code)) return 'provider_timeout'
  if (UNSENDABLE.test(code)) return 'internal_error'
  if (/^(Z_|ERR_ENCODING|ERR__?ERROR_|UNKNOWN_ENCODING|HPE_)/.test(code)) return 'response_invalid'
  return 'provider_unreachable'
}
