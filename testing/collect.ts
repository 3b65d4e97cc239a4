import { faultChecks } from './fault-checks'
import { type Check, type DialectKit, settle } from './kit'
import { loginChecks } from './login-checks'
import { optionChecks } from './option-checks'
import { refreshChecks } from './refresh-checks'
import { refusalChecks } from './refusal-checks'
import { stateChecks } from './state-checks'

/** Every check of the kit for one strategy, to be run one after the other by whoever likes. */
export function collectDialectChecks(kit: DialectKit): Check[] {
  const settled = settle(kit)
  return [
    ...optionChecks(settled),
    ...loginChecks(settled),
    ...stateChecks(settled),
    ...refusalChecks(settled),
    ...faultChecks(settled),
    ...refreshChecks(settled),
  ]
}
