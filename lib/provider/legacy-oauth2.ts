import { inspect } from 'node:util'
import type { RawResponse } from '../http/call'
import type { ProviderRequest } from '../http/request'
import type { TokenSet } from './token-set'

/** The engine's actions behind a strategy's `_oauth2`. */
export interface ClientActions {
  grant(params: Record<string, string>): Promise<TokenSet>
  call(request: ProviderRequest): Promise<RawResponse>
}

type Done = (error: unknown, ...results: unknown[]) => void

/**
 * A strategy's `_oauth2`, for add-ons that use it (passport-oauth2-refresh creates a second one from its
 * `constructor`): the same class, but every call goes through the provider's dialect and the engine.
 */
export function bindOAuth2Client<Client extends object>(client: Client, actions: ClientActions): Client {
  const Base = Object.getPrototypeOf(client).constructor
  class DialectClient extends Base {
    /** It contains the client secret, for add-ons; no log shows it. */
    [inspect.custom](): string {
      return 'OAuth2 {}'
    }

    toJSON(): object {
      return {}
    }

    getOAuthAccessToken(code: string, params: Record<string, string>, done: Done): void {
      const named: Record<string, string> = params?.grant_type === 'refresh_token' ? { refresh_token: code } : { code }
      actions.grant({ ...params, ...named }).then(
        (tokens) => done(null, tokens.accessToken, tokens.refreshToken, tokens.raw),
        (error) => done(error),
      )
    }

    get(url: string, accessToken: string, done: Done): void {
      actions.call({ method: 'GET', url, bearer: accessToken }).then(
        ({ status, text }) =>
          status >= 200 && status < 300
            ? done(null, text, { statusCode: status })
            : done({ statusCode: status, data: text }),
        (error) => done(error),
      )
    }
  }
  Object.setPrototypeOf(client, DialectClient.prototype)
  return client
}
