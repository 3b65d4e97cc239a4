import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { type ErrorCode, OAuthError } from './errors'
import type { Bounds } from './exchange'
import type { DialectOptions, OptionReader } from './options'
import { bareAddress } from './redact'
import type { Where } from './session'

/** What bounds a call and how it leaves the machine. */
export interface CallLimits {
  /** Milliseconds for the whole call: DNS, connect, TLS, headers and body. */
  timeout: number
  /** Bytes of body, on the wire and after decompression. */
  maxResponseBytes: number
  dispatcher?: Dispatcher | undefined
  customHeaders?: Record<string, string> | undefined
}

/** What the options say of every call. @throws OAuthError `config_invalid`, naming the option */
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
    customHeaders,
  }
}

/** The limits of one call to a provider, and the errors that tell of them. */
export class CallBounds implements Bounds {
  readonly timeout: number

  constructor(
    private readonly url: string,
    private readonly limits: CallLimits,
    private readonly where: Where,
  ) {
    this.timeout = limits.timeout
  }

  /** The profile is asked for as soon as the token is there. */
  get isFollowed(): boolean {
    return this.where.phase === 'token'
  }

  deadline(): Error {
    return this.failure('provider_timeout')
  }

  refuseHead(status: number, headers: IncomingHttpHeaders): Error | undefined {
    if (status >= 300 && status < 400) return this.refusal('provider_redirected', status)
    return this.refuseSize(Number(headers['content-length']), status)
  }

  refuseSize(size: number, status: number): Error | undefined {
    return size > this.limits.maxResponseBytes ? this.refusal('response_too_large', status) : undefined
  }

  /** An error that says which address it was, and what to do. */
  failure(code: ErrorCode, cause?: unknown): OAuthError {
    return new OAuthError(code, { ...this.where, message: explain(code, this.url, this.limits), cause })
  }

  private refusal(code: ErrorCode, providerStatus: number): OAuthError {
    return new OAuthError(code, { ...this.where, providerStatus })
  }
}

/** The bounds of an answer whose body the app reads itself: its size counts where it is read whole. */
export class OpenBounds extends CallBounds {
  override refuseHead(status: number, headers: IncomingHttpHeaders): Error | undefined {
    return status >= 300 && status < 400 && status !== 304 ? super.refuseHead(status, headers) : undefined
  }
}

function explain(code: ErrorCode, url: string, limits: CallLimits): string | undefined {
  const address = bareAddress(url)
  if (code === 'provider_timeout') {
    return `No whole answer from ${address} within ${limits.timeout} ms. Try again, or raise \`timeout\`.`
  }
  if (code === 'provider_unreachable') {
    return `The connection to ${address} failed or was cut. Check the address, DNS, TLS and the \`dispatcher\`.`
  }
  return undefined
}
