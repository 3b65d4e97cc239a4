import type { Request } from 'express'
import { configError } from '../errors'
import type { ApiCallInit } from '../provider/api-call'
import type { ProviderClient } from '../provider/client'
import type { DialectProfile } from '../provider/profile'
import type { TokenSet } from '../provider/token-set'
import { type SessionRequest, sessionRequest } from '../session/request'
import { type LoginTokens, noTokens, unknownProvider } from '../tokens/login-tokens'
import type { SessionTokens } from '../tokens/session-tokens'

declare global {
  namespace Express {
    interface Request {
      /** The tokens of the logins in this session. */
      oauth: RequestOAuth
    }
  }
}

/** Finds the providers of a request. */
export type ClientsOf = (req: Request) => Promise<ReadonlyMap<string, { strategy: ProviderClient }>>

/**
 * `req.oauth`: acts in the name of the logged-in user, at each provider of the session. It costs nothing until it is
 * used. Every failure is an {@link OAuthError}.
 *
 * @example
 * ```ts
 * app.get('/me', async (req, res) => {
 *   const response = await req.oauth.fetch('linkedin', '/v2/userinfo')
 *   res.status(response.status).json(await response.json())
 * })
 * ```
 */
export class RequestOAuth {
  readonly #req: Request
  readonly #manager: SessionTokens
  readonly #clientsOf: ClientsOf
  readonly #earlier: RequestOAuth | undefined

  /** @internal @param earlier that of another router of the same app, with providers of its own */
  constructor(req: Request, manager: SessionTokens, clientsOf: ClientsOf, earlier?: RequestOAuth) {
    this.#req = req
    this.#manager = manager
    this.#clientsOf = clientsOf
    this.#earlier = earlier
  }

  /**
   * The tokens of the login at `provider`. A token that expires within `refreshLeadTime` is refreshed first. A token
   * without a refresh token is returned until it expires. Resolves to `undefined` if the session is not logged in there,
   * or if the provider issues no user token (WeCom). Every call resolves to a new object.
   *
   * @throws OAuthError `refresh_rejected`: the tokens are dead and deleted, the user must log in again; the codes of
   *   a failed call to the provider, if no valid token is left; `config_invalid` for an unknown provider
   */
  async tokens(provider: string): Promise<TokenSet | undefined> {
    const elsewhere = await this.#elsewhere(provider)
    if (elsewhere) return elsewhere.tokens(provider)
    return this.#manager.loginIn(this.#session, await this.#client(provider))?.current()
  }

  /**
   * A `fetch` to the provider's API with the user's token. `path` is a path below the provider's `baseURL` (if it has
   * none, below the origin of `userProfileURL`), or an absolute address of that origin.
   *
   * A token that is about to expire is refreshed first. If the provider refuses the token (401; at some providers 422, or
   * 400 with the reason in the body), the token is refreshed and the call repeated once. There is no retry after 403, and
   * none for a body that is a stream. Redirects are not followed. The strategy's `timeout` and `maxResponseBytes` apply to
   * `json()`, `text()` and `arrayBuffer()`; `body` is a stream.
   *
   * @param init the `method`, `headers`, `body` and `signal` of `fetch`
   * @throws OAuthError `token_rejected` without a login; `config_invalid` for another origin, or at a provider that issues
   *   no user token; `provider_*`; `refresh_rejected`
   */
  async fetch(provider: string, path: string, init?: ApiCallInit): Promise<Response> {
    const elsewhere = await this.#elsewhere(provider)
    return elsewhere ? elsewhere.fetch(provider, path, init) : (await this.#demand(provider)).fetch(path, init)
  }

  /** Requests the user's profile at `provider`. @throws OAuthError as {@link fetch}, and `response_invalid` */
  async profile(provider: string): Promise<DialectProfile> {
    const elsewhere = await this.#elsewhere(provider)
    return elsewhere ? elsewhere.profile(provider) : (await this.#demand(provider)).profile()
  }

  /**
   * Ends the login at `provider`, there and here. In each of these cases the tokens are deleted here:
   *
   * - Resolves to `true`: the provider has revoked the token.
   * - Resolves to `false`: nothing was revoked. The provider has no revocation (the token lives until it expires), or the
   *   session was not logged in there.
   * - Rejects: the revocation failed; the token may still be valid at the provider.
   *
   * @throws OAuthError of phase `revoke`; nothing is deleted if the session or the token store fails (`store_failed`), or
   *   if encrypted tokens cannot be decrypted (`config_invalid`)
   */
  async revoke(provider: string): Promise<boolean> {
    const elsewhere = await this.#elsewhere(provider)
    if (elsewhere) return elsewhere.revoke(provider)
    const client = await this.#client(provider)
    const login = this.#manager.loginIn(this.#session, client)
    if (!login && !client.issuesUserTokens) await this.#manager.dropLogin(this.#session, provider)
    return login ? login.revoke() : false
  }

  /**
   * The http(s) address of the page where the user can buy more credit at the provider.
   * @param provider default: the provider that has such a page
   * @throws OAuthError `config_invalid` if no provider has one, `response_invalid` if the address is not http(s)
   */
  async topupURL(provider?: string): Promise<string> {
    const clients = await this.#clientsOf(this.#req)
    const able = [...clients].filter(([, { strategy }]) => strategy.topup !== undefined).map(([name]) => name)
    const name = provider ?? able.find((name) => this.#manager.keyIn(this.#session, name) !== undefined) ?? able[0]
    if (this.#earlier && (name === undefined || (await this.#elsewhere(name)))) return this.#earlier.topupURL(provider)
    if (name === undefined) throw configError(undefined, 'no provider here has a top-up address.')
    return (await this.#demand(name)).topup()
  }

  /**
   * The key of this login's tokens in the `tokenStore`. A `TokenKeeper` uses it to act for the user without a request.
   * `undefined` if the session is not logged in at `provider`.
   */
  tokenKey(provider: string): string | undefined {
    return this.#manager.keyIn(this.#session, provider) ?? this.#earlier?.tokenKey(provider)
  }

  /**
   * The other router's `req.oauth`, if this router has no provider of that name, or the login belongs to the other one.
   */
  async #elsewhere(provider: string): Promise<RequestOAuth | undefined> {
    const earlier = this.#earlier
    if (!earlier || this.#manager.keyIn(this.#session, provider) !== undefined) return undefined
    const isHere = (await this.#clientsOf(this.#req)).has(provider)
    return isHere && earlier.tokenKey(provider) === undefined ? undefined : earlier
  }

  async #demand(provider: string): Promise<LoginTokens> {
    const client = await this.#client(provider)
    const login = this.#manager.loginIn(this.#session, client)
    if (login) return login
    throw noTokens(client)
  }

  async #client(provider: string): Promise<ProviderClient> {
    const entry = (await this.#clientsOf(this.#req)).get(provider)
    if (entry) return entry.strategy
    throw unknownProvider('req.oauth', provider)
  }

  get #session(): SessionRequest {
    return sessionRequest(this.#req)
  }
}
