import type { Provider } from './server'
import type { Settings } from './settings'
import type { FaultEndpoint, FewerClientOptions } from './types'

/** The option for the address of an endpoint. */
const OPTION_OF = {
  authorize: 'authorizationURL',
  code: 'codeURL',
  token: 'tokenURL',
  refresh: 'refreshURL',
  profile: 'userProfileURL',
  revoke: 'revokeURL',
  keys: 'jwksURL',
  appToken: 'appTokenURL',
  request: undefined,
} as const satisfies Record<FaultEndpoint, keyof FewerClientOptions | undefined>

/**
 * The options of a strategy's constructor, from the provider's routes. If an endpoint has several, the first one
 * counts.
 */
export function clientOptionsOf(origin: string, settings: Settings, { routes }: Provider): FewerClientOptions {
  const { clientID, clientSecret } = settings
  const options: FewerClientOptions = { clientID, clientSecret, baseURL: origin }
  for (const { endpoint, path } of routes) {
    const option = OPTION_OF[endpoint]
    if (option !== undefined && typeof path === 'string') options[option] ??= origin + path
  }
  return options
}
