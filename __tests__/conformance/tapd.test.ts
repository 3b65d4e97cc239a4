import { TapdStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

describeDialect({
  strategy: TapdStrategy,
  // Refresh tokens are a setting of each app at TAPD.
  emulator: () => startEmulator('tapd', { refresh: true }),
  profile: ({ name }) => ({ displayName: name }),
  refresh: true,
})
