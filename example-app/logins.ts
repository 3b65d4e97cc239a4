import { oauthRouter, type Providers, type TokenStore } from 'passport-dialects'
import { verify } from './users'

/** All that the example uses of the package: one mounted router logs in, links, refreshes and logs out. */
export function logins({ baseURL, providers, tokenStore, encryptionKey }: LoginOptions) {
  return oauthRouter({
    baseURL,
    providers,
    verify,
    successRedirect: '/',
    failureRedirect: '/', // with ?error=CODE&provider=NAME: pages/failure.ts has the sentences
    ...(tokenStore && { tokenStore }),
    encryptionKey,
  })
}

export interface LoginOptions {
  /** The public origin of this app. */
  baseURL: string
  providers: Providers
  /** Default: tokens stay in the session. */
  tokenStore?: TokenStore | undefined
  /** Encrypts the stored tokens. Default: they are not encrypted. */
  encryptionKey?: string | undefined
}
