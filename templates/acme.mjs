import { DialectStrategy, OptionReader } from 'passport-dialects'

/** Logs in at Acme, which speaks plain OAuth 2.0. Where your provider does not, override a method. */
export class AcmeStrategy extends DialectStrategy {
  constructor(options, verify) {
    const site = new OptionReader('acme', options).base('baseURL', 'https://acme.example')
    super('acme', options, verify, {
      endpoints: {
        authorizationURL: `${site}/authorize`,
        tokenURL: `${site}/token`,
        userProfileURL: `${site}/user`,
      },
      scope: ['profile', 'email'],
    })
  }

  profileFields(user) {
    return { id: user.id, displayName: user.name, email: user.email, photo: user.picture }
  }
}
