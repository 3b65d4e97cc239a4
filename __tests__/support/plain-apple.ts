import { createPrivateKey } from 'node:crypto'
import type { Emulator } from 'passport-dialects/emulators'
import OAuth2Strategy from 'passport-oauth2'

/**
 * The control: Apple with passport-oauth2, like `passport-apple` and similar packages. It expects its session in
 * Apple's POST, and trusts whatever it can decode.
 */
export async function plainApple(
  { clientID, teamID, keyID, privateKey, authorizationURL, tokenURL }: Emulator<'apple'>['options'],
  callbackURL: string,
): Promise<OAuth2Strategy> {
  const { SignJWT } = await import('jose')
  const clientSecret = await new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: keyID })
    .setIssuer(teamID)
    .setSubject(clientID)
    .setAudience('https://appleid.apple.com')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(createPrivateKey(privateKey))
  const settings = { clientID, clientSecret, authorizationURL, tokenURL, callbackURL, scope: 'name email', state: true }
  return new PlainApple(settings, (_access: string, _refresh: string, { id_token }: Answer, _profile, done) => {
    const [, payload = ''] = id_token.split('.')
    done(null, { id: JSON.parse(Buffer.from(payload, 'base64url').toString()).sub })
  })
}

interface Answer {
  id_token: string
}

class PlainApple extends OAuth2Strategy {
  override authorizationParams() {
    return { response_mode: 'form_post' }
  }

  override userProfile(_token: string, done: (error: null) => void) {
    done(null)
  }
}
