import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { checkTimes } from './faults'
import { type KeyPair, unpublishedRsaPair } from './key-pool'

/**
 * The ways in which an id_token can be forged, by name. A login must refuse each, except `other-sub`: that is a valid
 * id_token of another user, for a refresh, and for a provider that returns the user's id in two places.
 */
export const ID_TOKEN_FORGERIES = [
  'alg-none',
  'no-signature',
  'hs256-with-public-key',
  'other-alg',
  'other-key',
  'unknown-kid',
  'key-in-header',
  'unknown-crit',
  'changed-claims',
  'other-aud',
  'no-aud',
  'other-iss',
  'no-iss',
  'other-nonce',
  'no-nonce',
  'expired',
  'no-exp',
  'exp-text',
  'iat-in-future',
  'no-sub',
  'empty-sub',
  'sub-number',
  'other-sub',
  'not-a-jwt',
  'no-id-token',
] as const

/** One of {@link ID_TOKEN_FORGERIES}. */
export type IdTokenForgery = (typeof ID_TOKEN_FORGERIES)[number]

/** The forgeries that a test has planned, in order. */
export class ForgeryQueue<Name extends string> {
  private readonly queue: { name: Name; left: number }[] = []

  constructor(private readonly names: readonly Name[]) {}

  /** @throws TypeError if there is none with that name */
  plan(wanted: string, times: number): void {
    const name = this.names.find((known) => known === wanted)
    if (name === undefined) {
      throw new TypeError(`There is no forgery named ${wanted} here; there are ${this.names.join(', ')}.`)
    }
    checkTimes(times)
    if (times > 0) this.queue.push({ name, left: times })
  }

  next(): Name | undefined {
    const [planned] = this.queue
    if (planned && --planned.left <= 0) this.queue.shift()
    return planned?.name
  }
}

/** A token before it is signed, and its key. */
export interface Draft {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** A private key, or for HS256 a secret. */
  key: KeyObject | string
  /** The published key, which signs, or would sign without the secret. */
  published: { kid: string; publicKey: KeyObject; alg: 'RS256' | 'ES256' }
}

/** A token in compact form (RFC 7515 §7.1), signed as its header says. */
export function signedToken({ header, claims, key }: Pick<Draft, 'header' | 'claims' | 'key'>): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${signature(String(header.alg), input, key)}`
}

function signature(alg: string, input: string, key: KeyObject | string): string {
  const hash = `sha${alg.slice(2)}`
  if (typeof key === 'string') return createHmac(hash, key).update(input).digest('base64url')
  return sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Forges the token of the same login; `undefined` for none. */
export function forgedToken(forgery: IdTokenForgery, draft: Draft): string | undefined {
  return FORGED[forgery](draft)
}

const FORGED: Record<IdTokenForgery, (draft: Draft) => string | undefined> = {
  'alg-none': ({ header, claims }) => `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
  'no-signature': ({ header, claims }) => `${encode(header)}.${encode(claims)}.`,
  // Everyone knows the public key: a client that uses it as a secret trusts everyone.
  'hs256-with-public-key': ({ claims, published: { kid, publicKey } }) =>
    signedToken({
      header: { alg: 'HS256', typ: 'JWT', kid },
      claims,
      key: String(publicKey.export({ type: 'spki', format: 'pem' })),
    }),
  'other-alg': (draft) =>
    signedToken({ ...draft, header: { ...draft.header, alg: OTHER_ALG[String(draft.header.alg)] ?? 'none' } }),
  'other-key': (draft) =>
    signedToken({
      ...draft,
      key: typeof draft.key === 'string' ? `${draft.key}0` : attacker(draft.published.alg).privateKey,
    }),
  'unknown-kid': ({ claims, published: { alg } }) =>
    signedToken({ header: { alg, typ: 'JWT', kid: 'nobodyskey' }, claims, key: attacker(alg).privateKey }),
  'key-in-header': ({ claims, published: { alg } }) => {
    const { privateKey, publicKey } = attacker(alg)
    const jwk = publicKey.export({ format: 'jwk' })
    return signedToken({ header: { alg, typ: 'JWT', jwk }, claims, key: privateKey })
  },
  // RFC 7515 §4.1.11: a client that does not know the critical header must refuse.
  'unknown-crit': (draft) =>
    signedToken({ ...draft, header: { ...draft.header, crit: ['urn:example:new'], 'urn:example:new': true } }),
  'changed-claims': (draft) => {
    const [header, , made] = signedToken(draft).split('.')
    return `${header}.${encode({ ...draft.claims, sub: SOMEBODY_ELSE })}.${made}`
  },
  'other-aud': withClaims(() => ({ aud: 'another-client' })),
  'no-aud': withClaims(() => ({ aud: undefined })),
  'other-iss': withClaims(({ iss }) => ({ iss: `${iss}.evil.example` })),
  'no-iss': withClaims(() => ({ iss: undefined })),
  'other-nonce': withClaims(() => ({ nonce: 'of-another-login' })),
  'no-nonce': withClaims(() => ({ nonce: undefined })),
  expired: withClaims(() => ({ iat: now() - 2 * HOUR, exp: now() - HOUR })),
  'no-exp': withClaims(() => ({ exp: undefined })),
  'exp-text': withClaims(() => ({ exp: 'soon' })),
  'iat-in-future': withClaims(() => ({ iat: now() + HOUR, exp: now() + 2 * HOUR })),
  'no-sub': withClaims(() => ({ sub: undefined })),
  'empty-sub': withClaims(() => ({ sub: '' })),
  'sub-number': withClaims(() => ({ sub: 42 })),
  'other-sub': withClaims(() => ({ sub: SOMEBODY_ELSE })),
  'not-a-jwt': () => 'not-a-jwt',
  'no-id-token': () => undefined,
}

const HOUR = 3600

const SOMEBODY_ELSE = 'somebody-else'

const OTHER_ALG: Readonly<Record<string, string>> = { RS256: 'RS512', ES256: 'ES384', HS256: 'HS512' }

function now(): number {
  return Math.floor(Date.now() / 1000)
}

/** A valid signature over other claims. */
function withClaims(change: (claims: Draft['claims']) => Draft['claims']): (draft: Draft) => string {
  return (draft) => signedToken({ ...draft, claims: { ...draft.claims, ...change(draft.claims) } })
}

/** An unpublished key. */
function attacker(alg: 'RS256' | 'ES256'): KeyPair {
  return alg === 'RS256' ? unpublishedRsaPair() : generateKeyPairSync('ec', { namedCurve: 'P-256' })
}
