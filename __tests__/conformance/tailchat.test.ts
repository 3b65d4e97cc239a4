import { TailchatStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

describeDialect({
  strategy: TailchatStrategy,
  emulator: () => startEmulator('tailchat'),
  requiredOptions: ['baseURL'],
  profile: ({ name }) => ({ displayName: name }),
})
