import type { Request } from 'express'
import { configError } from '../errors'
import type { ApiCallInit } from '../provider/api-call'
import type { ProviderClient } from '../provider/client'
import type { DialectProfile } from '../provider/profile'
import type { TokenSet } from '../provider/token-set'
import type { SessionRequest } from '../session/request'
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

/** Looks a provider up for a request. */
export type ClientsOf = (req: Request) => Promise<ReadonlyMap<string, { strategy: ProviderClient }>>

/**
 * `req.oauth`: what can be done in the name of the user who is logged in, at each provider that the session is logged
 * in at. Costs nothing until used. Every failure is an {@link OAuthError}.
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

  /** @internal @param earlier another router's of the same app, which knows providers of its own */
  constructor(req: Request, manager: SessionTokens, clientsOf: ClientsOf, earlier?: RequestOAuth) {
    this.#req = req
    this.#manager = manager
    this.#clientsOf = clientsOf
    this.#earlier = earlier
  }

  /**
   * The tokens of the login at `provider`, refreshed where they have no more than `refreshLeadTime` to live;
   * `undefined` where the session is not logged in there, or the provider issues no token of the user's (WeCom). A token without a refresh token is given while it lives.
   * Every call resolves to an object of its own.
   *
   * @throws OAuthError `refresh_rejected`: the tokens are dead and forgotten, the user must log in again; the codes of
   *   a failed call to the provider where no living token is left; `config_invalid` for an unknown provider
   */
  async tokens(provider: string): Promise<TokenSet | undefined> {
    const elsewhere = await this.#elsewhere(provider)
    if (elsewhere) return elsewhere.tokens(provider)
    return this.#manager.loginIn(this.#session, await this.#client(provider))?.current()
  }

  /**
   * A `fetch` to the provider's API: `path` is a path below its `baseURL` (else the origin of `userProfileURL`), or an
   * absolute address of that origin. Bearer token, refreshed ahead; one refresh and one retry after the provider refuses
   * the token (401; some say 422, or 400 and why in the body), none after 403 and none with a body that streams. No
   * redirect is followed. The strategy's `timeout` and `maxResponseBytes` hold for `json()`, `text()` and `arrayBuffer()`; `body` streams.
   *
   * @param init `method`, `headers`, `body` and `signal` of fetch's own
   * @throws OAuthError `token_rejected` without a login, `config_invalid` for another origin and at a provider that issues no token of the user's, `provider_*`, `refresh_rejected`
   */
  async fetch(provider: string, path: string, init?: ApiCallInit): Promise<Response> {
    const elsewhere = await this.#elsewhere(provider)
    return elsewhere ? elsewhere.fetch(provider, path, init) : (await this.#demand(provider)).fetch(path, init)
  }

  /** The user's profile at `provider`, asked for now. @throws OAuthError as {@link fetch}, and `response_invalid` */
  async profile(provider: string): Promise<DialectProfile> {
    const elsewhere = await this.#elsewhere(provider)
    return elsewhere ? elsewhere.profile(provider) : (await this.#demand(provider)).profile()
  }

  /**
   * Ends the login at `provider`, there and here. In every case below the tokens are forgotten here.
   *
   * `true`: the provider has revoked the token. `false`: nothing was revoked, because the provider has no revocation
   * (its token lives on to its end), or because the session was not logged in there. Rejected: the provider was asked
   * and failed; its token may live on.
   *
   * @throws OAuthError of phase `revoke`; nothing is forgotten where the session or the token store fails
   *   (`store_failed`), or where sealed tokens can't be opened (`config_invalid`)
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
   * The address (http or https) where the user can buy more of what the provider sells.
   * @param provider default the one that has such an address
   * @throws OAuthError `config_invalid` where none has, `response_invalid` for any other kind of address
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
   * The key of this login's tokens in the `tokenStore`, for a `TokenKeeper` that acts for the user without a request;
   * `undefined` where the session is not logged in at `provider`.
   */
  tokenKey(provider: string): string | undefined {
    return this.#manager.keyIn(this.#session, provider) ?? this.#earlier?.tokenKey(provider)
  }

  /** The other router's, where this one has no provider of that name, or where the login is that one's. */
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
    // express-session and cookie-session type `req.session` each in their own way: see SessionRequest in session/request.ts.
    return this.#req as unknown as SessionRequest
  }
}
