import { BbscloudStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

describeDialect({
  strategy: BbscloudStrategy,
  emulator: () => startEmulator('bbscloud'),
  requiredOptions: ['baseURL'],
  // A code before the redirect, the token itself in the callback.
  endpoints: ['code', 'profile'],
  credential: 'token',
  redirectURI: false,
  // The token of the callback is good for five minutes, as often as it is used.
  codes: { usedCode: false, forgedCode: 'token_rejected' },
  profile: ({ name }) => ({ displayName: name }),
})
