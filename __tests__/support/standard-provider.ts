import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { IdTokenForgery } from 'passport-dialects/emulators'
import { IdTokenKeys } from '../../emulators/id-token'
import { selfSigned } from './certificate'

const CLIENT = { id: 'a standard client', secret: 'the secret of a standard client' }

/** An OpenID provider that follows the standard: discovery, code, PKCE, an id_token. It uses TLS, as required. */
export interface StandardProvider {
  issuer: string
  client: typeof CLIENT
  /** The certificate to trust. */
  certificate: string
  /** The callback that the provider redirects to after consent. Throws if the request is wrong. */
  approve(authorizationRequest: string, sub: string): string
  deny(authorizationRequest: string): string
  /** Forges the next login's id_token. */
  forge(forgery: IdTokenForgery): void
  /** The requested endpoints. */
  requests: string[]
  close(): void
}

interface Grant {
  sub: string
  redirectURI: string
  challenge: string
  nonce: string | null
}

export async function startStandardProvider(redirectURIs: readonly string[]): Promise<StandardProvider> {
  const { key, cert } = selfSigned()
  const keys = new IdTokenKeys()
  const grants = new Map<string, Grant>()
  const requests: string[] = []
  let issuer = ''

  function metadata() {
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    }
  }

  function token(form: URLSearchParams): [status: number, answer: object] {
    const grant = grants.get(form.get('code') ?? '')
    grants.delete(form.get('code') ?? '')
    if (form.get('client_id') !== CLIENT.id || form.get('client_secret') !== CLIENT.secret) {
      return [401, { error: 'invalid_client' }]
    }
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight = grant?.challenge === challenge && grant.redirectURI === form.get('redirect_uri')
    if (!isRight || form.get('grant_type') !== 'authorization_code') return [400, { error: 'invalid_grant' }]
    const { sub, nonce } = grant
    const claims = { iss: issuer, aud: CLIENT.id, sub, name: `Name of ${sub}`, ...(nonce !== null && { nonce }) }
    const access_token = randomBytes(20).toString('hex')
    return [200, { access_token, token_type: 'Bearer', expires_in: 300, id_token: keys.issue(claims, 300) }]
  }

  const server = createServer({ key, cert }, async (req, res) => {
    const body: Buffer[] = []
    for await (const chunk of req) body.push(chunk)
    const { pathname } = new URL(req.url ?? '', issuer)
    requests.push(`${req.method} ${pathname}`)
    const answer = (status: number, json: unknown) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
    if (pathname === '/.well-known/openid-configuration') return answer(200, metadata())
    if (pathname === '/keys') return answer(200, keys.keySet().json)
    if (pathname === '/token' && req.method === 'POST') {
      return answer(...token(new URLSearchParams(Buffer.concat(body).toString())))
    }
    return answer(404, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's

  function callbackOf(request: string, params: Record<string, string>): string {
    const { searchParams } = new URL(request)
    const callback = new URL(searchParams.get('redirect_uri') ?? '')
    const state = searchParams.get('state')
    callback.search = `${new URLSearchParams({ ...params, ...(state !== null && { state }) })}`
    return callback.href
  }

  return {
    issuer,
    client: CLIENT,
    certificate: cert,
    requests,
    approve(request, sub) {
      const { origin, pathname, searchParams } = new URL(request)
      const asked = Object.fromEntries(searchParams)
      const redirectURI = redirectURIs.find((known) => known === asked.redirect_uri)
      const isRight =
        `${origin}${pathname}` === `${issuer}/authorize` &&
        asked.client_id === CLIENT.id &&
        asked.response_type === 'code' &&
        asked.code_challenge_method === 'S256' &&
        asked.scope?.split(' ').includes('openid')
      if (!isRight || redirectURI === undefined) throw new Error(`not a request of a standard client: ${request}`)
      const code = randomBytes(20).toString('hex')
      grants.set(code, { sub, redirectURI, challenge: asked.code_challenge ?? '', nonce: asked.nonce ?? null })
      return callbackOf(request, { code })
    },
    deny: (request) => callbackOf(request, { error: 'access_denied' }),
    forge: (forgery) => keys.forgeries.plan(forgery, 1),
    close: () => server.close().closeAllConnections(),
  }
}
