import { FeishuStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

describeDialect({
  strategy: FeishuStrategy,
  emulator: () => startEmulator('feishu'),
  options: { scope: ['offline_access', 'contact:user.email:readonly'] },
  profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
  refresh: true,
})
