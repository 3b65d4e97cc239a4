import { AihubmixStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

describeDialect({
  strategy: AihubmixStrategy,
  emulator: () => startEmulator('aihubmix'),
  profile: ({ username }) => ({ username }),
  refresh: true,
})
