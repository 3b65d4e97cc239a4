import { createHmac, timingSafeEqual } from 'node:crypto'
import { type ErrorContext, OAuthError } from '../errors'

/**
 * A query that the provider signs with the client secret (Shopify). The signature is HMAC-SHA-256 in lower-case hex, over
 * the parameters as `name=value`, sorted by name and joined with `&`.
 */
export interface SignedQuery {
  /** The parameter with the signature. */
  readonly parameter: string
  /** Other parameters that are not signed. */
  readonly unsigned?: readonly string[]
  /** The parameter with the time of signing, in seconds since 1970. */
  readonly timestamp: string
  /** How many seconds that time may be in the past or in the future. */
  readonly tolerance: number
}

/**
 * Checks the signature of a query, then its time.
 * @throws OAuthError `signature_invalid` with status 400, because it is the browser's request, not the provider's
 * response
 */
export function checkSignedQuery(
  { parameter, unsigned = [], timestamp, tolerance }: SignedQuery,
  params: URLSearchParams,
  secret: string,
  context: ErrorContext,
): void {
  const signature = params.getAll(parameter)
  const signed = [...params].filter(([name]) => name !== parameter && !unsigned.includes(name))
  const fail = (what: string) => new OAuthError('signature_invalid', { ...context, status: 400, message: what })
  if (signature.length !== 1 || !signature[0]) throw fail('The request is not signed. Nobody is logged in.')
  if (!messagesOf(signed).some((message) => isSignatureOf(message, signature[0], secret))) {
    throw fail('The signature of the request does not verify: check the client secret. Nobody is logged in.')
  }
  const at = params.getAll(timestamp)
  const isTime = at.length === 1 && /^\d{1,12}$/.test(at[0] ?? '')
  if (!isTime || Math.abs(Date.now() / 1000 - Number(at[0])) > tolerance) {
    throw fail('The request was signed too long ago, or with another clock. Start the login again.')
  }
}

type Pairs = readonly (readonly [name: string, value: string])[]

/**
 * The messages that may have been signed: with percent-encoded names and values or, as in earlier documentation, with
 * plain ones. Plain ones do not distinguish an `&` in a value from one between parameters. So no value may contain one
 * of the query's parameters, which would change the meaning of what was signed.
 */
function messagesOf(pairs: Pairs): string[] {
  const sorted = [...pairs].sort(([one], [other]) => (one < other ? -1 : 1))
  const encoded = joined(sorted.map(([name, value]) => [encode(name), encode(value)]))
  const names = new Set(pairs.map(([name]) => name))
  const hidesOne = sorted.some((pair) => hiddenIn(joined([pair])).some((name) => names.has(name)))
  return hidesOne ? [encoded] : [encoded, joined(sorted)]
}

/** The names that a reader of the whole message would find inside one parameter's value. */
function hiddenIn(text: string): string[] {
  const [, ...behind] = text.split('&')
  return behind.map((part) => part.split('=', 1)[0] ?? '')
}

function joined(pairs: Pairs): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

/** Like `URLSearchParams`, except for the space. */
function encode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1).replaceAll('+', '%20')
}

/** Compares in constant time. */
function isSignatureOf(message: string, signature = '', secret: string): boolean {
  const expected = createHmac('sha256', secret).update(message).digest()
  return /^[\da-f]{64}$/.test(signature) && timingSafeEqual(expected, Buffer.from(signature, 'hex'))
}
