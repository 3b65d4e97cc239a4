import { describe, it } from 'node:test'
import { describeDialect } from 'passport-dialects/testing'
import { AcmeStrategy } from './acme'
import { startAcme } from './acme-emulator'

describeDialect(
  {
    strategy: AcmeStrategy,
    emulator: startAcme,
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
  },
  { describe, it },
)
