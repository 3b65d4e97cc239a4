import { createHmac } from 'node:crypto'

/** The ways in which a signed callback, or a signed start, can be forged. */
export const CALLBACK_FORGERIES = [
  'wrong-hmac',
  'no-hmac',
  'empty-hmac',
  'hmac-of-other-secret',
  'hmac-without-host',
  'changed-code',
  'added-parameter',
  'other-shop-unsigned',
  'other-shop',
  'evil-shop',
  'repeated-shop',
  'old',
  'future',
  'no-timestamp',
] as const

/** One of {@link CALLBACK_FORGERIES}. */
export type CallbackForgery = (typeof CALLBACK_FORGERIES)[number]

export interface Signer {
  secret: string
  /** Sign plain values, as earlier pages describe it, instead of encoded ones. */
  raw: boolean
  /** The shop that `other-shop` names. */
  otherShop: string
}

/**
 * The address with Shopify's parameters and their signature, `hmac`: HMAC-SHA-256, lower-case hex, over all parameters,
 * sorted, as Shopify's own library has it.
 */
export function signedURL(address: string, params: Fields, signer: Signer, forgery?: CallbackForgery): string {
  const url = new URL(address)
  const fields = { ...params, ...(forgery && BEFORE[forgery]?.(params, signer)) }
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.append(name, value)
  const signed = [...url.searchParams].filter(([name]) => forgery !== 'hmac-without-host' || name !== 'host')
  const secret = forgery === 'hmac-of-other-secret' ? `${signer.secret}0` : signer.secret
  url.searchParams.append('hmac', hmacOf(signed, secret, signer.raw))
  if (forgery) AFTER[forgery]?.(url.searchParams, signer)
  return url.href
}

type Fields = Readonly<Record<string, string | undefined>>

function hmacOf(params: readonly [string, string][], secret: string, raw: boolean): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1).replace(/\+/g, '%20')
  const message = [...params]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => (raw ? `${name}=${value}` : `${encode(name)}=${encode(value)}`))
    .join('&')
  return createHmac('sha256', secret).update(message).digest('hex')
}

const TEN_MINUTES = 600

/** Changes to the parameters before they are signed. */
const BEFORE: Partial<Record<CallbackForgery, (params: Fields, signer: Signer) => Fields>> = {
  'other-shop': (_params, { otherShop }) => ({ shop: otherShop }),
  'evil-shop': () => ({ shop: 'evil.example' }),
  old: ({ timestamp }) => ({ timestamp: String(Number(timestamp) - TEN_MINUTES) }),
  future: ({ timestamp }) => ({ timestamp: String(Number(timestamp) + TEN_MINUTES) }),
  'no-timestamp': () => ({ timestamp: undefined }),
}

/** Changes to the parameters after they are signed. */
const AFTER: Partial<Record<CallbackForgery, (params: URLSearchParams, signer: Signer) => void>> = {
  'wrong-hmac': (params) => params.set('hmac', '0'.repeat(64)),
  'no-hmac': (params) => params.delete('hmac'),
  'empty-hmac': (params) => params.set('hmac', ''),
  'changed-code': (params) => params.set('code', 'f'.repeat(32)),
  'added-parameter': (params) => params.append('extra', '1'),
  'other-shop-unsigned': (params, { otherShop }) => params.set('shop', otherShop),
  'repeated-shop': (params, { otherShop }) => params.append('shop', otherShop),
}
