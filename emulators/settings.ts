import type { Fault } from './faults'
import type { EmulatorOptions, EmulatorUser, FaultEndpoint } from './types'

/** An emulator's options with everything filled in. */
export interface Settings extends EmulatorOptions {
  users: readonly EmulatorUser[]
  clientID: string
  clientSecret: string
  /** Plans what a person asks for on the consent page; throws where there is no such fault. */
  failNext(endpoint: FaultEndpoint, fault: Fault): void
  /** The turns at which something can fail after this page. */
  steps(): readonly FaultEndpoint[]
}
