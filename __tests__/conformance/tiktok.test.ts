import { TiktokStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

describeDialect({
  strategy: TiktokStrategy,
  emulator: () => startEmulator('tiktok'),
  profile: ({ name }) => ({ displayName: name }),
  refresh: true,
})
