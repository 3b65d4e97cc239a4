import { inspect } from 'node:util'
import type { RawResponse } from '../http/call'
import type { ProviderRequest } from '../http/request'
import type { TokenSet } from './token-set'

/** What the engine does for the `_oauth2` of a strategy. */
export interface ClientActions {
  grant(params: Record<string, string>): Promise<TokenSet>
  call(request: ProviderRequest): Promise<RawResponse>
}

type Done = (error: unknown, ...results: unknown[]) => void

/**
 * A strategy's `_oauth2`, for add-ons that reach for it (passport-oauth2-refresh builds a second one from
 * its `constructor`): the same class, but every call goes through the provider's dialect and the engine's door.
 */
export function bindOAuth2Client<Client extends object>(client: Client, actions: ClientActions): Client {
  const Base = Object.getPrototypeOf(client).constructor
  class DialectClient extends Base {
    /** The client secret is in here, for add-ons; no log shows it. */
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
