import { oauthRouter, type Providers, type TokenStore } from 'passport-dialects'
import { verify } from './users'

/** All that the example asks of the package: mounted once, it logs in, links, refreshes and logs out. */
export function logins({ baseURL, providers, tokenStore }: LoginOptions) {
  return oauthRouter({
    baseURL,
    providers,
    verify,
    successRedirect: '/',
    failureRedirect: '/', // with ?error=CODE&provider=NAME: pages/failure.ts has a sentence for each
    ...(tokenStore && { tokenStore }),
  })
}

export interface LoginOptions {
  /** The public origin of this app. */
  baseURL: string
  providers: Providers
  /** Default: tokens stay in the session. */
  tokenStore?: TokenStore | undefined
}
