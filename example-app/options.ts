import type { Store } from 'express-session'
import type { LoginOptions } from './logins'

/** The app's options: server.ts reads them from the environment, tests set them. */
export interface AppOptions extends LoginOptions {
  /** The origins of the emulators, by provider. */
  emulated?: Readonly<Record<string, string>>
  /** Default: a random one, so a restart ends all sessions. */
  sessionSecret?: string | undefined
  /** Default: sessions in memory. */
  store?: Store | undefined
}
