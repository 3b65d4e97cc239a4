import type { DialectOptions, JsonObject, Refusal } from '../lib/dialect'
import { askWithoutLogin, OAuthError, OptionReader, textOf } from '../lib/dialect'

/** What AIHubMix needs to register an application (https://docs.aihubmix.com/cn/api/Auth). */
export interface ApplicationRequest
  extends Pick<DialectOptions, 'baseURL' | 'timeout' | 'maxResponseBytes' | 'dispatcher' | 'allowInsecureHttp'> {
  /** The developer's own access token at AIHubMix, not a user's. */
  developerToken: string
  name: string
  description?: string | undefined
  /** The application's only callback address. */
  redirectURI: string
}

/** An application as AIHubMix registered it. */
export interface RegisteredApplication {
  clientID: string
  /** Returned only this once. */
  clientSecret: string
  name: string
  redirectURI: string
}

/**
 * Registers an application at AIHubMix: `POST /api/oauth_apps`.
 *
 * @throws OAuthError `config_invalid`, naming the option; `client_rejected` if the developer token is refused;
 *   `provider_error` with AIHubMix's message; `provider_*` and `response_*`, as any call
 *
 * @example
 * ```ts
 * const { clientID, clientSecret } = await registerApplication({
 *   developerToken,
 *   name: 'My app',
 *   redirectURI: 'https://app.example.com/auth/aihubmix/callback',
 * })
 * ```
 */
export async function registerApplication(request: ApplicationRequest): Promise<RegisteredApplication> {
  const read = new OptionReader('registerApplication', request)
  const url = `${read.base('baseURL', 'https://api.aihubmix.com')}/api/oauth_apps`
  const bearer = read.text('developerToken')
  const name = read.text('name')
  const redirect_uri = read.address('redirectURI')
  const json: JsonObject = { name, description: read.optionalText('description') ?? '', redirect_uri }
  const app = await askWithoutLogin({ method: 'POST', url, json, bearer }, DIALECT, 'aihubmix', request)
  const [clientID, clientSecret] = [textOf(app.client_id), textOf(app.client_secret)]
  if (clientID === undefined || clientSecret === undefined) {
    const message = 'AIHubMix answered without a client id and secret: look into its console before trying again.'
    throw new OAuthError('response_invalid', { provider: 'aihubmix', phase: 'request', message })
  }
  return { clientID, clientSecret, name, redirectURI: textOf(app.redirect_uri) ?? redirect_uri }
}

/** `success: true` is the only success; the application is in `data`. */
const DIALECT = {
  refusal(body: JsonObject): Refusal | undefined {
    return body.success === true ? undefined : { providerMessage: textOf(body.message) }
  },
  unwrap: (body: JsonObject) => body.data,
}
