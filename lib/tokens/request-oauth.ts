import type { Request } from 'express'
import { configError } from '../errors'
import type { DialectProfile } from '../profile'
import type { ProviderClient } from '../provider-client'
import type { SessionRequest } from '../session'
import { fetchWith, profileWith, revokeWith, topupWith } from './actions'
import type { ApiCallInit } from './authorised-fetch'
import type { TokenDesk } from './desk'
import { type Care, freshTokens, noLogin, unknownProvider } from './keeping'
import { copyOf, type TokenSet } from './token-set'

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
 */
export class RequestOAuth {
  readonly #req: Request
  readonly #desk: TokenDesk
  readonly #clientsOf: ClientsOf

  /** @internal */
  constructor(req: Request, desk: TokenDesk, clientsOf: ClientsOf) {
    this.#req = req
    this.#desk = desk
    this.#clientsOf = clientsOf
  }

  /**
   * The tokens of the login at `provider`, refreshed where they have no more than `refreshLeadTime` to live;
   * `undefined` where the session is not logged in there. A token without a refresh token is given while it lives.
   * Every call resolves to an object of its own.
   *
   * @throws OAuthError `refresh_rejected`: the tokens are dead and forgotten, the user must log in again; the codes of
   *   a failed call to the provider where no living token is left; `config_invalid` for an unknown provider
   */
  async tokens(provider: string): Promise<TokenSet | undefined> {
    const care = this.#desk.careIn(this.#session, await this.#client(provider))
    const tokens = care && (await freshTokens(care))
    return tokens && copyOf(tokens)
  }

  /**
   * A `fetch` to the provider's API: `path` is a path below its `baseURL` (else the origin of `userProfileURL`), or an
   * absolute address of that origin. Bearer token, refreshed ahead; one refresh and one retry after the provider refuses
   * the token (401; some say 422, or 400 and why in the body), none after 403 and none with a body that streams. No
   * redirect is followed. The strategy's `timeout` and `maxResponseBytes` hold for `json()`, `text()` and `arrayBuffer()`; `body` streams.
   *
   * @param init `method`, `headers`, `body` and `signal` of fetch's own
   * @throws OAuthError `token_rejected` without a login, `config_invalid` for another origin, `provider_*`, `refresh_rejected`
   */
  async fetch(provider: string, path: string, init?: ApiCallInit): Promise<Response> {
    return fetchWith(await this.#demand(provider), path, init)
  }

  /** The user's profile at `provider`, asked for now. @throws OAuthError as {@link fetch}, and `response_invalid` */
  async profile(provider: string): Promise<DialectProfile> {
    return profileWith(await this.#demand(provider))
  }

  /**
   * Ends the login at `provider`, there and here. In every case below the tokens are forgotten here.
   *
   * `true`: the provider has revoked the token. `false`: nothing was revoked, because the provider has no revocation
   * (its token lives on to its end), or because the session was not logged in there. Rejected: the provider was asked
   * and failed; its token may live on.
   *
   * @throws OAuthError of phase `revoke`; nothing is forgotten where the session or the token store fails
   *   (`session_missing`), or where sealed tokens can't be opened (`config_invalid`)
   */
  async revoke(provider: string): Promise<boolean> {
    const care = this.#desk.careIn(this.#session, await this.#client(provider))
    return care ? revokeWith(care) : false
  }

  /**
   * The address (http or https) where the user can buy more of what the provider sells.
   * @param provider default the one that has such an address
   * @throws OAuthError `config_invalid` where none has, `response_invalid` for any other kind of address
   */
  async topupURL(provider?: string): Promise<string> {
    const clients = await this.#clientsOf(this.#req)
    const able = [...clients].filter(([, { strategy }]) => strategy.canTopUp).map(([name]) => name)
    const name = provider ?? able.find((name) => this.#desk.keyIn(this.#session, name) !== undefined) ?? able[0]
    if (name === undefined) throw configError(undefined, 'no provider here has a top-up address.')
    return topupWith(await this.#demand(name))
  }

  /**
   * The key of this login's tokens in the `tokenStore`, for a `TokenKeeper` that acts for the user without a request;
   * `undefined` where the session is not logged in at `provider`.
   */
  tokenKey(provider: string): string | undefined {
    return this.#desk.keyIn(this.#session, provider)
  }

  async #demand(provider: string): Promise<Care> {
    const client = await this.#client(provider)
    const care = this.#desk.careIn(this.#session, client)
    if (care) return care
    throw noLogin(provider)
  }

  async #client(provider: string): Promise<ProviderClient> {
    const entry = (await this.#clientsOf(this.#req)).get(provider)
    if (entry) return entry.strategy
    throw unknownProvider('req.oauth', provider)
  }

  get #session(): SessionRequest {
    // express-session and cookie-session type `req.session` each in their own way; session.ts asks for what it needs.
    return this.#req as unknown as SessionRequest
  }
}
