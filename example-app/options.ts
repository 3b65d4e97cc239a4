import type { Store } from 'express-session'
import type { LoginOptions } from './logins'

/** What the app is made from: server.ts reads it from the environment, tests write it down. */
export interface AppOptions extends LoginOptions {
  /** The origins of the emulators, by the name of the provider that each stands in for. */
  emulated?: Readonly<Record<string, string>>
  /** Default: a random one, which ends all sessions at a restart. */
  sessionSecret?: string | undefined
  /** Default: sessions in memory. */
  store?: Store | undefined
}
