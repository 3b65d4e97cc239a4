import type { Fault } from './faults'
import type { EmulatorUser, FaultEndpoint, SharedOptions } from './types'

/** The shared options of an emulator with everything filled in; its own stand beside them. */
export interface Settings extends SharedOptions {
  users: readonly EmulatorUser[]
  clientID: string
  clientSecret: string
  /** Plans what a person asks for on the consent page; throws where there is no such fault. */
  failNext(endpoint: FaultEndpoint, fault: Fault): void
  /** The turns at which something can fail after this page. */
  steps(): readonly FaultEndpoint[]
}
