// What the code blocks of the docs speak of without showing it. Not part of the project's own compilation.

/** The app that the reader has. */
declare const app: import('express').Express

/** The credentials that the reader got at the provider. */
declare const clientID: string
declare const clientSecret: string
declare const callbackURL: string

/** The reader's own `verify`, written for passport-oauth2. */
declare function verify(
  accessToken: string,
  refreshToken: string,
  profile: import('passport').Profile,
  done: import('passport-oauth2').VerifyCallback,
): void

/** The reader's own users. */
declare const users: {
  find(provider: string, id: string): Promise<{ id: number } | undefined>
  create(provider: string, id: string, name: string): Promise<{ id: number }>
  byId(id: unknown): Promise<{ id: number } | undefined>
  link(user: Express.User, provider: string, id: string): Promise<Express.User>
}

/** What the examples of the sources speak of. */
declare const providers: import('passport-dialects').Providers
declare const tokenStore: import('passport-dialects').TokenStore
declare const developerToken: string
/** A login's key in a token store. */
declare const key: string
declare const kit: import('passport-dialects/testing').DialectKit
declare const options: import('passport-dialects').DialectOptions
declare const session: typeof import('express-session')
declare const secret: string
