import { ask } from './conversation'

/** Who issues id_tokens, and where its keys are. */
export interface Issuer {
  options: { clientID: string; jwksURL: string }
}

export interface Expected {
  /** Default the issuer's, whatever it is. */
  issuer?: string
  nonce?: string
}

type Claims = Record<string, unknown>

/** The claims of an id_token, verified by `jose` and the key set as it is now. Rejects where anything is wrong. */
export async function verified({ options }: Issuer, token: unknown, expected: Expected = {}): Promise<Claims> {
  const { createLocalJWKSet, jwtVerify } = await import('jose')
  const keys = createLocalJWKSet((await ask(options.jwksURL)).json as { keys: [] }) // whatever it is, jose checks it
  const checks = { ...CHECKS, audience: options.clientID, ...(expected.issuer && { issuer: expected.issuer }) }
  const { payload } = await jwtVerify(String(token), keys, { ...checks, algorithms: ['RS256', 'ES256'] })
  return complete(payload, expected)
}

/** The same of one that is signed by a secret. */
export async function verifiedBySecret(secret: string, token: unknown, expected: Expected = {}): Promise<Claims> {
  const { jwtVerify } = await import('jose')
  const checks = { ...CHECKS, ...(expected.issuer && { issuer: expected.issuer }) }
  const { payload } = await jwtVerify(String(token), Buffer.from(secret), { ...checks, algorithms: ['HS256'] })
  return complete(payload, expected)
}

/** `maxTokenAge` has `jose` look at `iat` too. */
const CHECKS = { requiredClaims: ['exp', 'sub', 'aud', 'iss'], maxTokenAge: '1h' }

function complete(payload: Claims, { nonce }: Expected): Claims {
  if (typeof payload.sub !== 'string' || payload.sub === '') throw new Error('no sub')
  if (nonce !== undefined && payload.nonce !== nonce) throw new Error('another nonce')
  return payload
}

/** Header and claims, believed without a look at the signature: what a client must not do. */
export function decoded(token: unknown): { header: Claims; claims: Claims } {
  const [header = {}, claims = {}] = String(token)
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}
