import { AihubmixStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { describeDialect } from 'passport-dialects/testing'

/** The conformance kit on a strategy as its user's tests call it, and on one with a mistake in it. */
export function check(strategy, framework) {
  const kit = {
    strategy,
    emulator: () => startEmulator('aihubmix'),
    profile: ({ username }) => ({ username }),
    refresh: true,
  }
  describeDialect(kit, framework)
}

export const Right = AihubmixStrategy
export class Wrong extends AihubmixStrategy {
  authorizationParams() {
    return { app: `id:${this.clientSecret}` }
  }
}
