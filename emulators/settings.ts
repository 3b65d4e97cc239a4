import type { Fault } from './faults'
import type { EmulatorUser, FaultEndpoint, SharedOptions } from './types'

/** The shared options of an emulator with every default filled in, together with its own options. */
export interface Settings extends SharedOptions {
  users: readonly EmulatorUser[]
  clientID: string
  clientSecret: string
  /** Plans a fault that a person chooses on the consent page. Throws if there is no such fault. */
  failNext(endpoint: FaultEndpoint, fault: Fault): void
  /** The steps after the consent page at which a fault can happen. */
  steps(): readonly FaultEndpoint[]
}
